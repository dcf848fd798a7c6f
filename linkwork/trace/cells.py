"""The warehouse of a build, and the rows of a mart that a person's condition picks.

The condition is a person's SQL: it runs in a connection of its own, which can change nothing and reach nothing but the
warehouse, and hands over only numbers of rows. What it could read it could overwrite, too: DuckDB profiles to where a
SELECT says. Everything after it is ours and may read the log.

No value is bound as a parameter here and nothing registered: the first of either makes DuckDB import pandas, which
takes longer than the trace.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from linkwork import engine, spill
from linkwork.built import reading, target_dir, warehouse_file
from linkwork.database_file import is_damage
from linkwork.errors import UsageError
from linkwork.release.marts import Mart, read_described
from linkwork.settings import Settings
from linkwork.trace.lineage import Lineage

CELLS = "cells"
MOST_CELLS = 10_000


@dataclass(frozen=True)
class Marts:
    """A warehouse file and the marts in it."""

    path: Path
    by_name: dict[str, Mart]

    def mart(self, name: str) -> Mart:
        """A mart by name. Raises UsageError where there is none that can be traced."""
        found = self.by_name.get(name)
        if found is None or found.meta.trace is None:
            raise UsageError(
                "there is no such mart to trace",
                where=name,
                do="use one of " + ", ".join(n for n, mart in sorted(self.by_name.items()) if mart.meta.trace),
            )
        return found

    def lineage(self, mart: Mart) -> Lineage:
        found = self.mart(mart.name).meta.trace
        assert found is not None  # noqa: S101 - `mart` has refused the others
        return found

    def relation(self, model: str) -> str:
        """The quoted name of a model: all of them lie in the marts' schema."""
        return f"{next(iter(self.by_name.values())).relation.rpartition('.')[0]}.{engine.name(model)}"


@dataclass(frozen=True)
class Build:
    """An open warehouse, its marts, and what it was pinned to."""

    con: duckdb.DuckDBPyConnection
    marts: Marts
    position: int
    known_at: datetime | None
    _columns: dict[str, list[str]] = field(default_factory=dict)

    def columns(self, relation: str) -> list[str]:
        """The columns of a relation, asked for once: to say it of a view the engine plans all that it reads."""
        if relation not in self._columns:
            self._columns[relation] = _columns(self.con, relation)
        return self._columns[relation]


def located(settings: Settings, known_at: datetime | None) -> Marts:
    """The warehouse of the newest build, or of the build for `known_at`. Raises UsageError where there is none."""
    path = warehouse_file(settings, known_at)
    if not path.exists():
        raise UsageError(
            "there is no build to trace in",
            where=str(path),
            do="run `linkwork build`" + (" with the same --known-at" if known_at else "") + " first",
        )
    marts = read_described(target_dir(settings, known_at) / "manifest.json")
    return Marts(path, {mart.name: mart for mart in marts})


def picked(settings: Settings, marts: Marts, mart: Mart, where: str) -> list[int]:
    """The numbers, as the warehouse gives them, of a mart's rows that satisfy a condition.

    Raises UsageError where the condition is empty or wrong or picks too much, and what `built.reading` raises.
    """
    with _connected(settings, marts.path, files=()) as con:
        if not where.strip():
            raise UsageError(
                "`--where` is empty",
                where=mart.name,
                why="a trace begins with rows of a mart",
                do=f"give a condition on its columns: {_listed(con, mart)}",
            )
        query = f"""select _row from (
                select * from (select *, rowid as _row from {mart.relation}) where (\n{where}\n)
            ) order by _row limit {MOST_CELLS + 1}"""
        try:
            statements = con.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise UsageError("`--where` is not one condition", where=mart.name, do="leave out the semicolon")
            numbers = [int(number) for (number,) in con.execute(query).fetchall()]
        except (TypeError, ValueError):  # brackets that were closed in it let it give rows of its own
            raise UsageError("`--where` is not one condition", where=mart.name, do="close what it opens") from None
        except duckdb.Error as error:
            if is_damage(error, marts.path):
                raise
            raise UsageError(
                "`--where` cannot be evaluated",
                where=mart.name,
                why=_reason(error),
                do=f"the columns are {_listed(con, mart)}",
            ) from None
    if len(numbers) > MOST_CELLS:
        raise UsageError(f"`--where` picks more than {MOST_CELLS:,} rows", where=mart.name, do="narrow it")
    return numbers


@contextmanager
def opened(settings: Settings, marts: Marts, mart: Mart, numbers: list[int]) -> Iterator[Build]:
    """The warehouse, with the rows of a mart that have these numbers in the temporary table `cells`."""
    with _connected(settings, marts.path, files=(settings.log_dir,)) as con:
        pinned = con.execute("select position, known_at from log.pinned").fetchone()
        assert pinned is not None  # noqa: S101 - `reading` has seen it
        chosen = ", ".join(str(number) for number in numbers) or "null"
        con.execute(f"create temp table {CELLS} as select * from {mart.relation} where rowid in ({chosen})")
        yield Build(con, marts, pinned[0] or 0, pinned[1])


@contextmanager
def _connected(settings: Settings, path: Path, files: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    with (
        spill.own_folder(settings) as folder,
        reading(path, memory_limit=settings.memory_limit, threads=settings.threads, spill=folder, files=files) as con,
    ):
        yield con


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [row[0] for row in con.execute(f"describe select * from {relation}").fetchall()]


def _listed(con: duckdb.DuckDBPyConnection, mart: Mart) -> str:
    return ", ".join(_columns(con, mart.relation))


def _reason(error: duckdb.Error) -> str:
    """What is wrong with a condition. Only messages about its text are repeated: others may hold a value."""
    if isinstance(error, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException):
        return str(error).splitlines()[0].partition(": ")[2].rstrip("!")
    if isinstance(error, duckdb.PermissionException):
        return "it reaches outside the warehouse"
    return "a value cannot be converted or compared as the condition asks"
