"""`log …`: proving the log whole, looking at its commits, compacting it, repairing it, making a lost register anew."""

from typing import Annotated

import typer

from linkwork.cli.output import AsJson, command, console, errors, say_json, say_table, settings
from linkwork.errors import EXIT_BAD_DATA

log = typer.Typer(help="The event log: prove it whole, list its commits.", no_args_is_help=True)


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


@log.command("repair")
@command
def log_repair(as_json: AsJson = False) -> None:
    """Remove commits that the power cut off, finish what they belonged to, and verify. Exit code 65 as `verify`."""
    from ingestion.upkeep import repair

    done = repair(settings())
    if as_json:
        say_json(done)
    else:
        removed = ", ".join(done["removed"]) or "nothing"
        console.print(f"removed: {removed}", markup=False, soft_wrap=True)
        for problem in done["problems"]:
            errors.print(problem, markup=False, soft_wrap=True)
    if done["problems"]:
        raise typer.Exit(EXIT_BAD_DATA)


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


def register(app: typer.Typer) -> None:
    app.add_typer(log, name="log")
