"""DuckDB connections as this project uses them, and the helpers that read rows and quote names and text.

Every connection works in UTC and never prints a progress bar (it would write to standard output).
"""

import re
from pathlib import Path
from typing import Any

import duckdb

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_ ]{0,62}")


def connect(
    database: Path | None = None,
    *,
    read_only: bool = False,
    memory_limit: str = "4GB",
    threads: int = 2,
    spill: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open DuckDB (in memory by default) with the settings every part of the project relies on.

    Work larger than memory goes to the folder `spill`; without one it fails rather than write personal data
    into the working directory.
    """
    con = duckdb.connect(
        str(database) if database else ":memory:",
        read_only=read_only,
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False},
    )
    con.execute("set TimeZone = 'UTC'")
    con.execute("set enable_progress_bar = false")
    con.execute(f"set memory_limit = {text(memory_limit)}")
    con.execute(f"set threads = {int(threads)}")
    con.execute(f"set temp_directory = {text(spill or '')}")
    return con


def dicts(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of an executed query, each as a dictionary from column name to value."""
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def row(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The one row of a query that always gives one."""
    found = con.execute(query).fetchone()
    assert found is not None  # noqa: S101 - an aggregate always gives a row
    return found


def name(identifier: str) -> str:
    """Quote a column or table name. Names come from contracts and the catalogue only; others are refused."""
    if not IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"not a valid name: {identifier!r}")
    return '"' + identifier + '"'


def text(value: object) -> str:
    """A SQL string literal. Used for values that cannot be bound, such as the path in `read_parquet`."""
    plain = str(value)
    if "\x00" in plain:
        raise ValueError("a NUL byte cannot be part of SQL text")
    return "'" + plain.replace("'", "''") + "'"


def hashed_parts(columns: list[str], later: list[str]) -> str:
    """SQL of the list of text that stands for a row when it is hashed.

    Each of `columns` in order, and those of `later` that hold something, with their names: a column that was added
    later changes no hash of a row that leaves it empty.
    """
    parts, named = hashed_texts(columns, later)
    listed = f"[{', '.join(parts)}]"
    return f"list_concat({listed}, list_filter([{', '.join(named)}], lambda p: p is not null))" if named else listed


def hashed_texts(columns: list[str], later: list[str]) -> tuple[list[str], list[str]]:
    """SQL of the text of each of `columns`, and of those of `later` with their names, null where they hold nothing."""
    return [f"{name(c)}::varchar" for c in columns], [f"{text(c + '=')} || {name(c)}::varchar" for c in later]


def texts(values: list[str] | list[Path]) -> str:
    """A SQL list of string literals, such as the files given to `read_parquet`."""
    return "[" + ", ".join(text(v) for v in values) + "]"
