"""Byte streams of content that is not a file: unpacked or deciphered, read in order, never written to disk."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

COPY = 1 << 20


class Refused(Exception):
    """Content that cannot be searched in full. The message is ours and holds nothing of the content."""


class Chunks(io.RawIOBase):
    """An iterator of bytes as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            following = next(self._chunks, None)
            if following is None:
                return 0
            self._rest = following
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class Budget:
    """How many bytes may still be unpacked from one file, against archives that unpack without end."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def metered(self, stream: BinaryIO) -> Iterator[bytes]:
        """The stream in chunks. Raises Refused where the budget is spent."""
        while chunk := stream.read(COPY):
            self._left -= len(chunk)
            if self._left < 0:
                raise Refused("it unpacks to more than the limit")
            yield chunk


class Memory:
    """A copy of a stream in memory that libraries can open by path. Deciphered content must not reach a disk."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self.handle = os.fdopen(os.memfd_create("linkwork-scan"), "w+b")
        size = 0
        while chunk := stream.read(COPY):
            size += len(chunk)
            if size > limit:
                self.handle.close()
                raise Refused("a file inside it is larger than what is opened in memory")
            self.handle.write(chunk)
        self.handle.seek(0)
        self.path = Path(f"/proc/self/fd/{self.handle.fileno()}")
