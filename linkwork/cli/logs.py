"""`log …`, `quarantine …`, `load …`: looking at what the log holds, and changing it by name and with a reason."""

from typing import TYPE_CHECKING, Annotated

import typer

from linkwork import engine
from linkwork.cli.output import AsJson, command, console, errors, say_json, say_table, settings
from linkwork.errors import EXIT_BAD_DATA, UsageError

if TYPE_CHECKING:
    from linkwork.log.store import Store

log = typer.Typer(help="The event log: prove it whole, list its commits.", no_args_is_help=True)
quarantine = typer.Typer(help="Records that were refused.", no_args_is_help=True)
load = typer.Typer(help="What became of each file.", no_args_is_help=True)


@log.command("verify")
@command
def log_verify(
    content: Annotated[
        bool, typer.Option("--content", help="Also hash what the events say: two copies of a log have the same hash.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every file's hash, gap-free positions, ids and conservation. Exit code 65 where something is broken."""
    from linkwork.log.digest import digest
    from linkwork.log.store import Store
    from linkwork.log.verify import verify

    store = Store(settings().log_dir)
    found = verify(store)
    hashed = {"content": digest(store)} if content and not found.problems else {}
    if as_json:
        say_json(vars(found) | hashed)
    else:
        console.print(
            f"{found.files} files, {found.events:,} events, {found.loads} loads, position {found.position:,}: "
            + ("the log is whole" if not found.problems else f"{len(found.problems)} problems")
        )
        if hashed:
            console.print(f"content {hashed['content']}")
        for orphan in found.orphans:
            console.print(f"no commit names {orphan}: the next ingest removes it", markup=False, soft_wrap=True)
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


@log.command("compact")
@command
def log_compact(as_json: AsJson = False) -> None:
    """Make fewer and larger files, with the events of one person close together; nothing the log says changes."""
    from ingestion.upkeep import compact

    done = compact(settings())
    if as_json:
        say_json(done)
    else:
        console.print(
            f"{done['files_before']:,} files of events became {done['files_after']:,}; what was replaced is removed by "
            "the first ingest after a day",
            soft_wrap=True,
        )


@log.command("rebuild-register")
@command
def log_rebuild_register(
    reason: Annotated[str, typer.Option(help="Why; kept on record.")], as_json: AsJson = False
) -> None:
    """Make a lost register anew: from the received files that are kept, and for older ones from the log."""
    from ingestion.rebuild import rebuild_register

    done = rebuild_register(settings(), reason)
    if as_json:
        say_json(done)
        return
    console.print(f"the register knows {done['records']:,} records")
    if done["loads_from_the_log"]:
        console.print(
            f"{len(done['loads_from_the_log'])} files are no longer kept: what they repeated without adding an event "
            "is not known any more, see docs/event-log.md",
            soft_wrap=True,
        )


@quarantine.command("list")
@command
def quarantine_list(
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only this sender.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Refused records by file, line, rule and field, and of conflicts whether a decision ended them.

    No value is shown; the raw text stays encrypted in zone 1.
    """
    from linkwork.log.store import Store

    store = Store(settings().log_dir)
    columns = ("feed", "sender", "file_name", "source_line", "rule", "field", "sentence", "resolved", "load_id")
    rows: list[tuple[object, ...]] = []
    total = 0
    if store.quarantine.exists():
        where = " and ".join(
            f"{engine.name(c)} = {engine.text(v)}" for c, v in (("feed", feed), ("sender", sender)) if v
        )
        relation = f"{_with_resolved(store)} where {where or 'true'}"
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


def _with_resolved(store: "Store") -> str:
    """SQL that reads the index of refused records; `resolved` is empty but for conflicts."""
    return f"""(
        select *, if(rule = 'conflict', concat(load_id, ':', source_line) in (
            select target from {store.operations.refresh().relation()} where command = 'quarantine resolve'
        ), null) as resolved
        from {store.quarantine.refresh().relation()})"""


@load.command("list")
@command
def load_list(
    status: Annotated[str | None, typer.Option(help="committed, noop, held, refused or retracted.")] = None,
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
        store.loads.refresh()
        where = f"where status = {engine.text(status)}" if status else ""
        with engine.connect() as con:
            relation = store.current_loads()
            rows = con.execute(
                f"select {', '.join(columns)} from {relation} {where} order by recorded_at, load_id"
            ).fetchall()
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table("Loads", columns[1:], [row[1:] for row in rows])


@quarantine.command("resolve")
@command
def quarantine_resolve(
    load_id: Annotated[str, typer.Argument(help="The load of the quarantined record, see `quarantine list`.")],
    line: Annotated[int, typer.Option(min=1, help="The line at which the record begins.")],
    keep: Annotated[str, typer.Option(help="Which statement holds: earlier or quarantined.")],
    reason: Annotated[str, typer.Option(help="Why; kept on record, so without a person's details.")],
    as_json: AsJson = False,
) -> None:
    """End a conflict: say which of two statements about a record holds."""
    from ingestion.resolve import resolve

    if keep not in ("earlier", "quarantined"):
        raise UsageError(f"unknown statement {keep}", do="use earlier or quarantined")
    done = resolve(settings(), load_id, line, "earlier" if keep == "earlier" else "quarantined", reason)
    if as_json:
        say_json(done)
    else:
        console.print(f"kept the {keep} statement: {done['facts']} facts hold now", soft_wrap=True)


@load.command("retract")
@command
def load_retract(
    load_id: Annotated[str, typer.Argument(help="The load to undo, see `load list`.")],
    reason: Annotated[str, typer.Option(help="Why; kept on record, so without a person's details.")],
    as_json: AsJson = False,
) -> None:
    """Undo a committed file: the log then says what it would say had the file never come."""
    from ingestion.retract import retract

    done = retract(settings(), load_id, reason)
    if as_json:
        say_json(done)
        return
    console.print(f"{load_id} retracted: {done['withdrawn']:,} events withdrawn, {done['appended']:,} appended")
    if done["not_gated_again"]:
        console.print(
            f"{len(done['not_gated_again'])} earlier files of the sender are no longer kept: rows of theirs that had "
            "counted as repetitions do not come back",
            soft_wrap=True,
        )


def register(app: typer.Typer) -> None:
    app.add_typer(log, name="log")
    app.add_typer(quarantine, name="quarantine")
    app.add_typer(load, name="load")
