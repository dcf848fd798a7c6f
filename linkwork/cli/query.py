"""`sql`: a query on the current release."""

from typing import TYPE_CHECKING, Annotated

import typer

from linkwork import spill
from linkwork.cli.output import AsJson, command, say_json, say_table, settings
from linkwork.database_file import is_damage, whole
from linkwork.errors import BadDataError, UsageError
from linkwork.log_lines import LogLines
from linkwork.release.redact import is_redacted

if TYPE_CHECKING:
    import duckdb

READING = ("SELECT", "EXPLAIN")

log = LogLines("linkwork.sql")


@command
def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the marts of the current release.")],
    tier: Annotated[str, typer.Option(help="open or restricted.")] = "restricted",
    as_json: AsJson = False,
) -> None:
    """Query the current release, read-only and without access to anything else."""
    import duckdb

    if tier not in ("open", "restricted"):
        raise UsageError(f"unknown tier {tier}", do="use open or restricted")
    given = settings()
    path = given.releases_dir / "current" / tier / "marts.duckdb"
    if not path.exists():
        if is_redacted(path.parent.parent):
            raise UsageError(
                "the restricted tier of the current release was removed",
                where=str(path),
                why="a person was erased since",
                do="run `linkwork build` and `linkwork publish`",
            )
        raise UsageError("there is no current release", where=str(path), do="run `linkwork publish` first")
    with (
        spill.own_folder(given) as folder,
        whole(
            path,
            "the file of the current release",
            "restore the release from a copy, or remove it and run `linkwork publish`",
            memory_limit=given.memory_limit,
            threads=given.threads,
            spill=folder,
            files=(),
        ) as con,
    ):
        try:
            _only_reads(con, query)
            cursor = con.execute(query)
            columns = [d[0] for d in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.PermissionException:
            raise _blocked("it asks for a file or an extension") from None
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if is_damage(error, path):
                raise
            raise BadDataError("the query failed", why=str(error).splitlines()[0]) from None
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table("", columns, rows)


def _only_reads(con: "duckdb.DuckDBPyConnection", query: str) -> None:
    """Raise UsageError for a query that is more than SELECT."""
    kinds = [statement.type.name for statement in con.extract_statements(query)]
    if other := sorted({kind for kind in kinds if kind not in READING}):
        raise _blocked(f"it is {', '.join(other)}")


def _blocked(why: str) -> UsageError:
    log.warning("query blocked", why=why)  # never the query: it may name a person
    return UsageError("the query is not allowed", why=why, do="use SELECT over the marts of the release")


def register(app: typer.Typer) -> None:
    app.command()(sql)
