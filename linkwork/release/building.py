"""The folder of releases: building apart, putting in place by rename, switching `current` by rename.

A folder under construction is locked by its builder, so a folder `.building-…` that can be locked is a dead builder's
and is removed.
"""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from linkwork import locked
from linkwork.files import fsync

BUILDING = ".building-"
LINK = ".current-"
CURRENT = "current"


@contextmanager
def building_dir(releases_dir: Path) -> Iterator[Path]:
    """A new, locked folder under construction. What is still there at the end is removed."""
    with locked.own(releases_dir, BUILDING) as path:
        yield path


def remove_leftovers(releases_dir: Path) -> list[str]:
    """Remove what dead builders left; the names of what was removed."""
    return locked.remove_left(releases_dir, BUILDING)


def put_in_place(building: Path, target: Path) -> bool:
    """Make the files read only and all of it durable, then rename. False if it is there already."""
    for path in sorted(building.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(0o444)
        fsync(path)
    fsync(building)
    try:
        building.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    fsync(target.parent)
    return True


def current_release(releases_dir: Path) -> str | None:
    """The name of the release that `current` points to, if there is one."""
    try:
        return (releases_dir / CURRENT).readlink().name
    except FileNotFoundError:
        return None


def switch_current(releases_dir: Path, release_id: str) -> None:
    """Point `current` at a release: a link under another name is renamed, so there is always one."""
    for left in releases_dir.glob(f"{LINK}*"):  # a builder that died between the two steps below
        if not _is_alive(left.name.removeprefix(LINK).split("-")[0]):
            with suppress(FileNotFoundError):
                left.unlink()
    link = releases_dir / f"{LINK}{os.getpid()}-{secrets.token_hex(4)}"
    link.symlink_to(release_id)  # relative: the folder of releases can be moved
    link.replace(releases_dir / CURRENT)
    fsync(releases_dir)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
