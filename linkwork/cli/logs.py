"""`log verify|history`, `quarantine list`, `load list`, `sql`: looking at what is there."""

from typing import Annotated

import typer

from linkwork import engine
from linkwork.cli.output import AsJson, command, console, errors, say_json, say_table, settings
from linkwork.errors import EXIT_BAD_DATA, BadDataError, UsageError

log = typer.Typer(help="The event log: prove it whole, list its commits.", no_args_is_help=True)
quarantine = typer.Typer(help="Records that were refused.", no_args_is_help=True)
load = typer.Typer(help="What became of each file.", no_args_is_help=True)


@log.command("verify")
@command
def log_verify(as_json: AsJson = False) -> None:
    """Check every file's hash, gap-free positions, ids and conservation. Exit code 65 where something is broken."""
    from linkwork.log.store import Store
    from linkwork.log.verify import verify

    found = verify(Store(settings().log_dir))
    if as_json:
        say_json(vars(found))
    else:
        console.print(
            f"{found.files} files, {found.events:,} events, {found.loads} loads, position {found.position:,}: "
            + ("the log is whole" if not found.problems else f"{len(found.problems)} problems")
        )
        for problem in found.problems:
            errors.print(problem, markup=False, soft_wrap=True)
    if found.problems:
        raise typer.Exit(EXIT_BAD_DATA)


@log.command("history")
@command
def log_history(
    limit: Annotated[int, typer.Option(min=1, help="How many commits, newest first.")] = 20, as_json: AsJson = False
) -> None:
    """The log's commits: when, which batch, which positions, how many events of each category."""
    from linkwork.log.history import history
    from linkwork.log.store import Store

    rows = history(Store(settings().log_dir), limit)
    if as_json:
        say_json(rows)
        return
    columns = ("version", "recorded", "batch", "files", "records", "events", "from", "to", "by category")
    say_table("Commits", columns, [list(row.values()) for row in rows])


@quarantine.command("list")
@command
def quarantine_list(
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only this sender.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Refused records by file, line, rule and field. No value is shown; the raw text stays encrypted in zone 1."""
    from linkwork.log.store import Store

    store = Store(settings().log_dir)
    columns = ("feed", "sender", "file_name", "source_line", "rule", "field", "sentence", "load_id")
    rows: list[tuple[object, ...]] = []
    total = 0
    if store.quarantine.exists():
        where = " and ".join(
            f"{engine.name(c)} = {engine.text(v)}" for c, v in (("feed", feed), ("sender", sender)) if v
        )
        relation = f"{store.quarantine.refresh().relation()} where {where or 'true'}"
        with engine.connect() as con:
            counted = con.execute(f"select count(*) from {relation}").fetchone()
            total = counted[0] if counted else 0
            rows = con.execute(
                f"select {', '.join(columns)} from {relation} order by all limit {int(limit)}"
            ).fetchall()
    if as_json:
        say_json({"total": total, "records": [dict(zip(columns, row, strict=True)) for row in rows]})
        return
    say_table("Refused records", columns[:-1], [row[:-1] for row in rows])
    console.print(f"{len(rows)} of {total:,} shown")


@load.command("list")
@command
def load_list(
    status: Annotated[str | None, typer.Option(help="committed, noop, held or refused.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every file and what became of its records."""
    from linkwork.log.store import Store

    store = Store(settings().log_dir)
    columns = (
        "load_id", "feed", "sender", "file_name", "status", "records", "accepted", "duplicate", "superseded",
        "conflict", "quarantined", "skipped", "events", "detail",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    if store.loads.exists():
        where = f"where status = {engine.text(status)}" if status else ""
        with engine.connect() as con:
            relation = store.loads.refresh().relation()
            rows = con.execute(
                f"select {', '.join(columns)} from {relation} {where} order by recorded_at, load_id"
            ).fetchall()
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table("Loads", columns[1:], [row[1:] for row in rows])


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
    app.add_typer(log, name="log")
    app.add_typer(quarantine, name="quarantine")
    app.add_typer(load, name="load")
    app.command()(sql)
