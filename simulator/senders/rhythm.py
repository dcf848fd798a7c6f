"""How often senders have something new: what the register says of it, so that nobody honest seems silent.

A sender sends a file where it has something to say. The platform waits for news of every feed as often as the register
says for the sender, and takes a file that repeats what is known for none.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from simulator.senders.written import Written

USUALLY = {"practice": 1, "service": 14, "group": 31, "other": 31}  # days from one file to the next, day by day
YEARS = {"practice": 365, "service": 184, "group": 184, "other": 31}  # the same of extracts through the whole time


@dataclass(frozen=True)
class Rhythm:
    """The files of a region that is delivered day by day, from the `first` full extracts to the `last` day.

    `waits`: for each sender the most days for which one of its feeds had nothing new; `begun`: the sender and feed of
    each full extract.
    """

    first: dt.date
    last: dt.date
    waits: dict[str, int]
    begun: frozenset[tuple[str, str]]

    @property
    def days(self) -> int:
        return (self.last - self.first).days

    def cadence(self, sender: str, kind: str) -> int:
        """How many days after a file of a sender the next is expected at the latest."""
        return max(USUALLY[kind], self.waits.get(sender, 0))


def of(written: Iterable[Written], first: dt.date, last: dt.date) -> Rhythm:
    """The rhythm of all files that honest senders send."""
    came: dict[tuple[str, str], set[dt.date]] = {}
    for file in written:
        came.setdefault((file.sender, file.feed), set()).add(max(file.day, first))
    waits: dict[str, int] = {}
    for (sender, _), days in came.items():
        longest = max((later - day).days for day, later in pairwise([*sorted(days), last]))
        waits[sender] = max(waits.get(sender, 0), longest)
    return Rhythm(first, last, waits, frozenset(feed for feed, days in came.items() if first in days))
