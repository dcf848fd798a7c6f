"""Write the files that senders would send, in one fixed order, as a stream from SQL: no line is a Python object.

What some senders know is worked out once, and a query gives its lines in the order of files and records, as Arrow text;
what a file gets is a slice of that text's own memory. So memory is that of a portion, whatever the region's size.
"""

import csv
import datetime as dt
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from simulator.senders.feeds import Feed
from simulator.senders.telling import Told

ROWS_AT_ONCE = 1_000_000  # of the senders that one query takes; a sender with more is taken alone
ROWS_PER_BATCH = 50_000
OTHER_ENCODING = "other_encoding"  # the one kind of line that is not written as it is
PORTION = "portion"
LAST = "~"  # sorts after every key


@dataclass(frozen=True)
class Marked:
    """A line that is unusual, and why."""

    feed: str
    sender: str
    file: str
    line: int
    kind: str


@dataclass
class Written:
    """A file that was written: where, how many records, and on which day it was made."""

    feed: str
    sender: str
    path: str
    records: int
    day: dt.date

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[1]


def feed_files(
    con: duckdb.DuckDBPyConnection, root: Path, told: Told, more_lines: Callable[[Feed], str]
) -> tuple[list[Written], list[Marked]]:
    """Write every file of a feed, in portions of whole senders, whose rows are in table PORTION meanwhile.

    `more_lines` gives SQL for further lines of the portion (sender, n, key, seq, line, kind), or nothing; a
    Parquet file gets none.
    """
    feed = told.feed
    written: list[Written] = []
    marked: list[Marked] = []
    for planned in plans(con, told):
        names = {sender: number for number, sender in enumerate(sorted({file.sender for _, file in planned}))}
        chosen = "[" + ", ".join(f"'{name}'" for name in names) + "]"
        con.execute(f"""
            create or replace temp table {PORTION} as
            select * from {feed.book}_known where list_contains({chosen}, sender)
        """)
        if told.packing == "parquet":
            for n, file in planned:
                file.records = parquet(con, root / file.path, feed, file.sender, n)
            written += [file for _, file in planned]
            continue
        files = {names[file.sender] * 1_000_000 + n: file for n, file in planned}
        more = more_lines(feed)
        reader = con.execute(f"""
            select (list_position({chosen}, sender) - 1)::bigint * 1000000 + n as file, line || chr(10) as line, kind
            from (select sender, n, key, 0 as seq, {feed.text()} as line, kind from {PORTION}
                  {f"union all {more}" if more else ""})
            order by list_position({chosen}, sender), n, key, seq
        """).to_arrow_reader(ROWS_PER_BATCH)
        with Pen(root, feed) as pen:
            for batch in reader:
                for number, start, end in runs(batch.column("file")):
                    pen.write(files[number], batch.column("line"), batch.column("kind"), start, end)
        written += files.values()
        marked += pen.marked
    return written, marked


def plans(con: duckdb.DuckDBPyConnection, told: Told) -> Iterator[list[tuple[int, Written]]]:
    """The files of a feed with their numbers, in portions of whole senders of at most ROWS_AT_ONCE rows."""
    feed = told.feed
    late = "if(bool_or(sent_late), 'late_', '')" if feed.book == "referrals" else "''"
    suffix = {"": feed.suffix, "gz": f"{feed.suffix}.gz", "parquet": "parquet"}[told.packing]
    found = con.execute(f"""
        select sender, n, any_value(folder) || 'landing/{feed.name}/' || sender || '/{feed.stem}_' || {late}
               || any_value(extract_day) || '.{suffix}', count(*), any_value(extract_day),
               sum(count(*)) over (partition by sender)
        from {feed.book}_known where {told.senders} group by sender, n order by sender, n
    """).fetchall()
    portion: list[tuple[int, Written]] = []
    rows = 0
    for place, (sender, n, path, records, day, of_sender) in enumerate(found):
        if place and sender != found[place - 1][0] and rows + of_sender > ROWS_AT_ONCE:
            yield portion
            portion, rows = [], 0
        rows += records
        portion.append((n, Written(feed.name, sender, path, 0, day)))
    if portion:
        yield portion


def parquet(con: duckdb.DuckDBPyConnection, path: Path, feed: Feed, sender: str, n: int) -> int:
    """Write one file of a feed as Parquet, every column a text; return how many records it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f"""nullif(({sql})::varchar, '') as "{name}\"""" for name, sql in feed.columns.items())
    con.execute("set threads = 1")  # one thread writes one order of row groups
    (records,) = con.execute(f"""
        copy (select {columns} from {PORTION} where sender = '{sender}' and n = {n} order by key)
        to '{str(path).replace("'", "''")}' (format parquet)
    """).fetchone() or (0,)
    con.execute("set threads = 2")
    return int(records)


def runs(column: pa.Array) -> Iterator[tuple[int, int, int]]:
    """(value, first row, row after the last) of each run of one value."""
    encoded = pc.run_end_encode(column)
    start = 0
    for value, end in zip(encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True):
        yield value, start, end
        start = end


class Pen:
    """Writes lines to one file after the other, and notes on which line each marked one ended up."""

    def __init__(self, root: Path, feed: Feed) -> None:
        self.root, self.feed = root, feed
        self.marked: list[Marked] = []
        self._file: Written | None = None
        self._to: BinaryIO | None = None

    def __enter__(self) -> "Pen":
        return self

    def __exit__(self, *_: object) -> None:
        if self._to:
            self._to.close()

    def write(self, file: Written, lines: pa.Array, kinds: pa.Array, start: int, end: int) -> None:
        """Append the lines from `start` to before `end` of a batch to a file."""
        to = self._to if self._to and file is self._file else self._open(file)
        first, done = file.records + 1 + bool(self.feed.columns) - start, start
        for at in pc.indices_nonzero(pc.is_valid(kinds.slice(start, end - start))).to_pylist():
            row, kind = start + at, kinds[start + at].as_py()
            self.marked.append(Marked(file.feed, file.sender, file.name, first + row, kind))
            if kind == OTHER_ENCODING:
                to.write(text_of(lines, done, row))
                to.write(bytes(text_of(lines, row, row + 1)).decode().encode("cp1252"))
                done = row + 1
        to.write(text_of(lines, done, end))
        file.records += end - start

    def _open(self, file: Written) -> BinaryIO:
        if self._to:
            self._to.close()
        path = self.root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._to = file, opened(path)
        if self.feed.columns:
            self._to.write(self.feed.header.encode() + b"\n")
        return self._to


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
