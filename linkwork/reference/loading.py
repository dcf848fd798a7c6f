"""A published file becomes a version: every value checked, every row accounted for."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine, locked
from linkwork.errors import BadDataError, UsageError
from linkwork.reference import beside
from linkwork.reference.files import Row, Source
from linkwork.reference.kind import KINDS, Kind, kind_of
from linkwork.reference.store import Before, adopt, replacing, save, versions, windowed

PACKED = (".gz", ".zip")
APART = ".loading-"  # a folder in which a process loads what is not to be seen in parts


def load(reference_dir: Path, kind: str, path: Path, before: Before | None = None) -> dict[str, Any]:
    """Load a file as the newest version of a kind; of a kind that adds, rows of the same key are replaced, of one whose
    publications are windows of time, those within the window.

    Returns kind, rows (of the version), new_version, file, read (rows of the file), repeated (said before in the file),
    out_of_scope (reason to rows), ignored (columns that are not kept) and encoding; read = new rows + repeated +
    out_of_scope. Raises UsageError for an unknown kind or file, BadDataError naming file, line and column for
    a row that does not fit.
    """
    described = kind_of(kind)
    source = Source(path, described)
    read = beside.fill(source, source.rows())
    with engine.connect() as con:
        _as_text(con, described, read)
        out_of_scope = _set_aside(con, described)
        _check(con, source)
        repeated = _type(con, source)
        saved = save(con, reference_dir, described, _version(reference_dir, described), before)
    return {
        **saved,
        "file": path.name,
        "read": len(read),
        "repeated": repeated,
        "out_of_scope": out_of_scope,
        "ignored": source.ignored,
        "encoding": source.encoding,
    }


def _version(reference_dir: Path, kind: Kind) -> str:
    """SQL of the rows of the version that the table `incoming` makes."""
    if kind.within:
        return windowed(reference_dir, kind, kind.within)
    return replacing(reference_dir, kind, kind.key) if kind.adds else "select * from incoming"


def load_missing(
    reference_dir: Path, folder: Path, around: Callable[[str, Path, int], AbstractContextManager[object]] | None = None
) -> None:
    """Load the files of a folder whose kind has no version yet; a kind that has one stays as whoever loaded it left it.

    A kind comes with all its files or not at all, so whatever moment this is cut off at, the next time completes it.
    `around` is told kind, file and rows of a version, and entered for as long as it takes to be there.
    """
    missing = [(kind, path) for kind, path in claimed(folder)[0] if not versions(reference_dir, kind)]
    locked.remove_left(reference_dir, APART)
    with locked.own(reference_dir, APART) as apart:
        rows = {kind: load(apart, kind, path)["rows"] for kind, path in missing}
        for kind in sorted(rows):
            version = versions(apart, kind)[-1][1]
            with around(kind, reference_dir / kind / version.name, rows[kind]) if around else nullcontext():
                adopt(reference_dir, kind, version)


def claimed(folder: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """The files of a folder with their kind, told by their names: `<kind>.csv`, or as they are published.

    Returns (kind, file) in the order of the names, and the names of files that no kind claims. Raises UsageError where
    there is none to load, and where several are of a kind that one file is the whole of.
    """
    if not folder.is_dir():
        raise UsageError("no such folder", where=str(folder))
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    found = [(kind, path) for path in files for kind in KINDS.values() if _is_of(kind, path.name)]
    if not found:
        names = ", ".join(f"{kind}.csv" for kind in KINDS)
        raise UsageError("no reference file found", where=str(folder), why=f"looked for {names} and published names")
    for kind in KINDS.values():
        mine = [path.name for k, path in found if k is kind]
        if len(mine) > 1 and not kind.adds:
            raise UsageError(
                f"several files are of kind {kind.name}",
                where=str(folder),
                why=", ".join(mine),
                do="load the one that is to hold by itself, with its kind",
            )
    taken = {path for _, path in found}
    return [(kind.name, path) for kind, path in found], [path.name for path in files if path not in taken]


def _is_of(kind: Kind, name: str) -> bool:
    plain = name.lower()
    for ending in PACKED:
        plain = plain.removesuffix(ending)
    stem = plain.rpartition(".")[0] or plain
    patterns = [pattern.lower() for pattern in kind.files]
    return stem == kind.name or any(fnmatch(plain, p) or fnmatch(name.lower(), p) for p in patterns)


def _as_text(con: duckdb.DuckDBPyConnection, kind: Kind, read: list[Row]) -> None:
    """The table `text`: every row as it is written, with its line."""
    import pyarrow as pa  # takes a tenth of a second, and most commands load nothing

    values = list(zip(*[row for _, row in read], strict=True)) if read else [()] * len(kind.columns)
    table = pa.table(
        {
            "line": pa.array([line for line, _ in read], pa.int64()),
            **{c: pa.array(v, pa.string()) for c, v in zip(kind.columns, values, strict=True)},
        }
    )
    con.register("read_rows", table)
    con.execute("create temp table text as from read_rows")
    con.unregister("read_rows")
    for name, column in kind.columns.items():
        if column.default is not None:
            con.execute(
                f"update text set {engine.name(name)} = {engine.text(column.default)} where {engine.name(name)} is null"
            )


def _set_aside(con: duckdb.DuckDBPyConnection, kind: Kind) -> dict[str, int]:
    """Take out the rows that are about something else, and count them by why."""
    counted: dict[str, int] = {}
    for name, column in kind.columns.items():
        if column.keep is None:
            continue
        other = f"upper({engine.name(name)}) not in ({', '.join(engine.text(k) for k in column.keep)})"
        found = con.execute(
            f"select upper({engine.name(name)}), count(*) from text where {other} group by 1"
        ).fetchall()
        counted |= {f"{name} is {value}": count for value, count in found}
        con.execute(f"delete from text where {other}")
    return counted


def _check(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    for name, column in source.kind.columns.items():
        if column.keep is not None:
            continue
        quoted = engine.name(name)
        broken = f"{source.kind.typed(name)} is null"  # 2025-02-30 has the form of a date and is none
        if column.grammar:
            broken += f" or not regexp_full_match({quoted}, {engine.text(column.grammar)})"
        broken = f"if({quoted} is null, {'true' if column.required else 'false'}, {broken})"
        found = con.execute(f"select min(line), count(*) from text where {broken}").fetchone()
        if found and found[1]:
            line, count = found
            raise BadDataError(
                "a value does not fit",
                where=source.where(line, name),
                why=source.kind.expected(name) + (f"; {count} values do not" if count > 1 else ""),
                do="correct the file, or check that it is of this kind",
            )


def _type(con: duckdb.DuckDBPyConnection, source: Source) -> int:
    """The table `incoming`: the rows in their types, each once. Returns how many were said before."""
    kind = source.kind
    typed = ", ".join(f"{kind.typed(c)} as {engine.name(c)}" for c in kind.types)
    con.execute(
        f"""create temp table numbered as select {typed}, line from text;
        create temp table incoming as select distinct * exclude (line) from numbered"""
    )
    if kind.key:
        key = ", ".join(engine.name(c) for c in kind.key)
        first = con.execute(
            f"""select min(line), max(line) from numbered join (
                select {key} from incoming group by all having count(*) > 1) using ({key})
            group by {key} order by 2 limit 1"""
        ).fetchone()
        if first:
            raise BadDataError(
                "a file says two things of one key",
                where=source.where(first[1]),
                why=f"{source.unit} {first[0]} has the same {', '.join(kind.key)} and other values",
                do="correct the file",
            )
    counted = con.execute("select (select count(*) from numbered) - (select count(*) from incoming)").fetchone()
    return int(counted[0]) if counted else 0
