"""The main totals of a region, counted once more: from the files as they were sent, in plain Python.

No line of the platform and none of its SQL: what a figure is stands in docs/measures.md and in the guides, and is done
here a second time. A record is what its newest row says; a row that cannot be read right, or comes from nobody known,
is none; of two that differ at one instant neither counts. Of the platform only the published table of codes is read.
Run as a program, it prints the totals of a region's folder:

    python tests/e2e/region/recompute.py region
"""

import csv
import io
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

CODES = Path(__file__).parents[3] / "dbt_project" / "seeds" / "code_map.csv"
LONDON = ZoneInfo("Europe/London")
WORDS = {
    "referrals_csv": {"route": {"gp", "practice_staff", "self", "voluntary_sector", "local_authority", "other"}},
    "gp_appointments_csv": {
        "status": {"Attended", "DNA", "Unknown", "Booked", "Cancelled by Patient", "Cancelled by Unit"},
        "hcp_type": {"GP", "Other Practice staff", "Unknown", "Not Provided"},
    },
    "activity_csv": {
        "event": {"referred", "booked", "attended", "missed", "cancelled", "completed", "withdrawn"},
        "role": {"participant", "carer", "volunteer"},
    },
}
NEEDED = {
    "referrals_csv": ("referral_id", "route", "received_on", "extract_at"),
    "gp_appointments_csv": ("appointment_id", "practice_code", "patient_id", "slot_start", "status", "extract_at"),
    "activity_csv": ("event_id", "event", "session_date", "recorded_at"),
    "link_worker_jsonl": ("id", "type", "time", "recordedtime"),
    "gp_codes_csv": ("entry_id", "practice_code", "code", "entered_on", "recorded_at"),
}
RECORD = {
    "referrals_csv": ("referral_id", "extract_at"),
    "gp_appointments_csv": ("appointment_id", "extract_at"),
    "activity_csv": ("event_id", "recorded_at"),
    "link_worker_jsonl": ("id", "recordedtime"),
    "gp_codes_csv": ("entry_id", "recorded_at"),
}
OFFERS = {"871691000000100": "offered", "871731000000106": "accepted", "871711000000103": "declined"}
EPISODE_GAP = timedelta(days=90)
Row = dict[str, Any]


@dataclass(frozen=True)
class Totals:
    """Each by month, as `2025-03`; people are distinct, contacts with a GP by practice too."""

    referrals: Counter[str]
    people: Counter[str]
    accepted: Counter[str]
    contacted: Counter[str]
    reasons: Counter[tuple[str, str]]  # by month and category, each category of a referral once
    first_reasons: Counter[tuple[str, str]]  # the same, of its first reason alone
    gp_contacts: Counter[tuple[str, str]]  # by practice and month
    contacts_held: Counter[str]
    attended: Counter[tuple[str, str]]  # by month and role
    actions: Counter[tuple[str, str]]  # by the month in which they were agreed, and how they ended
    on_hold: Counter[tuple[str, str]]  # by the month in which a hold began: holds begun, ended, and their days
    coded: Counter[tuple[str, str]]  # by month and meaning
    offers: Counter[tuple[str, str]]  # by month of the first code, and how the offer ended


def recompute(region: Path) -> Totals:
    """The totals of the files below `region/landing`."""
    with (region / "reference" / "senders.csv").open(newline="") as file:
        known = {(feed, row["code"]) for row in csv.DictReader(file) for feed in row["feeds"].split(";")}
    held = {feed: records(region / "landing" / feed, feed, known) for feed in RECORD}
    referrals, messages = held["referrals_csv"], held["link_worker_jsonl"].items()
    by_month: dict[str, set[str]] = defaultdict(set)
    reasons: Counter[tuple[str, str]] = Counter()
    first_reasons: Counter[tuple[str, str]] = Counter()
    categories = mapping()
    for (sender, _), row in referrals.items():
        month = row["received_on"][:7]
        by_month[month].add(person(sender, row["nhs_number"], row["client_id"]))
        codes = [code.strip() for code in row["reason_codes"].split(";") if code.strip()]
        found = [category(code, row["received_on"], categories) for code in codes] or ["uncoded"]
        reasons.update({(month, one) for one in found})
        first_reasons[month, found[0]] += 1
    met = {
        (sender, row["data"].get("referralId")) for (sender, _), row in messages if row["type"].endswith("contact.held")
    }
    accepted = {key: row for key, row in referrals.items() if row["accepted_on"]}
    contacts = {
        (person(practice, row["nhs_number"], row["patient_id"]), row["slot_start"][:10], row["practice_code"])
        for (practice, _), row in held["gp_appointments_csv"].items()
        if is_with_gp(row)
    }
    return Totals(
        referrals=Counter(row["received_on"][:7] for row in referrals.values()),
        people=Counter({month: len(people) for month, people in by_month.items()}),
        accepted=Counter(row["received_on"][:7] for row in accepted.values()),
        contacted=Counter(row["received_on"][:7] for key, row in accepted.items() if key in met),
        reasons=reasons,
        first_reasons=first_reasons,
        gp_contacts=Counter((practice, day[:7]) for _, day, practice in contacts),
        contacts_held=Counter(day_of(row["time"])[:7] for _, row in messages if row["type"].endswith("contact.held")),
        attended=Counter(
            (row["session_date"][:7], row["role"] or "participant")
            for row in held["activity_csv"].values()
            if row["event"] == "attended"
        ),
        actions=actions([(sender, row) for (sender, _), row in messages if ".action." in row["type"]]),
        on_hold=on_hold(referrals.values()),
        coded=Counter(
            (row["entered_on"][:7], OFFERS[row["code"]])
            for row in held["gp_codes_csv"].values()
            if row["code"] in OFFERS
        ),
        offers=offers([(sender, row) for (sender, _), row in held["gp_codes_csv"].items() if row["code"] in OFFERS]),
    )


def actions(said: list[tuple[str, Row]]) -> Counter[tuple[str, str]]:
    """Actions agreed, with the status last stated of each: of one day what was agreed comes first."""
    agreed: Counter[tuple[str, str]] = Counter()
    stated: dict[tuple[str, str], tuple[tuple[str, str], str]] = {}
    for sender, row in said:
        place, status = (day_of(row["time"]), row["type"]), row["data"]["action"]["status"]
        key = (sender, row["data"]["actionId"])
        stated[key] = max(stated.get(key, (place, status)), (place, status))
    for sender, row in said:
        if row["type"].endswith("action.set"):
            status = stated[sender, row["data"]["actionId"]][1]
            agreed[day_of(row["time"])[:7], status if status in ("done", "refused", "cancelled") else "none"] += 1
    return agreed


def on_hold(referrals: Iterable[Row]) -> Counter[tuple[str, str]]:
    """A hold lasts until the referral is resumed, or is accepted after it, or ends."""
    found: Counter[tuple[str, str]] = Counter()
    for row in referrals:
        if not (begun := row["on_hold_on"]):
            continue
        left = [row[c] for c in ("rejected_on", "declined_on", "closed_on") if row[c]]
        ends = [row["resumed_on"], *([row["accepted_on"]] if row["accepted_on"] > begun else [])]
        ends += [max(min(left), begun)] if left else []
        found[begun[:7], "begun"] += 1
        if ended := min(filter(None, ends), default=""):
            found[begun[:7], "ended"] += 1
            found[begun[:7], "days"] += (date.fromisoformat(ended) - date.fromisoformat(begun)).days
    return +found


def offers(entries: list[tuple[str, Row]]) -> Counter[tuple[str, str]]:
    """What was coded of one person without a long gap is one offer; who accepts at any time in it has accepted."""
    by_person: dict[str, list[tuple[date, str]]] = defaultdict(list)
    for sender, row in entries:
        day = date.fromisoformat(row["entered_on"])
        by_person[person(sender, row["nhs_number"], row["patient_id"])].append((day, OFFERS[row["code"]]))
    found: Counter[tuple[str, str]] = Counter()
    for said in by_person.values():
        episodes: list[list[tuple[date, str]]] = []
        for day, meaning in sorted(said):
            if not episodes or day - episodes[-1][-1][0] >= EPISODE_GAP:
                episodes.append([])
            episodes[-1].append((day, meaning))
        for episode in episodes:
            meanings = {meaning for _, meaning in episode}
            outcome = "accepted" if "accepted" in meanings else "declined" if "declined" in meanings else "open"
            found[episode[0][0].isoformat()[:7], outcome] += 1
    return found


def mapping() -> dict[str, list[Row]]:
    """The entries of the published table of codes for needs, by code in small letters."""
    found: dict[str, list[Row]] = defaultdict(list)
    with CODES.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["code_use"] == "need":
                found[row["code"].lower()].append(row)
    return found


def category(code: str, day: str, categories: dict[str, list[Row]]) -> str:
    """What a code means on a day; uncoded where the table does not know it."""
    holding = [
        (row["mapping_version"], row["category"])
        for row in categories.get(code.lower(), [])
        if row["valid_from"] <= day <= (row["valid_to"] or day)
    ]
    return max(holding)[1] if holding else "uncoded"


def is_with_gp(row: Row) -> bool:
    """An encounter with a GP that took place, and is none with a link worker."""
    return (
        row["status"] == "Attended"
        and row["hcp_type"] == "GP"
        and row["context_type"] == "Care Related Encounter"
        and row["national_category"] != "Social Prescribing Service"
        and row["staff_role"] != "R9815"
    )


def records(folder: Path, feed: str, known: set[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """What each record says at last, by sender and the record's own id."""
    key, asserted = RECORD[feed]
    said: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*/*")):
        if (feed, path.parent.name) in known:
            for row in rows(path, feed):
                alike = said[path.parent.name, row[key]][row[asserted]]
                if row not in alike:
                    alike.append(row)
    newest = {record: times[max(times)] for record, times in said.items()}
    return {record: alike[0] for record, alike in newest.items() if len(alike) == 1}


def rows(path: Path, feed: str) -> Iterator[Row]:
    """The rows of a file that can be read right."""
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".jsonl":
        for line in filter(str.strip, text.splitlines()):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if is_right(row, feed, row.get("data", {}).get("nhsNumber"), [row.get("time")]):
                yield row
        return
    reader = csv.reader(io.StringIO(text))
    header = next(reader)
    for cells in reader:
        row = dict(zip(header, cells, strict=False))
        days = [row.get(c) for c in header if c.endswith(("_on", "_date", "_start", "_at"))]
        if len(cells) == len(header) and is_right(row, feed, row["nhs_number"], days):
            yield row


def is_right(row: Row, feed: str, number: str | None, times: list[str | None]) -> bool:
    """Whether nothing is missing that is needed, each word is a listed one, and numbers and days can be."""
    return (
        all(row.get(column) for column in NEEDED[feed])
        and all(row[column] in words or not row[column] for column, words in WORDS.get(feed, {}).items())
        and is_number(number or "")
        and all(is_day(time) for time in times if time)
    )


def is_number(number: str) -> bool:
    """No NHS number, or one whose tenth digit is the check digit of the other nine (modulus 11)."""
    digits = [int(c) for c in number if c.isdigit()]
    if not digits:
        return True
    check = 11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return len(digits) == 10 and check % 11 == digits[9] and check != 10


def is_day(time: str) -> bool:
    try:
        date.fromisoformat(time[:10])
    except ValueError:
        return False
    return True


def day_of(time: str) -> str:
    """The day in England of an instant."""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone(LONDON).date().isoformat()


def person(sender: str, number: str, local: str) -> str:
    """Who it is: the NHS number, else the sender's own id."""
    return "".join(c for c in number if c.isdigit()) or f"{sender} {local}"


if __name__ == "__main__":
    counted = recompute(Path(sys.argv[1]))
    for name in Totals.__dataclass_fields__:
        print(f"{name}: {sum(getattr(counted, name).values()):,}")
