"""Rows for the small tables beside the events: from Python or from a query to a file that a plan adds."""

from collections.abc import Mapping
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log.table import LogTable


def rows_step(
    con: duckdb.DuckDBPyConnection, table: LogTable, rows: list[dict[str, Any]], columns: Mapping[str, str]
) -> dict[str, Any]:
    fill_rows(con, "ledger_rows", rows, columns)
    return step(con, table, "select * from ledger_rows order by all")


def fill_rows(
    con: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]], columns: Mapping[str, str]
) -> None:
    """A temporary table of Python rows, for the small tables beside the log."""
    con.execute(
        f"create or replace temp table {engine.name(name)} ("
        + ", ".join(f"{engine.name(c)} {t}" for c, t in columns.items())
        + ")"
    )
    if rows:
        con.executemany(
            f"insert into {engine.name(name)} values ({', '.join('?' for _ in columns)})",
            [[row.get(c) for c in columns] for row in rows],
        )


def step(con: duckdb.DuckDBPyConnection, table: LogTable, query: str) -> dict[str, Any]:
    added = table.write_file(con, query, {})
    return {"add": [added] if added else [], "remove": []}
