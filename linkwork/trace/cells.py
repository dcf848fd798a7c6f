"""The warehouse of a build, opened for reading, and the rows of a mart that a person's condition picks.

The condition is a person's SQL: it runs in a connection that can change nothing and reach nothing but the warehouse.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from linkwork import engine
from linkwork.errors import BadDataError, BusyError, UsageError
from linkwork.release.marts import Mart, read_described
from linkwork.settings import Settings
from linkwork.trace.lineage import Lineage
from linkwork.warehouse import target_dir, warehouse_file

CELLS = "cells"


@dataclass(frozen=True)
class Build:
    """An open warehouse, the marts it holds, and what it was pinned to."""

    con: duckdb.DuckDBPyConnection
    path: Path
    marts: dict[str, Mart]
    position: int
    known_at: datetime | None

    def mart(self, name: str) -> Mart:
        """A mart by name. Raises UsageError where there is none that can be traced."""
        if name not in self.marts or self.marts[name].meta.trace is None:
            raise UsageError(
                "there is no such mart to trace",
                where=name,
                do="use one of " + ", ".join(n for n, mart in sorted(self.marts.items()) if mart.meta.trace),
            )
        return self.marts[name]

    def lineage(self, mart: Mart) -> Lineage:
        found = self.mart(mart.name).meta.trace
        assert found is not None  # noqa: S101 - `mart` has refused the others
        return found

    def relation(self, model: str) -> str:
        """The quoted name of a model: all of them lie in the marts' schema."""
        return f"{next(iter(self.marts.values())).relation.rpartition('.')[0]}.{engine.name(model)}"

    def columns(self, relation: str) -> list[str]:
        return [row[0] for row in self.con.execute(f"describe select * from {relation}").fetchall()]


@contextmanager
def opened(settings: Settings, known_at: datetime | None) -> Iterator[Build]:
    """The warehouse of the newest build, or of the build for `known_at`.

    Raises UsageError where nothing was built, BusyError where another process writes it.
    """
    path = warehouse_file(settings, known_at)
    if not path.exists():
        raise UsageError(
            "there is no build to trace in",
            where=str(path),
            do="run `linkwork build`" + (" with the same --known-at" if known_at else "") + " first",
        )
    marts = {mart.name: mart for mart in read_described(target_dir(settings, known_at) / "manifest.json")}
    try:
        con = engine.connect(path, read_only=True, memory_limit=settings.memory_limit, threads=settings.threads)
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise
        raise BusyError("the warehouse is being written", where=str(path), do="try again later") from error
    with con:
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        pinned = con.execute("select position, known_at from log.pinned").fetchone()
        if pinned is None:
            raise BadDataError("the warehouse does not say what it was built from", where=str(path))
        yield Build(con, path, marts, pinned[0] or 0, pinned[1])


def pick(build: Build, mart: Mart, where: str) -> int:
    """Put the rows of a mart that satisfy a condition into the temporary table `cells`; returns how many.

    Raises UsageError where the condition is empty or wrong.
    """
    columns = ", ".join(build.columns(mart.relation))
    if not where.strip():
        raise UsageError(
            "`--where` is empty",
            where=mart.name,
            why="a trace begins with rows of a mart",
            do=f"""give a condition on its columns ({columns})""",
        )
    query = f"select * from {mart.relation} where (\n{where}\n)"
    try:
        statements = build.con.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise UsageError("`--where` is not one condition", where=mart.name, do="leave out the semicolon")
        build.con.execute(f"create or replace temp table {CELLS} as {query}")
    except duckdb.Error as error:
        raise UsageError(
            "`--where` cannot be evaluated", where=mart.name, why=_reason(error), do=f"the columns are {columns}"
        ) from None
    found = build.con.execute(f"select count(*) from {CELLS}").fetchone()
    return int(found[0]) if found else 0


def _reason(error: duckdb.Error) -> str:
    """What is wrong with a condition. Only messages about its text are repeated: others may hold a value of the data."""
    if isinstance(error, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException):
        return str(error).splitlines()[0]
    if isinstance(error, duckdb.PermissionException):
        return "it reaches outside the warehouse"
    return "a value cannot be converted or compared as the condition asks"
