"""A small warehouse for tests of the models: events written as a table in, what `linkwork build` makes out.

A table has one event a line, its cells parted by `|`:

    person | record | event             | on         | says
    ann    | R1     | referral.received | 2025-03-10 | route=gp; reasons=LOCAL:DEBT,LOCAL:ARTS

`says` holds payload columns (`route`, `reasons`, …), envelope columns (`provider_code`, …) and, for short,
`at` = practice_code, `kind` = revision_kind, `slot` (a fact of its own, as in an event feed), `asserted` and
`recorded` = day of assertion and of record, `load` = load_id, `referral` = the referral meant, `merged_into` = the
person meant and `called` = an activity's category. People, records and referrals are names, turned into ids that differ
by scope.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from linkwork.engine import connect, name
from linkwork.log.catalogue import Catalogue
from linkwork.log.envelope import ENVELOPE
from linkwork.log.published import EARLIER_FIGURES, EARLIER_RELEASE
from linkwork.log.store import LOADS, QUARANTINE
from linkwork.pinned import PERMISSIONS
from linkwork.reference import KINDS
from linkwork.reference.check import COLUMNS as CHECKS

CUT_OFF, PERMISSIONS_CUT_OFF = date(2026, 1, 31), date(2026, 3, 31)  # as of January, under the permissions of March

# Event types of one list exclude each other: they are one fact of their record. Others are facts apart.
SLOTS = {
    event: slot
    for slot, events in {
        "outcome": [
            "appointment.attended",
            "appointment.missed",
            "appointment.cancelled",
            "appointment.status_unknown",
        ],
        "response": ["referral.accepted", "referral.rejected"],
        "link": ["person.merged", "person.unmerged"],
        "statement": ["person.opted_out", "person.opted_in"],
    }.items()
    for event in events
}

PAYLOAD = Catalogue.current().payload_columns()


def key(scope: str, *parts: str) -> bytes:
    """A 16-byte id of names, different in every scope."""
    return hashlib.sha256("\x1f".join([scope, *parts]).encode()).digest()[:16]


def text_id(scope: str, *parts: str) -> str:
    """The same id as marts show it."""
    return key(scope, *parts).hex()


# The bank holidays of 2025, and those of 2026 that waits in scenarios come to.
HOLIDAYS = (
    "2025-01-01 2025-04-18 2025-04-21 2025-05-05 2025-05-26 2025-08-25 2025-12-25 2025-12-26 2026-01-01 2026-04-03"
)


@dataclass
class Warehouse:
    """Rows to be written; every event goes through `event` or a table of events."""

    events: list[dict[str, Any]] = field(default_factory=list)
    later: list[dict[str, Any]] = field(default_factory=list)  # about permissions, after the position of the build
    loads: list[dict[str, Any]] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    senders: list[dict[str, Any]] = field(default_factory=list)
    organisations: list[dict[str, Any]] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)  # of the release before
    reference: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # rows of other kinds, by kind

    def add(self, scope: str, table: str) -> None:
        """Add the events of a table; the first line names the columns."""
        lines = [line for line in table.strip().splitlines() if line.strip()]
        header = [cell.strip() for cell in lines[0].split("|")]
        for line in lines[1:]:
            row = dict(zip(header, [cell.strip() for cell in line.split("|")], strict=True))
            said = [part.partition("=") for part in row.get("says", "").split(";") if part.strip()]
            says = {column.strip(): value.strip() for column, _, value in said}
            self.event(scope, row["person"], row["record"], row["event"], row["on"], **says)

    def add_later(self, scope: str, table: str) -> None:
        """Add events about permissions that the log got after the position that the build is pinned to."""
        known = len(self.events)
        self.add(scope, table)
        self.later += self.events[known:]
        del self.events[known:]

    def event(self, scope: str, person: str, record: str, event_type: str, on: str, **says: str) -> None:
        """Add one event; `says` are payload and envelope columns as text."""
        prefix = event_type.partition(".")[0]
        category = "engagement" if prefix in ENGAGEMENT else prefix
        day = date.fromisoformat(on)
        asserted = date.fromisoformat(says.pop("asserted", on))
        recorded = date.fromisoformat(says.pop("recorded", str(CUT_OFF)))
        kind = says.pop("kind", "original")
        slot = says.pop("slot", SLOTS.get(event_type, event_type))
        referral = says.pop("referral", None)
        load = says.pop("load", "load")
        called = says.pop("called", None)
        says |= {"practice_code": says.pop("at")} if "at" in says else {}
        known = {f"{category}_{c}": v for c, v in says.items() if c not in ENVELOPE}
        envelope = {c: v for c, v in says.items() if c in ENVELOPE}
        stated = repr((event_type, on, sorted(says.items()), kind))
        row: dict[str, Any] = {
            "global_position": len(self.events) + 1,
            "event_id": key(scope, record, slot, str(asserted), stated),
            "fact_id": key(scope, record, slot),
            "category": category,
            "stream_id": key(scope, record),
            "correlation_id": key(scope, referral) if referral else None,
            "event_type": event_type,
            "schema_version": 1,
            "revision_kind": kind,
            "origin": "stated",
            "occurred_at": _at(day, 10),
            "occurred_on": day,
            "occurred_precision": "minute",
            "asserted_at": _at(asserted, 20),
            "received_at": _at(CUT_OFF, 21),
            "recorded_at": _at(recorded, 22),
            "subject_key": key(scope, person) if person else None,
            "identity_quality": "nhs_number",
            "source_system": "test",
            "source_record_ref": record,
            "load_id": f"{scope}/{load}",
            "source_line": len(self.events) + 2,
            "content_hash": key(scope, stated),
            **envelope,
        }
        if category == "appointment":
            attended = {"hcp_type": "GP", "context_type": "Care Related Encounter"}
            attended["national_category"] = "General Consultation Routine"
            row |= {f"appointment_{c}": v for c, v in attended.items()}
            row["appointment_slot_start"] = _at(day, 10)
            row["appointment_booked_at"] = _at(day - timedelta(days=3), 9)
        lists = {c for c, kind_ in PAYLOAD.items() if kind_.endswith("[]")}
        row |= {c: [part or None for part in v.split(",")] if c in lists else v for c, v in known.items()}
        row |= {"activity_category": called} if called else {}
        if into := row.get("person_merged_into"):
            row["person_merged_into"] = key(scope, into)
        self.events.append(row)

    def bank_holidays(self, days: str) -> None:
        """Add bank holidays of England (days as text, parted by blanks) that no other scenario has added."""
        rows = self.reference.setdefault("bank_holidays", [])
        known = {row["holiday_on"] for row in rows}
        added = [day for day in map(date.fromisoformat, days.split()) if day not in known]
        rows.extend({"holiday_on": day, "holiday_name": "Holiday"} for day in added)

    def practice(self, code: str, pcn: str = "U99001", icb: str = "QZZ", **validity: date | None) -> None:
        """Add a practice to reference data, valid from 2015 unless said otherwise."""
        self.organisations.append(
            {
                "practice_code": code,
                "practice_name": f"Practice {code}",
                "pcn_code": pcn,
                "pcn_name": f"Network {pcn}",
                "icb_code": icb,
                "icb_name": f"Board {icb}",
                "valid_from": date(2015, 4, 1),
                "valid_to": None,
                **validity,
            }
        )

    def write(self, database: Path) -> None:
        """Make the file with every table that dbt reads; an empty warehouse is pinned to nothing."""
        con = connect(database)
        con.execute("create schema log")
        con.execute("create schema reference")
        _table(con, "log.events", ENVELOPE | PAYLOAD, self.events)
        permissions = [e for e in self.events if e["event_type"] in PERMISSIONS] + self.later
        _table(con, "log.permissions", ENVELOPE | PAYLOAD, permissions)
        _table(con, "log.loads", LOADS, self.loads)
        _table(con, "log.quarantine", QUARANTINE, self.quarantine)
        known = {"senders": self.senders, "organisations": self.organisations, **self.reference}
        for kind, described in KINDS.items():
            if described.ofGate:
                continue
            _table(con, f"reference.{kind}", described.types, known.get(kind, []))
        _table(con, "reference.checks", CHECKS, known.get("checks", []))
        _table(con, "log.earlier_release", EARLIER_RELEASE, [EARLIER] if self.figures else [])
        _table(con, "log.earlier_figures", EARLIER_FIGURES, self.figures)
        pinned = {"position": "bigint", "known_at": "timestamptz", "cut_off": "date"}
        pinned |= {"permissions_as_of": "timestamptz", "permissions_cut_off": "date"}
        row: dict[str, Any] = {"position": None}
        if self.events:
            row = {"position": len(self.events), "known_at": _at(CUT_OFF, 22), "cut_off": CUT_OFF}
            row |= {"permissions_as_of": _at(PERMISSIONS_CUT_OFF, 22), "permissions_cut_off": PERMISSIONS_CUT_OFF}
        _table(con, "log.pinned", pinned, [row])
        con.close()


ENGAGEMENT = {"contact", "plan", "goal", "action", "signpost", "measure", "support", "message"}


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)


# The release before knew all that was recorded up to the cut-off, as nearly all of a scenario is.
EARLIER = {
    "release_id": "earlier",
    "known_at": _at(CUT_OFF, 23),
    "cut_off": CUT_OFF,
    "mapping_version": "older",
    "removals_since": 0,
    "permissions_since": 0,
    "is_code_map_changed": False,
    "is_reference_changed": False,
    "is_code_changed": False,
}


def _table(con: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> None:
    listed = ", ".join(f"{name(column)} {kind}" for column, kind in columns.items())
    con.execute(f"create table {relation} ({listed})")
    unknown = {column for row in rows for column in row} - set(columns)
    if unknown:
        raise ValueError(f"{relation} has no column {', '.join(sorted(unknown))}")
    if rows:
        arrow = pa.table({column: [row.get(column) for row in rows] for column in columns})
        con.register("rows_given", arrow)
        con.execute(f"insert into {relation} select * from rows_given")
        con.unregister("rows_given")
