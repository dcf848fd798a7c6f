"""Parquet: typed columns become the text that the contract's grammar expects, exactly or not at all.

A column whose type cannot hold its field refuses the file, with all such differences named. A value that its text would
change (a time to the microsecond under a format of seconds, an hour that the clocks repeat) is an unreadable record.
Records have no lines: a record's number, from 1, stands for both of its lines.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion import containers
from ingestion.containers import Source
from ingestion.contract import Contract
from ingestion.readers.base import Batches, FileRefused, Reading
from ingestion.readers.parquet_text import HOLDS, can_hold, plain, text
from linkwork import engine

MAX_COLUMNS = 2_000
MAX_ROW_GROUPS = 50_000
MAX_FOOTER = 64 << 20
MAX_UNPACKED = 64 << 30
BATCH_ROWS = 16_384
MAGIC = b"PAR1"


class ParquetReading(Reading):
    """One pass over a Parquet file under a contract of one kind of record."""

    def __init__(self, path: Path, contract: Contract) -> None:
        super().__init__(contract)
        self._file = opened(path)
        self._columns = _matched(contract, self._file.schema_arrow)
        self._empty = next(iter(contract.file.nullTokens), "")

    def batches(self) -> Batches:
        """Batches of readable records in file order; columns absent from the file are empty."""
        wanted = [c for c in self._columns.values() if c is not None]
        with engine.connect(threads=1, files=()) as con:
            for batch in _guarded(self._file, wanted):
                first = self.records + 1
                self.records += batch.num_rows
                yield 0, self._texts(con, batch, first)

    def _texts(self, con: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        columns: dict[str, pa.Array] = {"line_no": pa.array(range(first, first + batch.num_rows), pa.int64())}
        lossy: list[pa.Array] = []
        texts = []
        for number, prop in enumerate(self.contract.properties):
            source, place = self._columns[prop.name], f"c{number}"
            if source is None:
                texts.append((prop, engine.text(""), "false"))
                continue
            values, lost = plain(batch.column(batch.schema.names.index(source)))
            columns[place] = values
            lossy.append(lost)
            texts.append((prop, *text(prop, engine.name(place), values.type)))
        con.register("incoming", pa.Table.from_pydict(columns))
        shown = ", ".join(
            f"coalesce({told}, {engine.text(self._empty)})::varchar as {engine.name(p.name)}" for p, told, _ in texts
        )
        changed = ", ".join(f"coalesce({broken}, false)" for _, _, broken in texts)
        table = con.execute(
            f"""select line_no, line_no as line_end, {shown}, list_position([{changed}], true) as _changed
            from incoming order by line_no"""
        ).to_arrow_table()
        con.unregister("incoming")
        return self._readable(table, lossy)

    def _readable(self, table: pa.Table, lossy: list[pa.Array]) -> pa.RecordBatch:
        """The records whose values are told by their text, the others set apart."""
        undecodable = pa.array([False] * table.num_rows)
        for lost in lossy:
            undecodable = pc.or_(undecodable, lost)
        changed = table.column("_changed")
        names = [p.name for p in self.contract.properties]
        keep = pc.and_(pc.is_null(changed), pc.invert(undecodable))
        for line, place, broken in zip(
            table.column("line_no").to_pylist(), changed.to_pylist(), undecodable.to_pylist(), strict=True
        ):
            if broken:
                self.refuse(line, line, "encoding", "The record holds text that is not UTF-8.")
            elif place is not None:
                sentence = f"The value of {names[place - 1]} cannot be told in the contract's form without changing it."
                self.refuse(line, line, "form", sentence)
        found = table.drop_columns(["_changed"]).filter(keep).combine_chunks().cast(self.schema())
        return found.to_batches()[0] if found.num_rows else pa.RecordBatch.from_pylist([], self.schema())


def opened(source: Source) -> pq.ParquetFile:
    """A Parquet file whose footer is whole and within limits. Raises FileRefused for any other."""
    with containers.opened(source) as handle:
        head = handle.read(len(MAGIC))
        size = handle.seek(0, io.SEEK_END)
        handle.seek(max(0, size - 8))
        tail = handle.read(8)
    if head != MAGIC or len(tail) < 8 or tail[4:] != MAGIC or size < 12:
        raise FileRefused("The Parquet file is cut off: its footer is missing.")
    (footer,) = struct.unpack("<I", tail[:4])
    if footer > size - 12:
        raise FileRefused("The Parquet file is cut off or broken: its footer does not fit in it.")
    if footer > MAX_FOOTER:
        raise FileRefused(f"The Parquet file's footer has more than {MAX_FOOTER:,} bytes, the limit.")
    try:
        file = pq.ParquetFile(
            io.BytesIO(source) if isinstance(source, bytes) else source,
            page_checksum_verification=True,
            thrift_string_size_limit=MAX_FOOTER,
            thrift_container_size_limit=4 * MAX_ROW_GROUPS,
        )
        described = file.metadata
        groups, columns = described.num_row_groups, described.num_columns
    except (pa.ArrowException, OSError, ValueError) as error:
        _never_memory(error)
        raise FileRefused("The Parquet file is broken: its footer cannot be read.") from None
    if columns > MAX_COLUMNS:
        raise FileRefused(f"The Parquet file has {columns:,} columns, the limit is {MAX_COLUMNS:,}.")
    if groups > MAX_ROW_GROUPS:
        raise FileRefused(f"The Parquet file has {groups:,} row groups, the limit is {MAX_ROW_GROUPS:,}.")
    if sum(described.row_group(g).total_byte_size for g in range(groups)) > MAX_UNPACKED:
        raise FileRefused(f"The Parquet file says it unpacks to more than {MAX_UNPACKED:,} bytes, the limit.")
    return file


def rows(source: Source, wanted: set[int] | None) -> Iterator[tuple[int, dict[str, object]]]:
    """The rows of some record numbers, or of all (None), every column as it is in the file."""
    number, last = 0, None if wanted is None else max(wanted, default=0)
    file = opened(source)
    for batch in _guarded(file, None):
        inside = range(number + 1, number + 1 + batch.num_rows)
        for place in inside if wanted is None else sorted(w for w in wanted if w in inside):
            yield place, batch.slice(place - number - 1, 1).to_pylist()[0]
        number += batch.num_rows
        if last is not None and number >= last:
            return


def _guarded(file: pq.ParquetFile, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    """The file's batches; a page that cannot be read refuses the whole file."""
    found = file.iter_batches(batch_size=BATCH_ROWS, columns=columns, use_threads=False)
    read = 0
    while True:
        try:
            batch = next(found)
        except StopIteration:
            break
        except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
            _never_memory(error)
            raise FileRefused(f"The Parquet file is broken: it cannot be read after record {read:,}.") from None
        read += batch.num_rows
        yield batch
    if read != file.metadata.num_rows:
        raise FileRefused(f"The Parquet file is broken: {read:,} records, its footer says {file.metadata.num_rows:,}.")


def _never_memory(error: Exception) -> None:
    """A lack of memory is the machine's, or a cap, and no property of the file."""
    if isinstance(error, MemoryError):
        raise error


def _matched(contract: Contract, schema: pa.Schema) -> dict[str, str | None]:
    """The column of each property. Raises FileRefused where names or types do not fit, with every difference."""
    names = list(schema.names)
    if twice := sorted({n for n in names if names.count(n) > 1}):
        places = ", ".join(str(i + 1) for i, n in enumerate(names) if n in twice)
        raise FileRefused(f"The file names a column twice (columns {places}).")
    found = {p.name: next((c for c in (p.header, p.name, *p.aliases) if c in names), None) for p in contract.properties}
    if missing := [p.name for p in contract.properties if found[p.name] is None and not p.optionalColumn]:
        expected = ", ".join(p.name for p in contract.properties)
        raise FileRefused(f"The file lacks the columns {', '.join(missing)}; expected {expected}.")
    unknown = len(names) - sum(column is not None for column in found.values())
    if unknown and contract.file.unknownColumns == "refuse":
        raise FileRefused(
            f"The file has {unknown} column(s) the contract does not know; "
            "add them to the contract or set unknownColumns to ignore."
        )
    kinds = {p.name: schema.field(found[p.name]).type for p in contract.properties if found[p.name] is not None}
    differ = [
        f"{p.name} is {kinds[p.name]}, expected {HOLDS.get(p.logicalType, 'text')}" + (
            " or text" if p.logicalType in HOLDS else "")
        for p in contract.properties
        if p.name in kinds and not can_hold(p, kinds[p.name])
    ]  # fmt: skip
    if differ:
        raise FileRefused(f"The types of {len(differ)} column(s) differ from the contract: {'; '.join(differ)}.")
    return found
