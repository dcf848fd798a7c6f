"""What every reader gives: batches of text columns with physical lines, and the records it could not read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from ingestion.contract import Contract

BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Unreadable:
    """A record that is not a record: where, why (rule and sentence), never what it holds."""

    line: int
    line_end: int
    rule: str
    sentence: str
    place: int | None = None  # on its line, where several may begin there


class FileRefused(Exception):
    """The whole file is refused; the message is a sentence without values."""


Batches = Iterator[tuple[int, pa.RecordBatch]]


@dataclass
class Reading:
    """One pass over a file. Iterate `batches`; after that the counts are complete.

    `records` counts all: readable, unreadable, `blank`, and those `skipped` (reason to count) that lie outside the
    contract. Whoever iterates may take from `unreadable` what has gathered there.
    """

    contract: Contract
    unreadable: list[Unreadable] = field(default_factory=list)
    blank: int = 0
    records: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def batches(self) -> Batches:
        """Batches of readable records in file order, each with the index of the contract's part that describes it.

        Where several records may begin on a line, batches begin with `record_no`, made by `log.places`.
        """
        raise NotImplementedError

    def schema(self, part: int = 0) -> pa.Schema:
        """The columns of a part's batches."""
        columns = [(p.name, pa.string()) for p in self.contract.parts[part].properties]
        return pa.schema([("line_no", pa.int64()), ("line_end", pa.int64()), *columns])

    def table_batch(
        self,
        rows: list[list[str]],
        starts: list[int],
        ends: list[int],
        part: int = 0,
        numbers: list[int] | None = None,
    ) -> tuple[int, pa.RecordBatch]:
        """Rows of equal length to one batch of text columns, with their numbers where these say where a row stands."""
        schema = self.schema(part)
        columns = list(zip(*rows, strict=True)) if rows else [()] * (len(schema) - 2)
        arrays = [pa.array(starts, pa.int64()), pa.array(ends, pa.int64())]
        arrays += [pa.array(c, pa.string()) for c in columns]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        return part, batch if numbers is None else batch.add_column(0, "record_no", pa.array(numbers, pa.int64()))

    def refuse(self, start: int, end: int, rule: str, sentence: str, place: int | None = None) -> None:
        self.unreadable.append(Unreadable(start, end, rule, sentence, place))
