"""Search pieces of bytes for all needles at once, many pieces in one pass of a linear-time automaton (RE2)."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from linkwork.privacy.scan.needles import LONGEST_MATCH, Needles

CHUNK = 1 << 20
BATCH_BYTES = 4 << 20
BATCH_PIECES = 4096


@dataclass(frozen=True)
class Place:
    """Where a piece comes from: a file below the home and, within it, for example `entry a.xml`, `column b`."""

    path: str
    inside: tuple[str, ...] = ()

    def within(self, step: str) -> "Place":
        """A place inside this one."""
        return Place(self.path, (*self.inside, step) if step else self.inside)


@dataclass(frozen=True)
class _Piece:
    place: Place
    data: bytes
    offset: int | None


class Searcher:
    """Collects pieces and searches them in batches. `report(place, kind, encoding)` is called for what is found.

    In one piece the first occurrence of each needle is reported, and pieces are never searched across their border.
    """

    def __init__(self, needles: Needles, report: Callable[[Place, str, str], None]) -> None:
        self._needles, self._report = needles, report
        self._pieces: list[_Piece] = []
        self._size = 0

    def add(self, place: Place, data: bytes, offset: int | None = None) -> None:
        """Search `data`; `offset` is where it begins in its file, if a byte offset means anything there."""
        if data.count(0) == len(data):  # empty, or a hole of a sparse file
            return
        self._pieces.append(_Piece(place, data, offset))
        self._size += len(data)
        if self._size >= BATCH_BYTES or len(self._pieces) >= BATCH_PIECES:
            self.flush()

    def add_stream(self, place: Place, stream: BinaryIO) -> int:
        """Search a stream to its end, in chunks that overlap by the longest match. Returns its length in bytes."""
        tail, end = b"", 0
        while chunk := stream.read(CHUNK):
            self.add(place, tail + chunk, end - len(tail))
            end += len(chunk)
            tail = (tail + chunk)[-LONGEST_MATCH:]
        return end

    def flush(self) -> None:
        """Search what was collected. To be called after the last piece."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        if not pieces:
            return
        offsets = array("q", [0])
        for piece in pieces:
            offsets.append(offsets[-1] + len(piece.data))
        joined = pa.py_buffer(b"".join(piece.data for piece in pieces))
        values = pa.Array.from_buffers(pa.large_binary(), len(pieces), [None, pa.py_buffer(offsets), joined])
        for needle in self._needles.each:
            for piece, position in zip(
                pieces, pc.find_substring_regex(values, needle.expression).to_pylist(), strict=True
            ):
                if position >= 0:
                    step = "" if piece.offset is None else f"byte {piece.offset + position}"
                    self._report(piece.place.within(step), needle.kind, needle.encoding_at(piece.data, position))
