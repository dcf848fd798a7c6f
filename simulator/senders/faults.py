"""A known sprinkle of bad input, each case noted with file, physical line and the fate it should have.

Every fault is an extra line (or an extra file): without them the region is clean, so the good records can be
counted apart. A faulty copy gets a record id of its own, so it collides with nothing. Bad lines stay below 1
in 150 of a file.
"""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from simulator.senders.write import File
from simulator.world.random import stable

LINES_PER_BAD_LINE = 150
UNREGISTERED = "ZVC99"
JSONL = "link_worker_jsonl"
ID = {
    "registrations_csv": "registration_id", "gp_appointments_csv": "appointment_id",
    "referrals_csv": "referral_id", "activity_csv": "event_id",
}  # fmt: skip
DATE = {
    "registrations_csv": "registration_start", "gp_appointments_csv": "slot_start",
    "referrals_csv": "received_on", "activity_csv": "session_date",
}  # fmt: skip
WORD = {"gp_appointments_csv": "status", "referrals_csv": "route", "activity_csv": "event"}


@dataclass(frozen=True)
class Fault:
    """One injected case. `line` is the physical line, counted from 1 with the header; None means the whole
    file.
    """

    feed: str
    sender: str
    file: str
    line: int | None
    kind: str
    # of a line: quarantined, duplicate, conflict, accepted, skipped; of a file: noop, refused, duplicate
    fate: str

    def row(self) -> dict[str, str]:
        return {"feed": self.feed, "sender": self.sender, "file": self.file, "line": str(self.line or ""),
                "kind": self.kind, "expected_fate": self.fate}  # fmt: skip


def parse(line: str) -> list[str]:
    return next(csv.reader([line]))


def joined(values: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue()


def wrong_check_digit(number: str) -> str:
    """The same number with the next check digit, which cannot be right as well."""
    return number[:-1] + str((int(number[-1]) + 1) % 10)


def bad_csv(file: File, line: str, kind: str, new_id: str) -> str:
    row = dict(zip(file.header, parse(line), strict=True))
    row[ID[file.feed]] = new_id
    date = DATE[file.feed]
    match kind:
        case "invalid_nhs_number":
            row["nhs_number"] = wrong_check_digit(row["nhs_number"])
        case "impossible_date":
            row[date] = "2024-02-30" + row[date][10:]
        case "unknown_word":
            row[WORD[file.feed]] = "not a listed word"
        case "missing_required":
            row[date] = ""
        case "too_many_fields":
            return joined([*row.values(), "surplus"])
        case "too_few_fields":
            return joined(list(row.values())[:-2])
    return joined(list(row.values()))


def bad_json(_: File, line: str, kind: str, new_id: str) -> str:
    event = json.loads(line)
    event["id"] = new_id
    match kind:
        case "invalid_nhs_number":
            event["data"]["nhsNumber"] = wrong_check_digit(event["data"]["nhsNumber"])
        case "impossible_date":
            event["time"] = "2024-02-30T10:00:00Z"
        case "missing_required":
            del event["time"]
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return text[: len(text) * 2 // 3] if kind == "broken_json" else text


CSV_KINDS = [
    "invalid_nhs_number",
    "impossible_date",
    "missing_required",
    "too_many_fields",
    "too_few_fields",
    "unknown_word",
]
JSON_KINDS = ["invalid_nhs_number", "broken_json", "impossible_date", "missing_required"]


def inject(seed: int, files: list[File]) -> tuple[list[File], list[Fault]]:
    """Add the faults to the files' lines in place; returns all files, with the two extra ones, and what
    was injected.
    """
    extra: list[tuple[File, int, str, str, str]] = []  # file, place among the clean lines, text, kind, fate
    for feed in sorted({file.feed for file in files}):
        members = [file for file in files if file.feed == feed]
        kinds = JSON_KINDS if feed == JSONL else [k for k in CSV_KINDS if k != "unknown_word" or feed in WORD]
        make: Callable[[File, str, str, str], str] = bad_json if feed == JSONL else bad_csv
        bad = 0
        for n, file in enumerate(members):
            draw = Draw(seed, file)
            for _ in range(min(2, len(file.lines) // LINES_PER_BAD_LINE)):
                kind = kinds[bad % len(kinds)]
                bad += 1
                text = make(file, draw.line("nhs" if kind == "invalid_nhs_number" else ""), kind, f"X{bad:06d}")
                extra.append((file, draw.place(), text, kind, "quarantined"))
            if n % 3 == 0 and len(file.lines) > 3:
                copied = draw.line("")
                extra.append((file, len(file.lines), copied, "duplicate_line", "duplicate"))
            if n % 5 == 0:
                extra.append((file, draw.place(), "", "blank_line", "skipped"))
    extra += conflicts(seed, files)
    faults = [fault for file in files for fault in settle(file, [e[1:] for e in extra if e[0] is file])]
    return whole_files(files, faults)


class Draw:
    """Draws lines and places of one file, each from the seed, the file and how many were drawn before."""

    def __init__(self, seed: int, file: File) -> None:
        self.seed, self.file, self.drawn = seed, file, 0
        self.start = 1 if file.header else 0

    def number(self, below: int) -> int:
        self.drawn += 1
        return stable(self.seed, self.file.feed, self.file.sender, self.file.name, self.drawn) % max(1, below)

    def place(self) -> int:
        """Before which clean line (index) to insert; never before the header."""
        return self.start + self.number(len(self.file.lines) - self.start)

    def line(self, needed: str) -> str:
        """A clean record's text; with needed = nhs, one that carries an NHS number."""
        while True:
            text = self.file.lines[self.start + self.number(len(self.file.lines) - self.start)]
            if text in self.file.kinds:
                continue
            if needed != "nhs":
                return text
            if self.file.feed == JSONL:
                held = "nhsNumber" in json.loads(text)["data"]
            else:
                held = bool(parse(text)[self.file.header.index("nhs_number")])
            if held:
                return text


def conflicts(seed: int, files: list[File]) -> list[tuple[File, int, str, str, str]]:
    """One record per service sent again in its next file: same id and recordedtime, other content."""
    found = []
    for sender in sorted({file.sender for file in files if file.feed == JSONL}):
        sent = [file for file in files if file.feed == JSONL and file.sender == sender]
        corrected = {json.loads(text)["id"] for file in sent for text in file.kinds}
        for earlier, later in pairwise(sent):
            held = [
                t
                for t in earlier.lines
                if '"type":"org.linkwork.contact.held"' in t and json.loads(t)["id"] not in corrected
            ]
            if not held:
                continue
            event = json.loads(held[stable(seed, sender, "conflict") % len(held)])
            event["data"]["minutes"] += 25
            text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
            found.append((later, len(later.lines), text, "conflict", "conflict"))
            break
    return found


def settle(file: File, extra: list[tuple[int, str, str, str]]) -> list[Fault]:
    """Insert the extra lines of one file and say on which physical line each ended up, corrections
    included.
    """
    lines: list[tuple[str, str, str]] = []
    before: dict[int, list[tuple[str, str, str]]] = {}
    for place, text, kind, fate in extra:
        before.setdefault(place, []).append((text, kind, fate))
    for index, text in enumerate(file.lines):
        lines += before.get(index, [])
        lines.append((text, file.kinds.get(text, ""), "accepted"))
    lines += before.get(len(file.lines), [])
    file.lines = [text for text, _, _ in lines]
    return [
        Fault(file.feed, file.sender, file.name, n, kind, fate) for n, (_, kind, fate) in enumerate(lines, 1) if kind
    ]


def whole_files(files: list[File], faults: list[Fault]) -> tuple[list[File], list[Fault]]:
    """A file delivered twice under another name, a file of an unregistered sender, and an extract that
    comes late.
    """
    twice = next(file for file in files if file.feed == "registrations_csv" and file.sender == "Z90003")
    again = File(twice.feed, twice.sender, twice.name.replace(".csv", "_again.csv"), list(twice.lines))
    source = next(file for file in files if file.feed == "activity_csv")
    unknown = File("activity_csv", UNREGISTERED, source.name, source.lines[:20])
    late = [Fault(f.feed, f.sender, f.name, None, "older_extract", "duplicate") for f in files if "_late_" in f.name]
    faults = [
        *faults, *late,
        Fault(again.feed, again.sender, again.name, None, "file_repeated", "noop"),
        Fault(unknown.feed, unknown.sender, unknown.name, None, "unregistered_sender", "refused"),
    ]  # fmt: skip
    everything = sorted([*files, again, unknown], key=lambda file: (file.feed, file.sender, file.name))
    return everything, sorted(faults, key=lambda fault: (fault.feed, fault.sender, fault.file, fault.line or 0))
