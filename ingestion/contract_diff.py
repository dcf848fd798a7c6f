"""What changed between two versions of a contract, and whether files and figures of before survive it.

Safe is what takes every record that was taken before and gives it the same meaning. Everything else is breaking, also
where only a person could tell (another regular expression): then the version's major number has to grow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ingestion import facts
from ingestion.assertions import Rule
from ingestion.contract import Contract
from ingestion.properties import Meaning, Property, Values

Kind = Literal["safe", "breaking"]
SAFE: Kind = "safe"
BREAKING: Kind = "breaking"
Found = Iterator[tuple[Kind, str, str, str]]

# Words for people and catalogues.
FILE_NARROWER = "files that were taken are refused"
MEANING = "what was said before would mean something else"
FIELD_MEANING = (
    "logicalType", "timezone", "unknownTime", "ambiguousTime", "coarsen", "separator", "convert", "nullTokens", "unit",
)  # fmt: skip
FIELD_WORDS = (
    "description", "businessName", "physicalType", "primaryKey", "primaryKeyPosition", "unique", "criticalDataElement",
    "classification", "examples", "tags", "quality", "authoritativeDefinitions", "customProperties",
)  # fmt: skip
CONTRACT_WORDS = (
    "id", "status", "description", "tenant", "domain", "dataProduct", "tags", "servers", "support", "price", "roles",
    "team", "slaDefaultElement", "slaProperties", "authoritativeDefinitions", "customProperties", "contractCreatedTs",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One difference: where, what, and why it is safe or breaking."""

    kind: Kind
    place: str
    what: str
    why: str


def differences(old: Contract, new: Contract) -> list[Difference]:
    """Every difference, the breaking ones first."""
    found = [Difference(*one) for one in (*_contract(old, new), *_file(old, new))]
    before, now = ({p.objects[0].name: p for p in contract.parts} for contract in (old, new))
    for name in before.keys() | now.keys():
        prefix = f"schema.{name}." if len(before) > 1 or len(now) > 1 else ""
        if name not in now:
            found.append(Difference(BREAKING, f"schema.{name}", "removed", "its records are no longer taken"))
        elif name not in before:
            gain = len(before) == 1 < len(now)  # where there are several kinds, a record's key holds its kind
            why = "the keys of records gain their kind" if gain else "no record of before is of this kind"
            found.append(Difference(BREAKING if gain else SAFE, f"schema.{name}", "added", why))
        else:
            found += [Difference(k, prefix + place, *rest) for k, place, *rest in _part(before[name], now[name])]
    return sorted(found, key=lambda d: (d.kind, d.place))


def must_grow(old: Contract, new: Contract, found: list[Difference]) -> str | None:
    """Why the new version's number is too small for what changed; None where it is not."""
    before, now = ([int(n) for n in c.version.split(".")] for c in (old, new))
    if any(d.kind == BREAKING for d in found) and now[0] <= before[0]:
        return f"a breaking change needs version {before[0] + 1}.0.0 or higher, not {new.version}"
    if found and now <= before:
        return f"what changed needs a version above {old.version}, not {new.version}"
    return None


def _contract(old: Contract, new: Contract) -> Found:
    if old.name != new.name:
        yield BREAKING, "name", f"{old.name} became {new.name}", "it is another feed: its record keys are others"
    for word in CONTRACT_WORDS:
        if getattr(old, word) != getattr(new, word):
            yield SAFE, word, "changed", "it says something to people, nothing to the gate"


def _file(old: Contract, new: Contract) -> Found:
    before, now = old.file, new.file
    for word in set(type(before).model_fields) | set(type(now).model_fields):
        was, is_ = getattr(before, word), getattr(now, word)
        if was == is_:
            continue
        wider = {
            "unknownColumns": is_ == "ignore",
            "emptyOk": is_ is True,
            "strictOrder": is_ is False,
            "refusedThreshold": word == "refusedThreshold" and is_ > was,
            "maxRecordLines": word == "maxRecordLines" and is_ > was,
            "maxLineLength": word == "maxLineLength" and is_ > was,
        }.get(word, False)
        why = "every file of before is still taken" if wider else FILE_NARROWER
        yield (SAFE if wider else BREAKING), f"file.{word}", f"{was} became {is_}", why


def _part(old: Contract, new: Contract) -> Found:
    same = {"provider", "providerOrSender"} if _falls_back(old, new) else set()
    for word in type(old.record).model_fields.keys() - same:
        if getattr(old.record, word) != getattr(new.record, word):
            why = "the register and the log know the records by the key of before" if word == "key" else MEANING
            yield BREAKING, f"record.{word}", "changed", why
    if (was := old.objects[0].resourceType) != (is_ := new.objects[0].resourceType):
        yield BREAKING, "resourceType", f"{was} became {is_}", "other records are taken than before"
    before, now = ({p.name: p for p in part.properties} for part in (old, new))
    for name, prop in before.items():
        if name not in now:
            renamed = next((p.name for p in new.properties if p.header == prop.header and p.name not in before), None)
            what = f"renamed to {renamed}" if renamed else "removed"
            yield BREAKING, f"properties.{name}", what, "what relied on the field finds it no more"
        else:
            for kind, word, what, why in _property(prop, now[name]):
                yield kind, f"properties.{name}.{word}", what, why
    for name in now.keys() - before.keys():
        yield _added(now[name], old, new)
    yield from _events(old, new)
    yield from _rules(old, new)
    if old.skip != new.skip:
        yield BREAKING, "skip", "changed", "other records are out of scope than before"


def _falls_back(old: Contract, new: Contract) -> bool:
    """Whether the provider was the sender and is now a field that came later, or else the sender: as it was before."""
    later = {p.name for p in new.properties if p.addedIn} - {p.name for p in old.properties}
    return old.record.provider == "sender" and new.record.provider in later and new.record.providerOrSender


def _added(prop: Property, old: Contract, new: Contract) -> tuple[Kind, str, str, str]:
    place = f"properties.{prop.name}"
    if prop.required:
        return BREAKING, place, "added, required", "no record of before has it"
    if new.file.format != "jsonl" and not prop.optionalColumn and prop.header not in {p.header for p in old.properties}:
        return (
            BREAKING,
            place,
            "added, and its column must be there",
            "files without it are refused: set optionalColumn",
        )
    if prop.name in facts.content_columns(new) and prop.addedIn is None:
        return BREAKING, place, "added to events without addedIn", "a record that comes again would differ from itself"
    return SAFE, place, "added, optional", "a record without it is the same as before"


def _property(old: Property, new: Property) -> Found:
    for word in FIELD_MEANING:
        if getattr(old, word) != getattr(new, word):
            yield BREAKING, word, f"{getattr(old, word)} became {getattr(new, word)}", MEANING
    if old.yearsFrom is not None and old.yearsFrom != new.yearsFrom:  # where it is new, so is its format
        yield BREAKING, "yearsFrom", f"{old.yearsFrom} became {new.yearsFrom}", MEANING
    for word in FIELD_WORDS:
        if getattr(old, word) != getattr(new, word):
            yield SAFE, word, "changed", "it says something to people, nothing to the gate"
    if old.addedIn != new.addedIn:
        why = "a record that comes again would differ from itself"
        yield BREAKING, "addedIn", f"{old.addedIn} became {new.addedIn}", why
    if old.zone != new.zone:
        yield BREAKING, "zone", f"{old.zone} became {new.zone}", "who may see the field changes"
    for word in ("required", "optionalColumn"):
        if getattr(old, word) != getattr(new, word):
            narrower = new.required if word == "required" else not new.optionalColumn
            why = "records or files without it are refused" if narrower else "it may be left out"
            yield (BREAKING if narrower else SAFE), word, f"became {str(getattr(new, word)).lower()}", why
    yield from _bounds(old, new)
    yield from _forms(old, new)
    yield from _meanings(old, new)
    headers, before = {new.header, *new.aliases}, {old.header, *old.aliases}
    if lost := sorted(before - headers):
        yield BREAKING, "source", f"no longer read from {', '.join(lost)}", "files with that header lack the column"
    elif headers != before or old.header != new.header:
        yield SAFE, "aliases", "another header is read too", "the headers of before still are"


def _bounds(old: Property, new: Property) -> Found:
    for word, lower in (("minimum", True), ("maximum", False), ("maxLength", False)):
        was, is_ = getattr(old, word), getattr(new, word)
        if was == is_:
            continue
        wider = is_ is None or (was is not None and (is_ < was if lower else is_ > was))
        why = "every value of before fits" if wider else "values that were taken are refused"
        yield (SAFE if wider else BREAKING), word, f"{was} became {is_}", why


def _forms(old: Property, new: Property) -> Found:
    if old.grammar != new.grammar:
        wider = new.grammar is None or (old.grammar is not None and new.grammar.startswith(f"{old.grammar}|"))
        why = "every text of before fits" if wider else "texts that were taken may be refused"
        yield (SAFE if wider else BREAKING), "grammar", "changed", why
    if old.formats != new.formats:
        wider = new.formats[: len(old.formats)] == old.formats
        why = "the forms of before are tried first" if wider else "dates or times that were taken are refused or differ"
        yield (SAFE if wider else BREAKING), "format", "changed", why


def _meanings(old: Property, new: Property) -> Found:
    refused = old.unmapped == "refuse"
    if old.unmapped != new.unmapped:
        why = "no listed value is concerned" if refused else "values that nobody listed mean something else"
        yield (SAFE if refused else BREAKING), "unmapped", f"{old.unmapped} became {new.unmapped}", why
    if (old.values is None, old.datedValues is None) != (new.values is None, new.datedValues is None):
        yield BREAKING, "values", "values were listed, or dated, otherwise", MEANING
        return
    if old.values is not None and new.values is not None:
        yield from _codes("values", old.values, new.values, refused=refused)
    if old.datedValues and new.datedValues and old.datedValues != new.datedValues:
        before, now = old.datedValues.versions, new.datedValues.versions
        same_dates = [_days(v) for v in before] == [_days(v) for v in now]
        if old.datedValues.by != new.datedValues.by or not same_dates:
            yield BREAKING, "datedValues", "other code maps, or on other days", MEANING
            return
        for one, other in zip(before, now, strict=True):
            yield from _codes(f"datedValues.{one.first or 'first'}", one.values, other.values, refused=refused)


def _codes(word: str, old: Values, new: Values, *, refused: bool) -> Found:
    """`refused`: whether a record with a code that is not listed was refused."""
    if lost := sorted(old.keys() - new.keys()):
        yield BREAKING, word, f"without {', '.join(lost)}", "records with that code are refused"
    if changed := sorted(code for code in old.keys() & new.keys() if old[code] != new[code]):
        yield BREAKING, word, f"another meaning of {', '.join(changed)}", MEANING
    if added := sorted(new.keys() - old.keys()):
        why = "no record of before was taken with that code" if refused else MEANING
        yield (SAFE if refused else BREAKING), word, f"with {', '.join(added)}", why


def _days(version: Meaning) -> tuple[Any, Any]:
    return version.first, version.until


def _events(old: Contract, new: Contract) -> Found:
    later = {p.name for p in new.properties if p.addedIn} - {p.name for p in old.properties}
    # An event that only gained columns of fields that came later says the same of every record of before.
    grown = [
        e.model_copy(update={"payload": {column: field for column, field in e.payload.items() if field not in later}})
        for e in new.events
    ]
    if lost := [e for e in old.events if e not in grown]:
        named = ", ".join(sorted({f"{e.slot}.{e.type}" for e in lost}))
        yield BREAKING, "events", f"changed or removed: {named}", "records become other events than before"
        return
    if old.events == new.events:
        return
    if grown[: len(old.events)] != old.events:
        yield BREAKING, "events", "in another order", "of a slot's events the first that fits is taken"
        return
    known = {*facts.content_columns(old), *(p.name for p in new.properties if p.addedIn)}
    if set(facts.content_columns(new)) <= known:
        yield SAFE, "events", "added, or with more columns", "records that come again are the same as before"
    else:
        yield BREAKING, "events", "added, of fields no event held", "a record that comes again would differ from itself"


def _rules(old: Contract, new: Contract) -> Found:
    before, now = ({r.name: r for r in part.rules} for part in (old, new))
    for name in sorted(before.keys() | now.keys()):
        was, is_ = before.get(name), now.get(name)
        if was == is_:
            continue
        narrower = is_ is not None and is_.severity == "record" and _demand(was) != _demand(is_)
        why = "records that were taken are refused" if narrower else "every record of before is still taken"
        yield (BREAKING if narrower else SAFE), f"rules.{name}", "added" if was is None else "changed or removed", why


def _demand(rule: Rule | None) -> Any:
    return (rule.require, rule.severity) if rule else None
