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
from ingestion.properties import Property
from ingestion.readers.base import Batches, FileRefused, Reading
from linkwork import engine

MAX_COLUMNS = 2_000
MAX_ROW_GROUPS = 50_000
MAX_FOOTER = 64 << 20
MAX_UNPACKED = 64 << 30
BATCH_ROWS = 16_384
MAGIC = b"PAR1"

# The types of a column that can hold a field of a kind; text can hold every kind.
HOLDS = {
    "integer": "whole numbers",
    "decimal": "whole numbers or decimals",
    "boolean": "booleans",
    "date": "dates",
    "timestamp": "times",
    "list": "lists of text or whole numbers",
}


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
            values, lost = _plain(batch.column(batch.schema.names.index(source)))
            columns[place] = values
            lossy.append(lost)
            texts.append((prop, *_text(prop, engine.name(place), values.type)))
        con.register("incoming", pa.Table.from_pydict(columns))
        shown = ", ".join(
            f"coalesce({text}, {engine.text(self._empty)})::varchar as {engine.name(p.name)}" for p, text, _ in texts
        )
        changed = ", ".join(f"coalesce({broken}, false)" for _, _, broken in texts)
        table = con.execute(
            f"""select line_no, line_no as line_end, {shown}, list_position([{changed}], true) as changed
            from incoming order by line_no"""
        ).to_arrow_table()
        con.unregister("incoming")
        return self._readable(table, lossy)

    def _readable(self, table: pa.Table, lossy: list[pa.Array]) -> pa.RecordBatch:
        """The records whose values are told by their text, the others set apart."""
        undecodable = pa.array([False] * table.num_rows)
        for lost in lossy:
            undecodable = pc.or_(undecodable, lost)
        changed = table.column("changed")
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
        found = table.drop_columns(["changed"]).filter(keep).combine_chunks().cast(self.schema())
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
        if p.name in kinds and not _can_hold(p, kinds[p.name])
    ]  # fmt: skip
    if differ:
        raise FileRefused(f"The types of {len(differ)} column(s) differ from the contract: {'; '.join(differ)}.")
    return found


def _can_hold(prop: Property, kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind) or _is_text(kind):
        return True
    match prop.logicalType:
        case "integer":
            return bool(pa.types.is_integer(kind))
        case "decimal":
            return bool(pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.precision <= 38))
        case "boolean":
            return bool(pa.types.is_boolean(kind)) and None not in _booleans(prop)
        case "date":
            return bool(pa.types.is_date(kind))
        case "timestamp":
            return bool(pa.types.is_timestamp(kind))
        case "list":
            listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
            return bool(listed and (_is_text(kind.value_type) or pa.types.is_integer(kind.value_type)))
    return False


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _booleans(prop: Property) -> tuple[str | None, str | None]:
    """The words of the contract for true and for false."""
    if prop.values is None:
        return "true", "false"
    words = {value: word for word, value in reversed(prop.values.items())}
    return words.get(True), words.get(False)


def _plain(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """A column as DuckDB takes it without change, and which of its values are no UTF-8."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_timestamp(values.type) and values.type.unit == "ns":
        # DuckDB's time with a zone counts microseconds; what lies below is judged as a number of its own.
        values = pa.StructArray.from_arrays(
            [values.cast(pa.timestamp("us", values.type.tz), safe=False), values.cast(pa.int64())], ["t", "ns"]
        )
    if pa.types.is_date64(values.type):
        values = values.cast(pa.date32())
    sound = pa.array([False] * len(values))
    if _is_text(values.type):
        try:
            values.validate(full=True)
        except pa.ArrowInvalid:
            binary = values.cast(pa.large_binary()).to_pylist()
            broken = [value is not None and not _decodes(value) for value in binary]
            decoded = [
                None if bad or value is None else value.decode() for value, bad in zip(binary, broken, strict=True)
            ]
            return pa.array(decoded, pa.string()), pa.array(broken)
    return values, sound


def _decodes(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(prop: Property, column: str, kind: pa.DataType) -> tuple[str, str]:
    """SQL of the text of a value, and of whether the text says something else than the value."""
    if _is_text(kind):
        return column, "false"
    if pa.types.is_null(kind):
        return "null::varchar", "false"
    if pa.types.is_boolean(kind):
        true, false = _booleans(prop)
        return f"case when {column} then {engine.text(true)} when not {column} then {engine.text(false)} end", "false"
    if pa.types.is_decimal(kind):  # 1.500 is 1.5
        return f"regexp_replace(regexp_replace({column}::varchar, '(\\.\\d*?)0+$', '\\1'), '\\.$', '')", "false"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        separator = engine.text(prop.separator)
        told = f"array_to_string(list_transform({column}, lambda e: e::varchar), {separator})"
        whole = (
            f"len(list_filter({column}, lambda e: e is null or e::varchar = '' or contains(e::varchar, {separator})))"
        )
        return told, f"{whole} > 0"
    if pa.types.is_date(kind):
        told = f"strftime({column}, {engine.text(prop.format)})"
        return told, f"try_strptime({told}, {engine.text(prop.format)}) is distinct from {column}::timestamp"
    if pa.types.is_struct(kind) or pa.types.is_timestamp(kind):
        return _time(prop, column, kind)
    return f"{column}::varchar", "false"


def _time(prop: Property, column: str, kind: pa.DataType) -> tuple[str, str]:
    """A time by the property's format, on the clocks of its zone, as the contract reads it back."""
    below = "false"
    if pa.types.is_struct(kind):
        column, below, kind = f"{column}.t", f"{column}.ns % 1000 <> 0", kind.field("t").type
    form, zone = engine.text(prop.format), engine.text(prop.timezone)
    local = f"({column} at time zone {zone})" if kind.tz else f"{column}::timestamp"
    told = f"strftime({local}, {form})"
    back = f"try_strptime({told}, {form})"
    if kind.tz:
        changed = f"({back} at time zone {zone}) is distinct from {column}"
    else:
        changed = f"{back} is distinct from {local}"
    return told, f"{column} is not null and ({below} or {changed})"
