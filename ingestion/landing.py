"""The landing folder: `<feed>/<sender>/<file>`, taken in the order of names; anything else is not looked at."""

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from linkwork.privacy.subjects import masked

IGNORED_SUFFIXES = (".part", ".tmp")


@dataclass(frozen=True)
class Landed:
    """A file as it lies in the landing folder."""

    feed: str
    sender: str
    path: Path
    received_at: datetime
    problem: str | None = None

    @property
    def name(self) -> str:
        """The file's name as it is stored and shown; two files may have the same."""
        return shown(self.path.name)


def landed_files(landing: Path, sender: str | None = None) -> list[Landed]:
    """Every file of the landing folder, or one sender's. Links, pipes and devices are listed with their problem."""
    found = []
    for path in sorted(landing.glob("*/*/*")):
        feed, code = path.parts[-3], path.parts[-2]
        if path.name.startswith(".") or path.suffix in IGNORED_SUFFIXES or (sender and code != sender):
            continue
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # another run took it since the folder was listed
        problem = _problem(path, status.st_mode)
        received = datetime.fromtimestamp(status.st_mtime_ns // 1_000_000_000, UTC)
        found.append(Landed(feed, code, path, received, problem))
    return found


def shown(name: str) -> str:
    """A name as tables can hold it: bytes that are not UTF-8 as escapes, NHS numbers without their digits."""
    return masked(_decoded(name))


def _decoded(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _problem(path: Path, mode: int) -> str | None:
    if not stat.S_ISREG(mode):
        return "The entry is not a regular file."
    if path.parent.is_symlink() or path.parent.parent.is_symlink():
        return "The folder is a link; a file behind it is not taken."  # it would be removed from where it belongs
    if any(part != _decoded(part) for part in path.parts[-3:]):
        return "The name is not UTF-8."
    return None
