"""A known sprinkle of bad lines, made from good ones, each noted with file, physical line, fate and rule.

Every fault is an extra line: without them the region is clean, so the good records can be counted apart. A faulty copy
gets a record id of its own, so it collides with nothing, and follows the line it was made from. How many a file gets is
its length times the dial, rounded by chance, so that a small file is never spoiled as a whole by bad luck.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.senders import clocks, mess
from simulator.senders.feeds import REGISTER, Feed
from simulator.senders.written import Marked
from simulator.world.random import stable

SHORTEST_FILE = 60  # lines; a shorter one would be held for a single bad line or two
MOST_BAD = 0.04  # of a file's lines; contracts hold a file with more than 0.05
GOLDEN = 0.6180339887498949  # its multiples fall evenly, so that kinds take turns
# kind: (fate, rule); a date is refused as what the contract takes it for
OUTCOMES = {
    "invalid_nhs_number": ("quarantined", "nhs_number"), "impossible_date": ("quarantined", ""),
    "missing_required": ("quarantined", "required"), "unknown_word": ("quarantined", "domain"),
    "too_many_fields": ("quarantined", "field_count"), "too_few_fields": ("quarantined", "field_count"),
    "broken_json": ("quarantined", "json"), "other_encoding": ("quarantined", "encoding"),
    "skipped_hour": ("quarantined", "nonexistent_time"), "repeated_hour": ("accepted", ""),
    "conflict": ("conflict", "conflict"),
    "duplicate_line": ("duplicate", ""), "blank_line": ("skipped", ""), "correction": ("accepted", ""),
    "recorded_late": ("accepted", ""),
    "opted_out_later": ("accepted", ""), "merged_record": ("accepted", ""), "test_patient": ("skipped", ""),
    "unknown_time": ("accepted", ""), "to_be_deleted": ("accepted", ""), "deleted": ("accepted", ""),
}  # fmt: skip


# what befalls a line as such, of which a table in Parquet has none
OF_LINES = {"too_many_fields", "too_few_fields", "broken_json", "other_encoding", "blank_line"}
# what leaves nothing to read in the field that says on which day it happens: it may be of any
WITHOUT_DAY = {"impossible_date", "missing_required"}
COLUMNS = ["feed", "sender", "file", "line", "kind", "expected_fate", "expected_rule", "expected_instant"]


@dataclass(frozen=True)
class Fault:
    """One injected case. `line` is the physical line, counted from 1 with the header; None means the whole file."""

    feed: str
    sender: str
    file: str
    line: int | None
    kind: str
    # of a line: quarantined, duplicate, conflict, accepted, skipped; of a file: noop, refused, duplicate
    fate: str
    rule: str = ""
    instant: str = ""  # of a local time that comes twice

    def row(self) -> dict[str, str]:
        return {"feed": self.feed, "sender": self.sender, "file": self.file, "line": str(self.line or ""),
                "kind": self.kind, "expected_fate": self.fate, "expected_rule": self.rule,
                "expected_instant": self.instant}  # fmt: skip


def of_line(feed: Feed, marked: Marked) -> Fault:
    """The fault of a line that was written, with the outcome it must have.

    What a new system reloaded of days before it was in use is skipped, whatever else is wrong with it, as long as the
    line can be read as a record.
    """
    fate, rule = OUTCOMES[marked.kind]
    if marked.kind == "impossible_date":
        rule = feed.date_rule
    if marked.reloaded and marked.kind not in OF_LINES:
        fate, rule = "skipped", ""
    return Fault(feed.name, marked.sender, marked.file, marked.line, marked.kind, fate, rule, marked.instant)


def reloaded(kind: str, good: Mapping[str, dt.date] | None) -> bool:
    """Whether the record that a fault makes of a good one is of days before its system was in use, as far as it says.

    `good`: of a system that follows another one, the first day on which it was in use (`since`), and the days on which
    the record was `booked` and is held (`day`); None of others.
    """
    if good is None or kind in WITHOUT_DAY:
        return False
    day = clocks.last(kind, good["day"]).date() if kind in clocks.MONTHS else good["day"]
    return max(good["booked"], day) < good["since"]


def possible(feed: Feed, packing: str = "") -> set[str]:
    """The kinds of faults that a line of a feed can have."""
    if packing == "parquet":
        return possible(feed) - OF_LINES
    if feed == REGISTER:
        return {"invalid_nhs_number", "unknown_word", "duplicate_line"}
    if feed.line and feed.book != "contacts":  # a resource is not spoiled, only repeated
        return {"duplicate_line", "blank_line"}
    found = {"invalid_nhs_number", "impossible_date", "missing_required", "duplicate_line", "blank_line"}
    found |= {"test_patient", "unknown_time"} if feed.test_column else set()
    found |= {"broken_json"} if feed.line else {"too_many_fields", "too_few_fields"}
    return found | ({"unknown_word"} if feed.word else set()) | ({"other_encoding"} if feed.name_column else set()) | (
        set(clocks.MONTHS) if feed.local_time else set())  # fmt: skip


@dataclass(frozen=True)
class Due:
    """A fault to come: the good line of the file it is made from, counted from 0, its kind, and a number of its own."""

    place: int
    kind: str
    number: int


class Draw:
    """Which lines of the files of a feed are made into which faults, file by file of each sender in their order."""

    def __init__(self, feed: Feed, seed: int, shares: Mapping[str, float], packing: str = "") -> None:
        self.feed, self.seed = feed, seed
        kinds = possible(feed, packing)
        bad = mess.weights(shares, mess.BAD, kinds)
        too_many = max(1.0, sum(bad.values()) / MOST_BAD)
        self.weights = {
            "bad": {kind: share / too_many for kind, share in bad.items()},
            "harmless": mess.weights(shares, mess.HARMLESS, kinds),
            "deleted": {"to_be_deleted": shares["deleted"]} if feed.deletion and shares["deleted"] > 0 else {},
        }
        self.conflicts = shares["conflict"] if feed.line and feed.book == "contacts" else 0.0
        self._made: Counter[tuple[str, str]] = Counter()

    def of_file(self, sender: str, n: object, records: int, followed: bool) -> list[Due]:
        """The faults of a file, in the order of its lines; `followed`: a file after it can say that one is deleted."""
        found = []
        for order, (purpose, weights) in enumerate(self.weights.items()):
            share = sum(weights.values())
            if (
                not share
                or (records < SHORTEST_FILE and purpose != "deleted")
                or (purpose == "deleted" and not followed)
            ):
                continue
            number = int(records * share + self._chance(sender, n, purpose))
            if purpose == "deleted" and not self._made[sender, purpose]:
                number = max(1, number)
            for m in range(number):
                place = int((m + self._chance(sender, n, purpose, m)) * records / number)
                found.append((place, order, self._due(place, sender, purpose, weights)))
        return [due for *_, due in sorted(found, key=lambda one: one[:2])]

    def _due(self, place: int, sender: str, purpose: str, weights: Mapping[str, float]) -> Due:
        self._made[sender, purpose] += 1
        self._made[sender, ""] += 1
        turn = (self._made[sender, purpose] * GOLDEN + self._chance(sender, "turn")) % 1 * sum(weights.values())
        for kind, weight in weights.items():  # noqa: B007  the last is what rounding leaves
            turn -= weight
            if turn < 0:
                break
        return Due(place, kind, self._made[sender, ""])

    def _chance(self, *parts: object) -> float:
        return stable(self.seed, self.feed.name, *parts) / 2**64
