"""`reference`: reference data, in versions."""

from pathlib import Path
from typing import Annotated, Any

import typer

from linkwork import reference as data
from linkwork.cli.output import AsJson, command, console, say_json, say_table, settings
from linkwork.errors import EXIT_REFUSALS, UsageError
from linkwork.reference import check as checking
from linkwork.settings import Settings

reference = typer.Typer(help="Reference data, in versions.", no_args_is_help=True)


@reference.command("load")
@command
def reference_load(
    kind: Annotated[str | None, typer.Argument(help=f"One of {', '.join(data.KINDS)}.")] = None,
    file: Annotated[Path | None, typer.Argument(help="The file as it is published: CSV, JSON, .gz or .zip.")] = None,
    everything: Annotated[
        Path | None,
        typer.Option("--all", help="A folder of files named <kind>.csv, as they are published, or as `simulate` does."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load reference data as a new version; the same content makes none."""
    chosen = settings()
    unclaimed: list[str] = []
    if everything is not None:
        files, unclaimed = data.claimed(everything)
    elif kind and file:
        files = [(kind, file)]
    else:
        raise UsageError("name a kind and a file, or --all and a folder")
    done = [_load(chosen, one_kind, path) for one_kind, path in files]
    if as_json:
        say_json(done)
        return
    columns = ("kind", "file", "read", "repeated", "out of scope", "rows", "new version")
    table = [
        [d["kind"], d["file"], d["read"], d["repeated"], sum(d["out_of_scope"].values()), d["rows"], d["new_version"]]
        for d in done
    ]
    say_table("Reference data", columns, table)
    for one in done:
        for why, count in one["out_of_scope"].items():
            console.print(f"{one['file']}: {count:,} rows out of scope, {why}", markup=False)
        if one["ignored"]:
            console.print(f"{one['file']}: columns not kept: {', '.join(one['ignored'])}", markup=False)
    if unclaimed:
        console.print(f"of no kind by their name, so not loaded: {', '.join(unclaimed)}", markup=False)


def _load(chosen: Settings, kind: str, path: Path) -> dict[str, Any]:
    from linkwork.log.changes import Outcome, change

    with change(chosen.log_dir, "reference load") as made:
        return data.load(
            chosen.reference_dir, kind, path,
            lambda version, rows: made.announce(kind, Outcome(f"{rows} rows", version)),
        )  # fmt: skip


@reference.command("list")
@command
def reference_list(as_json: AsJson = False) -> None:
    """The versions of each kind."""
    folder = settings().reference_dir
    rows: list[tuple[str, Any, str]] = []
    for kind, described in data.KINDS.items():
        versions = data.versions(folder, kind)
        rows += [(kind, loaded, path.name) for loaded, path in versions]
        if described.shipped and not versions:
            rows.append((kind, None, "as shipped"))
    if as_json:
        say_json([{"kind": k, "loaded_at": t, "file": f} for k, t, f in rows])
    else:
        say_table("Reference data", ("kind", "loaded", "file"), rows)


@reference.command("check")
@command
def reference_check(
    record: Annotated[bool, typer.Option("--record", help="Take today's hits as known from now on.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why they may be known; goes on record.")] = None,
    as_json: AsJson = False,
) -> None:
    """What is wrong in the newest versions; ends with 3 where it is more than was known."""
    from linkwork.files import sha256_of
    from linkwork.log.changes import Outcome, change

    chosen = settings()
    folder = chosen.reference_dir
    results = checking.run(folder)
    if record:
        if not reason:
            raise UsageError("a baseline is recorded with a reason", do="add --reason")
        said = f"{sum(r['hits'] or 0 for r in results)} hits known"
        with change(chosen.log_dir, "reference check", reason) as made:
            checking.record(
                folder, results,
                lambda file: made.announce("baseline", Outcome(said, checking.recorded(folder), sha256_of(file))),
            )  # fmt: skip
        results = checking.run(folder)
    worse = [r for r in results if r["status"] == "worse"]
    if as_json:
        say_json(results)
    else:
        shown = [r for r in results if r["status"] in ("known", "worse")]
        columns = ("kind", "check", "hits", "baseline", "status", "such as")
        table = [
            [r["kind"], r["check_name"], r["hits"], r["baseline"], r["status"], ", ".join(r["examples"])] for r in shown
        ]
        say_table("Checks with hits", columns, table)
        counts = {s: sum(r["status"] == s for r in results) for s in ("ok", "known", "worse", "not_loaded")}
        console.print(", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items()))
        for r in worse:
            console.print(f"{r['check_name']}: {r['description']}", markup=False)
    if worse:
        raise typer.Exit(EXIT_REFUSALS)


def register(app: typer.Typer) -> None:
    app.add_typer(reference, name="reference")
