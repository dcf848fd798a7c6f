"""`contract`: what the gate knows of each feed's files."""

from pathlib import Path
from typing import Annotated

import typer

from linkwork.cli.output import AsJson, command, say_json, say_table, settings

contract = typer.Typer(help="The contracts of the feeds.", no_args_is_help=True)


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


def register(app: typer.Typer) -> None:
    app.add_typer(contract, name="contract")
