"""Physical lines of a text file, with their numbers and places, decoded one by one."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingestion.readers.base import FileRefused

MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
UTF8_MARK = b"\xef\xbb\xbf"
PEEK = 1 << 16
LOOK = 1024


@dataclass(frozen=True)
class Line:
    """One physical line: its number from 1, its text with the line end normalised, how many bytes it takes in the file,
    and what is wrong with it."""

    number: int
    text: str
    size: int
    fault: str | None = None


class Lines:
    """Iterate a file's lines; `push_back` lets a reader start again after a record that swallowed too much.

    `offset` and `number` are those of the next line. Raises FileRefused where the file is in another encoding than
    `encoding` says. A file of which only carriage returns end the lines is read by them.
    """

    def __init__(self, path: Path, max_length: int, encoding: str = "utf-8") -> None:
        self.path = path
        self.number = 1
        self._max = max_length
        self._back: deque[Line] = deque()
        with path.open("rb") as handle:
            head = handle.read(PEEK)
        self.offset, self.encoding = _after_mark(head, encoding)
        self.newline = b"\r" if b"\r" in head and b"\n" not in head else b"\n"
        self._end = self.newline.decode().encode(self.encoding)
        self.line_ends: set[str] = set()  # those met so far
        self.is_ended = not head or _last_bytes(path, len(self._end)) == self._end
        self._source = self._read()

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> Line:
        line = self._back.popleft() if self._back else next(self._source)
        self.offset += line.size
        self.number = line.number + 1
        return line

    def push_back(self, lines: list[Line]) -> None:
        self._back.extendleft(reversed(lines))
        self.offset -= sum(line.size for line in lines)
        self.number -= len(lines)

    def move(self, offset: int, number: int) -> None:
        """Go on at another place of the file: the offset at which the line of that number starts."""
        self.offset, self.number = offset, number
        self._back.clear()
        self._source = self._read()

    def _read(self) -> Iterator[Line]:
        with self.path.open("rb") as handle:
            handle.seek(self.offset)
            number = self.number
            while raw := self._readline(handle):
                yield self._line(number, raw, handle)
                number += 1

    def _readline(self, handle: BinaryIO) -> bytes:
        if self._end == b"\n":
            return handle.readline(self._max + 1)
        taken = bytearray()
        while character := handle.read(len(self._end)):
            taken += character
            if character == self._end or len(taken) > self._max:
                break
        return bytes(taken)

    def _line(self, number: int, raw: bytes, handle: BinaryIO) -> Line:
        size = len(raw)
        if size > self._max and not raw.endswith(self._end):
            while rest := self._readline(handle):
                size += len(rest)
                if rest.endswith(self._end):
                    break
        if size > self._max:
            return Line(number, "\n", size, f"longer than {self._max} bytes")
        try:
            text, fault = raw.decode(self.encoding), None
        except UnicodeDecodeError as error:
            text = raw.decode(self.encoding, "replace")
            fault = f"not {self.encoding.upper()} at byte {error.start + 1}"
        if text.endswith("\r\n"):
            self.line_ends.add("CRLF")
            text = text[:-2] + "\n"
        elif text.endswith("\n"):
            self.line_ends.add("LF")
        elif self.newline == b"\r" and text.endswith("\r"):
            text = text[:-1] + "\n"
        return Line(number, text, size, fault)


def _after_mark(head: bytes, encoding: str) -> tuple[int, str]:
    """Where the text starts, after its byte order mark, and the codec that reads it."""
    mark = MARKS.get(head[:2])
    if encoding == "utf-16":
        if mark is None and head:
            raise FileRefused("The file has no byte order mark of UTF-16, which its contract states.")
        return len(head[:2]), mark or "utf-16-le"
    if mark or _is_unmarked_utf16(head[:LOOK]):
        raise FileRefused(f"The file is UTF-16, expected {encoding.upper()}.")
    return len(UTF8_MARK) if head.startswith(UTF8_MARK) else 0, encoding


def _is_unmarked_utf16(head: bytes) -> bool:
    """Whether every other byte is NUL, or nearly: so stand the letters of western text in UTF-16."""
    return len(head) > 1 and any(4 * head[first::2].count(0) > 3 * len(head[first::2]) for first in (0, 1))


def _last_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - count))
        return handle.read()
