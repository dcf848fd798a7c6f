"""How a good line becomes a faulty one."""

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping

from simulator.senders import clocks
from simulator.senders.faults import Due
from simulator.senders.feeds import Feed

NEVER = "2024-02-30"
LONGER_BY = 25  # minutes, of a contact that is said again otherwise


def fields(feed: Feed, good: str) -> dict[str, str]:
    """The record of a line of CSV."""
    return dict(zip(feed.columns, next(csv.reader([good])), strict=True))


def line(feed: Feed, due: Due, good: str) -> bytes:
    """The line that a fault makes of a good one, both without their end."""
    if due.kind == "blank_line":
        return b""
    if due.kind == "duplicate_line":
        return good.encode()
    if feed.line:
        return event(feed, due, good)
    spoiled = record(feed, due, fields(feed, good))
    if due.kind == "too_many_fields":
        return (joined(spoiled) + ",surplus").encode()
    if due.kind == "too_few_fields":
        return joined(dict(list(spoiled.items())[:-2])).encode()
    return joined(spoiled).encode("cp1252" if due.kind == "other_encoding" else "utf-8")


def record(feed: Feed, due: Due, good: dict[str, str]) -> dict[str, str]:
    """The record that a fault makes of a good one, with an id that nobody else has."""
    dated, timed = good[feed.date], [name for name in (feed.date, feed.booked) if name]
    changes = {
        "invalid_nhs_number": {feed.number: wrong(good[feed.number])},
        "impossible_date": {feed.date: feed.never or NEVER + dated[len(NEVER) :]},
        "missing_required": {feed.date: ""},
        "unknown_word": {feed.word: "not a listed word"},
        "other_encoding": {feed.name_column: "Chloë"},
        "test_patient": {feed.test_column: "TRUE"},
        "unknown_time": dict.fromkeys(timed, midnight(dated)),
    }
    if due.kind in clocks.MONTHS:
        # a slot of which the hour comes twice is booked in it, too, as nothing else is to be wrong with it
        columns = timed if due.kind == "repeated_hour" else [feed.date]
        changes[due.kind] = dict.fromkeys(columns, changed(feed, due, good).strftime(feed.moment))
    return {**good, feed.record_id: feed.new_id % due.number, **changes.get(due.kind, {})}


def instant(feed: Feed, due: Due, good: str | Mapping[str, str]) -> str:
    """Which instant the local time is that a fault makes of a good line or record; empty where it is only one."""
    if due.kind != "repeated_hour":
        return ""
    return clocks.later(changed(feed, due, fields(feed, good) if isinstance(good, str) else good))


def changed(feed: Feed, due: Due, good: Mapping[str, str]) -> dt.datetime:
    """The local time, at a change of the clocks, that a fault makes of a good record's."""
    return clocks.last(due.kind, dt.datetime.strptime(good[feed.date], feed.moment).date())


def event(feed: Feed, due: Due, good: str) -> bytes:
    """The same of a CloudEvents object."""
    said = json.loads(good)
    said["id"] = feed.new_id % due.number
    if due.kind == "invalid_nhs_number":
        said["data"]["nhsNumber"] = wrong(said["data"].get("nhsNumber", ""))
    elif due.kind == "impossible_date":
        said["time"] = NEVER + said["time"][len(NEVER) :]
    elif due.kind == "missing_required":
        del said["time"]
    elif due.kind == "other_encoding":
        said["data"]["note"] = "Chloë"
    text = one_line(said)
    if due.kind == "broken_json":
        text = text[: len(text) * 2 // 3]
    return text.encode("cp1252" if due.kind == "other_encoding" else "utf-8")


def conflict(good: str) -> bytes:
    """A contact said again: same id and recordedtime, other content."""
    said = json.loads(good)
    said["data"]["minutes"] += LONGER_BY
    return one_line(said).encode()


def deletion(feed: Feed, due: Due, last: str) -> bytes:
    """What a later file says of a deleted record: its id, that it is deleted, and when; `last` is a line of it."""
    extracted = fields(feed, last)["extracted_at"]
    said = {feed.record_id: feed.new_id % due.number, feed.deletion: "TRUE", "extracted_at": extracted}
    return joined({**dict.fromkeys(feed.columns, ""), **said}).encode()


def wrong(number: str) -> str:
    """A number whose check digit is not right; of nobody's where there is none."""
    held = number or "9990000000"
    return held[:9] + str((int(held[9]) + 1) % 10)


def midnight(dated: str) -> str:
    """A date and time, whose time is not known."""
    return dated[: len("01 Apr 2024")] + " 00:00:00"


def joined(fields: dict[str, str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields.values())
    return out.getvalue()


def one_line(said: object) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
