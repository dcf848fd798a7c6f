"""Take one person's records out of what zone 1 keeps: received files, refused records, files that wait in landing.

In a text file the lines of a record are blanked in place, so that every other record keeps its line. Of another kind of
file that holds the person nothing can be cut out: the copy is dropped.
"""

import re
from collections.abc import Callable, Iterator

from linkwork.privacy.scan import Needles

# A record of a text file has no more lines; an open quote is then a stray character (as the readers take it).
MOST_LINES = 50
PHYSICAL = {b"\n": re.compile(rb"[^\n]*\n|[^\n]+"), b"\r": re.compile(rb"[^\r]*\r|[^\r]+")}
HEAD = 1 << 16  # bytes in which the readers look for a line end: a file may have carriage returns alone
BINARY = (b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
UTF8_BOM = b"\xef\xbb\xbf"
DELIMITERS = (b",", b";", b"\t", b"|")


class Eraser:
    """Knows one person by the needles that name them."""

    def __init__(self, needles: Needles) -> None:
        self._pattern = re.compile(b"|".join(n.expression.encode("ascii") for n in needles.each))

    def names(self, data: bytes) -> bool:
        """Whether the person is named in some bytes."""
        return self._pattern.search(data) is not None

    def rest(self, data: bytes, lines: set[int]) -> tuple[bytes | None, int]:
        """What may stay of a file's content that holds the person, and how many records were taken out of it.

        `lines` are those at which records known to be theirs begin. None where nothing may stay: of a file that is not
        made of lines nothing can be cut out.
        """
        return blanked(data, lines, self.names) if is_text(data) else (None, 0)


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
    """The physical lines of each record: a quoted field of a CSV file may hold line ends, a JSON object none."""
    head = data[:HEAD]
    lines = PHYSICAL[b"\r" if b"\r" in head and b"\n" not in head else b"\n"].findall(data)
    if data.removeprefix(UTF8_BOM).lstrip().startswith(b"{"):
        yield from ([line] for line in lines)
        return
    ends_open = _open_quote(lines[0] if lines else b"")
    position = 0
    while position < len(lines):
        length, unfinished = 1, ends_open(lines[position])
        while unfinished and length < MOST_LINES and position + length < len(lines):
            length += 1
            if b'"' in lines[position + length - 1]:
                unfinished = ends_open(b"".join(lines[position : position + length]))
        if unfinished:
            length = 1
        yield lines[position : position + length]
        position += length


def _open_quote(header: bytes) -> Callable[[bytes], bool]:
    """A function that says of a text whether it ends within a quoted field.

    A quote opens a field only at its beginning: `5" nail` does not.
    """
    delimiter = max(DELIMITERS, key=header.count)
    opened = rb"(^|%b)\"(?:[^\"]|\"\")*" % re.escape(delimiter)
    closed_field, open_field = re.compile(opened + rb"\"(?!\")"), re.compile(opened + rb"\Z")
    return lambda text: b'"' in text and open_field.search(closed_field.sub(rb"\1", text)) is not None
