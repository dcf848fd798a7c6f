"""What each kind of reference data is: its columns, and how its published files name them. Data, in `kinds/*.yaml`."""

import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from linkwork import engine
from linkwork.errors import UsageError

CODE = "[A-Z0-9_-]{1,20}"
FOLDER = Path(__file__).parent

# The forms in which publications write a day; a value of another form is refused, however a parser would take it.
DAYS = {
    "%Y-%m-%d": (r"\d{4}-\d{2}-\d{2}", "2026-04-01"),
    "%Y%m%d": (r"\d{8}", "20260401"),
    "%d/%m/%Y": (r"\d{2}/\d{2}/\d{4}", "01/04/2026"),
    "%d%b%Y": (r"\d{2}[A-Za-z]{3}\d{4}", "01APR2026"),
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Model):
    """One column: its type, the grammar of its text, and the names that published files give it."""

    type: Literal["varchar", "varchar[]", "integer", "decimal(9, 4)", "date"] = "varchar"
    grammar: str | None = None
    required: bool = False  # a row must have a value
    optional: bool = False  # a file may be without the column
    default: str | None = None  # what an empty value means
    names: list[str] = []
    separator: str = ";"  # of the items of a list
    keep: list[str] | None = None  # rows with another value are out of scope; the column itself is not kept


class Lookup(_Model):
    """A column that is found in tables beside the file: from the value of `of`, through (table, key, value) each."""

    of: str
    through: list[tuple[str, str, str]]


class Kind(_Model):
    """A kind of reference data."""

    name: str
    description: str
    publication: str | None = None
    licence: str | None = None
    columns: dict[str, Column]
    key: list[str] = []  # a file must not say two things of one key
    files: list[str] = []  # patterns of the names of published files
    positions: list[str | None] = []  # of the columns, where the published file has no header
    encodings: list[str] = ["utf-8"]
    dates: list[str] = ["%Y-%m-%d"]
    asKnown: bool = False  # a version is never read for a time before it was loaded, also where there is no other
    ofGate: bool = False  # for the gate alone: no build and no warehouse has it
    adds: bool = False  # a file adds to what is there; otherwise it is the whole kind
    within: str | None = None  # a file is the whole of the years of its days in this column; others stay
    records: str | None = None  # where in a JSON document the records are
    lookups: dict[str, Lookup] = {}  # columns that the tables beside a CSV file hold
    shipped: str | None = None  # the facts that hold until a file is loaded

    @property
    def types(self) -> dict[str, str]:
        """Kept columns and their SQL types."""
        return {c: column.type for c, column in self.columns.items() if column.keep is None}

    def typed(self, name: str) -> str:
        """SQL that turns the text of a column into its type; null where it cannot be."""
        column, quoted = self.columns[name], engine.name(name)
        if column.type == "date":
            forms = [
                f"when regexp_full_match({quoted}, {engine.text(DAYS[f][0])}) "
                f"then try_strptime({quoted}, {engine.text(f)})::date"
                for f in self.dates
            ]
            return f"case {' '.join(forms)} end"
        if column.type == "varchar[]":
            items = f"list_transform(string_split({quoted}, {engine.text(column.separator)}), lambda i: trim(i))"
            return f"if({quoted} is null, null, {items})"
        return f"try_cast({quoted} as {column.type})"

    def expected(self, name: str) -> str:
        """What a value of the column must be, for a person."""
        column = self.columns[name]
        if column.type == "date":
            return "it must be a day, such as " + " or ".join(DAYS[f][1] for f in self.dates)
        return f"it must be {column.type} and match {column.grammar}" if column.grammar else f"it must be {column.type}"

    def check_row(self, row: dict[str, Any]) -> None:
        """Raise UsageError for a value, as Python holds it, that does not fit its column."""
        for name, column in self.columns.items():
            value = row.get(name)
            plain = column.separator.join(value) if isinstance(value, list) else str(value)
            fits = value is not None or not column.required
            if value is not None and column.grammar:
                fits = bool(re.fullmatch(column.grammar, plain))
            if value is not None and column.type == "date":
                fits = isinstance(value, date) and not isinstance(value, datetime)
            if not fits:
                raise UsageError(f"the {name} does not fit", why=self.expected(name))


@cache
def _kinds() -> dict[str, Kind]:
    found = {}
    for path in sorted((FOLDER / "kinds").glob("*.yaml")):
        found[path.stem] = Kind(name=path.stem, **yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    return found


KINDS: dict[str, Kind] = _kinds()


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises UsageError where there is none."""
    if name not in KINDS:
        raise UsageError(f"unknown kind of reference data: {name}", do=f"use one of {', '.join(KINDS)}")
    return KINDS[name]
