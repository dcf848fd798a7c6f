"""A contract: what one feed's files look like, and which rows become which events. Data, never code.

The outer form follows the Open Data Contract Standard (`apiVersion`, `kind`, `id`, `version`, `schema[].properties[]`);
`file` (`ingestion/file_form.py`), `record`, `skip`, `rules` and `events` (`ingestion/assertions.py`) are Linkwork's
own. Conditions are a small closed grammar (`ingestion/conditions.py`), so a contract can hold no SQL.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ingestion import contract_text, odcs, paths
from ingestion.assertions import Event, Record, Rule, Skip
from ingestion.conditions import Time, columns_of
from ingestion.file_form import File
from ingestion.properties import PSEUDONYMISED, Name, Property
from linkwork import engine
from linkwork.errors import BadDataError
from linkwork.log.catalogue import Catalogue


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class SchemaObject(_Model):
    """One kind of record. `resourceType` tells the records of a file apart where it holds several kinds."""

    name: Name
    description: str = ""
    resourceType: str | None = Field(default=None, pattern="^[A-Z][A-Za-z]{1,40}$")
    properties: list[Property]

    # Words of the standard that say something to people and catalogues, nothing to the gate.
    businessName: str | None = None
    logicalType: Literal["object"] = "object"
    physicalName: str | None = None
    physicalType: str | None = None
    dataGranularityDescription: str | None = None
    tags: list[str] = []
    quality: list[dict[str, Any]] = []
    authoritativeDefinitions: list[dict[str, Any]] = []
    customProperties: list[dict[str, Any]] = []


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
    status: Literal["proposed", "draft", "active", "deprecated", "retired"]
    description: dict[str, Any]
    objects: list[SchemaObject] = Field(alias="schema", min_length=1, max_length=1)
    file: File
    record: Record
    skip: list[Skip] = []
    rules: list[Rule] = []
    events: list[Event]
    # Words of the standard that say something to people and catalogues, nothing to the gate.
    tenant: str | None = None
    domain: str | None = None
    dataProduct: str | None = None
    tags: list[str] = []
    servers: list[dict[str, Any]] = []
    support: list[dict[str, Any]] = []
    price: dict[str, Any] | None = None
    roles: list[dict[str, Any]] = []
    team: list[odcs.TeamMember] = []
    slaDefaultElement: str | None = None
    slaProperties: list[odcs.SlaProperty] = []
    authoritativeDefinitions: list[dict[str, Any]] = []
    customProperties: list[dict[str, Any]] = []
    contractCreatedTs: datetime | None = None

    others: tuple["Contract", ...] = Field(default=(), exclude=True, repr=False)
    several: bool = Field(default=False, exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, content: Any) -> Any:
        content = odcs.unfolded(content)
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
    def instants(self) -> dict[str, Time]:
        """The fields that hold a date or a time, and how exactly."""
        return {
            p.name: Time(
                p.logicalType == "timestamp",
                engine.name(p.precision_column) if p.precision_column else engine.text(p.precisions[0]),
            )
            for p in self.properties
            if p.logicalType in ("date", "timestamp")
        }

    @property
    def slots(self) -> list[str]:
        """The slots of this kind of record."""
        return list(dict.fromkeys(event.slot for event in self.events))

    def paths(self) -> paths.Paths:
        """The paths of this kind of record. Raises ValueError where the source of a field is none."""
        fields = {p.name: (p.header, p.logicalType == "list") for p in self.properties}
        return paths.Paths(fields, {p.name: [v for one in p.maps for v in one] for p in self.properties if p.maps})

    @model_validator(mode="after")
    def _names_exist(self) -> "Contract":
        known = {p.name for p in self.properties}
        if len(known) != len(self.properties):
            raise ValueError("two properties have the same name")
        if self.file.format in ("jsonl", "fhir"):  # every field is named by a path
            self.paths()
        used = {*self.record.key}
        used |= self.file.sheet.fields if self.file.sheet else set()
        for one in (self.record.practice, self.record.performer, self.record.provider):
            used |= {one} if one and one != "sender" else set()
        used |= {n for n in (self.record.reference, self.record.subject.nhs_number) if n}
        used |= {self.record.subject.local} if self.record.subject.local else set()
        used |= {self.record.assertedAt} if self.record.assertedAt != "arrival" else set()
        used |= {self.record.treatAsRevision} if self.record.treatAsRevision else set()
        used |= {p.datedValues.by for p in self.properties if p.datedValues} | set(self.record.tombstone)
        for skip in self.skip:
            used |= columns_of(skip.when)
        for rule in self.rules:
            used |= columns_of(rule.require) | {rule.field}
        for event in self.events:
            used |= columns_of(event.when) | set(event.payload.values())
            used |= {event.occurred} if event.occurred != "asserted_at" else set()
            used |= {event.precision} if event.precision else set()
            for stream in (event.stream, event.correlation):
                if stream:
                    used |= set(stream.key) | ({stream.sender} if stream.sender != "sender" else set())
        if missing := sorted(str(n) for n in used - known):
            raise ValueError(f"used but not a property: {', '.join(missing)}")
        self._check_types()
        return self

    def _check_types(self) -> None:
        """Raise ValueError where a field is used for what its type cannot say."""
        record = self.record
        if record.assertedAt != "arrival":
            at = self.field(record.assertedAt)
            if at.logicalType not in ("timestamp", "date"):
                raise ValueError(f"assertedAt: {at.name} is no time")
        if record.treatAsRevision:
            number = self.field(record.treatAsRevision)
            if number.logicalType != "integer" or number.minimum != 0 or not 0 < (number.maximum or 0) < 1_000_000:
                raise ValueError(
                    f"treatAsRevision: {number.name} must be an integer with minimum 0 and a maximum below 1000000"
                )
            if any("%f" in f or "%g" in f for f in at.formats):
                raise ValueError("treatAsRevision: assertedAt must be of whole seconds")
        for prop in self.properties:
            if prop.datedValues is None:
                continue
            by = self.field(prop.datedValues.by)
            if by.logicalType not in ("date", "timestamp"):
                raise ValueError(f"{prop.name}: its code map is dated by {by.name}, which is no date")
            if by.precision_column is not None and not set(by.precisions) <= {"second", "minute", "day"}:
                raise ValueError(f"{prop.name}: its code map is dated by {by.name}, whose day may be unknown")

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
        contract = Contract.model_validate(contract_text.parsed(path.read_text()))
        for part in contract.parts:
            part.check_against(catalogue)
    except (ValidationError, ValueError, yaml.YAMLError) as error:
        raise BadDataError("a contract is wrong", where=str(path), why=contract_text.short(error)) from error
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
