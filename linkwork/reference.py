"""Reference data: small tables that are loaded whole, kept in every version, and never edited.

Each load of a kind that differs from the newest version is a new Parquet file, named by the time it was loaded. A build
for an earlier day reads the version that was newest then.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import BadDataError, UsageError
from linkwork.files import fsync

CODE = "[A-Z0-9_-]{1,20}"

# Column: (SQL type, grammar of its text, required)
KINDS: dict[str, dict[str, tuple[str, str, bool]]] = {
    "senders": {
        "code": ("varchar", CODE, True),
        "name": ("varchar", ".{1,200}", True),
        "kind": ("varchar", "practice|service|group|other", True),
        "feeds": ("varchar[]", "[a-z0-9_]+(;[a-z0-9_]+)*", True),
        "source_system": ("varchar", "[A-Za-z0-9_. -]{1,60}", True),
        "valid_from": ("date", r"\d{4}-\d{2}-\d{2}", False),
        "valid_to": ("date", r"\d{4}-\d{2}-\d{2}", False),
        "cadence_days": ("integer", r"\d{1,4}", False),
        "agreement": ("varchar", ".{0,200}", False),
        "first_expected": ("date", r"\d{4}-\d{2}-\d{2}", False),
        "agreement_from": ("date", r"\d{4}-\d{2}-\d{2}", False),
        "agreement_to": ("date", r"\d{4}-\d{2}-\d{2}", False),
        "withdrawn_on": ("date", r"\d{4}-\d{2}-\d{2}", False),
    },
    "organisations": {
        "practice_code": ("varchar", CODE, True),
        "practice_name": ("varchar", ".{1,200}", True),
        "pcn_code": ("varchar", CODE, False),
        "pcn_name": ("varchar", ".{0,200}", False),
        "icb_code": ("varchar", CODE, False),
        "icb_name": ("varchar", ".{0,200}", False),
        "valid_from": ("date", r"\d{4}-\d{2}-\d{2}", False),
        "valid_to": ("date", r"\d{4}-\d{2}-\d{2}", False),
    },
}

# Columns that came with a later version: a file, or a version that was kept, may be without them.
ADDED = {"senders": ("agreement_from", "agreement_to", "withdrawn_on")}


def load(reference_dir: Path, kind: str, path: Path) -> dict[str, Any]:
    """Load a CSV file as the newest version of a kind. Returns rows and whether a new version was made.

    Raises UsageError for an unknown kind, BadDataError naming file, line and column for a row that does not fit.
    """
    columns = _columns(kind)
    with engine.connect() as con:
        _read(con, path, columns, ADDED.get(kind, ()))
        return _save(con, reference_dir, kind, "select * from incoming")


def add_rows(reference_dir: Path, kind: str, key: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Make a new version in which rows of the same key are replaced by these."""
    columns = _columns(kind)
    for row in rows:
        _check_row(row, columns)
    with engine.connect() as con:
        con.execute(f"create temp table incoming ({_ddl(columns)})")
        con.executemany(
            f"insert into incoming values ({', '.join('?' for _ in columns)})",
            [[row.get(c) for c in columns] for row in rows],
        )
        query = f"""select * from incoming union all
            select * from {relation(reference_dir, kind)} anti join incoming using ({engine.name(key)})"""
        return _save(con, reference_dir, kind, query)


def versions(reference_dir: Path, kind: str) -> list[tuple[datetime, Path]]:
    """When each version was loaded, oldest first."""
    found = sorted((reference_dir / kind).glob("*.parquet"))
    return [(datetime.strptime(p.stem, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC), p) for p in found]


def relation(reference_dir: Path, kind: str, known_at: datetime | None = None) -> str:
    """SQL that reads the version of a kind that was newest at `known_at`; no row where there is none.

    Reference data loaded after the day asked for is used only where nothing older exists.
    """
    columns = _columns(kind)
    found = versions(reference_dir, kind)
    typed = ", ".join(f"null::{t} as {engine.name(c)}" for c, (t, _, _) in columns.items())
    if not found:
        return f"(select {typed} where false)"
    known = [path for loaded, path in found if known_at is None or loaded <= known_at]
    version = f"read_parquet({engine.text(known[-1] if known else found[0][1])})"
    return f"(select {typed} where false union all by name from {version})" if kind in ADDED else version


def rows(reference_dir: Path, kind: str) -> list[dict[str, Any]]:
    """The newest version as Python rows, in key order."""
    with engine.connect() as con:
        return engine.dicts(con.execute(f"select * from {relation(reference_dir, kind)} order by 1"))


def _columns(kind: str) -> dict[str, tuple[str, str, bool]]:
    if kind not in KINDS:
        raise UsageError(f"unknown kind of reference data: {kind}", do=f"use one of {', '.join(KINDS)}")
    return KINDS[kind]


def _check_row(row: dict[str, Any], columns: dict[str, tuple[str, str, bool]]) -> None:
    for column, (_, grammar, required) in columns.items():
        value = row.get(column)
        plain = ";".join(value) if isinstance(value, list) else str(value)
        if required if value is None else not re.fullmatch(grammar, plain):
            raise UsageError(f"the {column} does not fit", why=f"it must match {grammar}")


def _ddl(columns: dict[str, tuple[str, str, bool]]) -> str:
    return ", ".join(f"{engine.name(c)} {t}" for c, (t, _, _) in columns.items())


def _read(
    con: duckdb.DuckDBPyConnection, path: Path, columns: dict[str, tuple[str, str, bool]], added: tuple[str, ...]
) -> None:
    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    try:
        with path.open(encoding="utf-8-sig") as handle:
            header = handle.readline().rstrip("\r\n").split(",")
    except UnicodeDecodeError as error:
        raise BadDataError("a file is not UTF-8", where=str(path), do="save it as UTF-8") from error
    if twice := sorted({c for c in header if header.count(c) > 1}):
        raise BadDataError("a column is named twice", where=f"{path}, line 1", why=", ".join(twice))
    if missing := [c for c in columns if c not in header and c not in added]:
        raise BadDataError("a column is missing", where=f"{path}, line 1", why=", ".join(missing))
    fields = "{" + ", ".join(f"{engine.text(h)}: 'varchar'" for h in header) + "}"
    try:
        con.execute(
            f"""create temp table text as select row_number() over () + 1 as line, * from read_csv(
                {engine.text(path)}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
                columns = {fields}, nullstr = '', parallel = false)"""
        )
    except duckdb.Error as error:
        line = re.search(r"Line: (\d+)", str(error))
        where = f"{path}, line {line[1]}" if line else str(path)
        raise BadDataError("a line does not have the header's columns", where=where, do="correct the file") from error
    for column in (c for c in columns if c not in header):
        con.execute(f"alter table text add column {engine.name(column)} varchar")
    for column, (sql_type, grammar, required) in columns.items():
        broken = f"not regexp_full_match({engine.name(column)}, {engine.text(grammar)})"
        if not sql_type.endswith("[]"):  # 2025-02-30 has the form of a date and is none
            broken += f" or try_cast({engine.name(column)} as {sql_type}) is null"
        broken = f"if({engine.name(column)} is null, {'true' if required else 'false'}, {broken})"
        found = con.execute(f"select min(line) from text where {broken}").fetchone()
        if found and found[0]:
            raise BadDataError(
                "a value does not fit", where=f"{path}, line {found[0]}, column {column}", do="correct the file"
            )
    typed = ", ".join(
        f"string_split({engine.name(c)}, ';') as {engine.name(c)}"
        if t.endswith("[]")
        else f"{engine.name(c)}::{t} as {engine.name(c)}"
        for c, (t, _, _) in columns.items()
    )
    con.execute(f"create temp table incoming as select {typed} from text")


def _save(con: duckdb.DuckDBPyConnection, reference_dir: Path, kind: str, query: str) -> dict[str, Any]:
    con.execute(f"create temp table version as select distinct * from ({query}) order by all")
    found = con.execute("select count(*) from version").fetchone()
    count = found[0] if found else 0
    newest = versions(reference_dir, kind)
    if newest:
        old = relation(reference_dir, kind)
        differ = con.execute(
            f"""select count(*) from (
                (from version except from {old}) union all (from {old} except from version))"""
        ).fetchone()
        if differ and differ[0] == 0:
            return {"kind": kind, "rows": count, "new_version": False}
    folder = reference_dir / kind
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z.parquet"
    partial = folder / ".writing"
    con.execute(f"copy (from version) to {engine.text(partial)} (format parquet)")
    fsync(partial)
    partial.rename(target)
    fsync(folder)
    return {"kind": kind, "rows": count, "new_version": True}
