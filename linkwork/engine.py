"""DuckDB connections as this project uses them, and the helpers that read rows and quote names and text.

Every connection works in UTC, never prints a progress bar (it would write to standard output), loads no extension and
has its configuration locked. Which files it may open is said where it is made; see
`docs/decisions/0015-what-duckdb-may-open.md`.
"""

import atexit
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

NOTHING_LOADED = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
}
# A cache of what was read keeps 0.4 MiB of each small file until the connection ends, and a file is read once.
NOTHING_KEPT = {"enable_external_file_cache": False}
# How Parquet is written here, but for the compression. DuckDB up to 1.5 asks a Bloom filter for the printed text of a
# BLOB and so passes over the rows that hold it; see `docs/decisions/0018-parquet-without-bloom-filters.md`.
PARQUET = "format parquet, write_bloom_filter false"
_setting = threading.Lock()
_keeping = threading.Lock()
_kept: list[duckdb.DuckDBPyConnection] = []
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_ ]{0,62}")


def connect(
    database: Path | None = None,
    *,
    read_only: bool = False,
    memory_limit: str = "4GB",
    threads: int = 2,
    spill: Path | None = None,
    files: Sequence[Path] | None = None,
    config: Mapping[str, str | bool | int] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open DuckDB (in memory by default) with the settings every part of the project relies on, and lock them.

    Work larger than memory goes to the folder `spill`; without one it fails rather than write personal data
    into the working directory. SQL on the connection may open what lies below the folders of `files`, or is one of
    them, and nothing else (None: whatever its own text names); it can load no extension and change no setting.
    """
    settings = [
        "global TimeZone = 'UTC'",  # of cursors, too
        "enable_progress_bar = false",
        f"memory_limit = {text(memory_limit)}",
        f"threads = {int(threads)}",
        f"temp_directory = {text(spill or '')}",
    ]
    if files is not None:
        alone, folders = [f for f in files if f.is_file()], [f for f in files if not f.is_file()]
        settings += [f"allowed_paths = {texts(alone)}", f"allowed_directories = {texts(folders)}"]
        settings += ["enable_external_access = false"]
    with _setting:  # connections of one process to one file share its settings, which can be locked but once
        con = duckdb.connect(
            str(database) if database else ":memory:",
            read_only=read_only,
            config={**NOTHING_LOADED, **NOTHING_KEPT, **(config or {})},
        )
        if not row(con, "select current_setting('lock_configuration')")[0]:
            for setting in [*settings, "lock_configuration = true"]:
                con.execute(f"set {setting}")
    return con


@contextmanager
def asking() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in memory for a question about small files, ready at once: to start DuckDB takes 10 ms of processor.

    It is one of many to a DuckDB that this process keeps, so what is made on it has to be temporary: nobody else sees
    it then, and it goes with the connection. Work that needs memory, a folder to spill to or bounds to what it may open
    calls for `connect`. Do not fork within a question: it would be closed.
    """
    with _keeping:
        if not _kept:
            _kept.append(connect())
        con = _kept[0].cursor()
    with con:
        yield con


def _let_go() -> None:
    """End the DuckDB that is kept: a forked process would have none of its threads, and wait for them when it ends."""
    with _keeping:
        while _kept:
            _kept.pop().close()


os.register_at_fork(before=_let_go)
atexit.register(_let_go)


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


def hashed_texts(columns: list[str], later: list[str]) -> tuple[list[str], list[str]]:
    """SQL of the texts that stand for a row when it is hashed (`hmac_sql.joined`).

    Each of `columns` in order, and those of `later` with their names, null where they hold nothing: a column that was
    added later changes no hash of a row that leaves it empty.
    """
    return [f"{name(c)}::varchar" for c in columns], [f"{text(c + '=')} || {name(c)}::varchar" for c in later]


def texts(values: Sequence[str] | Sequence[Path]) -> str:
    """A SQL list of string literals, such as the files given to `read_parquet`."""
    return "[" + ", ".join(text(v) for v in values) + "]"
