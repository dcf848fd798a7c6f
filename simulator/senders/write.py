"""Write the files that senders would send, in one fixed order, as a stream from SQL: no line is a Python object.

A query gives the lines of some senders in the order of files and records, as Arrow text; what a file gets is a slice of
that text's own memory. So memory is that of a portion, whatever the region's size.
"""

import csv
import datetime as dt
import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from simulator.senders import spoil, tables
from simulator.senders.extracts import STATES
from simulator.senders.faults import Draw, Due, reloaded
from simulator.senders.feeds import Feed
from simulator.senders.telling import Told
from simulator.senders.written import Marked, Written

ROWS_AT_ONCE = 1_000_000  # of the senders that one query takes; a sender with more is taken alone
ROWS_PER_BATCH = 50_000
MOST_FILES = 1_000_000  # of a sender
Planned = tuple[int, Written, int]  # number of the file among its sender's, the file, its good lines
Later = tuple[str, Due | None, str]  # a line for the sender's next file: kind, the fault it belongs to, made from which


def feed_files(
    con: duckdb.DuckDBPyConnection, root: Path, told: Told, draw: Draw
) -> tuple[list[Written], list[Marked]]:
    """Write every file of a feed with its faults, in portions of whole senders."""
    feed = told.feed
    written: list[Written] = []
    marked: list[Marked] = []
    for planned in plans(con, told):
        if told.packing == "parquet":
            for n, file, records in planned:
                marked += tables.parquet(con, root, feed, n, file, draw.of_file(file.sender, n, records, False))
        else:
            with Pen(root, feed, draw, planned) as pen:
                for batch in lines(con, feed, sorted({file.sender for _, file, _ in planned}), draw.conflicts):
                    pen.write(batch)
            marked += pen.marked
        written += [file for _, file, _ in planned]
    return written, marked


def lines(con: duckdb.DuckDBPyConnection, feed: Feed, senders: list[str], conflicts: float) -> Iterable[pa.RecordBatch]:
    """Every good line of some senders in its order: number of the file, text, kind where it is one, whether it will be
    said again otherwise, and its days where they were another system's.
    """
    listed = ", ".join(f"'{name}'" for name in senders)
    again = f"""
        event_type = 'contact.held' and kind is null and not corrected
            and u(concat_ws('|', sender, key), 'conflict') < {conflicts!r}
    """
    return con.execute(f"""
        select (list_position([{listed}], sender) - 1)::bigint * {MOST_FILES} + n as file,
               {feed.text()} || chr(10) as line, kind, {again if conflicts else "false"} as again,
               {feed.reloaded} as reloaded
        from {feed.book}_known where sender in ({listed})
        order by file, key
    """).to_arrow_reader(ROWS_PER_BATCH)


def plans(con: duckdb.DuckDBPyConnection, told: Told) -> Iterator[list[Planned]]:
    """The files of a feed with their numbers and good lines, in portions of whole senders."""
    feed = told.feed
    late = "if(bool_or(sent_late), 'late_', '')" if feed.book == "referrals" else "''"
    last = "if(bool_or(asked_at < extract_day), 'last_', '')" if feed.book in STATES else "''"
    suffix = {"": feed.suffix, "gz": f"{feed.suffix}.gz", "parquet": "parquet"}[told.packing]
    found = con.execute(f"""
        select sender, n, any_value(folder) || 'landing/{feed.name}/' || sender || '/{feed.stem}_' || {late} || {last}
               || any_value(extract_day) || '.{suffix}', count(*), any_value(extract_day),
               sum(count(*)) over (partition by sender)
        from {feed.book}_known where {told.senders} group by sender, n order by sender, n
    """).fetchall()
    portion: list[Planned] = []
    rows = 0
    for place, (sender, n, path, records, day, of_sender) in enumerate(found):
        if place and sender != found[place - 1][0] and rows + of_sender > ROWS_AT_ONCE:
            yield portion
            portion, rows = [], 0
        rows += records
        portion.append((n, Written(feed.name, sender, path, 0, day), records))
    if portion:
        yield portion


def runs(column: pa.Array) -> Iterator[tuple[int, int, int]]:
    """(value, first row, row after the last) of each run of one value."""
    encoded = pc.run_end_encode(column)
    start = 0
    for value, end in zip(encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True):
        yield value, start, end
        start = end


class Pen:
    """Writes the lines of one file after the other and the faults made from them, and notes on which line each unusual
    one ended up.
    """

    def __init__(self, root: Path, feed: Feed, draw: Draw, planned: list[Planned]) -> None:
        self.root, self.feed, self.draw = root, feed, draw
        self.marked: list[Marked] = []
        names = {sender: number for number, sender in enumerate(sorted({file.sender for _, file, _ in planned}))}
        self._planned = {names[file.sender] * MOST_FILES + n: (n, file, records) for n, file, records in planned}
        self._last_of = {file.sender: n for n, file, _ in planned}
        self._file: Written | None = None
        self._to: BinaryIO | None = None
        self._due: list[Due] = []
        self._for_next: list[Later] = []
        self._for_this: list[Later] = []
        self._good = 0
        self._last = ""

    def __enter__(self) -> "Pen":
        return self

    def __exit__(self, *_: object) -> None:
        if self._to:
            self._end()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the lines of a batch, each to its file."""
        text, kinds, again = batch.column("line"), batch.column("kind"), batch.column("again")
        days = batch.column("reloaded")
        marked = pc.indices_nonzero(pc.is_valid(kinds)).to_pylist()
        repeated = pc.indices_nonzero(again).to_pylist()
        for number, start, end in runs(batch.column("file")):
            n, file, records = self._planned[number]
            if file is not self._file:
                self._begin(n, file, records)
            usual = {row: kinds[row].as_py() for row in marked if start <= row < end}
            special = sorted(
                {*usual, *(row for row in repeated if start <= row < end), *self._rows_due(usual, start, end)}
            )
            done = start
            for row in special:
                self._plain(text, done, row + 1)
                self._specially(usual.get(row), text[row].as_py()[:-1], again[row].as_py(), days[row].as_py())
                done = row + 1
            self._plain(text, done, end)
            self._last = text[end - 1].as_py()[:-1]

    def _rows_due(self, usual: Mapping[int, str], start: int, end: int) -> Iterator[int]:
        """The rows of a run from which a fault is made; a line that is unusual itself leaves it to the next."""
        for at, due in enumerate(self._due):
            row = max(start, start + due.place - self._good)
            while row in usual:
                row += 1
            if row >= end:
                break
            self._due[at] = replace(due, place=self._good + row - start)
            yield row

    def _specially(self, kind: str | None, good: str, again: bool, days: Mapping[str, dt.date] | None) -> None:
        """What follows from the line written last, the good line number self._good - 1."""
        if kind:
            self._mark(kind)
        if again:
            self._for_next.append(("conflict", None, good))
        while self._due and self._due[0].place == self._good - 1:
            due = self._due.pop(0)
            instant = spoil.instant(self.feed, due, good)
            self._extra(due.kind, spoil.line(self.feed, due, good), reloaded(due.kind, days), instant)
            if due.kind == "to_be_deleted":
                self._for_next.append(("deleted", due, ""))

    def _plain(self, text: pa.Array, start: int, end: int) -> None:
        if end > start and self._to and self._file:
            self._to.write(text_of(text, start, end))
            self._file.records += end - start
            self._good += end - start

    def _extra(self, kind: str, line: bytes, is_reloaded: bool = False, instant: str = "") -> None:
        if self._to and self._file:
            self._to.write(line + b"\n")
            self._file.records += 1
            self._mark(kind, is_reloaded, instant)

    def _mark(self, kind: str, is_reloaded: bool = False, instant: str = "") -> None:
        if file := self._file:
            number = file.records + bool(self.feed.columns)
            self.marked.append(Marked(file.feed, file.sender, file.name, number, kind, is_reloaded, instant))

    def _begin(self, n: int, file: Written, records: int) -> None:
        before = self._file
        if self._to:
            self._end()
        self._for_this = self._for_next if before and before.sender == file.sender else []
        self._for_next, self._good = [], 0
        followed = self._last_of[file.sender] != n and "_last_" not in file.name  # by one of the same system
        self._due = self.draw.of_file(file.sender, n, records, followed)
        path = self.root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._to = file, opened(path)
        if self.feed.columns:
            self._to.write(self.feed.header.encode() + b"\n")

    def _end(self) -> None:
        """Say what the file before gave occasion to, and close."""
        for kind, due, good in self._for_this:
            self._extra(kind, spoil.deletion(self.feed, due, self._last) if due else spoil.conflict(good))
        if self._to:
            self._to.close()
        self._to = None


def opened(path: Path) -> BinaryIO:
    """A file to be written, packed if its name says so; a packed one holds no name and no time."""
    if path.suffix != ".gz":
        return path.open("wb")
    return cast(BinaryIO, Packed(path))


class Packed(gzip.GzipFile):
    """A file packed with gzip, without name and time."""

    def __init__(self, path: Path) -> None:
        self._plain = path.open("wb")
        super().__init__("", "wb", 6, self._plain, mtime=0)

    def close(self) -> None:
        super().close()
        self._plain.close()


def text_of(lines: pa.Array, start: int, end: int) -> Any:
    """The bytes of consecutive texts of an array, as they lie in its memory."""
    offsets = lines.buffers()[1]
    wide = pa.types.is_large_string(lines.type)
    ends = memoryview(offsets).cast("q" if wide else "i")
    return memoryview(lines.buffers()[2])[ends[lines.offset + start] : ends[lines.offset + end]]


def table(path: Path, header: list[str], rows: list[dict[str, str]]) -> None:
    """Write rows as CSV with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
