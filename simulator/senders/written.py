"""What was written: files, and the lines in them that are unusual."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Marked:
    """A line that is unusual, and why. `reloaded`: as a record it is of days before its system was in use; `instant`:
    which one of two its local time is.
    """

    feed: str
    sender: str
    file: str
    line: int
    kind: str
    reloaded: bool = False
    instant: str = ""


@dataclass
class Written:
    """A file that was written: where, how many records, and on which day it was made."""

    feed: str
    sender: str
    path: str
    records: int
    day: dt.date

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[1]
