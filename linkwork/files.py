"""Files that survive a power cut: hash, fsync, and writing whole or not at all."""

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any, BinaryIO

from linkwork.disk import NO_ROOM
from linkwork.errors import UsageError

CHUNK = 1 << 20
# How what is being written is named, by the vault with the number of a process, as all was once.
PARTIAL = re.compile(r"[.].+[.]([0-9]+|[0-9a-f]{8})[.]tmp")
NO_UNNAMED = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}  # what file systems say that know no files without a name


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fsync(path: Path) -> None:
    """Make a file's content, or a directory's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


Before = Callable[[Path], object]  # what is done with a file that is whole, right before it gets its name


def write_whole(path: Path, content: bytes, mode: int = 0o644, before: Before | None = None) -> None:
    """Write a file so that a reader sees the old content or the new, never a part: write, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, descriptor = _partial(path, mode)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            _fill(handle, content)
            if before:
                before(partial)
            partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)  # it may hold personal data, and nobody would look for it
        raise
    fsync(path.parent)


def write_new(path: Path, content: bytes, mode: int = 0o644, before: Before | None = None) -> None:
    """Write a file that a person has named, whole or not at all, also where this process is killed.

    It has no name before it is whole. Where the file system knows no such files, what a killed process left goes when
    the same name is written again. Raises UsageError where it is there already or cannot be written, and OSError where
    there is no room.
    """
    if not path.parent.is_dir():
        raise UsageError("no such folder", where=str(path.parent), do="make it first, or name another")
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _write_unnamed(folder, path, content, mode, before)
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise UsageError("the file is there already", where=str(path), do="name another, or remove it first") from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        raise UsageError("the file cannot be written", where=str(path), why=error.strerror or "") from error


def _write_unnamed(folder: int, path: Path, content: bytes, mode: int, before: Before | None) -> None:
    if os.path.lexists(path):
        raise FileExistsError(path)
    try:
        descriptor = os.open(".", os.O_TMPFILE | os.O_WRONLY, mode, dir_fd=folder)
    except OSError as error:
        if error.errno not in NO_UNNAMED:
            raise
        sweep_partials(path.parent, path.name)
        write_whole(path, content, mode, before)
        return
    with os.fdopen(descriptor, "wb") as handle:
        _fill(handle, content)
        unnamed = Path(f"/proc/self/fd/{descriptor}")
        if before:
            before(unnamed)
        os.link(unnamed, path.name, dst_dir_fd=folder)  # with a folder given, it follows the link
    os.fsync(folder)


def _partial(path: Path, mode: int) -> tuple[Path, int]:
    """A new file beside another, and the descriptor that is to be written to; locked, so that nobody sweeps it."""
    while True:
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with suppress(OSError):  # a folder that somebody names may be on a file system that has no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return partial, descriptor
        os.close(descriptor)  # somebody swept between the two lines above


def _fill(handle: BinaryIO, content: bytes) -> None:
    handle.write(content)
    handle.flush()
    os.fsync(handle.fileno())


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def sweep_partials(folder: Path, name: str = "*") -> None:
    """Remove what processes that have ended had half written into a folder, under any name or under this one.

    Whoever writes has locked it. (The number of a process would not do: another container has others.)
    """
    for partial in folder.glob(f".{name if name == '*' else escape(name)}.*.tmp"):
        if not PARTIAL.fullmatch(partial.name):
            continue
        with suppress(FileNotFoundError, BlockingIOError), partial.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()


def write_json(path: Path, content: Any, before: Before | None = None) -> None:
    """Write JSON whole, with sorted keys, so that equal content gives equal bytes."""
    write_whole(path, (json.dumps(content, indent=2, sort_keys=True, default=str) + "\n").encode(), before=before)


def private_dir(path: Path) -> Path:
    """Make a directory of zone 1: readable by its owner only, its parents below `restricted` too."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


# What a spreadsheet takes for the beginning of a formula, or skips before it looks for one (ASVS 1.2.10).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00")
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*([eE][+-]?[0-9]+)?")


def spreadsheet_safe(value: Any) -> Any:
    """A value for a CSV or XLSX cell: text that a spreadsheet would run is led by an apostrophe; a number stays one."""
    if not isinstance(value, str) or not value.startswith(FORMULA) or NUMBER.fullmatch(value):
        return value
    return "'" + value
