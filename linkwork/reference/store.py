"""Versions of reference data: written whole, read as they were known at a time."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.files import fsync
from linkwork.reference.kind import FOLDER, Kind, kind_of

Before = Callable[[Path, int], object]  # told the file of a new version and its rows, right before it is there


def versions(reference_dir: Path, kind: str) -> list[tuple[datetime, Path]]:
    """When each version was loaded, oldest first."""
    found = sorted((reference_dir / kind).glob("*.parquet"))
    return [(datetime.strptime(p.stem, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC), p) for p in found]


def relation(reference_dir: Path, kind: str, known_at: datetime | None = None) -> str:
    """SQL that reads the version of a kind that was newest at `known_at`; no row where there is none.

    Reference data loaded after the day asked for is used only where nothing older exists, and a kind that is read as
    known not even then. Facts that come with the
    project hold until the first version.
    """
    described = kind_of(kind)
    path = _file(reference_dir, kind, known_at)
    if path is None:
        return _shipped(described)
    with engine.asking() as con:
        there = {row[0] for row in con.execute(f"describe from read_parquet({engine.text(path)})").fetchall()}
    # A version keeps the columns of its day; one that the kind gained later is empty in it.
    columns = ", ".join(
        engine.name(c) if c in there else f"null::{t} as {engine.name(c)}" for c, t in described.types.items()
    )
    return f"(select {columns} from read_parquet({engine.text(path)}))"


def version_used(reference_dir: Path, kind: str, known_at: datetime | None = None) -> str | None:
    """The name of the version that `relation` reads; None where it reads what comes with the project, or nothing."""
    path = _file(reference_dir, kind, known_at)
    return path.stem if path else None


def _file(reference_dir: Path, kind: str, known_at: datetime | None) -> Path | None:
    found = versions(reference_dir, kind)
    known = [path for loaded, path in found if known_at is None or loaded <= known_at]
    if known:
        return known[-1]
    return found[0][1] if found and not kind_of(kind).asKnown else None


def rows(reference_dir: Path, kind: str) -> list[dict[str, Any]]:
    """The newest version as Python rows, in key order."""
    with engine.asking() as con:
        return engine.dicts(con.execute(f"select * from {relation(reference_dir, kind)} order by 1"))


def add_rows(
    reference_dir: Path, kind: str, key: str, rows: list[dict[str, Any]], before: Before | None = None
) -> dict[str, Any]:
    """Make a new version in which rows of the same key are replaced by these."""
    described = kind_of(kind)
    for row in rows:
        described.check_row(row)
    columns = described.types
    with engine.asking() as con:
        con.execute(f"create temp table incoming ({ddl(described)})")
        con.executemany(
            f"insert into incoming values ({', '.join('?' for _ in columns)})",
            [[row.get(c) for c in columns] for row in rows],
        )
        return save(con, reference_dir, described, replacing(reference_dir, described, [key]), before)


def ddl(kind: Kind) -> str:
    """The columns of a table of the kind."""
    return ", ".join(f"{engine.name(c)} {t}" for c, t in kind.types.items())


def replacing(reference_dir: Path, kind: Kind, key: list[str]) -> str:
    """SQL of the rows of the table `incoming`, and of the newest version's with another key."""
    same = " and ".join(f"old.{engine.name(c)} is not distinct from new.{engine.name(c)}" for c in key)
    return _beside(reference_dir, kind, f"not exists (select 1 from incoming as new where {same})")


def windowed(reference_dir: Path, kind: Kind, day: str) -> str:
    """SQL of the rows of the table `incoming`, and of the newest version's before its first year and after its last."""
    first, last = (f"(select {end}(year({engine.name(day)})) from incoming)" for end in ("min", "max"))
    return _beside(reference_dir, kind, f"not coalesce(year(old.{engine.name(day)}) between {first} and {last}, false)")


def _beside(reference_dir: Path, kind: Kind, stays: str) -> str:
    return f"""select * from incoming union all by name
        select * from {relation(reference_dir, kind.name)} as old where {stays}"""


def save(
    con: duckdb.DuckDBPyConnection, reference_dir: Path, kind: Kind, query: str, before: Before | None = None
) -> dict[str, Any]:
    """Write the rows of a query as the newest version, unless they are those of the version before."""
    columns = ", ".join(engine.name(c) for c in kind.types)
    con.execute(f"create temp table version as select distinct {columns} from ({query}) order by all")
    found = con.execute("select count(*) from version").fetchone()
    count = found[0] if found else 0
    if versions(reference_dir, kind.name):
        old = relation(reference_dir, kind.name)
        differ = con.execute(
            f"""select count(*) from (
                (from version except from {old}) union all (from {old} except from version))"""
        ).fetchone()
        if differ and differ[0] == 0:
            return {"kind": kind.name, "rows": count, "new_version": False}
    folder = reference_dir / kind.name
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z.parquet"
    partial = folder / ".writing"
    con.execute(f"copy (from version) to {engine.text(partial)} ({engine.PARQUET})")
    fsync(partial)
    if before:
        before(target, count)
    partial.rename(target)
    fsync(folder)
    return {"kind": kind.name, "rows": count, "new_version": True}


def adopt(reference_dir: Path, kind: str, version: Path) -> None:
    """Make a version that was written elsewhere on the same disk one of this folder."""
    folder = reference_dir / kind
    folder.mkdir(parents=True, exist_ok=True)
    version.rename(folder / version.name)
    fsync(folder)


def _shipped(kind: Kind) -> str:
    if kind.shipped is None:
        typed = ", ".join(f"null::{t} as {engine.name(c)}" for c, t in kind.types.items())
        return f"(select {typed} where false)"
    fields = ", ".join(f"{engine.text(c)}: {engine.text(t)}" for c, t in kind.types.items())
    path = engine.text(FOLDER / "facts" / kind.shipped)
    return f"""(select * from read_csv({path}, header = true, auto_detect = false, delim = ',', quote = '"',
        escape = '"', columns = {{{fields}}}))"""
