"""Openers of files that hold tables: every value as it is read, whatever its encoding and compression on disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from linkwork import engine
from linkwork.privacy.scan.content import Content, Part, Rows
from linkwork.privacy.scan.streams import Refused

BATCH_ROWS = 16_384
MEMORY = "128MB"
LOSSLESS = {"arrow_lossless_conversion": True}  # HUGEINT and UUID as their 16 bytes
LOCK_SECONDS = 2.0  # a transaction of Airflow is shorter
SQLITE_WAL = 2  # byte 18 of the header
CATALOGUE = ("schemas", "tables", "views", "columns", "types", "functions", "constraints", "indexes", "sequences")


def open_parquet(content: Content) -> Iterator[Part]:
    """All columns. The footer (statistics, key-value metadata) is never compressed: the raw bytes show it."""
    file = pq.ParquetFile(content.handle, buffer_size=1 << 20, pre_buffer=False)
    for batch in file.iter_batches(BATCH_ROWS):
        yield Rows("", batch)


def open_arrow_file(content: Content) -> Iterator[Part]:
    """All batches of an Arrow file, whose buffers may be compressed."""
    with pa.ipc.open_file(content.handle) as file:
        for index in range(file.num_record_batches):
            yield Rows("", file.get_batch(index))


def open_arrow_stream(content: Content) -> Iterator[Part]:
    """All batches of an Arrow stream."""
    with pa.ipc.open_stream(content.handle) as batches:
        for batch in batches:
            yield Rows("", batch)


def open_duckdb(content: Content) -> Iterator[Part]:
    """The rows of every table, and the texts of the catalogue (a view has no rows of its own).

    Raises Refused at the end where the file holds what no query reads: deleted rows, or blocks that were freed. Of a
    warehouse that was built after the last erasure, freed blocks hold what the build had from the log.
    """
    with engine.connect(content.path, read_only=True, memory_limit=MEMORY, files=(), config=LOSSLESS) as con:
        for what in CATALOGUE:
            con.execute(f"select * from duckdb_{what}() where database_name = current_database()")
            yield from _batches(f"catalogue of {what}", con)
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database() order by all"
        ).fetchall()
        deleted = 0
        for schema, table in tables:
            qualified = f"{_quoted(schema)}.{_quoted(table)}"
            con.execute(f"select * from {qualified}")
            yield from _batches(f"table {schema}.{table}", con)
            deleted += con.execute(
                f"""select coalesce(sum(count), 0) - (select count(*) from {qualified})
                from pragma_storage_info({engine.text(qualified)}) where column_path = '[0]'"""
            ).fetchall()[0][0]
        ((free,),) = con.execute("select sum(free_blocks) from pragma_database_size()").fetchall()
        unread = deleted or (free and not _is_of_the_log(con, content.erasures))
    if unread:
        raise Refused("it keeps deleted rows or freed blocks that cannot be read; make the file anew")


def _is_of_the_log(con: duckdb.DuckDBPyConnection, erasures: int | None) -> bool:
    """Whether this is a warehouse that was built from a log which had seen as many erasures."""
    try:
        return erasures is not None and con.execute("select erasures from log.pinned").fetchall() == [(erasures,)]
    except (duckdb.CatalogException, duckdb.BinderException):  # another database, or a warehouse of an earlier version
        return False


def open_sqlite(content: Content) -> Iterator[Part]:
    """The rows of every table and of the schema, with what its write-ahead log adds. Numbers come as their digits.

    Deleted rows stay readable in the raw bytes: SQLite compresses nothing.
    """
    # An SQLite in WAL mode wants to write beside the file; where nothing waits in a log, it need not.
    content.handle.seek(18)
    alone = content.handle.read(1)[0] == SQLITE_WAL and not content.path.with_name(content.path.name + "-wal").exists()
    options = "mode=ro&immutable=1" if content.in_memory or alone else "mode=ro"
    with closing(sqlite3.connect(f"file:{quote(str(content.path))}?{options}", uri=True, timeout=LOCK_SECONDS)) as con:
        con.text_factory = bytes
        found = con.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
        for table in ("sqlite_master", *(name.decode() for (name,) in found)):
            rows = con.execute(f"select * from {_quoted(table)}")
            names = [column[0] for column in rows.description]
            while fetched := rows.fetchmany(BATCH_ROWS):
                columns = [pa.array([_stored(v) for v in column], pa.binary()) for column in zip(*fetched, strict=True)]
                yield Rows(f"table {table}", pa.record_batch(columns, names))


def _batches(step: str, con: Any) -> Iterator[Part]:
    for batch in con.to_arrow_reader(BATCH_ROWS):
        yield Rows(step, batch)


def _stored(value: object) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else str(value).encode()


def _quoted(name: str) -> str:
    try:
        return engine.name(name)
    except ValueError as error:
        raise Refused("a table in it has a name that is not plain") from error
