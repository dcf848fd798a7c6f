"""Files that survive a power cut: hash, fsync, and writing whole or not at all."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from linkwork.disk import NO_ROOM
from linkwork.errors import UsageError

CHUNK = 1 << 20


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
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        if before:
            before(partial)
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)  # it may hold personal data, and nobody would look for it
        raise
    fsync(path.parent)


def write_new(path: Path, content: bytes, mode: int = 0o644, before: Before | None = None) -> None:
    """Write a file that a person has named, whole or not at all.

    Raises UsageError where it is there already or cannot be written, and OSError where there is no room.
    """
    if path.exists():
        raise UsageError("the file is there already", where=str(path), do="name another, or remove it first")
    if not path.parent.is_dir():
        raise UsageError("no such folder", where=str(path.parent), do="make it first, or name another")
    try:
        write_whole(path, content, mode, before)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        raise UsageError("the file cannot be written", where=str(path), why=error.strerror or "") from error


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def sweep_partials(folder: Path) -> None:
    """Remove what processes that have ended had half written into a folder by `write_whole`."""
    for partial in folder.glob(".*.tmp"):
        writer = partial.name.split(".")[-2]
        if _has_ended(writer):
            partial.unlink(missing_ok=True)


def _has_ended(process: str) -> bool:
    """Whether a process is gone, by its number in a name; what is no number says nothing."""
    return process.isdigit() and not Path(f"/proc/{process}").exists()


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
