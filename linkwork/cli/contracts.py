"""`contract`: what the gate knows of each feed's files."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from linkwork.cli.output import AsJson, command, errors, say_json, say_table, settings
from linkwork.errors import EXIT_BAD_DATA, BadDataError, UsageError
from linkwork.files import write_new

contract = typer.Typer(help="The contracts of the feeds.", no_args_is_help=True)
FEED = re.compile(r"[a-z][a-z0-9_]{0,62}")
OneFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
Out = Annotated[Path | None, typer.Option("--out", help="Write here; by default to standard output.")]


@contract.command("check")
@command
def contract_check(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="Contracts; by default the installed ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check contracts against their form and the event catalogue, and for what a contract should not say."""
    from ingestion.contract import load_contract
    from ingestion.contract_lint import findings
    from linkwork.log.catalogue import Catalogue

    catalogue = Catalogue.current()
    paths = files or sorted(settings().contracts_dir.glob("*.yaml"))
    found = [finding for path in paths for finding in findings(path, catalogue)]
    wrong = {f.file for f in found if f.severity == "error"}
    checked = [load_contract(path, catalogue) for path in paths if str(path) not in wrong]
    rows = [(c.name, c.version, c.status, c.record.kind, c.record.assertedAt, len(c.properties)) for c in checked]
    if as_json:
        listed = [{"name": r[0], "version": r[1], "status": r[2], "kind": r[3], "order": r[4]} for r in rows]
        say_json({"contracts": listed, "findings": [asdict(f) for f in found]})
    else:
        if rows:
            say_table("Contracts", ("feed", "version", "status", "kind", "order", "fields"), rows)
        for one in found:
            text = f"{one.severity}: {one.file}: {one.place}: {one.why}. {one.do}"
            errors.print(text, markup=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(EXIT_BAD_DATA)


@contract.command("init")
@command
def contract_init(
    file: OneFile,
    feed: Annotated[str | None, typer.Option("--feed", help="The feed's name; by default from the file's.")] = None,
    header: Annotated[
        bool, typer.Option("--header", help="You looked: the first line, or the keys of JSON, are names, not values.")
    ] = False,
    out: Out = None,
) -> None:
    """Draft a contract from a CSV, JSON Lines, Parquet or XLSX file: guesses written out, decisions marked."""
    from ingestion.contract_draft import drafted

    if feed is not None and not FEED.fullmatch(feed):
        raise UsageError("not a feed's name", do="Use lower case letters, digits and underscores, a letter first")
    _write(drafted(file, feed, header=header), out)


@contract.command("diff")
@command
def contract_diff(old: OneFile, new: OneFile, as_json: AsJson = False) -> None:
    """Say for each difference between two versions whether it is safe or breaking, and why.

    Ends with 65 where something is breaking and the version's major number did not grow.
    """
    from ingestion.contract import load_contract
    from ingestion.contract_diff import differences, must_grow
    from linkwork.log.catalogue import Catalogue

    catalogue = Catalogue.current()
    before, now = load_contract(old, catalogue), load_contract(new, catalogue)
    found = differences(before, now)
    problem = must_grow(before, now, found)
    if as_json:
        say_json({"old": before.version, "new": now.version, "differences": [asdict(d) for d in found],
                  "problem": problem})  # fmt: skip
    else:
        rows = [(d.kind, d.place, d.what, d.why) for d in found]
        say_table(f"{before.name} {before.version} to {now.version}", ("kind", "where", "what", "why"), rows)
    if problem:
        errors.print(f"error: {new}: {problem}", markup=False, soft_wrap=True)
        raise typer.Exit(EXIT_BAD_DATA)


@contract.command("schema")
@command
def contract_schema(out: Out = None) -> None:
    """Print the JSON Schema of a contract, for editors."""
    from ingestion.contract_schema import json_schema

    _write(json.dumps(json_schema(), indent=2) + "\n", out)


@contract.command("export")
@command
def contract_export(file: OneFile, out: Out = None) -> None:
    """Write a contract in the form of the Open Data Contract Standard to the letter, for catalogues."""
    import yaml

    from ingestion import odcs
    from ingestion.contract import load_contract
    from linkwork.log.catalogue import Catalogue

    load_contract(file, Catalogue.current())
    content = yaml.safe_load(file.read_text())
    if "record" not in content and not any("record" in one for one in content["schema"]):
        raise BadDataError("the contract is in that form already", where=str(file))
    _write(yaml.safe_dump(odcs.folded(content), sort_keys=False, allow_unicode=True, width=120), out)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_new(out, text.encode())


def register(app: typer.Typer) -> None:
    app.add_typer(contract, name="contract")
