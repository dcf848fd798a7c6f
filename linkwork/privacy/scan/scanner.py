"""Walk a home and search everything in it: names, targets of links, raw bytes, and the content of containers."""

import io
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from linkwork.errors import LinkworkError, UsageError
from linkwork.privacy.scan.columns import as_bytes, is_text, leaves
from linkwork.privacy.scan.content import Content, Part, Stream
from linkwork.privacy.scan.kinds import EMBEDDED, HEAD, Kind, kind_of
from linkwork.privacy.scan.needles import Needles
from linkwork.privacy.scan.result import Hit, ScanResult, Unreadable
from linkwork.privacy.scan.search import Place, Searcher
from linkwork.privacy.scan.streams import Budget, Chunks, Memory, Refused

EMBEDDED_BYTES = 16  # a shorter value, such as an id or a hash, is no container


@dataclass(frozen=True)
class Limits:
    """How far containers are opened. What is beyond is reported as unreadable.

    `depth`: containers within containers. `unpacked`: bytes from one file. `memory`: bytes of a container that lies
    inside another and is opened in memory.
    """

    depth: int = 6
    unpacked: int = 16 << 30
    memory: int = 256 << 20


def scan(
    home: Path,
    needles: Needles,
    zone1_key: bytes | None = None,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] = lambda _files, _bytes: None,
    *,
    erasures: int | None = None,
) -> ScanResult:
    """Search every file below `home` for the needles; no link is followed.

    `erasures`: how many the log in `home` has seen. Whatever a warehouse that was built after them has freed came from
    that log, which is searched, too.
    Nothing is changed, but SQLite makes its index of pages (`-shm`) anew beside the log of a process that died.
    `progress` is called after each file with the files and the stored bytes so far. What could not be read is in the
    result. Raises UsageError where `home` is no directory.
    """
    root = home.resolve()
    if not root.is_dir():
        raise UsageError("nothing to scan", where=str(home), why="it is not a directory")
    return _Scanner(root, needles, zone1_key, limits or Limits(), progress, erasures).run()


class _Scanner:
    def __init__(
        self,
        home: Path,
        needles: Needles,
        zone1_key: bytes | None,
        limits: Limits,
        progress: Callable[[int, int], None],
        erasures: int | None,
    ) -> None:
        self._home, self._needles, self._zone1_key = home, needles, zone1_key
        self._limits, self._progress, self._erasures = limits, progress, erasures
        self._result = ScanResult()
        self._seen: set[tuple[object, ...]] = set()
        self._search = Searcher(needles, self._hit)

    def run(self) -> ScanResult:
        for path in self._walk(self._home):
            place = Place(str(path.relative_to(self._home)))
            self._search.add(place.within("name"), os.fsencode(path.name))
            with self._tolerant(place):
                kind = path.lstat().st_mode  # a socket or a pipe holds no bytes
                if stat.S_ISLNK(kind):
                    self._search.add(place.within("target of the link"), os.fsencode(path.readlink()))
                elif stat.S_ISREG(kind):
                    self._file(path, place)
                    self._progress(self._result.files, self._result.bytes)
        self._search.flush()
        return self._result

    def _walk(self, folder: Path) -> Iterator[Path]:
        """Everything below a folder, in order of name."""
        with self._tolerant(Place(str(folder.relative_to(self._home)))):
            for entry in sorted(os.scandir(folder), key=lambda e: e.name):
                yield folder / entry.name
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(folder / entry.name)

    def _file(self, path: Path, place: Place) -> None:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as handle:
            self._result.files += 1
            self._result.bytes += self._search.add_stream(place, handle)
            handle.seek(0)
            kind = kind_of(handle.read(HEAD), path.name)
            handle.seek(0)
            if kind:
                content = Content(handle, path, path.name, self._zone1_key, self._erasures)
                self._container(kind, content, place, 1, Budget(self._limits.unpacked))

    def _container(self, kind: Kind, content: Content, place: Place, depth: int, budget: Budget) -> None:
        with self._tolerant(place):
            if depth > self._limits.depth:
                raise Refused("containers lie deeper within each other than the limit")
            for part in kind.opener(content):
                self._part(part, place.within(part.step), depth, budget)

    def _part(self, part: Part, place: Place, depth: int, budget: Budget) -> None:
        if isinstance(part, Stream):
            self._stream(part, place, depth, budget)
            return
        for name, values in zip(part.batch.schema.names, part.batch.columns, strict=True):
            for dotted, leaf in leaves(name, values):
                column = place.within(f"column {dotted}")
                self._search.add(column, as_bytes(leaf))
                for value in _embedded(leaf):
                    self._stream(Stream("", io.BytesIO(value)), column.within("a value"), depth, budget)

    def _stream(self, part: Stream, place: Place, depth: int, budget: Budget) -> None:
        """Content without a file of its own: searched as it comes, and kept in memory only where it is a container."""
        chunks = budget.metered(part.stream)
        head = b""
        while len(head) < HEAD and (more := next(chunks, None)):
            head += more
        stream = cast(BinaryIO, io.BufferedReader(Chunks(chain([head], chunks))))
        kind = kind_of(head[:HEAD], part.name)
        if kind is None:
            self._search.add_stream(place, stream)
            return
        with self._tolerant(place):
            memory = Memory(stream, self._limits.memory)
            with memory.handle:
                self._search.add_stream(place, memory.handle)
                memory.handle.seek(0)
                content = Content(memory.handle, memory.path, part.name, self._zone1_key, in_memory=True)
                self._container(kind, content, place, depth + 1, budget)

    def _hit(self, place: Place, kind: str, encoding: str) -> None:
        """Once for each place and encoding, whatever number of times it stands there."""
        key = (place.path, tuple(step for step in place.inside if not step.startswith("byte ")), kind, encoding)
        if key not in self._seen:
            self._seen.add(key)
            self._result.hits.append(Hit(*self._shown(place), kind, encoding))

    def _shown(self, place: Place) -> tuple[str, str]:
        return self._needles.masked(place.path), self._needles.masked(", ".join(place.inside))

    def _tolerant(self, place: Place) -> "_Tolerant":
        return _Tolerant(lambda reason: self._result.unreadable.append(Unreadable(*self._shown(place), reason)))


class _Tolerant:
    """Names what could not be read instead of ending the scan. A library's message may quote content: it is dropped."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self._report(_reason(error))
        return True


def _reason(error: Exception) -> str:
    match error:
        case Refused():
            return str(error)
        case LinkworkError():
            return f"{error.what}: {error.why}" if error.why else error.what
        case FileNotFoundError():
            return "it vanished while the home was being read"
        case PermissionError():
            return "permission denied"
        case duckdb.IOException() | duckdb.ConnectionException():
            return "DuckDB cannot open it: in use by a running process, or damaged"
    return f"it is damaged, in use, or of a form we cannot read ({type(error).__name__})"


def _embedded(leaf: Any) -> Iterator[bytes]:
    """Values of a column that are containers themselves, such as compressed documents."""
    if is_text(leaf.type):
        values = leaf.cast(pa.large_binary())
        long = values.filter(pc.greater(pc.binary_length(values), EMBEDDED_BYTES))
        yield from long.filter(pc.match_substring_regex(long, EMBEDDED)).to_pylist()
