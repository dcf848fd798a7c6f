"""The id of a release in each of its Parquet files, so that files of two releases are told apart.

The id follows from the hashes of the files. So a file is written with its place for the id left blank, hashed, and
given the id of the same length after that: `blank_sha256` is the hash that the id follows from.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from linkwork.engine import text
from linkwork.errors import BadDataError
from linkwork.files import CHUNK, fsync

KEY = "linkwork_release"
END = 8  # bytes after the footer: its length, and the magic word
# Key and value as the footer holds them, in Thrift's compact form: a string's field, its length, its bytes.
PLACE = re.compile(re.escape(KEY.encode()) + rb"\x18(?P<length>[\x01-\x7f])(?P<id>[0-9]+-[0-9a-f]{8})", re.DOTALL)


class Stamp(NamedTuple):
    """What a file says it is part of, and its SHA-256 (hex) as it is and with the place for that left blank."""

    release_id: str
    sha256: str
    blank_sha256: str


def blank(release_id: str) -> str:
    """What a file holds in place of an id of this length."""
    return re.sub("[0-9a-f]", "0", release_id)


def option(position: int) -> str:
    """The option of DuckDB's COPY that leaves place for the id of a release of this position."""
    return f"kv_metadata {{{KEY}: {text(blank(f'{position}-00000000'))}}}"


def read(path: Path) -> Stamp:
    """The stamp of a Parquet file. Raises BadDataError where it has none."""
    with path.open("rb") as file:
        start = _footer(path)
        digest, left = hashlib.sha256(), start
        while left and (chunk := file.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
        footer = file.read()
    at, found = _place(path, footer)
    whole = digest.copy()
    whole.update(footer)
    digest.update(footer[:at] + blank(found).encode() + footer[at + len(found) :])
    return Stamp(found, whole.hexdigest(), digest.hexdigest())


def stamp(path: Path, release_id: str) -> None:
    """Write the id into its place, fsynced. Raises BadDataError where there is none of its length."""
    start = _footer(path)
    with path.open("r+b") as file:
        file.seek(start)
        at, found = _place(path, file.read())
        if blank(found) != blank(release_id):
            raise BadDataError("a file has no place for the id of its release", where=str(path), why=release_id)
        file.seek(start + at)
        file.write(release_id.encode())
    fsync(path)


def _footer(path: Path) -> int:
    """Where the footer begins; the beginning of the file where that cannot be."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - END))
        length = int.from_bytes(file.read(4), "little")
    return max(0, size - END - length)


def _place(path: Path, footer: bytes) -> tuple[int, str]:
    places = [m for m in PLACE.finditer(footer) if m["length"][0] == len(m["id"])]
    if len(places) != 1:
        raise BadDataError(
            "a file does not say which release it is part of",
            where=str(path),
            why=f"its metadata have no one value of {KEY}",
            do="restore it from a copy, or publish again",
        )
    return places[0].start("id"), places[0]["id"].decode()
