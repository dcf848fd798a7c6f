"""JSON documents that hold many records: an array file, and FHIR Bundles. Where in the file each record stands.

A file is made of lines (one record a line), or it is documents: one JSON array, or Bundles one after another (one
alone over many lines, or one a line). Which, its first bytes say. Whoever reads records, shows one or takes one out
asks here, so that all mean the same bytes by a line number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Form = Literal["lines", "array", "bundle", "document"]

UTF8_BOM = b"\xef\xbb\xbf"
HEAD_BYTES = 1 << 20  # in which a document says what it is
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)
BLANK = b" \t\r\n"


@dataclass(frozen=True)
class Element:
    """One record of a document: the bytes `start` to `end`, the lines they stand on, which document it is of."""

    start: int
    end: int
    line: int
    line_end: int
    document: int = 0
    place: int = 1  # among the records that begin on the line


@dataclass(frozen=True)
class Documents:
    """The records of a file that is documents, and what of each document lies around them."""

    elements: list[Element]
    heads: list[bytes]  # each document with an empty list in the place of its records


class BrokenDocument(Exception):
    """The file is not whole documents; `line` is where that shows."""

    def __init__(self, line: int) -> None:
        super().__init__(f"not a whole JSON document at line {line}")
        self.line = line


def form_of(head: bytes) -> Form:
    """What a file is, by its first bytes: `array`, `bundle`, one other `document` over several lines, or `lines`."""
    text = head.removeprefix(UTF8_BOM).lstrip(BLANK)
    if text.startswith(b"["):
        return "array"
    if not text.startswith(b"{"):
        return "lines"
    if _is_bundle(text):
        return "bundle"
    first, newline, rest = text.partition(b"\n")
    over_lines = newline and not _closes(first) and first.rstrip(BLANK).endswith((b"{", b",", b"["))
    return "document" if over_lines and not rest.lstrip(BLANK).startswith(b"{") else "lines"


def elements(data: bytes) -> Documents | None:
    """The records of a file that is an array or Bundles; None for any other. Raises BrokenDocument."""
    form = form_of(data[:HEAD_BYTES])
    return documents(data, form) if form in ("array", "bundle") else None


def documents(data: bytes, form: Form) -> Documents:
    """The records of a file of that form. Raises BrokenDocument where its brackets do not match."""
    found, heads = [], []
    scan = _Scan(data, b"[" if form == "array" else b"{")
    for number, (start, end, ranges) in enumerate(scan.documents()):
        found += [(first, last, number) for first, last in ranges]
        heads.append(data[start : ranges[0][0]] + data[ranges[-1][1] : end] if ranges else data[start:end])
    return Documents(_with_lines(data, found), heads)


@dataclass
class _Scan:
    """One pass over the brackets of documents that each begin with `opening`."""

    data: bytes
    opening: bytes
    stack: list[bytes] = field(default_factory=list)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    start: int = 0
    begin: int = 0
    position: int = 0
    key: bytes = b""  # the last text on the top level: before a bracket it is its key
    inside: bool = False  # within the list of records

    @property
    def depth(self) -> int:
        """How deep the list of records stands."""
        return 0 if self.opening == b"[" else 1

    def documents(self) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
        """Start and end of each document, and of the records in it: members of its one list, or of the list `entry`."""
        self.position = len(UTF8_BOM) if self.data.startswith(UTF8_BOM) else 0
        for token in TOKEN.finditer(self.data):
            sign = token[0][:1]
            if not self.stack and (self.data[self.position : token.start()].strip(BLANK) or sign != self.opening):
                raise self._broken(token.start())
            if sign == b'"' and len(self.stack) == 1 and not self.inside:
                self.key = token[0]
            elif sign in b"{[":
                self._open(sign, token.start())
            elif sign in b"}]":
                self._close(sign, token.start(), token.end())
                if not self.stack:
                    yield self.start, token.end(), self.ranges
            self.position = token.end()
        if self.stack or self.data[self.position :].strip(BLANK):
            raise self._broken(len(self.data))

    def _open(self, sign: bytes, start: int) -> None:
        if not self.stack:
            self.start, self.ranges = start, []
        if self.inside and len(self.stack) == self.depth + 1:
            self.begin = start
        elif len(self.stack) == self.depth and sign == b"[" and (self.depth == 0 or self.key == b'"entry"'):
            self.inside = True
        self.stack.append(sign)

    def _close(self, sign: bytes, start: int, end: int) -> None:
        if (self.stack.pop() == b"{") != (sign == b"}"):
            raise self._broken(start)
        if self.inside and len(self.stack) == self.depth + 1:
            self.ranges.append((self.begin, end))
        elif self.inside and len(self.stack) == self.depth:
            self.inside = False

    def _broken(self, position: int) -> BrokenDocument:
        return BrokenDocument(self.data.count(b"\n", 0, position) + 1)


def _with_lines(data: bytes, found: list[tuple[int, int, int]]) -> list[Element]:
    made: list[Element] = []
    line, position = 1, 0
    for start, end, document in found:
        line += data.count(b"\n", position, start)
        last = line + data.count(b"\n", start, end)
        place = made[-1].place + 1 if made and made[-1].line == line else 1
        made.append(Element(start, end, line, last, document, place))
        line, position = last, end
    return made


def _is_bundle(text: bytes) -> bool:
    """Whether the first object says so of itself, before its entries or after: it is the one kind that has them."""
    depth, expecting = 0, False
    for token in TOKEN.finditer(text):
        sign = token[0][:1]
        if sign == b'"' and depth == 1:
            if expecting:
                return token[0] == b'"Bundle"'
            after = text[token.end() : token.end() + 64].lstrip(BLANK)
            expecting = token[0] == b'"resourceType"' and after.startswith(b":")
        elif sign in b"{[":
            depth += 1
        elif sign in b"}]":
            depth -= 1
            if depth == 0:
                return False
    return False


def _closes(line: bytes) -> bool:
    depth = 0
    for token in TOKEN.finditer(line):
        depth += (token[0] in b"{[") - (token[0] in b"}]") if token[0][:1] != b'"' else 0
    return depth <= 0
