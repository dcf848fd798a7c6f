"""What a person wants to read after a run: files, records by fate, events, marts, quality, and where everything is."""

import json
from typing import Any

from linkwork import engine
from linkwork.airflow import AirflowRun, AirflowRunError, run_once
from linkwork.cli.output import console, errors, say_json, say_table
from linkwork.log.store import Store
from linkwork.settings import Settings

FATES = ("records", "accepted", "duplicate", "conflict", "quarantined", "skipped", "events")


def run_through_airflow(settings: Settings, *, as_json: bool) -> None:
    """Run the job through Airflow and say what came of it, also where a task failed (which is raised then)."""
    failure: AirflowRunError | None = None
    try:
        run = run_once(settings, log=lambda line: errors.print(line, markup=False, soft_wrap=True))
    except AirflowRunError as error:
        run, failure = error.run, error
    summary = _summary(settings, run)
    if as_json:
        say_json(summary)
    else:
        _print(summary)
    if failure is not None:
        raise failure


def _summary(settings: Settings, run: AirflowRun) -> dict[str, Any]:
    store = Store(settings.log_dir).refresh()
    return {
        "airflow": {"states": run.states, "tasks": run.task_counts, "seconds": run.seconds_by_phase},
        "files": _files(store),
        "records": _records(store),
        "events": _events(store),
        "release": _release(settings),
        "quality": _quality(settings),
        "new_events": run.appended,
        "new_release": bool(run.task_counts.get("publish_release", {}).get("success")),  # one that is not new skips
        "places": {
            "release": str(settings.releases_dir / "current"),
            "data_docs": str(settings.quality_dir / "data_docs" / "index.html"),
            "quarantine": "linkwork quarantine list",
            "airflow_logs": str(run.log_dir),
        },
    }


def _print(summary: dict[str, Any]) -> None:
    say_table("Airflow", ("DAG", "state"), summary["airflow"]["states"].items())
    say_table("Files", ("feed", "committed", "noop", "held", "refused"), summary["files"])
    say_table("Records of committed files", ("feed", *FATES), summary["records"])
    say_table("Events in the log", ("category", "events"), summary["events"])
    release = summary["release"]
    if release:
        say_table(f"Release {release['release_id']}", ("tier", "mart", "rows"), release["tables"])
    say_table("Quality", ("boundary", "checks", "failed", "warned", "could not be checked"), summary["quality"])
    if not summary["new_events"] and not summary["new_release"]:
        console.print("No new event and no new release: every file was loaded before.")
    for name, place in summary["places"].items():
        console.print(f"{name.replace('_', ' ')}: {place}", soft_wrap=True)


def _files(store: Store) -> list[tuple[Any, ...]]:
    counted = ", ".join(f"count(*) filter (status = '{s}')" for s in ("committed", "noop", "held", "refused"))
    return _query(f"select feed, {counted} from {store.current_loads()} group by 1 order by 1")


def _records(store: Store) -> list[tuple[Any, ...]]:
    sums = ", ".join(f"sum({c})::bigint" for c in FATES)
    where = "where status = 'committed'"
    by_feed = f"select feed, {sums} from {store.current_loads()} {where} group by 1 order by 1"
    return _query(by_feed) + _query(f"select 'all', {sums} from {store.current_loads()} {where}")


def _events(store: Store) -> list[tuple[Any, ...]]:
    return _query(f"select category, count(*) from {store.events.relation()} group by 1 order by 1")


def _release(settings: Settings) -> dict[str, Any] | None:
    current = settings.releases_dir / "current"
    if not current.exists():
        return None
    manifest = json.loads((current / "manifest.json").read_text())
    tables = [(t["tier"], t["table"], t["rows"]) for t in manifest["tables"]]
    return {"release_id": manifest["release_id"], "path": str(current.resolve()), "tables": sorted(tables)}


def _quality(settings: Settings) -> list[tuple[Any, ...]]:
    results = settings.quality_dir / "results"
    if not any(results.glob("*.parquet")):
        return []
    return _query(
        f"""select boundary, count(*),
            count(*) filter (not success and not could_not_check and severity = 'failing'),
            count(*) filter (not success and not could_not_check and severity = 'warning'),
            count(*) filter (could_not_check)
        from (
            select * from read_parquet({engine.text(results / "*.parquet")}, union_by_name = true)
            qualify run_at = max(run_at) over (partition by boundary)
        ) group by 1 order by 1"""
    )


def _query(sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as con:
        return con.execute(sql).fetchall()
