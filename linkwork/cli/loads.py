"""`load …`: what became of each file, and what somebody decides about one, by name and with a reason."""

from typing import Annotated, Any

import typer

from linkwork import engine
from linkwork.cli.output import AsJson, command, console, say_json, say_table, settings
from linkwork.errors import UsageError

load = typer.Typer(help="What became of each file.", no_args_is_help=True)

Which = Annotated[
    str, typer.Argument(help="The load id, or the file's name where no other file has it; see `load list`.")
]
STATUSES = ("committed", "noop", "held", "refused", "retracted", "withdrawn")
Reason = Annotated[str, typer.Option(help="Why; kept on record, so without a person's details.")]


@load.command("list")
@command
def load_list(
    status: Annotated[str | None, typer.Option(help="committed, noop, held, refused, retracted or withdrawn.")] = None,
    feed: Annotated[str | None, typer.Option(help="Only files of this feed.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only files of this sender.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every file and what became of its records."""
    from linkwork.log.store import Store

    if status is not None and status not in STATUSES:
        raise UsageError(f"unknown status {status}", do=f"use one of {', '.join(STATUSES)}")
    store = Store(settings().log_dir)
    columns = (
        "load_id", "feed", "sender", "file_name", "status", "records", "accepted", "duplicate", "superseded",
        "conflict", "quarantined", "skipped", "events", "detail",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    if store.loads.exists():
        store.loads.refresh()
        asked = {"status": status, "feed": feed, "sender": sender}
        where = " and ".join(["true", *(f"{c} = {engine.text(value)}" for c, value in asked.items() if value)])
        with engine.connect() as con:
            relation = store.current_loads()
            rows = con.execute(
                f"select {', '.join(columns)} from {relation} where {where} order by recorded_at, load_id"
            ).fetchall()
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table("Loads", columns[1:], [row[1:] for row in rows])


@load.command("release")
@command
def load_release(which: Which, reason: Reason, as_json: AsJson = False) -> None:
    """Let the next run take a file that was held; the verdict stays on record, with the reason."""
    from ingestion.held import release

    _decided("released", release(settings(), which, reason), as_json=as_json)


@load.command("refuse")
@command
def load_refuse(which: Which, reason: Reason, as_json: AsJson = False) -> None:
    """Never take a file that was held or refused; whoever sends the same again is told why."""
    from ingestion.held import refuse

    _decided("refused", refuse(settings(), which, reason), as_json=as_json)


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


@load.command("expire")
@command
def load_expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove received files and the text of refused records that are older than LINKWORK_RAW_RETENTION_DAYS.

    Every ingest does it, too. What the log says of them stays. A legal hold keeps them.
    """
    from ingestion.retention import due, expire

    found = due(settings()) if dry_run else expire(settings())
    if as_json:
        say_json(found.row())
        return
    done = "are kept by a legal hold" if found.is_held else "would be removed" if dry_run else "are removed"
    console.print(f"{found.text()}, {done}", soft_wrap=True)


def _decided(word: str, done: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(done)
    else:
        console.print(f"{done['file_name']} is {word}: {done['outcome']}", markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    app.add_typer(load, name="load")
