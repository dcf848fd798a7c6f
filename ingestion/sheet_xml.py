"""The XML of a workbook, as a stream: what openpyxl does not say while it streams, and what it must not see.

expat itself, because the parts are large: no document type is read, and so no entity, inside or outside the file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

from ingestion.readers.base import FileRefused

CHUNK = 1 << 16
SEPARATOR = " "
MAIN = f"http://schemas.openxmlformats.org/spreadsheetml/2006/main{SEPARATOR}"
LEAP_1900 = re.compile(r"60(\.\d*)?")  # the day after 28 February 1900 in the calendar that Excel inherited
DOCTYPE = "The workbook declares a document type or entities, which no spreadsheet does."


@dataclass(frozen=True)
class Broken:
    """A cell without a value: the rule it breaks, and how the sentence about it ends."""

    rule: str
    why: str


NO_RESULT = Broken("formula", "has a formula without a saved result; save the workbook in a spreadsheet program")
NO_DAY = Broken("date", "holds 29 February 1900, a day that never was")


@dataclass
class Structure:
    """What a sheet is besides its values. Rows and columns count from 1."""

    merged: list[tuple[int, int, int, int]] = field(default_factory=list)  # first column, row, last column, row
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    broken: dict[tuple[int, int], Broken] = field(default_factory=dict)  # by row and column
    rows: int = 0  # the last that has a cell with something in it
    columns: int = 0

    def is_hidden_column(self, column: int) -> bool:
        return any(first <= column <= last for first, last in self.hidden_columns)


class _Enough(Exception):
    pass


def refuse_doctype(part: IO[bytes]) -> None:
    """Raise FileRefused where a part of a workbook declares a document type. A part that is no XML is left alone."""
    parser = expat.ParserCreate()

    def declared(*_: object) -> None:
        raise FileRefused(DOCTYPE)

    def began(*_: object) -> None:
        raise _Enough

    parser.StartDoctypeDeclHandler, parser.StartElementHandler = declared, began
    try:
        while data := part.read(CHUNK):
            parser.Parse(data, False)
    except (_Enough, expat.ExpatError):
        return


def structure(source: IO[bytes], most_rows: int, most_columns: int, *, excel_calendar: bool) -> Structure:
    """The structure of a sheet. `excel_calendar`: its dates count from 1900, and know a 29 February of that year.

    Raises FileRefused where rows or cells are out of order (openpyxl would leave them out) or more than the limits.
    """
    return _Sheet(most_rows, most_columns, excel_calendar).read(source)


class _Sheet:
    def __init__(self, most_rows: int, most_columns: int, excel_calendar: bool) -> None:
        self._shape, self._most, self._excel_calendar = Structure(), (most_rows, most_columns), excel_calendar
        self._row = self._column = 0
        self._type = "n"
        self._has: set[str] = set()
        self._text: list[str] = []
        self._in_value = False

    def read(self, source: IO[bytes]) -> Structure:
        parser = expat.ParserCreate(namespace_separator=SEPARATOR)
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._characters
        parser.ParseFile(source)
        return self._shape

    def _start(self, name: str, given: Mapping[str, str]) -> None:
        match name.removeprefix(MAIN):
            case "c":
                self._begin_cell(given)
            case "v" | "f" | "is" as part:
                self._has.add(part)
                self._in_value = part == "v"
            case "row":
                self._begin_row(given)
            case "col" if given.get("hidden") in ("1", "true"):
                self._shape.hidden_columns.append((int(given["min"]), int(given["max"])))
            case "mergeCell":
                self._shape.merged.append(range_boundaries(given["ref"]))

    def _characters(self, text: str) -> None:
        if self._in_value:
            self._text.append(text)

    def _end(self, name: str) -> None:
        if name == f"{MAIN}v":
            self._in_value = False
        elif name == f"{MAIN}c":
            self._end_cell()

    def _begin_row(self, given: Mapping[str, str]) -> None:
        row = int(given.get("r", self._row + 1))
        if row <= self._row:
            raise FileRefused(f"The rows of the sheet are out of order (row {row}).")
        self._row, self._column = row, 0
        if given.get("hidden") in ("1", "true"):
            self._shape.hidden_rows.add(row)

    def _begin_cell(self, given: Mapping[str, str]) -> None:
        row, column = coordinate_to_tuple(given["r"]) if "r" in given else (self._row, self._column + 1)
        if row != self._row or column <= self._column:
            raise FileRefused(f"The cells of the sheet are out of order (row {self._row}).")
        self._column, self._type = column, given.get("t", "n")
        self._has.clear()
        self._text.clear()

    def _end_cell(self) -> None:
        shape, at, text = self._shape, (self._row, self._column), "".join(self._text)
        if not text and "f" in self._has and not (self._type == "str" and "v" in self._has):
            shape.broken[at] = NO_RESULT
        elif not text and "is" not in self._has:
            return
        elif self._excel_calendar and self._type == "n" and LEAP_1900.fullmatch(text):
            shape.broken[at] = NO_DAY
        shape.rows, shape.columns = at[0], max(shape.columns, at[1])
        if shape.rows > self._most[0] or shape.columns > self._most[1]:
            rows, columns = self._most
            raise FileRefused(f"The sheet is larger than {rows:,} rows by {columns:,} columns, the limit.")
