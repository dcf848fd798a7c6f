"""Who may send what: the register of senders, from reference data, and the systems their records come from.

A sender that changes its supplier has two source systems, each with the days on which it was in use. A record belongs
to the system that was in use when it was stated, and its key holds that system. What a system states about days before
it was in use was reloaded from its predecessor, which has stated it already: such a record is skipped and counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from ingestion import conditions
from ingestion.contract import Contract
from linkwork import engine, reference
from linkwork.errors import UsageError

LOCAL = ZoneInfo("Europe/London")
FIRST, LAST = date.min, date.max
BEFORE, AFTER = "before_source_system", "after_source_system"

# Events that happen on a day. Others describe what goes on (a registration, a referral): a new system states those too.
HAPPENINGS = ("appointment", "consultation", "activity", "contact", "plan", "goal", "signpost", "measure", "support")


@dataclass(frozen=True)
class SourceSystem:
    """A system and the days on which it was in use, both included."""

    name: str
    valid_from: date | None = None
    valid_to: date | None = None

    def __str__(self) -> str:
        if self.valid_from is None and self.valid_to is None:
            return self.name
        return f"{self.name}@{self.valid_from or ''}..{self.valid_to or ''}"


@dataclass(frozen=True)
class Sender:
    """A registered sender: what it may send, from which systems, how often, and under which agreement."""

    code: str
    name: str
    kind: str
    feeds: frozenset[str]
    systems: tuple[SourceSystem, ...]
    cadence_days: int | None = None
    agreement: str | None = None
    agreement_from: date | None = None
    agreement_to: date | None = None
    first_expected: date | None = None
    withdrawn_on: date | None = None

    @property
    def source_system(self) -> str:
        """Its systems as the ledger keeps them with each of its files."""
        return ";".join(map(str, self.systems))

    def refusal(self, feed: str, received_at: datetime) -> str | None:
        """Why a file of the feed that was received then is not taken; None where it is."""
        day, named = received_at.astimezone(LOCAL).date(), f"The agreement {self.agreement or ''}".rstrip()
        if self.withdrawn_on is not None:
            return f"The sender was withdrawn on {self.withdrawn_on}."
        if feed not in self.feeds:
            return f"The sender is not registered for the feed {feed}."
        if self.agreement_from is not None and day < self.agreement_from:
            return f"{named} begins on {self.agreement_from}; the file was received on {day}."
        if self.agreement_to is not None and day > self.agreement_to:
            return f"{named} ended on {self.agreement_to}; register its successor with `linkwork sender add`."
        return None


def registered(reference_dir: Path) -> dict[str, Sender]:
    """Every registered sender by code; of one with several source systems reference data has a row for each."""
    found: dict[str, Sender] = {}
    for row in sorted(reference.rows(reference_dir, "senders"), key=lambda r: r["valid_from"] or FIRST):
        system = SourceSystem(row["source_system"], row["valid_from"], row["valid_to"])
        earlier = found[row["code"]].systems if row["code"] in found else ()
        found[row["code"]] = Sender(
            row["code"], row["name"], row["kind"], frozenset(row["feeds"]), (*earlier, system), row["cadence_days"],
            row["agreement"], row["agreement_from"], row["agreement_to"], row["first_expected"], row["withdrawn_on"],
        )  # fmt: skip
    return found


def rows_of(sender: Sender) -> list[dict[str, object]]:
    """A sender as rows of reference data."""
    same = {
        "code": sender.code, "name": sender.name, "kind": sender.kind, "feeds": sorted(sender.feeds),
        "cadence_days": sender.cadence_days, "agreement": sender.agreement, "agreement_from": sender.agreement_from,
        "agreement_to": sender.agreement_to, "first_expected": sender.first_expected,
        "withdrawn_on": sender.withdrawn_on,
    }  # fmt: skip
    return [
        {**same, "source_system": one.name, "valid_from": one.valid_from, "valid_to": one.valid_to}
        for one in sender.systems
    ]


def withdrawn(sender: Sender, on: date) -> Sender:
    """The same sender, whose files are refused from now on."""
    return replace(sender, withdrawn_on=sender.withdrawn_on or on)


def parse(text: str) -> tuple[SourceSystem, ...]:
    """Source systems as they are written: `NAME`, `NAME@FROM..TO` (either may be missing), several parted by `;`."""
    found = []
    for one in text.split(";"):
        name, _, days = one.partition("@")
        first, _, last = days.partition("..")
        found.append(SourceSystem(name, _day(first, one), _day(last, one)))
    return tuple(found)


def check(systems: tuple[SourceSystem, ...]) -> tuple[SourceSystem, ...]:
    """The systems in the order of their days. Raises UsageError where two were in use on one day."""
    in_order = tuple(sorted(systems, key=lambda one: one.valid_from or FIRST))
    for one in in_order:
        if (one.valid_from or FIRST) > (one.valid_to or LAST):
            raise UsageError("a source system ends before it begins", where=str(one))
    for one, other in pairwise(in_order):
        if (one.valid_to or LAST) >= (other.valid_from or FIRST):
            raise UsageError(
                "two source systems were in use on one day", where=f"{one} and {other}",
                do="say when each began and ended: --source-system A@..2025-02-28 --source-system B@2025-03-01..",
            )  # fmt: skip
    return in_order


def system_at(systems: tuple[SourceSystem, ...], asserted: str) -> str:
    """SQL of the name of the system in use when a record was stated; null where none was. `asserted` is its time."""
    if len(systems) == 1 and systems[0] == SourceSystem(systems[0].name):
        return engine.text(systems[0].name)
    return _by_day(systems, asserted, lambda one: engine.text(one.name))


def skip_reason(part: Contract, systems: tuple[SourceSystem, ...], asserted: str) -> str:
    """SQL of why a record is out of scope because of its source system; null where it is not.

    A record of which one of its days cannot be read is not called history: it may be of a day after. `_broken` names
    the rules that fields break, as `rule:field`.
    """
    if all(one == SourceSystem(one.name) for one in systems):
        return "null::varchar"
    day = f"({asserted} at time zone 'Europe/London')::date"
    earliest = min(one.valid_from or FIRST for one in systems)
    whens = [f"when {day} < {_date(earliest)} then '{BEFORE}'"] if earliest > FIRST else []
    if happened := _happened(part):
        begins = _by_day(systems, asserted, lambda one: _date(one.valid_from) if one.valid_from else "null::date")
        broken = "list_transform(_broken, lambda v: split_part(v, ':', 2))"
        unread = " or ".join(
            f"({read} is null and list_contains({broken}, {engine.text(field)}))" for field, read in happened.items()
        )
        whens.append(f"when greatest({', '.join(happened.values())}) < {begins} and not ({unread}) then '{BEFORE}'")
    whens.append(f"when {day} is not null and {system_at(systems, asserted)} is null then '{AFTER}'")
    return f"case {' '.join(whens)} end"


def _happened(part: Contract) -> dict[str, str]:
    """The fields and local days on which what a record says happened; none where it describes what goes on."""
    happenings = [event for event in part.events if event.type.split(".")[0] in HAPPENINGS]
    columns = dict.fromkeys(event.occurred for event in happenings if event.occurred != "asserted_at")
    return {column: f"{conditions.local(column, part.instants)}::date" for column in columns}


def _by_day(systems: tuple[SourceSystem, ...], asserted: str, value: Callable[[SourceSystem], str]) -> str:
    day = f"({asserted} at time zone 'Europe/London')::date"
    newest_first = sorted(systems, key=lambda one: one.valid_from or FIRST, reverse=True)
    whens = [
        f"when {day} >= {_date(one.valid_from or date(1, 1, 1))} and {day} <= {_date(one.valid_to or LAST)} "
        f"then {value(one)}"
        for one in newest_first
    ]
    return f"case {' '.join(whens)} end"


def _date(day: date) -> str:
    return f"date {engine.text(day.isoformat())}"


def _day(text: str, of: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(
            "not a source system", where=of, do="write NAME or NAME@FROM..TO with days as 2025-03-01"
        ) from None
