"""Two small feeds, one of states and one of events, and their files: what the oracle's statements look like as sent."""

import json

from tests.property.oracle import File
from tests.support.log import at

SENDERS = ("S1", "S2")
STATE, EVENT = "test_appointments", "test_contacts"
PEOPLE = ("9990000018", "9990000026")
SLOTS = {"booked": "booked", "attended": "outcome", "missed": "outcome", "cancelled": "outcome"}

_HEAD = """
apiVersion: v3.0.2
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
description: {{purpose: For tests.}}
schema:
  - name: record
    properties:
      - {{name: id, source: "{source}id", required: true, grammar: "[a-z0-9]+"}}
      - {{name: nhs_number, source: "{source}nhs_number", logicalType: nhs_number, zone: 1}}
      - {{name: at, source: "{source}at", logicalType: timestamp, timezone: UTC,
         format: "%Y-%m-%dT%H:%M:%SZ", required: true}}
"""
_RECORD = """
record:
  kind: {kind}
  key: [id]
  reference: id
  assertedAt: at
  subject: {{nhs_number: nhs_number, optional: true}}
  provider: sender
"""

CONTRACTS = {
    STATE: _HEAD.format(name=STATE, source="")
    + """
      - {name: booked, logicalType: date, format: "%Y-%m-%d"}
      - {name: status, values: {attended: attended, missed: missed, cancelled: cancelled, blocked: blocked}}
      - {name: ended, logicalType: date, format: "%Y-%m-%d"}
file: {format: csv, refusedThreshold: 1.0}
"""
    + _RECORD.format(kind="state")
    + """
skip:
  - {name: blocked, when: {in: {status: [blocked]}}, sentence: The slot was blocked for everybody.}
events:
  - {slot: booked, type: appointment.booked, occurred: booked}
  - {slot: outcome, type: appointment.attended, when: {in: {status: [attended]}}, occurred: ended}
  - {slot: outcome, type: appointment.missed, when: {in: {status: [missed]}}, occurred: ended}
  - {slot: outcome, type: appointment.cancelled, when: {in: {status: [cancelled]}}, occurred: ended}
""",
    EVENT: _HEAD.format(name=EVENT, source="$.")
    + """
      - {name: type, source: $.type, required: true, values: {held: held, missed: missed, clinical: clinical}}
      - {name: day, source: $.day, logicalType: date, format: "%Y-%m-%d", required: true}
file: {format: jsonl, refusedThreshold: 1.0}
"""
    + _RECORD.format(kind="event")
    + """
skip:
  - {name: clinical, when: {in: {type: [clinical]}}, sentence: The contact was a clinical one.}
events:
  - {slot: event, type: contact.held, when: {in: {type: [held]}}, occurred: day}
  - {slot: event, type: contact.missed, when: {in: {type: [missed]}}, occurred: day}
""",
}


def slot_of(event_type: str) -> str:
    """The slot of an event type of either feed, such as `appointment.missed`."""
    category, kind = event_type.split(".")
    return SLOTS[kind] if category == "appointment" else "event"


def written(feed: str, file: File, blank_lines: int = 0) -> str:
    """A file as its sender would write it. Files that say the same differ by the blank lines at their end."""
    return (_csv(file) if feed == STATE else _json_lines(file)) + "\n" * blank_lines


def line_of(feed: str, index: int) -> int:
    """The physical line of the record with that index in its file."""
    return index + (2 if feed == STATE else 1)


def _csv(file: File) -> str:
    lines = ["id,nhs_number,booked,status,ended,at"]
    for (_, _, id), when, person, facts in file:
        by_slot = {slot: (event_type.split(".")[1], day) for slot, event_type, day in facts or ()}
        _, booked = by_slot.get("booked", ("", ""))
        status, ended = by_slot.get("outcome", ("" if facts is not None else "blocked", ""))
        lines.append(f"{id},{person or ''},{booked},{status},{ended},{at(when)}")
    return "\n".join(lines) + "\n"


def _json_lines(file: File) -> str:
    lines = []
    for (_, _, id), when, person, facts in file:
        ((_, event_type, day),) = facts or [("event", "contact.clinical", None)]
        record = {"id": id, "nhs_number": person, "type": event_type.split(".")[1], "day": day, "at": at(when)}
        lines.append(json.dumps({k: v for k, v in record.items() if v is not None}))
    return "\n".join(lines) + "\n"
