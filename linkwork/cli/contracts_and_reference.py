"""`reference`, `sender`, `contract`: what the gate knows before a file comes."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from linkwork import reference as data
from linkwork.cli.output import AsJson, command, console, say_json, say_table, settings
from linkwork.errors import UsageError

reference = typer.Typer(help="Reference data, in versions.", no_args_is_help=True)
sender = typer.Typer(help="Who may send what.", no_args_is_help=True)
contract = typer.Typer(help="The contracts of the feeds.", no_args_is_help=True)


@reference.command("load")
@command
def reference_load(
    kind: Annotated[str | None, typer.Argument(help="senders or organisations.")] = None,
    file: Annotated[Path | None, typer.Argument(help="A CSV file with a header.")] = None,
    everything: Annotated[
        Path | None, typer.Option("--all", help="A folder with one <kind>.csv each, as `simulate` writes.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load reference data as a new version; the same content makes none."""
    folder = settings().reference_dir
    if everything is not None:
        done = [data.load(folder, k, everything / f"{k}.csv") for k in data.KINDS if (everything / f"{k}.csv").exists()]
        if not done:
            raise UsageError(
                "no reference file found", where=str(everything), why=f"looked for {', '.join(data.KINDS)}"
            )
    elif kind and file:
        done = [data.load(folder, kind, file)]
    else:
        raise UsageError("name a kind and a file, or --all and a folder")
    for one in (d for d in done if d["new_version"]):
        _record("reference load", one["kind"], f"{one['rows']} rows")
    if as_json:
        say_json(done)
    else:
        say_table("Reference data", ("kind", "rows", "new version"), [list(d.values()) for d in done])


@reference.command("list")
@command
def reference_list(as_json: AsJson = False) -> None:
    """The versions of each kind."""
    folder = settings().reference_dir
    rows = [(kind, loaded, path.name) for kind in data.KINDS for loaded, path in data.versions(folder, kind)]
    if as_json:
        say_json([{"kind": k, "loaded_at": t, "file": f} for k, t, f in rows])
    else:
        say_table("Reference data", ("kind", "loaded", "file"), rows)


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
        _record("sender add", code, f"feeds {', '.join(feed)}")
    if as_json:
        say_json(done)
    else:
        console.print(f"sender {code} " + ("registered" if done["new_version"] else "was registered so before"))


@contract.command("check")
@command
def contract_check(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="Contracts; by default the installed ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check contracts against their form and the event catalogue."""
    from ingestion.contract import load_contract
    from linkwork.log.catalogue import Catalogue

    catalogue = Catalogue.current()
    paths = files or sorted(settings().contracts_dir.glob("*.yaml"))
    checked = [load_contract(path, catalogue) for path in paths]
    rows = [(c.name, c.version, c.status, c.record.kind, c.record.assertedAt, len(c.properties)) for c in checked]
    if as_json:
        say_json([{"name": r[0], "version": r[1], "status": r[2], "kind": r[3], "order": r[4]} for r in rows])
    else:
        say_table("Contracts", ("feed", "version", "status", "kind", "order", "fields"), rows)


def _record(command: str, target: str, outcome: str) -> None:
    from linkwork.log import operations
    from linkwork.log.store import Store

    operations.record(Store(settings().log_dir), command=command, target=target, outcome=outcome)


def register(app: typer.Typer) -> None:
    app.add_typer(reference, name="reference")
    app.add_typer(sender, name="sender")
    app.add_typer(contract, name="contract")
