"""The landing folder: `<feed>/<sender>/<file>`, taken in the order of names; anything else is not looked at."""

import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

IGNORED_SUFFIXES = (".part", ".tmp")


@dataclass(frozen=True)
class Landed:
    """A file as it lies in the landing folder."""

    feed: str
    sender: str
    path: Path
    received_at: datetime
    problem: str | None = None


def landed_files(landing: Path, sender: str | None = None) -> list[Landed]:
    """Every file of the landing folder, or one sender's. Links, pipes and devices are listed with their problem."""
    found = []
    for path in sorted(landing.glob("*/*/*")):
        feed, code = path.parts[-3], path.parts[-2]
        if path.name.startswith(".") or path.suffix in IGNORED_SUFFIXES or (sender and code != sender):
            continue
        status = path.lstat()
        problem = None if stat.S_ISREG(status.st_mode) else "The entry is not a regular file."
        received = datetime.fromtimestamp(status.st_mtime_ns // 1_000_000_000, UTC)
        found.append(Landed(feed, code, path, received, problem))
    return found
