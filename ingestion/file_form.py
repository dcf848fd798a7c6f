"""The form of a feed's files, as a contract states it: format, encoding, what is tolerated. Fixed, never sniffed."""

import re
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingestion.sheets import Sheet


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Footer(_Model):
    """A last line that is no record: its form, and whether its first group is the number of records before it."""

    pattern: str
    count: bool = False

    @model_validator(mode="after")
    def _groups(self) -> "Footer":
        pc.match_substring_regex(pa.array([""]), self.pattern)
        if self.count and re.compile(self.pattern).groups < 1:
            raise ValueError("a footer that counts needs a group for the number, such as TRAILER,([0-9]+)")
        return self


class File(_Model):
    """The file's form. Fixed, never sniffed."""

    format: Literal["csv", "jsonl", "fhir", "parquet", "xlsx"]
    alternatives: list[Literal["parquet", "xlsx"]] | None = None  # other forms of the same columns; see `forms`
    sheet: Sheet | None = None  # how a workbook is read
    encoding: Literal["utf-8", "cp1252", "utf-16"] = "utf-8"
    footer: Footer | None = None
    strictOrder: bool = False  # columns must come in the contract's order, not only under its names
    delimiter: str = ","
    quote: str = '"'
    nullTokens: list[str] = [""]
    unknownColumns: Literal["refuse", "ignore"] = "refuse"
    emptyOk: bool = False
    refusedThreshold: float = Field(default=0.05, ge=0, le=1)
    maxRecordLines: int = 50
    maxLineLength: int = 1 << 20
    # JSON only
    array: Literal["refuse", "accept"] = "refuse"  # one array of records in the place of lines
    unknownKeys: Literal["refuse", "ignore"] = "ignore"
    maxDepth: int = Field(default=64, ge=1, le=1000)

    @property
    def forms(self) -> set[str]:
        """The forms that are taken: a feed of lines comes as Parquet too, unless its contract says otherwise."""
        by_default = ["parquet"] if self.format in ("csv", "jsonl") else []
        return {self.format, *(by_default if self.alternatives is None else self.alternatives)}

    @model_validator(mode="after")
    def _has_its_sheet(self) -> "File":
        if "xlsx" in self.forms and self.sheet is None:
            self.sheet = Sheet()
        if self.sheet and "xlsx" not in self.forms:
            raise ValueError("sheet describes a workbook, and the form xlsx is not taken")
        if self.sheet and self.sheet.session and self.format != "xlsx":
            raise ValueError("a register is no other form of a table")
        return self
