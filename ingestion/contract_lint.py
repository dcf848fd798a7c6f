"""What is wrong with a contract, and what may be: every finding with its place, the reason and what to do.

An error would refuse files, lose records or let somebody be known; a warning is worth a look. `contract.py` holds the
form itself, which loading checks too; here is what a contract can say and should not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from ingestion import contract_text
from ingestion.conditions import columns_of, said
from ingestion.contract import Contract
from ingestion.fields import is_prose
from ingestion.paths import KEY
from ingestion.properties import Property, matches_whole
from linkwork.log.catalogue import Catalogue

NOT_IDENTIFYING = "not-identifying"  # a tag: somebody looked at the field, and it identifies nobody
BIRTH = {"dob", "birth", "born", "birthdate", "birthday", "dateofbirth"}
TELLING = BIRTH | {
    "nhs", "surname", "forename", "firstname", "lastname", "postcode", "address", "street", "email",
    "phone", "mobile", "telephone", "passport", "nino", "ssn", "note", "notes", "comment", "comments", "narrative",
}  # fmt: skip
# What may have a name without being a person.
THINGS = {"asset", "organisation", "practice", "site", "service", "activity", "venue", "file", "feed", "provider"}
DOB = re.compile(r"D[._ ]?[Oo][._ ]?B(?![a-z])|(?<![a-z])d[._ ]?o[._ ]?b(?![a-z])")
HEADER = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
ALTERNATIVES = re.compile(r"[^\x00-\x1f\x7f]{1,500}")  # paths, of which the first that is there is read
JSON_PATH = re.compile(rf"\$(?:\.{KEY}|\[[0-9]{{1,3}}\])+|[A-Za-z_][A-Za-z0-9_.]{{0,254}}")
# What a path ends in that gives an id, a type of resource or a precision, whatever stands in the file.
NO_PROSE = re.compile(r".*\|(?:id\([A-Za-z]+\)|type|precision)")
DEFAULT_LENGTH = Property.model_fields["maxLength"].default


@dataclass(frozen=True)
class Finding:
    """One thing found in a contract."""

    severity: Literal["error", "warning"]
    file: str
    place: str
    why: str
    do: str


def findings(path: Path, catalogue: Catalogue) -> list[Finding]:
    """Everything found in one contract, errors first. Nothing is raised for what is wrong in the file."""
    try:
        contract = Contract.model_validate(contract_text.parsed(path.read_text()))
    except ValidationError as error:
        return [
            Finding("error", str(path), ".".join(str(p) for p in e["loc"]) or "contract", e["msg"], DO_FORM)
            for e in error.errors()
        ]
    except (ValueError, yaml.YAMLError) as error:
        return [Finding("error", str(path), "contract", contract_text.short(error), DO_FORM)]
    found = [Finding(s, str(path), place, why, do) for s, place, why, do in _of_contract(contract)]
    for part in contract.parts:
        prefix = f"schema.{part.objects[0].name}." if len(contract.parts) > 1 else ""
        try:
            part.check_against(catalogue)
        except ValueError as error:
            found.append(Finding("error", str(path), f"{prefix}events", str(error), DO_CATALOGUE))
        found += [Finding(s, str(path), prefix + place, why, do) for s, place, why, do in _of_part(part)]
    return sorted(found, key=lambda f: f.severity)


DO_FORM = (
    "Write it as docs/guides/contracts.md describes; `linkwork contract schema` lets an editor say so while you type."
)
DO_CATALOGUE = "Name an event and columns of ingestion/catalogue, and only fields that identify nobody."
Found = Iterator[tuple[Literal["error", "warning"], str, str, str]]


def _of_contract(contract: Contract) -> Found:
    file = contract.file
    if file.format == "csv" and (len(file.delimiter) != 1 or len(file.quote) != 1 or file.delimiter == file.quote):
        yield "error", "file.delimiter", "delimiter and quote are one character each, and differ", "Correct them."
    if file.format != "csv" and (file.footer or file.strictOrder):
        yield "error", "file", "footer and strictOrder are of CSV files", "Take them out."
    if file.refusedThreshold == 1:
        yield (
            "warning",
            "file.refusedThreshold",
            "a file is taken whatever share of it is refused",
            "Set a share below 1.",
        )
    if not contract.description.get("purpose"):
        yield "warning", "description.purpose", "nothing says what the feed is for", "Write a sentence."
    if contract.status in ("draft", "proposed"):
        yield (
            "warning",
            "status",
            f"the contract is {contract.status}",
            "Set it to active when its decisions are taken.",
        )


def _of_part(part: Contract) -> Found:
    record = part.record
    if record.assertedAt == "arrival":
        yield (
            "warning", "record.order", "files count in the order of arrival: a late old file undoes newer ones",
            "Name a column with the time of the record or of the extract in assertedAt, if the sender can give one.",
        )  # fmt: skip
    elif not part.field(record.assertedAt).required:
        yield "error", f"properties.{record.assertedAt}", "assertedAt is not required", "Set required: true."
    for name in record.key:
        if not part.field(name).required:
            yield "error", f"properties.{name}", "it is part of the key and not required", "Set required: true."
    flagged = [p.name for p in sorted(part.properties, key=lambda p: p.primaryKeyPosition) if p.primaryKey]
    if flagged and sorted(flagged) != sorted(record.key):
        yield "error", "record.key", "it differs from the properties with primaryKey", "Make the two the same."
    if not part.events:
        yield "error", "events", "no record becomes an event", "Say which rows become which event."
    yield from _of_events(part)
    used = _used(part)
    for prop in part.properties:
        yield from _of_property(prop, part, used=prop.name in used)


def _of_events(part: Contract) -> Found:
    for slot in part.slots:
        earlier: list[Any] = []
        for event in (e for e in part.events if e.slot == slot):
            if None in earlier or event.when in earlier:
                yield (
                    "error", f"events.{slot}.{event.type}", "an earlier event of the slot takes all of its rows",
                    "Put it before that event, or give that one a narrower condition.",
                )  # fmt: skip
            earlier.append(event.when)
    places = [(f"events.{e.slot}.{e.type}", e.when) for e in part.events]
    places += [(f"skip.{s.name}", s.when) for s in part.skip] + [(f"rules.{r.name}", r.require) for r in part.rules]
    for place, condition in places:
        for column, operand in _listed(condition):
            if (
                outside := sorted({said(v) for v in operand} - meanings)
                if (meanings := _meanings(part, column))
                else []
            ):
                yield (
                    "error", place, f"{column} never is {', '.join(outside)}",
                    f"Use what its values become: {', '.join(sorted(meanings))}.",
                )  # fmt: skip


def _of_property(prop: Property, part: Contract, *, used: bool) -> Found:
    place = f"properties.{prop.name}"
    others = [p for p in part.properties if p.name != prop.name]
    for header in (prop.header, *prop.aliases):
        form = {"jsonl": JSON_PATH, "fhir": ALTERNATIVES}.get(part.file.format, HEADER)
        if not form.fullmatch(header):
            yield "error", place, "its source is no header or path", "Write it as it stands in the file."
    if taken := set(prop.aliases) & {h for p in others for h in (p.header, *p.aliases)}:
        yield "error", place, f"an alias is another field's header ({', '.join(sorted(taken))})", "Take one away."
    if prop.zone == 2 and _looks_identifiable(prop) and NOT_IDENTIFYING not in prop.tags:
        yield (
            "error", place, "by its name it holds what identifies a person, and it is zone 2",
            f"Set zone: 1 (logicalType: free_text drops it), or add the tag {NOT_IDENTIFYING} if it identifies nobody.",
        )  # fmt: skip
    if prop.zone == 1 and prop.examples:
        yield "error", place, "examples of what identifies people", "Take the examples out."
    if is_prose(prop) and prop.maxLength == DEFAULT_LENGTH and not _is_told_by_path(prop, part):
        yield (
            "warning", place, "any text leaves zone 1 in it",
            "List its values, give it a grammar or a maxLength, or make it free_text.",
        )  # fmt: skip
    if prop.grammar is not None and matches_whole(prop.grammar, "\x01€ "):
        yield "warning", place, "its grammar lets everything through", "Write what the field may hold."
    if prop.addedIn and _version(prop.addedIn) > _version(part.version):
        yield "error", place, f"addedIn {prop.addedIn} is later than the contract's version", "Raise the version."
    if not used and not (prop.required or prop.logicalType == "free_text"):
        yield "warning", place, "nothing uses it", "Use it, or take it out and set file.unknownColumns: ignore."


def _is_told_by_path(prop: Property, part: Contract) -> bool:
    return part.file.format == "fhir" and all(NO_PROSE.fullmatch(path) for path in prop.header.split(" or "))


def _used(part: Contract) -> set[str]:
    record = part.record
    used = {*record.key, *record.tombstone, *(e.occurred for e in part.events)}
    used |= {n for n in (record.reference, record.assertedAt, record.treatAsRevision, record.practice) if n}
    used |= {n for n in (record.performer, record.provider, record.subject.nhs_number, record.subject.local) if n}
    used |= {p.datedValues.by for p in part.properties if p.datedValues}
    for event in part.events:
        used |= columns_of(event.when) | set(event.payload.values()) | ({event.precision} if event.precision else set())
        for stream in (event.stream, event.correlation):
            used |= {*stream.key, stream.sender} if stream else set()
    for skip in part.skip:
        used |= columns_of(skip.when)
    for rule in part.rules:
        used |= columns_of(rule.require) | {rule.field}
    return used


def _listed(condition: Any) -> Iterator[tuple[str, list[Any]]]:
    """Each field that a condition compares with listed values."""
    if not condition:
        return
    ((word, body),) = condition.items()
    if word in ("in", "not_in"):
        yield from body.items()
    elif word in ("all", "any"):
        for one in body:
            yield from _listed(one)
    elif word == "not":
        yield from _listed(body)


def _meanings(part: Contract, column: str) -> set[str]:
    """What a field's listed values become; none where it may hold anything."""
    prop = part.field(column)
    if prop.unmapped == "keep":
        return set()
    found = {value for one in prop.maps for value in one.values() if value is not None}
    return {said(value) for value in found}


def words_of(header: str) -> frozenset[str]:
    """The words of a name, header or path, in lower case; DoB and D.O.B. are one."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", DOB.sub(" dob ", header.removeprefix("$.")))
    return frozenset(re.findall(r"[a-z]+|[0-9]+", parted.lower()))


def _looks_identifiable(prop: Property) -> bool:
    for text in (prop.name, prop.header):
        words = words_of(text)
        if TELLING & words or ("name" in words and not THINGS & words):
            return not (prop.values or prop.logicalType == "boolean")
    return False


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
