"""Physical lines of a text file, with their numbers, decoded one by one."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingestion.readers.base import FileRefused

BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """One physical line: its number from 1, its text with the line end normalised, and what is wrong with it."""

    number: int
    text: str
    fault: str | None = None


class Lines:
    """Iterate a file's lines; `push_back` lets a reader start again after a record that swallowed too much."""

    def __init__(self, path: Path, max_length: int) -> None:
        self._path, self._max = path, max_length
        self._back: deque[Line] = deque()
        self._source = self._read()

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> Line:
        return self._back.popleft() if self._back else next(self._source)

    def push_back(self, lines: list[Line]) -> None:
        self._back.extendleft(reversed(lines))

    def _read(self) -> Iterator[Line]:
        with self._path.open("rb") as handle:
            head = handle.peek(4)[:4]
            if name := BOMS.get(head[:2]):
                raise FileRefused(f"The file is {name}, expected UTF-8.")
            if head.startswith(UTF8_BOM):
                handle.read(len(UTF8_BOM))
            for number, raw in enumerate(handle, start=1):
                yield self._line(number, raw)

    def _line(self, number: int, raw: bytes) -> Line:
        if raw.endswith(b"\r\n"):
            raw = raw[:-2] + b"\n"
        if len(raw) > self._max:
            return Line(number, "\n", f"longer than {self._max} bytes")
        try:
            return Line(number, raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            return Line(number, raw.decode("utf-8", "replace"), f"not UTF-8 at byte {error.start + 1}")
