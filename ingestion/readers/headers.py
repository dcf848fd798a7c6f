"""The header of a sheet: the row that names the columns, below whatever title stands above it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ingestion.contract import Contract
from ingestion.properties import Property
from ingestion.readers.base import FileRefused
from ingestion.sheet_xml import Structure
from ingestion.sheets import Sheet
from ingestion.workbook import Value, place


@dataclass
class Header:
    """Where the header is and what it names. Columns count from 1."""

    row: int
    values: list[Value]  # merged cells from above included
    above: list[tuple[int, list[Value]]]
    places: dict[str, int] = field(default_factory=dict)  # field to column
    totals: set[int] = field(default_factory=set)

    @property
    def named(self) -> list[int]:
        """The columns with anything in the header."""
        return [column for column, value in enumerate(self.values, start=1) if value not in (None, "")]

    def nameless(self, row: list[Value]) -> Iterator[int]:
        """The columns of a row that the header leaves empty."""
        return (c for c in range(1, len(row) + 1) if c > len(self.values) or self.values[c - 1] in (None, ""))


def found_header(rows: Iterator[tuple[int, list[Value]]], contract: Contract, shape: Structure) -> Header:
    """The first row, within those the contract allows, that has every required column. Takes the rows up to it.

    Raises FileRefused where there is none, or where it names a field twice.
    """
    form = contract.file.sheet or Sheet()
    wanted = [p for p in contract.properties if p.name not in form.apart | set(form.labels)]
    required = [p for p in wanted if not p.optionalColumn]
    above: list[tuple[int, list[Value]]] = []
    nearest: tuple[int, int, list[Property]] = (0, 0, required)
    for number, row in rows:
        values = _from_above(number, row, above, shape)
        texts = [name_of(value) for value in values]
        missing = [p for p in required if not _columns(p, texts)]
        places = {column for p in required for column in _columns(p, texts)}
        goes_on = any(
            m[0] in places and m[1] <= number < m[3] for m in shape.merged
        )  # to the last row it is merged over
        if not missing and not goes_on:
            header = Header(number, values, above)
            for prop in wanted:
                _place(prop, texts, header)
            header.totals = {c for c, text in enumerate(texts, start=1) if text in form.totalColumns}
            return header
        nearest = max(nearest, (len(required) - len(missing), number, missing), key=lambda one: one[0])
        above.append((number, row))
        if number >= form.headerWithin:
            break
    if not above:
        raise FileRefused("The sheet is empty.")
    expected = ", ".join(p.header for p in required)
    found, number, missing = nearest
    if 2 * found >= len(required) > 0:  # else what is alike in a row may be by chance
        lacks = ", ".join(p.header for p in missing)
        raise FileRefused(f"The header (row {number}) lacks {lacks}; expected {expected}.")
    raise FileRefused(f"None of the first {form.headerWithin} rows is the header; expected {expected}.")


def name_of(value: Value) -> str:
    """A header cell's text, its white space made single."""
    return " ".join(value.split()) if isinstance(value, str) else ""


def _columns(prop: Property, texts: list[str]) -> list[int]:
    for candidate in (prop.header, *prop.aliases):
        if columns := [column for column, text in enumerate(texts, start=1) if text == candidate]:
            return columns
    return []


def _place(prop: Property, texts: list[str], header: Header) -> None:
    columns = _columns(prop, texts)
    if len(columns) > 1:
        twice = ", ".join(place(header.row, column) for column in columns)
        raise FileRefused(f"The header names a column twice ({twice}).")
    if columns:
        header.places[prop.name] = columns[0]


def _from_above(number: int, row: list[Value], above: list[tuple[int, list[Value]]], shape: Structure) -> list[Value]:
    """A row's values, and in its empty cells those of cells merged down from a row above."""
    values = list(row)
    for first_column, first_row, _, last_row in shape.merged:
        if first_row < number <= last_row and first_column <= len(values) and values[first_column - 1] is None:
            values[first_column - 1] = above[first_row - 1][1][first_column - 1]
    return values
