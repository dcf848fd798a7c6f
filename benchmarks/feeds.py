"""Synthetic rows of two feeds as SQL over record numbers: the same row as text for a CSV file and for the big log.

Row `n` of a sender is a pure function of the two numbers, so that a file made today states what the log already holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.contract import Contract
from linkwork import engine

PEOPLE = 6000  # per sender; all NHS numbers are of the never-issued range 999 000 0000 to 999 999 9999
APPOINTMENTS, ACTIVITIES = "gp_appointments_csv", "activity_csv"

STAMP = "%Y-%m-%dT%H:%M:%SZ"
LOCAL = "%Y-%m-%d %H:%M:%S"


def _random(salt: int, choices: int) -> str:
    """A number below `choices` that depends on sender, row and salt alone."""
    return f"(hash(sender_no, n, {salt}) % {choices})::integer"


def _pick(salt: int, *values: str) -> str:
    return f"[{', '.join(engine.text(v) for v in values)}][{_random(salt, len(values))} + 1]"


def _nhs_number() -> str:
    """Of the test range, with its check digit; null where the remainder allows none (the local id then identifies)."""
    digits = f"('999' || lpad((sender_no * {PEOPLE} + {_random(0, PEOPLE)})::varchar, 6, '0'))"
    total = " + ".join(f"(ascii(substr({digits}, {i}, 1)) - 48) * {11 - i}" for i in range(1, 10))
    check = f"((11 - ({total}) % 11) % 11)"
    return f"case when {check} < 10 then {digits} || {check}::varchar end"


def _appointments() -> dict[str, str]:
    booked = f"(timestamp '2024-01-02 08:00:00' + to_days({_random(1, 400)}) + to_minutes({_random(2, 540)}))"
    status = f"""case when n % 8 = 0 then 'Booked' else
        {_pick(4, *["Attended"] * 7, "DNA", "Cancelled by Patient", "Cancelled by Unit")} end"""
    return {
        "appointment_id": "'A' || n",
        "practice_code": "sender",
        "site_code": f"'SITE' || ({_random(5, 3)} + 1)",
        "patient_id": f"'P' || {_random(0, PEOPLE)}",
        "nhs_number": _nhs_number(),
        "booked_at": f"strftime({booked}, '{LOCAL}')",
        "slot_start": f"strftime({booked} + to_days(1 + {_random(3, 20)}), '{LOCAL}')",
        "status": f"if(changed, if(({status}) = 'Attended', 'DNA', 'Attended'), {status})",
        "hcp_type": _pick(6, "GP", "Other Practice staff"),
        "staff_role": _pick(7, "R9815", "R0260", "R1480"),
        "appt_mode": _pick(8, "Face-to-Face", "Telephone", "Video/Online"),
        "national_category": _pick(9, "General Consultation Routine", "Social Prescribing Service", "Clinical Triage"),
        "context_type": "'Care Related Encounter'",
        "service_setting": _pick(10, "General Practice", "Primary Care Network"),
        "clinician_id": f"'C' || {_random(11, 40)}",
        "extract_at": f"strftime(stated_at, '{STAMP}')",
    }


def _activities() -> dict[str, str]:
    happened = _pick(4, "attended", "attended", "attended", "missed", "booked")
    return {
        "event_id": "'E' || n",
        "referral_service": "sender",
        "referral_ref": f"'R' || {_random(1, 3000)}",
        "client_name": "null::varchar",
        "nhs_number": _nhs_number(),
        "event": f"if(changed, 'cancelled', {happened})",
        "session_date": f"strftime(date '2024-01-02' + {_random(2, 400)}, '%Y-%m-%d')",
        "asset_id": f"'ASSET' || {_random(5, 60)}",
        "asset_name": f"'Activity ' || {_random(5, 60)}",
        "category": _pick(6, "walking", "art", "advice"),
        "delivery": _pick(7, "group", "one_to_one"),
        "role": "'participant'",
        "cancelled_by": "if(changed, 'person', null)",
        "recorded_at": f"strftime(stated_at, '{STAMP}')",
    }


@dataclass(frozen=True)
class Feed:
    """A feed's columns as SQL over `sender_no, sender, n, changed, stated_at`, and its events for each eight rows."""

    name: str
    columns: Callable[[], dict[str, str]]
    events_of_eight: int


# Every eighth slot has no outcome yet: it gives one event, the others two.
FEEDS = {f.name: f for f in (Feed(APPOINTMENTS, _appointments, 15), Feed(ACTIVITIES, _activities, 8))}


def raw(feed: str, rows: str, contract: Contract) -> str:
    """SQL: the text of each row of the relation `rows`, which is kept beside it, by the contract's names of fields."""
    columns = FEEDS[feed].columns()
    texts = ", ".join(f"({columns[p.header]})::varchar as {engine.name(p.name)}" for p in contract.properties)
    return f"select rows.*, {texts} from {rows} as rows"


def write_csv(con: duckdb.DuckDBPyConnection, feed: str, rows: str, path: Path) -> None:
    """Write the rows of the relation `rows` as the sender's file, in the order of their numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f"({sql})::varchar as {engine.name(c)}" for c, sql in FEEDS[feed].columns().items())
    con.execute(f"copy (select {columns} from {rows} as rows order by n) to {engine.text(path)} (format csv, header)")
