"""What every reader gives: batches of text columns with physical lines, and the records it could not read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Unreadable:
    """A record that is not a record: where, why (rule and sentence), never what it holds."""

    line: int
    line_end: int
    rule: str
    sentence: str


class FileRefused(Exception):
    """The whole file is refused; the message is a sentence without values."""


@dataclass
class Reading:
    """One pass over a file. Iterate `batches`; after that the counts and `unreadable` are complete."""

    columns: list[str]
    unreadable: list[Unreadable] = field(default_factory=list)
    blank: int = 0
    records: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([("line_no", pa.int64()), ("line_end", pa.int64()), *((c, pa.string()) for c in self.columns)])

    def table_batch(self, rows: list[list[str]], starts: list[int], ends: list[int]) -> pa.RecordBatch:
        """Rows of equal length to one batch of text columns."""
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self.columns)
        arrays = [pa.array(starts, pa.int64()), pa.array(ends, pa.int64())]
        arrays += [pa.array(c, pa.string()) for c in columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


Batches = Iterator[pa.RecordBatch]
