"""How a workbook is read, as a contract states it: which sheet, where its header is, and what its cells stand for."""

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingestion.properties import Name


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Session(_Model):
    """The columns of an attendance register that are sessions, each under its date.

    `date` and `marks` name the fields that hold the session's date and the cell's mark; of several marks each has its
    own code map. A header is a session where it is a date, a text of one of the `formats`, or, with `months`, the
    number of a day under a cell that is a date or a text of that form. A year of two digits is one of 1969 to 2068.
    """

    date: Name
    marks: list[Name] = Field(min_length=1)
    formats: list[str] = []
    months: str | None = None
    # What an empty cell of a session in which anybody is marked stands for; without it, it is no record.
    emptyCells: str | None = None


class Sheet(_Model):
    """One sheet: a table of one record a row, or a register of people by sessions.

    `name` is a pattern (RE2) that exactly one visible sheet must match; without it the first visible sheet is read.
    The header is the first of `headerWithin` rows that has every required column. `labels` names fields that stand
    once above it, beside one of these texts. Only in the fields named in `merged` does a merged cell of the rows below
    the header hold for all the rows and columns it spans.
    """

    layout: Literal["table", "register"] = "table"
    name: str | None = None
    headerWithin: int = Field(default=20, ge=1, le=1000)
    labels: dict[Name, list[str]] = {}
    session: Session | None = None
    merged: list[Name] = []
    hiddenRows: Literal["read", "skip"] = "read"
    hiddenColumns: Literal["read", "skip"] = "read"
    totalRows: list[str] = []  # texts in a row's first filled cell that make it no record
    totalColumns: list[str] = []  # headers of columns that are no sessions
    maxRows: int = Field(default=1_048_576, ge=1)
    maxColumns: int = Field(default=1000, ge=1, le=16_384)

    @model_validator(mode="after")
    def _consistent(self) -> "Sheet":
        if (self.layout == "register") != (self.session is not None):
            raise ValueError("a register needs session, and a table has none")
        if self.name is not None:
            pc.match_substring_regex(pa.array([""]), self.name)
        if twice := self.apart & set(self.labels):
            raise ValueError(f"both a label and of the session: {', '.join(sorted(twice))}")
        return self

    @property
    def apart(self) -> set[str]:
        """The fields that are read from a session's column."""
        return {self.session.date, *self.session.marks} if self.session else set()

    @property
    def fields(self) -> set[str]:
        """Every field that is named."""
        return self.apart | set(self.labels) | set(self.merged)
