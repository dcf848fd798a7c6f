"""`marts.duckdb`: one tier's tables in one file, with comments, for people who query with DuckDB.

It holds tables, not views: a relative view breaks when read from another directory, an absolute one when the
release is copied. Its storage version is one that DuckDB 1.2 opens. DuckDB does not write the same bytes
twice (checksums and block order differ), so its hash stands in the manifest but is no part of the release's
content.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from linkwork.engine import connect, name, text
from linkwork.files import fsync
from linkwork.release.definitions import Label

STORAGE_VERSION = "v1.2.0"


class CatalogTable(NamedTuple):
    """A Parquet file to copy in, and what to say about it."""

    name: str
    file: Path
    description: str
    columns: dict[str, str]


class ReleaseRow(NamedTuple):
    """The one row of the table `release`."""

    release_id: str
    position: int
    known_at: datetime | None
    policy: str


def write_catalog(
    path: Path,
    tables: list[CatalogTable],
    measures: list[Label],
    release: ReleaseRow,
    *,
    memory_limit: str,
    threads: int,
) -> None:
    """Write `path` anew from released Parquet files, fsynced. Descriptions that are empty give no comment.

    Beside them it holds the tables `measures`, what the figures mean, and `release`.
    """
    con = connect(memory_limit=memory_limit, threads=threads)
    try:
        con.execute(f"attach {text(path)} as marts (storage_version {text(STORAGE_VERSION)})")
        for table in tables:
            con.execute(f"create table marts.{name(table.name)} as select * from read_parquet({text(table.file)})")
        con.execute("begin")  # or each of more than a thousand comments would be made durable for itself
        for table in tables:
            qualified = f"marts.{name(table.name)}"
            if table.description:
                con.execute(f"comment on table {qualified} is {text(table.description)}")
            for column, told in table.columns.items():
                if told:
                    con.execute(f"comment on column {qualified}.{name(column)} is {text(told)}")
        _write_measures(con, measures)
        con.execute(
            "create table marts.release (release_id varchar, position bigint, known_at timestamptz, policy varchar)"
        )
        con.execute("insert into marts.release values (?, ?, ?, ?)", list(release))
        con.execute("comment on table marts.release is 'One row: the release that this file is part of.'")
        con.execute("commit")
        con.execute("checkpoint marts")  # no write-ahead log may stay beside a file that is read only
        con.execute("detach marts")
    finally:
        con.close()
    fsync(path)


def _write_measures(con: duckdb.DuckDBPyConnection, measures: list[Label]) -> None:
    columns = {column: field.description for column, field in Label.model_fields.items()}
    con.execute(f"create table marts.measures ({', '.join(f'{name(column)} varchar' for column in columns)})")
    if measures:
        rows = [[getattr(one, column) for column in columns] for one in measures]
        con.executemany(f"insert into marts.measures values ({', '.join('?' * len(columns))})", rows)
    for column, told in columns.items():
        con.execute(f"comment on column marts.measures.{name(column)} is {text(told)}")
    con.execute("comment on table marts.measures is 'One row per figure of the reporting marts: what it means.'")
