"""Published files as text rows: CSV with or without a header, JSON, and these in `.gz` or `.zip`.

A row comes with the line it begins on (in JSON the number of the record). Values are trimmed; nothing is cast here.
"""

import csv
import gzip
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from linkwork.errors import BadDataError, UsageError
from linkwork.reference.kind import Kind

MOST_BYTES = 4 << 30  # of an unpacked file; the largest publication known has a tenth of it
READABLE = (".csv", ".txt", ".json", ".jsonl")

Row = tuple[int, list[str | None]]  # line, and a value for each column of the kind


@dataclass
class Source:
    """One file as it is read; `ignored`, `encoding` and `unit` are right once the rows were taken."""

    path: Path
    kind: Kind
    ignored: list[str] = field(default_factory=list)
    encoding: str = "utf-8"
    unit: str = "line"

    def where(self, line: int, column: str | None = None) -> str:
        return f"{self.path}, {self.unit} {line}" + (f", column {column}" if column else "")

    def rows(self) -> list[Row]:
        """Every row. Raises BadDataError for a file that is not of the kind's form, UsageError where there is none."""
        if not self.path.is_file():
            raise UsageError("no such file", where=str(self.path))
        with self._unpacked() as (name, handle):
            for encoding in self.kind.encodings:
                handle.seek(0)
                self.encoding, self.ignored = encoding, []
                text = io.TextIOWrapper(handle, encoding.replace("utf-8", "utf-8-sig"), newline="")
                try:
                    return list(self._json(text) if _ending(name) in (".json", ".jsonl") else self._csv(text))
                except UnicodeDecodeError:
                    continue
                finally:
                    text.detach()
            raise BadDataError(
                f"a file is not {' or '.join(self.kind.encodings).upper()}",
                where=self.where(_undecodable(handle, self.kind.encodings[-1])),
                do="save it as UTF-8",
            )

    @contextmanager
    def _unpacked(self) -> Iterator[tuple[str, IO[bytes]]]:
        """The name and the bytes of the one file that is in the file."""
        ending = _ending(self.path.name)
        if ending not in (".gz", ".zip"):
            if ending not in READABLE:
                raise BadDataError(
                    "a file is of no form that is read here",
                    where=str(self.path),
                    why=f"its name ends in {ending or 'nothing'}",
                    do="save the table as CSV; a sheet of a workbook by itself",
                )
            with self.path.open("rb") as handle:
                yield self.path.name, handle
            return
        with tempfile.TemporaryFile() as unpacked:
            try:
                name = self._unpack(ending, unpacked)
            except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
                raise BadDataError(
                    "a packed file cannot be unpacked",
                    where=str(self.path),
                    why=type(error).__name__,
                    do="fetch it anew",
                ) from error
            yield name, unpacked

    def _unpack(self, ending: str, unpacked: IO[bytes]) -> str:
        if ending == ".gz":
            with gzip.open(self.path) as packed:
                self._copy(packed, unpacked)
            return self.path.stem
        with zipfile.ZipFile(self.path) as archive:
            members = [m for m in archive.namelist() if _ending(m) in READABLE]
            if len(members) != 1:
                raise BadDataError(
                    "an archive must hold one CSV or JSON file",
                    where=str(self.path),
                    why=f"it holds {', '.join(sorted(members)[:5]) or 'none'}",
                    do="unpack it and load the files one by one",
                )
            with archive.open(members[0]) as packed:
                self._copy(packed, unpacked)
            return members[0]

    def _copy(self, packed: Any, unpacked: IO[bytes]) -> None:
        while chunk := packed.read(1 << 20):
            unpacked.write(chunk)
            if unpacked.tell() > MOST_BYTES:
                raise BadDataError("a packed file is too large", where=str(self.path), why=f"over {MOST_BYTES:,} bytes")

    def _csv(self, text: IO[str]) -> Iterator[Row]:
        reader, begins = csv.reader(text, strict=True), 1
        places: list[int | None] | None = None
        width = 0
        try:
            for cells in reader:
                line, begins = begins, reader.line_num + 1
                if not cells:
                    continue
                if places is None:
                    width = len(cells)
                    places, is_header = self._places(cells)
                    if is_header:
                        continue
                if len(cells) != width:
                    raise BadDataError(
                        "a line does not have the header's columns",
                        where=self.where(line),
                        why=f"it has {len(cells)} of {width}",
                        do="correct the file",
                    )
                yield line, [_value(cells[p]) if p is not None else None for p in places]
        except csv.Error as error:
            raise BadDataError(
                "a line cannot be read as CSV", where=self.where(begins), why=str(error), do="correct the file"
            ) from error
        if places is None:
            raise BadDataError("a file is empty", where=str(self.path))

    def _places(self, cells: list[str]) -> tuple[list[int | None], bool]:
        """Where each column of the kind is, and whether the first line is a header."""
        known = {_plain(n): c for c, column in self.kind.columns.items() for n in (c, *column.names)}
        found: dict[str, int] = {}
        twice = []
        for place, cell in enumerate(cells):
            column = known.get(_plain(cell))
            if column is None:
                self.ignored.append(cell.strip())
            elif column in found:
                twice.append(column)
            else:
                found[column] = place
        if not found and len(cells) == len(self.kind.positions):
            self.ignored = []
            by_position = {c: n for n, c in enumerate(self.kind.positions) if c}
            return [by_position.get(c) for c in self.kind.columns], False
        if twice:
            raise BadDataError("a column is named twice", where=self.where(1), why=", ".join(sorted(set(twice))))
        if missing := [c for c, column in self.kind.columns.items() if c not in found and not column.optional]:
            named = [
                f"{c} ({' or '.join(self.kind.columns[c].names)})" if self.kind.columns[c].names else c for c in missing
            ]
            do = "check that the file is of this kind"
            if self.kind.positions:
                do += f"; a file without a header has {len(self.kind.positions)} columns, this one {len(cells)}"
            raise BadDataError("a column is missing", where=self.where(1), why=", ".join(named), do=do)
        return [found.get(c) for c in self.kind.columns], True

    def _json(self, text: IO[str]) -> Iterator[Row]:
        self.unit = "record"
        if self.kind.records is None:
            raise BadDataError("this kind is not read from JSON", where=str(self.path), do="save it as CSV")
        content = text.read()
        try:
            documents = [json.loads(content)]
        except ValueError:
            try:
                documents = [json.loads(line) for line in content.splitlines() if line.strip()]
            except ValueError as error:
                raise BadDataError("a file is not JSON", where=str(self.path), do="fetch it anew") from error
        records = self._records(documents)
        used = {n.split(".")[0] for c, column in self.kind.columns.items() for n in (c, *column.names)}
        self.ignored = sorted({k for record in records if isinstance(record, dict) for k in record} - used)
        for number, record in enumerate(records, start=1):
            if not isinstance(record, dict):
                raise BadDataError("a record is not an object", where=self.where(number), do="check the file's kind")
            values = []
            for name, column in self.kind.columns.items():
                found = [v for n in (*column.names, name) for v in [_reach(record, n.split("."))] if v]
                values.append(_value(column.separator.join(found[0])) if found else None)
            yield number, values

    def _records(self, documents: list[Any]) -> list[Any]:
        """The records of a document, of a list, or of pages, of which none may be missing."""
        path = (self.kind.records or "").split(".")
        records: list[Any] = []
        pages, of = set(), 0
        for document in documents:
            inner = document
            for step in path:
                inner = inner.get(step) if isinstance(inner, dict) else None
            if isinstance(document, list):
                records += document
            elif isinstance(inner, list):
                records += inner
                pages.add(document.get("page_number", 1))
                of = max(of, document.get("total_pages") or 1)
            else:
                records.append(document)
        if len(pages) < of:
            raise BadDataError(
                "pages of a list are missing",
                where=str(self.path),
                why=f"it holds {len(pages)} of {of}",
                do="put all pages into one file, a page a line, and name it .jsonl",
            )
        return records


def _ending(name: str) -> str:
    return Path(name).suffix.lower()


def _plain(name: str) -> str:
    """A header's name without what drifts from release to release: case, spaces, punctuation."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().casefold()).strip("_")


def _value(cell: str) -> str | None:
    return cell.strip() or None


def _reach(value: Any, steps: list[str]) -> list[str]:
    """The texts at the end of a path of keys, through lists."""
    if isinstance(value, list):
        return [text for item in value for text in _reach(item, steps)]
    if steps:
        return _reach(value.get(steps[0]), steps[1:]) if isinstance(value, dict) else []
    return [] if value is None or isinstance(value, dict) else [str(value)]


def _undecodable(handle: IO[bytes], encoding: str) -> int:
    """The first line that is not of the encoding."""
    handle.seek(0)
    for number, line in enumerate(handle, start=1):
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            return number
    return 1
