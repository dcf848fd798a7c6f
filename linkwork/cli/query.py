"""`sql`: a query on the current release."""

from typing import Annotated

import typer

from linkwork import engine
from linkwork.cli.output import AsJson, command, say_json, say_table, settings
from linkwork.errors import BadDataError, UsageError
from linkwork.release.redact import is_redacted


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
    path = settings().releases_dir / "current" / tier / "marts.duckdb"
    if not path.exists():
        if is_redacted(path.parent.parent):
            raise UsageError(
                "the restricted tier of the current release was removed",
                where=str(path),
                why="a person was erased since",
                do="run `linkwork build` and `linkwork publish`",
            )
        raise UsageError("there is no current release", where=str(path), do="run `linkwork publish` first")
    with engine.connect(path, read_only=True) as con:
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        try:
            cursor = con.execute(query)
            columns = [d[0] for d in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise BadDataError("the query failed", why=str(error).splitlines()[0]) from None
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table("", columns, rows)


def register(app: typer.Typer) -> None:
    app.command()(sql)
