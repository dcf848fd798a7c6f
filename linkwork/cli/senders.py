"""`sender`: who may send what."""

from datetime import datetime
from typing import Annotated

import typer

from linkwork import reference as data
from linkwork.cli.output import AsJson, command, console, record_operation, say_json, say_table, settings
from linkwork.errors import UsageError

sender = typer.Typer(help="Who may send what.", no_args_is_help=True)


@sender.command("list")
@command
def sender_list(as_json: AsJson = False) -> None:
    """Every registered sender."""
    rows = data.rows(settings().reference_dir, "senders")
    if as_json:
        say_json(rows)
    else:
        columns = ("code", "name", "kind", "feeds", "source_system")
        table = [[", ".join(r[c]) if c == "feeds" else r[c] for c in columns] for r in rows]
        say_table("Senders", columns, table)


@sender.command("add")
@command
def sender_add(
    code: Annotated[str, typer.Argument(help="ODS code, or the code agreed with the provider.")],
    feed: Annotated[list[str], typer.Option(help="A feed it may send; repeat for several.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    source_system: Annotated[str, typer.Option(help="The system its records come from.")],
    kind: Annotated[str, typer.Option(help="practice, service, group or other.")] = "other",
    cadence_days: Annotated[int | None, typer.Option(help="How often a file is expected.")] = None,
    agreement: Annotated[str | None, typer.Option(help="The data sharing agreement.")] = None,
    valid_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    as_json: AsJson = False,
) -> None:
    """Register a sender, or change what is registered under its code."""
    if kind not in ("practice", "service", "group", "other"):
        raise UsageError(f"unknown kind {kind}", do="use practice, service, group or other")
    row = {
        "code": code,
        "name": name,
        "kind": kind,
        "feeds": feed,
        "source_system": source_system,
        "valid_from": valid_from.date() if valid_from else None,
        "cadence_days": cadence_days,
        "agreement": agreement,
    }
    done = data.add_rows(settings().reference_dir, "senders", "code", [row])
    if done["new_version"]:
        record_operation("sender add", code, f"feeds {', '.join(feed)}")
    if as_json:
        say_json(done)
    else:
        console.print(f"sender {code} " + ("registered" if done["new_version"] else "was registered so before"))


def register(app: typer.Typer) -> None:
    app.add_typer(sender, name="sender")
