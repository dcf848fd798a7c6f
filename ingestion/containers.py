"""Packed files: gzip and zip are unpacked into zone 1 before a reader sees them, within limits, whole or not at all.

What a file is says its first bytes; its name must agree. One layer is opened, never one inside another. A zip holds one
data file; its names lead nowhere, because nothing is ever written under a name that an archive gives.
"""

import io
import secrets
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ingestion.readers.base import FileRefused

MIB = 1 << 20
CHUNK = 1 << 18
RATIO_FROM = 16 * MIB  # a ratio is judged from this much output on: a small file of one word repeated is no bomb
GZIP = b"\x1f\x8b"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
SUFFIXES = {"gzip": (".gz", ".gzip"), "zip": (".zip",)}
WORKBOOK = "[Content_Types].xml"
# What entries of an archive are no data: folders are skipped apart, by their own mark.
LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db")
SYSTEM_UNIX = 3


@dataclass(frozen=True)
class Limits:
    """What a packed file may become: bytes in all, times its own size, entries."""

    unpacked: int = 8 << 30
    ratio: int = 200
    entries: int = 1000


# A file, or its bytes where they were read before, as those of the encrypted copy are.
Source = Path | bytes


def opened(source: Source) -> BinaryIO:
    """A file or its bytes, to be read."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def kind_of(head: bytes) -> str | None:
    """`gzip` or `zip` by a file's first bytes, else None."""
    if head.startswith(GZIP):
        return "gzip"
    return "zip" if head.startswith(ZIP) else None


def packing(source: Source, limits: Limits) -> str | None:
    """How a file is packed, `gzip` or `zip`; None for one that is not, which a workbook is not either."""
    with opened(source) as handle:
        kind = kind_of(handle.read(4))
    return None if kind == "zip" and is_workbook(source, limits) else kind


def named(name: str) -> str | None:
    """How a file is packed by what its name ends with."""
    return next((kind for kind, endings in SUFFIXES.items() if name.lower().endswith(endings)), None)


def unpack(source: Source, target: BinaryIO, limits: Limits) -> None:
    """Write the content of a gzip or zip file to `target`.

    Raises FileRefused, with a sentence that names the limit or the byte, where it is not whole or too much.
    """
    with opened(source) as handle:
        kind = kind_of(handle.read(4))
        size = handle.seek(0, io.SEEK_END)
        handle.seek(0)
        written = _gunzipped(handle) if kind == "gzip" else _unzipped(source, limits)
        allowed = _Allowed(limits, size)
        for chunk in written:
            allowed.take(len(chunk))
            target.write(chunk)


@contextmanager
def unpacked(source: Path, spill: Path, limits: Limits) -> Iterator[Path]:
    """The path of a packed file's content, in the spill folder of zone 1 for as long as the block runs."""
    spill.mkdir(parents=True, exist_ok=True)
    plain = spill / f"unpacked-{secrets.token_hex(8)}"
    try:
        with plain.open("xb") as target:
            plain.chmod(0o600)
            unpack(source, target, limits)
        yield plain
    finally:
        plain.unlink(missing_ok=True)


def check_zip(source: Source, limits: Limits) -> list[zipfile.ZipInfo]:
    """The entries of a zip file that hold something, folders and what an operating system adds left out.

    Raises FileRefused where the archive is broken, is larger than the limits by what it says of itself, or has an
    entry that is encrypted, a link, named twice, or named as a place outside the archive. XLSX is a zip as well.
    """
    count, listed = _directory(source)
    if count > limits.entries or listed > limits.entries * 1024:
        raise FileRefused(f"The zip has more than {limits.entries} entries, the most that are allowed.")
    try:
        with opened(source) as handle, zipfile.ZipFile(handle) as archive:
            size = handle.seek(0, io.SEEK_END)
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError, OSError, ValueError, struct.error):
        raise FileRefused("The zip is broken: its list of entries cannot be read.") from None
    if len(entries) > limits.entries:
        raise FileRefused(f"The zip has more than {limits.entries} entries, the most that are allowed.")
    names: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        _check_entry(entry, number)
        folded = entry.filename.casefold()
        if folded in names:
            raise FileRefused(f"The zip names an entry twice (entry {number}).")
        names.add(folded)
    total = _Allowed(limits, size)
    total.take(sum(entry.file_size for entry in entries))
    return [entry for entry in entries if not entry.is_dir() and not _is_litter(entry.filename)]


def is_workbook(source: Source, limits: Limits) -> bool:
    """Whether a zip file is an XLSX workbook."""
    return any(entry.filename == WORKBOOK for entry in check_zip(source, limits))


class _Allowed:
    """Counts what comes out of a packed file and refuses it where that is too much."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self._limits, self._packed, self._taken = limits, max(packed, 1), 0

    def take(self, size: int) -> None:
        self._taken += size
        if self._taken > self._limits.unpacked:
            raise FileRefused(f"Unpacked, the file is larger than {self._limits.unpacked:,} bytes, the limit.")
        if self._taken > RATIO_FROM and self._taken > self._limits.ratio * self._packed:
            raise FileRefused(f"Unpacked, the file is more than {self._limits.ratio} times its size, the limit.")


def _gunzipped(handle: BinaryIO) -> Iterator[bytes]:
    """The content of every member; each member's own checksum and length are checked."""
    position, inflater = 0, zlib.decompressobj(wbits=31)
    while data := handle.read(CHUNK):
        while data:
            if inflater.eof:
                if not data.strip(b"\x00"):
                    position, data = position + len(data), b""  # a tape's padding
                    continue
                inflater = zlib.decompressobj(wbits=31)
                if not GZIP.startswith(data[:2]):
                    raise FileRefused(f"The gzip is followed by something else at byte {position:,}.")
            before = inflater.copy()
            try:
                out = inflater.decompress(data, 4 * CHUNK)
            except zlib.error as error:
                at = position + _good(before, data)
                why = "CRC or length mismatch" if "check" in str(error) else "damaged data"
                raise FileRefused(f"The gzip is broken: {why} at byte {at:,}.") from None
            rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            position, data = position + len(data) - len(rest), rest
            if out:
                yield out
    while not inflater.eof and (out := inflater.decompress(b"", 4 * CHUNK)):
        yield out
    if not inflater.eof:
        raise FileRefused(f"The gzip is cut off: it ends at byte {position:,} before its own end.")


def _good(inflater: "zlib._Decompress", data: bytes) -> int:
    """How many bytes of `data` are taken before the one that is wrong."""
    for taken in range(len(data)):
        try:
            inflater.decompress(data[taken : taken + 1])
        except zlib.error:
            return taken
    return len(data)


def _unzipped(source: Source, limits: Limits) -> Iterator[bytes]:
    entries = check_zip(source, limits)
    if any(entry.filename == WORKBOOK for entry in entries):
        raise FileRefused("The file is an Excel workbook, which this feed's contract does not describe.")
    if len(entries) != 1:
        raise FileRefused(f"The zip holds {len(entries)} files, expected one.")
    (entry,) = entries
    taken = 0
    try:
        with opened(source) as handle, zipfile.ZipFile(handle) as archive, archive.open(entry) as content:
            while chunk := content.read(CHUNK):
                taken += len(chunk)
                yield chunk
    except EOFError:
        raise FileRefused(f"The zip is cut off: its file ends after {taken:,} bytes of {entry.file_size:,}.") from None
    except zipfile.BadZipFile as error:
        why = "CRC mismatch" if "CRC" in str(error) else "damaged"
        raise FileRefused(f"The zip is broken: {why} after byte {taken:,} of its file.") from None
    except zlib.error:
        raise FileRefused(f"The zip is broken: damaged data after byte {taken:,} of its file.") from None
    except (NotImplementedError, RuntimeError):
        raise FileRefused("The zip is packed in a way that cannot be opened.") from None
    if taken != entry.file_size:
        raise FileRefused(f"The zip is broken: its file has {taken:,} bytes, {entry.file_size:,} are stated.")


def _check_entry(entry: zipfile.ZipInfo, number: int) -> None:
    if entry.flag_bits & 0x1 or entry.flag_bits & 0x40 or entry.compress_type == 99:
        raise FileRefused(f"The zip is locked with a password (entry {number}).")
    if entry.create_system == SYSTEM_UNIX and stat.S_IFMT(entry.external_attr >> 16) not in (
        0,
        stat.S_IFREG,
        stat.S_IFDIR,
    ):
        raise FileRefused(f"The zip has an entry that is a link or a device (entry {number}).")
    name = entry.orig_filename.replace("\\", "/")
    drive = len(name) > 1 and name[1] == ":"
    if name.startswith("/") or drive or ".." in PurePosixPath(name).parts or "\x00" in name:
        raise FileRefused(f"The zip has an entry named as a place outside it (entry {number}).")


def _is_litter(name: str) -> bool:
    return name.startswith(LITTER[0]) or PurePosixPath(name).name in LITTER[1:]


def _directory(source: Source) -> tuple[int, int]:
    """How many entries a zip says it has and how many bytes its list of them takes, read before the list is.

    Both forms of the end record are asked (APPNOTE 4.3.14 to 4.3.16), and the larger figures count.
    """
    with opened(source) as handle:
        end = handle.seek(0, 2)
        start = max(0, end - 22 - 65535 - 20)
        handle.seek(start)
        tail = handle.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) < at + 22:
            raise FileRefused("The zip is cut off or broken: its end is missing.")
        count, size = struct.unpack("<HI", tail[at + 10 : at + 16])
        locator = tail[at - 20 : at] if at >= 20 else b""
        if locator.startswith(b"PK\x06\x07"):
            handle.seek(min(struct.unpack("<Q", locator[8:16])[0], end))
            record = handle.read(56)
            if len(record) == 56 and record.startswith(b"PK\x06\x06"):
                # The short fields are then all ones, or what the long ones say.
                stated = ((count, 0xFFFF), (size, 0xFFFFFFFF))
                wide = struct.unpack("<QQ", record[32:48])
                count, size = (w if n == ones else max(n, w) for (n, ones), w in zip(stated, wide, strict=True))
    return count, size
