"""`quarantine …`: looking at refused records, sending them back, and taking those that a correction made valid."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from linkwork import engine
from linkwork.cli.output import AsJson, command, console, errors, say_json, say_table, settings
from linkwork.errors import UsageError

if TYPE_CHECKING:
    import duckdb

    from linkwork.log.store import Store

ORDER = "feed, sender, file_name, source_line, record"

quarantine = typer.Typer(help="Records that were refused.", no_args_is_help=True)

Feed = Annotated[str | None, typer.Option(help="Only this feed.")]
Sender = Annotated[str | None, typer.Option(help="Only this sender.")]
Rule = Annotated[str | None, typer.Option(help="Only what this rule refused.")]
Load = Annotated[str | None, typer.Option(help="Only this load.")]
Status = Annotated[
    str | None, typer.Option(help="open, retried, resolved, superseded, erased or retracted; all without it.")
]
Record = Annotated[
    int | None,
    typer.Option(min=1, help="Which of several records on the line, by its place there: of a cell its column."),
]
Raw = Annotated[bool, typer.Option("--raw", help="With the text as sent: needs the zone 1 key.")]


@quarantine.command("list")
@command
def quarantine_list(
    feed: Feed = None,
    sender: Sender = None,
    rule: Rule = None,
    load: Load = None,
    status: Status = None,
    by: Annotated[str | None, typer.Option(help="Count by sender, feed, rule, load or status instead.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Refused records by file, line, rule and field, since when, and what became of them.

    No value is shown; the raw text stays encrypted in zone 1.
    """
    from linkwork.log import refusals

    group = "load_id" if by == "load" else by
    if group is not None and group not in refusals.GROUPS:
        raise UsageError(f"cannot count by {by}", do="use sender, feed, rule, load or status")
    where = _where(feed, sender, rule, load, status)
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    total = 0
    with _refused(where) as found:
        if found is not None:
            counted = found.con.execute(f"select count(*) from {found.rows}").fetchone()
            total = counted[0] if counted else 0
            query = f"select * from {found.rows} order by {ORDER} limit {int(limit)}"
            if group is not None:
                query = f"""select {group}, count(*) as records, count(*) filter (status = 'open') as open,
                    count(distinct load_id) as files, min(refused_at) as refused_at
                    from {found.rows} group by 1 order by 3 desc, 1"""
            rows = [
                {**row, "age_days": refusals.age_days(row["refused_at"], now)}
                for row in engine.dicts(found.con.execute(query))
            ]
    if as_json:
        say_json({"total": total, "counts" if group else "records": rows})
        return
    if group is not None:
        columns: tuple[str, ...] = (group, "records", "open", "files", "age_days")
    else:
        columns = (
            "feed",
            "sender",
            "file_name",
            "source_line",
            "record",
            "rule",
            "field",
            "status",
            "age_days",
            "load_id",
        )
    say_table("Refused records", columns, [[row[c] for c in columns] for row in rows])
    console.print(f"{total:,} refused records" if group else f"{len(rows)} of {total:,} shown")


@quarantine.command("explain")
@command
def quarantine_explain(
    load_id: Annotated[str, typer.Argument(help="The load of the refused record, see `quarantine list`.")],
    line: Annotated[int, typer.Argument(min=1, help="The line at which the record begins.")],
    record: Record = None,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Why a record was refused, what became of it, and what to do."""
    from ingestion.refused_text import texts
    from linkwork.log import refusals

    where = f"load_id = {engine.text(load_id)} and source_line = {line}"
    history: list[dict[str, Any]] = []
    with _refused(where) as found:
        rows = engine.dicts(found.con.execute(f"from {found.rows}")) if found else []
        row = refusals.numbered(rows, record, f"{load_id}, line {line}")
        if found:
            history = refusals.history(found.store, found.con, load_id, line, row["record"])
    shown = {**row, "history": history, "what_to_do": refusals.what_to_do(row)}
    if raw:
        name = (load_id, line, row["record"])
        shown["raw"] = texts(settings(), [name]).get(name)
    if as_json:
        say_json(shown)
        return
    broken = ", ".join(shown["violations"] or [])
    at = f"line {line}" + (f", record {shown['record']}" if shown["record"] else "")
    console.print(f"{shown['feed']}/{shown['sender']}/{shown['file_name']}, {at}", markup=False, soft_wrap=True)
    console.print(f"rule: {shown['rule']}" + (f", field {shown['field']}" if shown["field"] else ""), markup=False)
    console.print(str(shown["sentence"]), markup=False, soft_wrap=True)
    console.print(f"everything it breaks: {broken}; contract version {shown['contract_version']}", markup=False)
    for row in history:
        became = row["outcome"] or row["rule"]
        console.print(f"{row['recorded_at']:%Y-%m-%d %H:%M} {row['status']}: {became}", markup=False)
    console.print(f"status: {shown['status']}. {shown['what_to_do']}", markup=False, soft_wrap=True)
    if raw:
        console.print(shown["raw"] or "its text is no longer kept", markup=False, soft_wrap=True)


@quarantine.command("export")
@command
def quarantine_export(
    to: Annotated[Path, typer.Option(help="The file to write: .csv or .jsonl.")],
    feed: Feed = None,
    sender: Sender = None,
    rule: Rule = None,
    load: Load = None,
    status: Status = "open",
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Refused records in a file to send back to the sender, with the reason of each; on record."""
    from ingestion.refused_text import export
    from linkwork.log.changes import Outcome, change

    with _refused(_where(feed, sender, rule, load, status)) as found:
        rows = engine.dicts(found.con.execute(f"from {found.rows} order by {ORDER}")) if found else []
    chosen, senders = settings(), sorted({row["sender"] for row in rows})
    said = f"{len(rows)} refused records" + (" with raw text" * raw)
    # What was written may have been taken away since: then it counts all the same.
    outcomes = (Outcome(said, to.absolute()), Outcome(f"{said}; cut off, and the file is not there"))
    with change(chosen.log_dir, "quarantine export") as made:
        export(
            chosen, rows, to, with_raw=raw,
            before=lambda _: made.announce(", ".join(senders) or "none", *outcomes),
        )  # fmt: skip
    if as_json:
        say_json({"records": len(rows), "senders": senders, "file": to, "raw": raw})
        return
    console.print(f"{len(rows):,} refused records written to {to}", markup=False, soft_wrap=True)
    if raw:
        errors.print("the file holds what people's records say: send it by a protected way, then remove it")


@quarantine.command("retry")
@command
def quarantine_retry(
    feed: Feed = None,
    sender: Sender = None,
    rule: Rule = None,
    load: Load = None,
    reason: Annotated[str | None, typer.Option(help="What was corrected; kept on record.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take refused records through the present contract again; those that are valid now become events."""
    from ingestion.retry import Chosen, retry

    done = retry(settings(), Chosen(load, feed, sender, rule), reason)
    if as_json:
        say_json(done)
        return
    moved = done["accepted"] + done["duplicate"]
    console.print(
        f"{moved:,} refused records are valid now: {done['accepted']:,} accepted, {done['duplicate']:,} repeat what is "
        f"known ({done['superseded']:,} of them superseded); {done['conflict']:,} contradict another, "
        f"{done['skipped']:,} are out of scope, {done['still_refused']:,} are still refused, "
        f"{done['erased']:,} were erased; {done['events']:,} events",
        soft_wrap=True,
    )
    for load_id, why in done["not_retried"].items():
        errors.print(f"{load_id} could not be retried: {why}", markup=False, soft_wrap=True)


@quarantine.command("resolve")
@command
def quarantine_resolve(
    load_id: Annotated[str, typer.Argument(help="The load of the quarantined record, see `quarantine list`.")],
    line: Annotated[int, typer.Option(min=1, help="The line at which the record begins.")],
    keep: Annotated[str, typer.Option(help="Which statement holds: earlier or quarantined.")],
    reason: Annotated[str, typer.Option(help="Why; kept on record, so without a person's details.")],
    record: Record = None,
    as_json: AsJson = False,
) -> None:
    """End a conflict: say which of two statements about a record holds."""
    from ingestion.resolve import resolve

    if keep not in ("earlier", "quarantined"):
        raise UsageError(f"unknown statement {keep}", do="use earlier or quarantined")
    done = resolve(settings(), load_id, line, "earlier" if keep == "earlier" else "quarantined", reason, record)
    if as_json:
        say_json(done)
    else:
        console.print(f"kept the {keep} statement: {done['facts']} facts hold now", soft_wrap=True)


@dataclass(frozen=True)
class _Refused:
    """The index of refused records, opened: `rows` is SQL that reads those that are asked for."""

    store: "Store"
    con: "duckdb.DuckDBPyConnection"
    rows: str


@contextmanager
def _refused(where: str) -> "Iterator[_Refused | None]":
    """The refused records for which a condition holds; None where the log has none at all."""
    from linkwork.log import refusals

    store = refusals.opened(settings().log_dir)
    if store is None:
        yield None
        return
    with engine.connect() as con:
        yield _Refused(store, con, f"(from {refusals.standing(store, con)} where {where})")


def _where(feed: str | None, sender: str | None, rule: str | None, load: str | None, status: str | None) -> str:
    from linkwork.log import refusals

    if status is not None and status not in refusals.STATUSES:
        raise UsageError(f"unknown status {status}", do=f"use one of {', '.join(refusals.STATUSES)}")
    return refusals.where(feed=feed, sender=sender, rule=rule, load_id=load, status=status)


def register(app: typer.Typer) -> None:
    app.add_typer(quarantine, name="quarantine")
