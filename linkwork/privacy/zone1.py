"""Take one person's records out of what zone 1 keeps: received files, refused records, files that wait in landing.

In a text file the lines of a record are blanked in place, so that every other record keeps its line. Of another kind of
file that holds the person nothing can be cut out: the copy is dropped.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from linkwork.files import write_whole
from linkwork.privacy import vault
from linkwork.privacy.scan import Needles

# A record of a text file has no more lines; an open quote is then a stray character (as the readers take it).
MOST_LINES = 50
PHYSICAL = re.compile(rb"[^\n]*\n|[^\n]+")
BINARY = (b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


@dataclass
class Cleaned:
    """What was done: records blanked, files dropped."""

    records: int = 0
    dropped: int = 0

    def __add__(self, other: "Cleaned") -> "Cleaned":
        return Cleaned(self.records + other.records, self.dropped + other.dropped)


class Eraser:
    """Knows one person by the needles that name them."""

    def __init__(self, needles: Needles) -> None:
        self._pattern = re.compile(b"|".join(n.expression.encode("ascii") for n in needles.each))

    def names(self, data: bytes) -> bool:
        """Whether the person is named in some bytes."""
        return self._pattern.search(data) is not None

    def clean_sealed(self, path: Path, lines: set[int], key: bytes) -> Cleaned:
        """A received file in the encrypted store."""
        data = vault.unseal(path, key)
        if is_text(data):
            rest, records = blanked(data, lines, self.names)
            if records:
                vault.seal_bytes(rest, path, key)
            return Cleaned(records)
        return self._drop(path, data, bool(lines))

    def clean_plain(self, path: Path) -> Cleaned:
        """A file that waits in landing."""
        data = path.read_bytes()
        if is_text(data):
            rest, records = blanked(data, set(), self.names)
            if records:
                write_whole(path, rest)
            return Cleaned(records)
        return self._drop(path, data, False)

    def _drop(self, path: Path, data: bytes, known: bool) -> Cleaned:
        # What a compressed file holds is not looked into: where it may be theirs it goes.
        if known or self.names(data) or data.startswith(BINARY):
            path.unlink()
            return Cleaned(dropped=1)
        return Cleaned()


def blanked(data: bytes, lines: set[int], names: Callable[[bytes], bool]) -> tuple[bytes, int]:
    """A text without the records that begin at `lines` or for which `names` holds; how many records that were."""
    kept: list[bytes] = []
    count, number = 0, 1
    for record in _records(data):
        if not lines.isdisjoint(range(number, number + len(record))) or names(b"".join(record)):
            count += 1
            kept += [line[len(line.rstrip(b"\r\n")) :] for line in record]
        else:
            kept += record
        number += len(record)
    return b"".join(kept), count


def is_text(data: bytes) -> bool:
    """Whether a file is made of lines."""
    return not data.startswith(BINARY) and b"\x00" not in data


def _records(data: bytes) -> Iterator[list[bytes]]:
    """The physical lines of each record: a quoted field may hold line ends."""
    lines = PHYSICAL.findall(data)
    position = 0
    while position < len(lines):
        quotes, length = lines[position].count(b'"'), 1
        while quotes % 2 and length < MOST_LINES and position + length < len(lines):
            quotes += lines[position + length].count(b'"')
            length += 1
        if quotes % 2:
            length = 1
        yield lines[position : position + length]
        position += length
