"""Folders that are locked by whoever works in them, so that others can tell what was left behind.

The system frees a lock when its holder ends, however it ends: a folder that can be locked is a dead process's. (A
process id in its name would not do: ids are used again, and in containers at once.)
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def own(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder, locked for as long as the block runs; what is still there at its end is removed."""
    path, descriptor = make(parent, prefix)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def make(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder, and the descriptor that locks it until it is closed."""
    while True:
        path = parent / f"{prefix}{os.getpid()}-{secrets.token_hex(4)}"
        path.mkdir(parents=True)
        if (descriptor := _lock(path)) is not None:
            return path, descriptor
        # Somebody tidied up between the two lines above: take a new one.


def left(parent: Path, prefix: str) -> Iterator[Path]:
    """The folders that dead processes left, each locked as long as it is the one that was given."""
    for path in sorted(parent.glob(f"{prefix}*")):
        if (descriptor := _lock(path)) is not None:
            try:
                yield path
            finally:
                os.close(descriptor)


def remove_left(parent: Path, prefix: str) -> list[str]:
    """Remove the folders that dead processes left; the names of what was removed."""
    removed = []
    for path in left(parent, prefix):
        shutil.rmtree(path, ignore_errors=True)
        removed.append(path.name)
    return removed


def share(path: Path) -> int:
    """A descriptor that locks a folder together with others, until it is closed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def hold(path: Path) -> int:
    """A descriptor that locks a file, made if need be, until it is closed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def is_held(path: Path) -> bool:
    """Whether somebody has locked a file."""
    with suppress(FileNotFoundError), path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock(path: Path) -> int | None:
    """An open descriptor that locks the folder; None if another process has it, or it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if os.fstat(descriptor).st_nlink == 0 or not path.exists():
        os.close(descriptor)
        return None
    return descriptor
