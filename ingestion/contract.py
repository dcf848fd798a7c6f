"""A contract: what one feed's files look like, and which rows become which events. Data, never code.

The outer form follows the Open Data Contract Standard (`apiVersion`, `kind`, `id`, `version`, `schema[].properties[]`);
`file`, `record`, `skip`, `rules` and `events` are Linkwork's own. Conditions are a small closed grammar
(`ingestion/conditions.py`), so a contract can hold no SQL.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ingestion.conditions import Condition, columns_of
from ingestion.sheets import Sheet
from linkwork.errors import BadDataError
from linkwork.log.catalogue import Catalogue

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
LogicalType = Literal[
    "string", "integer", "decimal", "boolean", "date", "timestamp", "list", "nhs_number", "staff", "free_text"
]
# What stands in an event as a pseudonym, and so only in a column of bytes.
PSEUDONYMISED = ("staff", "nhs_number")

MAX_VALUES = 100_000


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


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
    format: str | None = None
    timezone: str | None = None
    coarsen: Literal["month", "year"] | None = None
    separator: str = ";"
    values: dict[str, str | bool | None] | None = None
    unmapped: Literal["refuse", "keep", "null"] = "refuse"
    maxLength: int = 1000
    addedIn: str | None = None  # the contract's version that brought the field; it was empty in every earlier record

    @model_validator(mode="after")
    def _consistent(self) -> "Property":
        if self.logicalType in ("date", "timestamp") and not self.format:
            raise ValueError(f"{self.name}: a date or timestamp needs its format")
        if self.logicalType == "timestamp" and not self.timezone:
            raise ValueError(f"{self.name}: a timestamp needs its timezone (UTC where the text ends with Z)")
        if self.logicalType in ("nhs_number", "free_text", "staff") and self.zone != 1:
            raise ValueError(f"{self.name}: {self.logicalType} is zone 1")
        if self.grammar is not None:  # the gate matches with RE2, which knows no look-around and cannot be made slow
            pc.match_substring_regex(pa.array([""]), self.grammar)
        return self

    @property
    def header(self) -> str:
        return self.source or self.name


class SchemaObject(_Model):
    """One kind of record. `resourceType` tells the records of a file apart where it holds several kinds."""

    name: Name
    description: str = ""
    resourceType: str | None = Field(default=None, pattern="^[A-Z][A-Za-z]{1,40}$")
    properties: list[Property]


class File(_Model):
    """The file's form. Fixed, never sniffed."""

    format: Literal["csv", "jsonl", "xlsx"]
    sheet: Sheet | None = None
    alternatives: list["File"] = []  # other forms in which files of the feed come, told apart by their first bytes
    encoding: Literal["utf-8", "cp1252", "utf-16"] = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    nullTokens: list[str] = [""]
    unknownColumns: Literal["refuse", "ignore"] = "refuse"
    emptyOk: bool = False
    refusedThreshold: float = Field(default=0.05, ge=0, le=1)
    maxRecordLines: int = 50
    maxLineLength: int = 1 << 20

    @model_validator(mode="after")
    def _has_its_sheet(self) -> "File":
        if (self.format == "xlsx") != (self.sheet is not None):
            raise ValueError("sheet describes the form xlsx, and no other")
        forms = [self.format, *(other.format for other in self.alternatives)]
        if len(set(forms)) < len(forms) or any(other.alternatives for other in self.alternatives):
            raise ValueError("alternatives are other forms, each given once")
        return self


class Subject(_Model):
    """Who a record is about: the NHS number, else the sender's own id of the person."""

    nhs_number: Name | None = None
    local: Name | None = None
    optional: bool = False


class Record(_Model):
    """What one record asserts: its key, when the source said so, and about whom."""

    kind: Literal["event", "state"]
    key: list[Name]
    reference: Name | None = None
    assertedAt: Name | Literal["arrival"]
    subject: Subject
    practice: Name | Literal["sender"] | None = None
    performer: Name | Literal["sender"] | None = None
    provider: Name | Literal["sender"] | None = None
    identityExpected: Literal["nhs_number", "local"] = "nhs_number"


class Stream(_Model):
    """Names a stream: a category, the sender whose id it is, and the columns of that id."""

    category: Name
    sender: Name | Literal["sender"] = "sender"
    key: list[Name]


class Event(_Model):
    """Which rows become which event, and in which slot."""

    slot: Name
    type: str
    when: Condition | None = None
    occurred: Name | Literal["asserted_at"]
    stream: Stream | None = None
    correlation: Stream | None = None
    payload: dict[Name, Name] = {}
    constants: dict[Name, str | int | bool] = {}


class Skip(_Model):
    """Rows out of scope: counted as skipped, never an error."""

    name: Name
    when: Condition
    sentence: str


class Rule(_Model):
    """A rule a row must keep; a row that breaks it is quarantined, or only counted when a warning."""

    name: Name
    require: Condition
    field: Name
    sentence: str
    severity: Literal["record", "warning"] = "record"


OWN = ("record", "skip", "rules", "events")  # what each object of a contract with several says for itself


class Contract(_Model):
    """One feed, one version.

    A contract with several schema objects is a list of contracts, `parts`, that share a file: each has one object, with
    its own record, skips, rules and events, written inside it.
    """

    apiVersion: Literal["v3.0.2"]
    kind: Literal["DataContract"]
    id: str
    name: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    status: Literal["draft", "active", "deprecated"]
    description: dict[str, str]
    objects: list[SchemaObject] = Field(alias="schema", min_length=1, max_length=1)
    file: File
    record: Record
    skip: list[Skip] = []
    rules: list[Rule] = []
    events: list[Event]
    others: tuple["Contract", ...] = Field(default=(), exclude=True, repr=False)
    several: bool = Field(default=False, exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, content: Any) -> Any:
        objects = content.get("schema") if isinstance(content, dict) else None
        if not isinstance(objects, list) or not any(isinstance(o, dict) and "record" in o for o in objects):
            return content
        if twice := sorted(set(OWN) & set(content)):
            raise ValueError(f"{', '.join(twice)} stand both in the contract and in its schema objects")
        shared = {k: v for k, v in content.items() if k != "schema"} | {"several": len(objects) > 1}
        first, *rest = (
            shared | {"schema": [{k: v for k, v in one.items() if k not in OWN}]} | {k: one[k] for k in OWN if k in one}
            for one in objects
        )
        return first | {"others": rest}

    @property
    def parts(self) -> list["Contract"]:
        """One contract for each kind of record in the file; the first is this one."""
        return [self, *self.others]

    @property
    def kind_of_record(self) -> list[str]:
        """What tells the keys of this kind of record from those of others in the file; empty where there are none."""
        return [self.objects[0].name] if self.several else []

    @property
    def properties(self) -> list[Property]:
        return self.objects[0].properties

    def field(self, name: str) -> Property:
        return next(p for p in self.properties if p.name == name)

    @property
    def instants(self) -> frozenset[str]:
        """The fields that hold a time with its zone."""
        return frozenset(p.name for p in self.properties if p.logicalType == "timestamp")

    @property
    def slots(self) -> list[str]:
        """The slots of this kind of record."""
        return list(dict.fromkeys(event.slot for event in self.events))

    @model_validator(mode="after")
    def _names_exist(self) -> "Contract":
        known = {p.name for p in self.properties}
        if len(known) != len(self.properties):
            raise ValueError("two properties have the same name")
        used = {*self.record.key}
        for form in (self.file, *self.file.alternatives):
            used |= form.sheet.fields if form.sheet else set()
        for one in (self.record.practice, self.record.performer, self.record.provider):
            used |= {one} if one and one != "sender" else set()
        used |= {n for n in (self.record.reference, self.record.subject.nhs_number) if n}
        used |= {self.record.subject.local} if self.record.subject.local else set()
        used |= {self.record.assertedAt} if self.record.assertedAt != "arrival" else set()
        for skip in self.skip:
            used |= columns_of(skip.when)
        for rule in self.rules:
            used |= columns_of(rule.require) | {rule.field}
        for event in self.events:
            used |= columns_of(event.when) | set(event.payload.values())
            used |= {event.occurred} if event.occurred != "asserted_at" else set()
            for stream in (event.stream, event.correlation):
                if stream:
                    used |= set(stream.key) | ({stream.sender} if stream.sender != "sender" else set())
        if missing := sorted(str(n) for n in used - known):
            raise ValueError(f"used but not a property: {', '.join(missing)}")
        return self

    def check_against(self, catalogue: Catalogue) -> None:
        """Raise ValueError where an event, a payload column or a zone does not fit the catalogue."""
        categories: dict[str, str] = {}
        columns = {name: category.columns for name, category in catalogue.categories.items()}
        for event in self.events:
            if event.type not in catalogue.events:
                raise ValueError(f"{event.type} is not in the event catalogue")
            kind = catalogue.events[event.type]
            if unknown := (set(event.payload) | set(event.constants)) - set(kind.columns):
                raise ValueError(f"{event.type} has no column {', '.join(sorted(unknown))}")
            if categories.setdefault(event.slot, kind.category) != kind.category:
                raise ValueError(f"slot {event.slot} has events of two categories")
            for target, source in event.payload.items():
                prop = self.field(source)
                as_pseudonym = prop.logicalType in PSEUDONYMISED and columns[kind.category][target] == "blob"
                if prop.zone == 1 and not as_pseudonym and prop.coarsen is None:
                    raise ValueError(f"{source} is identifiable and cannot be part of an event")
        record = self.record
        shown = [
            record.reference,
            record.practice,
            record.performer,
            record.provider,
            *(e.occurred for e in self.events),
        ]
        for column in shown:
            if column not in (None, "sender", "asserted_at") and self.field(str(column)).zone == 1:
                raise ValueError(f"{column} is identifiable and would stand in the log")


def load_contract(path: Path, catalogue: Catalogue) -> Contract:
    """Read and check one contract. Raises BadDataError naming the file and what is wrong in it."""
    try:
        content: Any = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        _check_size(content)
        contract = Contract.model_validate(content)
        for part in contract.parts:
            part.check_against(catalogue)
    except (ValidationError, ValueError, yaml.YAMLError) as error:
        raise BadDataError("a contract is wrong", where=str(path), why=_short(error)) from error
    return contract


def load_contracts(folder: Path, catalogue: Catalogue) -> dict[str, Contract]:
    """Every contract of a folder, by feed name. Raises BadDataError where two describe one feed."""
    found: dict[str, Contract] = {}
    for path in sorted(folder.glob("*.yaml")):
        contract = load_contract(path, catalogue)
        if contract.name in found:
            raise BadDataError("two contracts describe one feed", where=str(path), why=contract.name)
        found[contract.name] = contract
    return found


def _check_size(content: Any) -> None:
    """Raise ValueError where anchors multiply a small file into a huge contract."""
    open_values, seen = [content], 0
    while open_values:
        value = open_values.pop()
        seen += 1
        if seen > MAX_VALUES:
            raise ValueError(f"it holds more than {MAX_VALUES} values, counting those its anchors repeat")
        if isinstance(value, dict):
            open_values += value.values()
        elif isinstance(value, list):
            open_values += value


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}"
    return str(error)
