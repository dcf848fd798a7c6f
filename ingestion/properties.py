"""One field of a contract: its form, its meaning, its zone. Data, never code.

What the Open Data Contract Standard has a word for keeps that word (`logicalTypeOptions`, `primaryKey`, `quality`…);
the rest is Linkwork's own. `fields.py` says what each becomes in SQL.
"""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
# Words of the contract's own, and columns that the gate has beside the fields of a record. Whatever else it needs for
# its work begins with an underscore, as no field's name can.
RESERVED = frozenset({
    "sender", "arrival", "asserted_at",
    "record_no", "line_no", "line_end", "record_key", "row_hash", "is_tombstone", "skipped_as", "violations",
    "subject_key", "identity_quality", "source_system", "source_record_ref",
})  # fmt: skip
LogicalType = Literal[
    "string", "integer", "decimal", "boolean", "date", "timestamp", "list", "nhs_number", "staff", "free_text"
]
# The standard's names for two types that were ours first.
STANDARD_TYPES = {"number": "decimal", "array": "list"}
# What stands in an event as a pseudonym, and so only in a column of bytes.
PSEUDONYMISED = ("staff", "nhs_number")
Conversion = Literal["trim", "upper", "lower", "thousands", "pound"]
Values = dict[str, str | bool | None]
Precision = Literal["second", "minute", "hour", "day", "month", "year"]

# Each part of a format that the gate knows, with the precision it brings.
DIRECTIVES: dict[str, Precision | None] = {
    "%Y": "year", "%y": "year",
    "%m": "month", "%-m": "month", "%b": "month", "%B": "month",
    "%d": "day", "%-d": "day",
    "%H": "hour", "%-H": "hour", "%I": "hour", "%-I": "hour", "%p": None,
    "%M": "minute",
    "%S": "second", "%g": "second", "%f": "second",
    "%a": None, "%A": None, "%%": None,
}  # fmt: skip
OFFSET = "%z"
FHIR = "fhir"  # the dates and times of FHIR R4: `fhir_times.py`
ORDER: tuple[Precision, ...] = ("year", "month", "day", "hour", "minute", "second")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Meaning(_Model):
    """A code map and the days on which it holds: from the first to the day before `until`."""

    first: date | None = Field(default=None, alias="from")
    until: date | None = None
    values: Values


class DatedValues(_Model):
    """A vocabulary whose meaning changed: code maps by date, and the field whose day says which one holds."""

    by: Name
    versions: list[Meaning] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> "DatedValues":
        for version in self.versions:
            if version.first and version.until and version.first >= version.until:
                raise ValueError(f"a code map ends on {version.until} before it begins")
        for earlier, later in zip(self.versions, self.versions[1:], strict=False):
            if earlier.until is None or later.first is None or later.first < earlier.until:
                raise ValueError("the code maps overlap, or are not in the order of their dates")
        return self


class Property(_Model):
    """One field of the file. `name` is ours; `source` is the header or JSON path, by default the same."""

    name: Name
    source: str | None = None
    aliases: list[str] = []
    logicalType: LogicalType = "string"
    description: str = ""
    required: bool = False
    optionalColumn: bool = False
    zone: Literal[1, 2] = 2
    grammar: str | None = None
    format: str | list[str] | None = None
    yearsFrom: int | None = Field(default=None, ge=1800, le=2100)  # the first of the hundred years that %y can mean
    timezone: str | None = None
    ambiguousTime: Literal["later", "earlier", "refuse"] = "later"  # a local time that the clocks give twice
    unknownTime: Literal["midnight"] | None = None  # 00:00:00 says that the time of day is not known
    coarsen: Literal["month", "year"] | None = None
    separator: str = ";"
    emptyElements: Literal["drop", "keep"] = "drop"  # keep: the place of an item that has no value means something
    convert: list[Conversion] = []
    nullTokens: list[str] = []
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    values: Values | None = None
    datedValues: DatedValues | None = None
    unmapped: Literal["refuse", "keep", "null"] = "refuse"
    maxLength: int = 1000
    addedIn: str | None = None  # the contract's version that brought the field; it was empty in every earlier record

    # Words of the standard that say something to people and catalogues, nothing to the gate.
    businessName: str | None = None
    physicalType: str | None = None
    primaryKey: bool = False
    primaryKeyPosition: int = -1
    unique: bool = False
    criticalDataElement: bool = False
    classification: str | None = None
    examples: list[Any] = []
    tags: list[str] = []
    quality: list[dict[str, Any]] = []
    authoritativeDefinitions: list[dict[str, Any]] = []
    customProperties: list[dict[str, Any]] = []

    @model_validator(mode="before")
    @classmethod
    def _standard_words(cls, content: Any) -> Any:
        """The standard's own way to say grammar, length and range."""
        if not isinstance(content, dict):
            return content
        made = dict(content)
        if (standard := made.get("logicalType")) in STANDARD_TYPES:
            made["logicalType"] = STANDARD_TYPES[standard]
        options = made.pop("logicalTypeOptions", None) or {}
        ours = {"pattern": "grammar", "maxLength": "maxLength", "minimum": "minimum", "maximum": "maximum"}
        for word, value in options.items():
            if word not in ours:
                raise ValueError(f"logicalTypeOptions.{word} is not supported; see docs/guides/contracts.md")
            if made.setdefault(ours[word], value) != value:
                raise ValueError(f"logicalTypeOptions.{word} and {ours[word]} differ")
        return made

    @field_validator("name")
    @classmethod
    def _free(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError(f"{value} is a word of Linkwork's own; give the field another name and `source: {value}`")
        return value

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str | list[str] | None) -> str | list[str] | None:
        if isinstance(value, list) and FHIR in value:
            raise ValueError("the format fhir stands alone: it has every form of FHIR's dates and times")
        for text in [value] if isinstance(value, str) else value or []:
            if text == FHIR:
                continue
            unknown = set(re.findall(r"%-?[A-Za-z%]", text.removesuffix(OFFSET))) - set(DIRECTIVES)
            if unknown:
                raise ValueError(f"the format has {', '.join(sorted(unknown))}, which the gate does not know")
            if ("%p" in text) != ("%I" in text or "%-I" in text):
                raise ValueError(f"the format {text} has one of %I and %p: an hour of twelve needs its half of the day")
            precision(text)
        if value == []:
            raise ValueError("an empty list of formats")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Property":
        temporal = self.logicalType in ("date", "timestamp")
        if temporal and not self.format:
            raise ValueError(f"{self.name}: a date or timestamp needs its format")
        if self.logicalType == "timestamp" and not self.timezone and not all(f.endswith(OFFSET) for f in self.formats):
            raise ValueError(f"{self.name}: a timestamp needs its timezone (UTC where the text ends with Z)")
        if self.logicalType == "date" and any(f.endswith(OFFSET) for f in self.formats):
            raise ValueError(f"{self.name}: a date has no offset; make it a timestamp")
        if any("%y" in f for f in self.formats) != (self.yearsFrom is not None):
            raise ValueError(
                f"{self.name}: a year of two digits (%y) needs yearsFrom, the first of the hundred years it can mean, "
                "and nothing else has it"
            )
        if self.unknownTime and self.logicalType != "timestamp":
            raise ValueError(f"{self.name}: only a timestamp can have an unknown time of day")
        if self.logicalType in ("nhs_number", "free_text", "staff") and self.zone != 1:
            raise ValueError(f"{self.name}: {self.logicalType} is zone 1")
        if self.logicalType == "boolean" and self.values is None and self.datedValues is None:
            raise ValueError(f"{self.name}: a boolean needs its values")
        if self.values is not None and self.datedValues is not None:
            raise ValueError(f"{self.name}: values or datedValues, not both")
        if self.values is not None and not self.values:
            raise ValueError(f"{self.name}: values lists none")
        if self.logicalType not in ("integer", "decimal") and (self.minimum, self.maximum) != (None, None):
            raise ValueError(f"{self.name}: minimum and maximum are for integers and decimals")
        if self.emptyElements == "keep" and self.logicalType != "list":
            raise ValueError(f"{self.name}: only a list has elements")
        if self.grammar is not None:  # the gate matches with RE2, which knows no look-around and cannot be made slow
            pc.match_substring_regex(pa.array([""]), self.grammar)
        return self

    @property
    def header(self) -> str:
        return self.source or self.name

    @property
    def maps(self) -> list[Values]:
        """Every code map of the field: the one, or those of all times."""
        if self.values:
            return [self.values]
        return [version.values for version in self.datedValues.versions] if self.datedValues else []

    @property
    def formats(self) -> list[str]:
        """Every form a date or time may have, in the order in which they are tried."""
        return [self.format] if isinstance(self.format, str) else list(self.format or [])

    def read_back(self, text: str, form: str) -> datetime:
        """What a text of one of the forms says, as the gate reads it. Raises ValueError where it does not have it."""
        # Python prints a number without its zero (`%-d`), and reads it only by the form with one.
        found = datetime.strptime(text, form.replace("%-", "%"))
        if "%y" not in form or self.yearsFrom is None:
            return found
        return found.replace(year=self.yearsFrom + (found.year - self.yearsFrom) % 100)

    @property
    def precisions(self) -> list[Precision]:
        """Every precision a value of the field can have."""
        if self.format == FHIR:
            return ["day" if self.logicalType == "date" else "second"]
        found = [precision(f) for f in self.formats]
        if self.logicalType == "date":  # of a time given for a day, the day is taken
            found = ["day" if p not in ("year", "month") else p for p in found]
        return list(dict.fromkeys([*found, "day"] if self.unknownTime else found))

    @property
    def precision_column(self) -> str | None:
        """The column that holds each value's precision, where it differs from value to value.

        No property can be called so: a contract's names have no space.
        """
        varies = self.logicalType in ("date", "timestamp") and len(self.precisions) > 1
        return f"{self.name} precision" if varies else None


def precision(format_: str) -> Precision:
    """How exact a date or time of that format is. Raises ValueError where it leaves a gap: a day of no month."""
    parts = {DIRECTIVES.get(d) for d in re.findall(r"%-?[A-Za-z%]", format_)} - {None}
    finest = max((ORDER.index(p) for p in parts if p), default=-1)
    if finest < 0 or {ORDER[n] for n in range(finest + 1)} != parts:
        raise ValueError(f"the format {format_} lacks a part between the year and its smallest")
    if ORDER[finest] == "hour":
        raise ValueError(f"the format {format_} has an hour without its minutes")
    return ORDER[finest]


def matches_whole(grammar: str, text: str) -> bool:
    """Whether the whole text has the grammar, as the gate decides it (RE2)."""
    return bool(pc.match_substring_regex(pa.array([text]), f"^(?:{grammar})$")[0].as_py())
