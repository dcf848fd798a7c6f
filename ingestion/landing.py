"""The landing folder: `<feed>/<sender>/<file>`, taken in the order of names; anything else is not looked at."""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from linkwork.privacy.subjects import masked
from linkwork.settings import Settings

IGNORED_SUFFIXES = (".part", ".tmp")


@dataclass(frozen=True)
class Landed:
    """A file as it lies in the landing folder."""

    feed: str
    sender: str
    path: Path
    received_at: datetime
    problem: str | None = None
    changed_at: float = 0  # seconds since 1970

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
        found.append(Landed(feed, code, path, received, problem, status.st_mtime))
    return found


def ready_files(settings: Settings, sender: str | None = None) -> list[Landed]:
    """The files that have arrived whole, as far as the settings let us know.

    With `landing_settle_seconds` a file that changed less long ago waits; with `landing_marker` one that has no marker
    beside it, which the sender writes last. Markers are no files.
    """
    marker, settled = settings.landing_marker, time.time() - settings.landing_settle_seconds
    found = landed_files(settings.landing_dir, sender)
    if marker:
        found = [f for f in found if not f.path.name.endswith(marker) and _marker(f.path, marker).exists()]
    return [f for f in found if settings.landing_settle_seconds <= 0 or f.changed_at <= settled]


def let_go(settings: Settings, path: Path) -> None:
    """Remove a file that was taken, and its marker."""
    path.unlink()
    if settings.landing_marker:
        _marker(path, settings.landing_marker).unlink(missing_ok=True)


@contextmanager
def held(path: Path) -> Iterator[Path]:
    """A path to the very file that lies there now, whatever is put in its place meanwhile.

    Never through a link, never waiting on a pipe. Raises FileNotFoundError where there is no regular file any more.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            raise FileNotFoundError(errno.ENOENT, "no regular file", str(path)) from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(errno.ENOENT, "no regular file", str(path))
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _marker(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


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
