"""CSV with a fixed dialect: header by name, every field as text, physical line numbers, raw faults kept apart.

A block of regular records is read at once (`csv_block.py`); wherever a block is not plainly regular it is read record
by record. A record that cannot be read (encoding, field count, an open quote) is one unreadable record; reading goes on
at the next physical line.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from ingestion.contract import Contract
from ingestion.properties import Property
from ingestion.readers import csv_block
from ingestion.readers.base import BATCH_ROWS, Batches, FileRefused, Reading
from ingestion.readers.csv_footer import Footer, footer_of
from ingestion.readers.lines import Line, Lines

OTHER_DELIMITERS = ",;\t|"
BLOCK = 1 << 23  # bytes: large enough that the work per block does not show, small enough for the memory of a child
SMALLEST = 1 << 15


class CsvReading(Reading):
    """One pass over a CSV file under a contract. `block` is the most that is read at once, in bytes."""

    def __init__(self, path: Path, contract: Contract, block: int = BLOCK) -> None:
        super().__init__(contract)
        self._file = contract.file
        csv.field_size_limit(contract.file.maxLineLength * contract.file.maxRecordLines)  # ours is the limit
        self._lines = Lines(path, contract.file.maxLineLength, contract.file.encoding)
        self._pending: list[Line] = []
        self._places = self._header(contract)
        self._footer = footer_of(path, contract.file, self._lines.encoding)
        self._end = self._footer.offset if self._footer else path.stat().st_size
        self._block, self._smallest = block, min(block, SMALLEST)
        self._dialect = csv_block.Dialect(
            self._file.delimiter,
            self._file.quote,
            self._width,
            self._file.maxLineLength,
            self._file.maxRecordLines,
        )

    def batches(self) -> Batches:
        """Batches of readable records in file order; columns absent from the file are empty."""
        path, end = self._lines.path, self._end
        regular = self._lines.encoding == "utf-8" and self._lines.newline == b"\n" and self._width > 1
        size = self._block
        with path.open("rb") as handle:
            while self._lines.offset < end:
                if not regular:
                    yield from self._record_by_record(end)
                elif block := self._read_block(handle, size, end):
                    yield self._regular(block)
                    size = min(2 * size, self._block)
                elif size > self._smallest:
                    size = max(size // 4, self._smallest)  # what is not regular is somewhere in it
                else:
                    yield from self._record_by_record(min(self._lines.offset + size, end))
        if self._footer:
            self._count_footer(self._footer)
        if not self._lines.is_ended:
            self.notes.append("The file does not end with a line end: its last record may be cut off.")
        if len(self._lines.line_ends) > 1:
            self.notes.append("The line ends are mixed (CRLF and LF).")

    def _count_footer(self, footer: Footer) -> None:
        found = self.records - self.blank
        if footer.records not in (None, found):
            raise FileRefused(
                f"The footer says {footer.records} records, and there are {found}: ask for the file again."
            )
        self.records += 1
        self.skipped["footer"] = 1

    def _read_block(self, handle: BinaryIO, size: int, end: int) -> csv_block.Block | None:
        handle.seek(self._lines.offset)
        data = handle.read(min(size, end - self._lines.offset))
        return csv_block.read(data, self._dialect, last=self._lines.offset + len(data) == end)

    def _regular(self, block: csv_block.Block) -> tuple[int, pa.RecordBatch]:
        first = self._lines.number
        count = block.columns.num_rows
        self.records += count
        self._lines.move(self._lines.offset + block.size, first + block.lines)
        ends = {"CRLF": block.carriage_returns, "LF": block.lines - block.carriage_returns}
        self._lines.line_ends |= {name for name, count in ends.items() if count}
        columns = [pa.array(first + block.starts), pa.array(first + block.ends)]
        for place in self._places:
            columns.append(pa.repeat("", count) if place is None else block.columns.column(place).combine_chunks())
        return 0, pa.RecordBatch.from_arrays(columns, schema=self.schema())

    def _record_by_record(self, until: int) -> Batches:
        """Read records up to the first that ends at or after this place of the file."""
        rows: list[list[str]] = []
        starts: list[int] = []
        ends: list[int] = []
        for start, end, fields in self._records(until):
            rows.append([fields[place] if place is not None else "" for place in self._places])
            starts.append(start)
            ends.append(end)
            if len(rows) == BATCH_ROWS:
                yield self.table_batch(rows, starts, ends)
                rows, starts, ends = [], [], []
        if rows:
            yield self.table_batch(rows, starts, ends)

    def _header(self, contract: Contract) -> list[int | None]:
        try:
            header = next(self._reader())
        except StopIteration:
            if not self._file.emptyOk:
                raise FileRefused("The file is empty: not even a header.") from None
            header = [p.header for p in contract.properties]
        except csv.Error:
            raise FileRefused("Line 1 is not a readable header.") from None
        self._width = len(header)
        names = [h.strip() for h in header]
        places = [_place(p, names) for p in contract.properties]
        required = [
            (p.header, found) for p, found in zip(contract.properties, places, strict=True) if not p.optionalColumn
        ]
        missing = [header for header, found in required if found is None]
        # Fields of a record may well be alike, and one of them a column's name.
        if 2 * len(missing) > len(required) or not any(place is not None for place in places):
            raise FileRefused(self._no_header(names, contract))
        if alike := [n for n in names if names.count(n) > 1]:
            twice = ", ".join(str(i + 1) for i, n in enumerate(names) if n in alike)
            raise FileRefused(f"The header names a column twice (columns {twice}).")
        unknown = sorted(set(range(len(names))) - set(places))  # two fields may share a column
        if missing:
            # A name is not shown: where the header is none, it is somebody's value.
            renamed = f" Not known: {_numbered(unknown)}; one of them may be it by another name." if unknown else ""
            raise FileRefused(f"The header lacks {', '.join(missing)}; expected {_expected(contract)}.{renamed}")
        ordered = [place for place in places if place is not None]
        if ordered != sorted(ordered):
            if self._file.strictOrder:
                raise FileRefused("The columns come in another order than the contract's, which allows no other.")
            self.notes.append("The columns come in another order than the contract's; they were taken by their names.")
        if unknown and self._file.unknownColumns == "refuse":
            raise FileRefused(
                f"The header has {len(unknown)} column(s) the contract does not know ({_numbered(unknown)}); "
                "add them to the contract or set unknownColumns to ignore."
            )
        return places

    def _no_header(self, names: list[str], contract: Contract) -> str:
        counts = {d: names[0].count(d) for d in OTHER_DELIMITERS if d != self._file.delimiter}
        found = [f"{d!r} {n} times" for d, n in counts.items() if n and len(names) == 1]
        hint = f" Found {', '.join(found)} and no {self._file.delimiter!r}." if found else ""
        return f"Line 1 is not the header; expected {_expected(contract)}.{hint}"

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._taken(), delimiter=self._file.delimiter, quotechar=self._file.quote, strict=True)

    def _taken(self) -> Iterator[str]:
        for line in self._lines:
            self._pending.append(line)
            if len(self._pending) > self._file.maxRecordLines:
                raise csv.Error("open quote")
            yield line.text

    def _records(self, until: int) -> Iterator[tuple[int, int, list[str]]]:
        reader = self._reader()
        while self._lines.offset < until:
            self._pending = []
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                self._resynchronise("quote", "The quotes of the record do not match.")
                reader = self._reader()
                continue
            start, end = self._pending[0].number, self._pending[-1].number
            self.records += 1
            fault = next((line.fault for line in self._pending if line.fault), None)
            if fault:
                self.refuse(start, end, "encoding", f"The line is {fault}.")
            elif not any(fields):
                self.blank += 1
            elif len(fields) != self._width:
                sentence = f"The record has {len(fields)} fields, expected {self._width}."
                self.refuse(start, end, "field_count", sentence)
            else:
                yield start, end, fields

    def _resynchronise(self, rule: str, sentence: str) -> None:
        """Refuse the first physical line of a broken record and read on at the second."""
        first, *rest = self._pending
        self._lines.push_back(rest)
        self.records += 1
        self.refuse(first.number, first.number, rule, sentence)


def _place(prop: Property, names: list[str]) -> int | None:
    for candidate in (prop.header, *prop.aliases):
        if candidate in names:
            return names.index(candidate)
    return None


def _expected(contract: Contract) -> str:
    return ",".join(p.header for p in contract.properties)


def _numbered(columns: list[int]) -> str:
    return "column " + ", ".join(str(place + 1) for place in columns)
