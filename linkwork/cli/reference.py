"""`reference`: reference data, in versions."""

from pathlib import Path
from typing import Annotated

import typer

from linkwork import reference as data
from linkwork.cli.output import AsJson, command, record_operation, say_json, say_table, settings
from linkwork.errors import UsageError

reference = typer.Typer(help="Reference data, in versions.", no_args_is_help=True)


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
        record_operation("reference load", one["kind"], f"{one['rows']} rows")
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


def register(app: typer.Typer) -> None:
    app.add_typer(reference, name="reference")
