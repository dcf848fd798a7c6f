"""Packed files are opened within limits, or not at all."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from ingestion.readers.base import FileRefused

RATIO_FROM = 16 << 20  # a ratio is judged from this much output on: a small file of one word repeated is no bomb


@dataclass(frozen=True)
class Limits:
    """What a packed file may become: bytes in all, times its own size, entries."""

    unpacked: int = 8 << 30
    ratio: int = 200
    entries: int = 1000


def check_zip(path: Path, limits: Limits) -> list[zipfile.ZipInfo]:
    """The entries of a zip file. Raises FileRefused where it is broken, locked, or larger than the limits."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        raise FileRefused("The zip is broken: its list of entries cannot be read.") from None
    if len(entries) > limits.entries:
        raise FileRefused(f"The zip has more than {limits.entries} entries, the most that are allowed.")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise FileRefused("The zip is locked with a password.")
    if len({entry.filename.casefold() for entry in entries}) < len(entries):
        raise FileRefused("The zip names an entry twice.")
    total = sum(entry.file_size for entry in entries)
    if total > limits.unpacked:
        raise FileRefused(f"Unpacked, the file is larger than {limits.unpacked:,} bytes, the limit.")
    if total > RATIO_FROM and total > limits.ratio * path.stat().st_size:
        raise FileRefused(f"Unpacked, the file is more than {limits.ratio} times its size, the limit.")
    return entries
