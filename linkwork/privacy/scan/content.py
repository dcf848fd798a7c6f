"""What passes between the scanner and the openers of containers: content to open, and the parts found in it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO


@dataclass(frozen=True)
class Content:
    """A container. `handle` is seekable and at its start; `path` opens the same bytes, on disk or in memory.

    `erasures`: how many the log of the home has seen, where it is searched, too.
    """

    handle: BinaryIO
    path: Path
    name: str
    zone1_key: bytes | None = field(repr=False)
    erasures: int | None = None
    in_memory: bool = False


@dataclass(frozen=True)
class Stream:
    """Bytes inside a container, to be read once and before the next part is asked for. They may be a container."""

    step: str
    stream: BinaryIO
    name: str = ""


@dataclass(frozen=True)
class Rows:
    """Decoded values: an Arrow record batch. `step` names the table, if there is more than one."""

    step: str
    batch: Any


Part = Stream | Rows
