"""`ingest`, `build`, `publish`, `run`, `status`: the job, step by step or whole."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from linkwork.cli.output import AsJson, KnownAt, command, console, errors, say_json, say_table, settings, utc
from linkwork.errors import EXIT_REFUSALS
from linkwork.settings import Settings

Landing = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="A landing folder to read instead of the home's own; it is never changed."
    ),
]


def _settings(landing: Path | None) -> Settings:
    if landing is not None:
        os.environ["LINKWORK_LANDING"] = str(landing.absolute())
    return settings()


def _say_ingested(result: dict[str, Any]) -> None:
    files = ", ".join(f"{n} {status}" for status, n in result["files"].items() if n)
    console.print(
        f"ingested: {files or 'no new file'}; {result['events']:,} new events; log at position {result['position']:,}"
    )


def _say_published(result: dict[str, Any]) -> None:
    if result["created"]:
        current = "is now current" if result["current"] else "does not become current"
        console.print(f"published: release {result['release_id']} {current}: {result['path']}", soft_wrap=True)
    else:
        console.print(f"nothing changed since release {result['release_id']}: no new release", soft_wrap=True)


@command
def ingest(landing: Landing = None, as_json: AsJson = False) -> None:
    """Take every new file of the landing folder through its contract into the event log.

    Exit code 3: some files were refused or held; the others are in the log.
    """
    from ingestion import pipeline

    result = pipeline.run(_settings(landing))
    if as_json:
        say_json(result)
    else:
        _say_ingested(result)
    _exit_with_refusals(result)


@command
def build(
    known_at: KnownAt = None,
    full: Annotated[
        bool, typer.Option("--full", help="A replay: prove the log whole first, and keep nothing of earlier builds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fold the log into the marts with dbt, as it stands now or stood at a time."""
    from linkwork import warehouse

    result = warehouse.build(settings(), utc(known_at), errors.print, full=full)
    if as_json:
        say_json(result)
    else:
        console.print(
            f"built: {result['models']} models, {result['tests']} tests passed, log position {result['position']:,}"
        )
        for test in result["warnings"]:
            errors.print(f"a test warned: {test.split('.')[2]}", soft_wrap=True)


@command
def publish(
    known_at: KnownAt = None,
    restate: Annotated[
        str,
        typer.Option(help="Declare a restatement, with its reason: the open tier holds back no small change."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Publish the last build as a release of two tiers, open and restricted."""
    from linkwork.publication import publish as publish_build

    result = publish_build(settings(), utc(known_at), restate)
    if as_json:
        say_json(result)
    else:
        _say_published(result)


@command
def run(
    landing: Landing = None,
    airflow: Annotated[bool, typer.Option("--airflow", help="Through a real Airflow, as `make run`.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ingest, build and publish, in this process or through Airflow."""
    from ingestion import pipeline
    from linkwork import warehouse
    from linkwork.cli.summary import run_through_airflow
    from linkwork.publication import publish as publish_build

    chosen = _settings(landing)
    if airflow:
        run_through_airflow(chosen, as_json=as_json)
        return
    ingested = pipeline.run(chosen)
    built = warehouse.build(chosen, progress=errors.print)
    published = publish_build(chosen)
    if as_json:
        say_json({"ingested": ingested, "built": built, "published": published})
    else:
        _say_ingested(ingested)
        console.print(f"built: {built['models']} models, {built['tests']} tests passed")
        _say_published(published)
    _exit_with_refusals(ingested)


@command
def status(as_json: AsJson = False) -> None:
    """Senders with what is expected and what came, good and bad; the log's position, and the current release."""
    from ingestion.sources import COLUMNS, sources
    from linkwork.log.store import Store

    chosen = settings()
    store = Store(chosen.log_dir)
    position, newest = 0, None
    if store.events.exists():
        store.refresh()
        position, newest = store.position(), store.last_recorded_at()
    current = chosen.releases_dir / "current"
    release = current.resolve().name if current.exists() else None
    senders = sources(chosen, store, datetime.now(UTC))
    content = {"position": position, "newest_event_recorded_at": newest, "release": release, "senders": senders}
    if as_json:
        say_json(content)
        return
    console.print(f"log position {position:,}, release {release or 'none'}, home {chosen.home}", soft_wrap=True)
    say_table("Senders", [c.replace("_", " ") for c in COLUMNS], [list(row.values()) for row in senders])


def _exit_with_refusals(result: dict[str, Any]) -> None:
    if result["beyond_threshold"]:
        raise typer.Exit(EXIT_REFUSALS)


def register(app: typer.Typer) -> None:
    for function in (ingest, build, publish, run, status):
        app.command()(function)
