"""One relation to one Parquet file, so that the same rows always give the same bytes.

Rows are ordered by the table's key, which must identify them (else their order, and the bytes, would be
chance). The bytes do not depend on the number of threads; a test holds that.
"""

from pathlib import Path
from typing import NamedTuple

import duckdb

from linkwork.engine import PARQUET, name, text
from linkwork.errors import BadDataError
from linkwork.files import fsync, sha256_of
from linkwork.release import stamp
from linkwork.release.columns import column_types

LOST_IN_PARQUET = {"HUGEINT", "UHUGEINT"}  # DuckDB writes them as DOUBLE without a word


class Exported(NamedTuple):
    """What a file holds: rows, SHA-256 (hex), size in bytes, and column -> DuckDB type in order."""

    rows: int
    sha256: str
    size: int
    schema: dict[str, str]


def export_table(
    con: duckdb.DuckDBPyConnection, relation: str, key: list[str], path: Path, position: int = 0
) -> Exported:
    """Write a table, view or quoted name to `path`, fsynced. A table without rows gives a file without rows.

    The file has a blank place for the id of a release of this position (`linkwork.release.stamp`).
    Raises BadDataError when the key is not one, or a column's type would be changed by Parquet.
    """
    schema = column_types(con, relation)
    _refuse_lossy_types(relation, schema)
    columns = ", ".join(map(name, key))
    rows = _count(con, f"select count(*) from {relation}")
    if rows != _count(con, f"select count(*) from (select distinct {columns} from {relation})"):
        raise BadDataError(
            "rows of a mart are not identified by its key",
            where=f"{relation}, key {', '.join(key)}",
            why="two rows share a key, so their order in the export would be chance",
            do="correct the key in the model's `meta.linkwork`, or the model",
        )
    order = ", ".join(f"{name(column)} asc nulls last" for column in key)
    con.execute(
        f"copy (select * from {relation} order by {order}) to {text(path)}"
        f" ({PARQUET}, compression zstd, {stamp.option(position)})"
    )
    fsync(path)
    return Exported(rows, sha256_of(path), path.stat().st_size, schema)


def rows_in(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The number of rows read back from a Parquet file."""
    return _count(con, f"select count(*) from read_parquet({text(path)})")


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


def _refuse_lossy_types(relation: str, schema: dict[str, str]) -> None:
    for column, kind in schema.items():
        if kind in LOST_IN_PARQUET:
            raise BadDataError(
                f"column {column} cannot be exported",
                where=relation,
                why=f"{kind} would become DOUBLE in Parquet and lose digits",
                do="cast it in the model, for example to bigint",
            )
