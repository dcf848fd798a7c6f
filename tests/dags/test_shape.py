"""The DAG files as Airflow reads them: they import, are documented, and wait for nothing that is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DAGS_DIR = Path(__file__).resolve().parents[2] / "dags"
DAG_IDS = {"ingest_events", "build_marts", "publish_release", "replay_marts"}
HEAVY = ("duckdb", "deltalake", "great_expectations", "dbt", "pandas", "pyarrow", "ingestion", "expectations")
LONGEST_FILE = 120
BUILD = ("build_marts", "build_warehouse")


def test_every_file_imports_and_holds_the_one_dag_of_its_name(bag: Any) -> None:
    assert bag.import_errors == {}
    assert {dag_id: Path(dag.fileloc).stem for dag_id, dag in bag.dags.items()} == {d: d for d in DAG_IDS}


def test_every_pool_a_task_names_is_defined(bag: Any) -> None:
    assert bag.dag_warnings == set()
    used = {task.pool for dag in bag.dags.values() for task in dag.tasks} - {"default_pool"}
    defined = json.loads((DAGS_DIR / "pools.json").read_text())
    assert used == set(defined)
    assert {pool["slots"] for pool in defined.values()} == {1}


def test_a_pool_that_is_not_defined_would_be_noticed(bag: Any) -> None:
    """The check above can fail: without the known pools every one that is used is warned about."""
    from airflow.dag_processing.dagbag import BundleDagBag

    unknown = BundleDagBag(DAGS_DIR, bundle_path=DAGS_DIR, bundle_name="other", known_pools={"default_pool"})
    assert {warning.dag_id for warning in unknown.dag_warnings} == DAG_IDS


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_policies(bag: Any, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert "linkwork" in dag.tags
    assert "To rerun" in dag.doc_md
    for task in dag.tasks:
        assert task.doc_md, task.task_id
        assert task.owner == "data-engineering"
        assert task.retries == 2
        assert task.retry_delay.total_seconds() > 0
        assert task.execution_timeout is not None


def test_assets_link_the_dags(bag: Any) -> None:
    def scheduled_by(dag_id: str) -> set[str]:
        return {asset.name for asset in bag.dags[dag_id].timetable.asset_condition.objects}

    def updated_by(dag_id: str, task_id: str) -> set[str]:
        return {asset.name for asset in bag.dags[dag_id].get_task(task_id).outlets}

    assert updated_by("ingest_events", "append_events") == scheduled_by("build_marts") == {"event_log"}
    assert updated_by("build_marts", "build_warehouse") == scheduled_by("publish_release") == {"marts"}
    assert updated_by("replay_marts", "replay_log") == {"marts"}
    others = [t for t in bag.dags["ingest_events"].tasks if t.task_id != "append_events"]
    assert not any(task.outlets for task in others)


def test_a_replay_starts_by_hand_only_and_never_beside_a_build(bag: Any) -> None:
    assert bag.dags["replay_marts"].timetable.can_be_scheduled is False
    pools = {bag.dags[dag].get_task(task).pool for dag, task in (("replay_marts", "replay_log"), BUILD)}
    assert len(pools) == 1


def test_bad_data_is_not_retried_and_anything_else_is(bag: Any) -> None:
    from airflow.sdk import RetryAction

    from linkwork.errors import BadDataError, BusyError, UsageError

    policy = bag.dags["ingest_events"].get_task("append_events").retry_policy
    decided = {
        type(error): policy.evaluate(error, try_number=1, max_tries=2).action
        for error in (BadDataError("a"), UsageError("b"), BusyError("c"), OSError("d"))
    }
    assert decided[BadDataError] is decided[UsageError] is RetryAction.FAIL
    assert decided[BusyError] is decided[OSError] is RetryAction.DEFAULT


def test_batch_is_a_folder_name_of_its_own_for_every_run(bag: Any) -> None:
    from common.policies import batch_of

    runs = ["manual__2026-11-22T14:00:00+00:00", "manual__2026-11-22T14:00:00-00:00", "../../etc", "x" * 250]
    batches = [batch_of(run) for run in runs]
    assert len(set(batches)) == len(runs)
    assert all(batch.replace("-", "").isalnum() and len(batch) <= 80 for batch in batches)
    assert batch_of(runs[0]) == batches[0]


def test_schedule_can_be_changed_or_taken_away(bag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from common.policies import ingest_schedule

    assert bag.dags["ingest_events"].timetable.expression == "0 5 * * *"
    monkeypatch.setenv("LINKWORK_INGEST_SCHEDULE", "30 2 * * 1")
    assert ingest_schedule().expression == "30 2 * * 1"
    monkeypatch.setenv("LINKWORK_INGEST_SCHEDULE", "")
    assert ingest_schedule() is None


def test_parsing_imports_nothing_heavy(airflow_home: Path) -> None:
    """DAG files are read again and again: what a task needs is imported inside the task."""
    names = ", ".join(sorted(DAG_IDS))
    code = f"import json, sys; import {names}; print(json.dumps(sorted(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(DAGS_DIR)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert loaded >= DAG_IDS
    assert loaded.isdisjoint(HEAVY)


def test_files_are_wiring() -> None:
    import ast

    allowed = {"airflow.sdk", "airflow.sdk.exceptions", "common.assets", "common.policies"}
    standard = {"datetime", "typing", "hashlib", "os", "re"}
    files = [path for path in DAGS_DIR.rglob("*.py") if path.name != "bootstrap.py"]
    assert len(files) == len(DAG_IDS) + 3
    for path in files:
        text = path.read_text()
        assert len(text.splitlines()) <= LONGEST_FILE, path
        imports = [node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)]
        modules = {
            name
            for node in imports
            for name in ([node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        }
        assert modules <= allowed | standard, path
        control = ast.For | ast.While | ast.Try
        assert not any(isinstance(node, control) for node in ast.walk(ast.parse(text))), path
