"""What each DAG does when a step succeeds, fails, or has nothing to do, run by Airflow in this process.

The steps themselves are replaced: what they do is tested elsewhere, and through all three DAGs at once in
test_embedded_airflow.py.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from linkwork.errors import BadDataError

COMMITTED = {"events": 7, "position": 41, "files": {"committed": 2}, "commit_version": 3}
NOTHING_NEW = {"events": 0, "position": 41, "files": {"noop": 2}, "commit_version": None}


class Ended(NamedTuple):
    """How a run ended: its state, each task's state (mapped ones as `task[n]`), and its Asset updates."""

    state: str
    tasks: dict[str, str]
    updates: list[tuple[str, dict[str, Any]]]


@pytest.fixture
def run(bag: Any) -> Callable[[str], Ended]:
    """Run a DAG to its end."""

    def ended(dag_id: str) -> Ended:
        from airflow.models.asset import AssetEvent
        from airflow.utils.session import create_session
        from sqlalchemy import select

        finished = bag.dags[dag_id].test(logical_date=None)
        with create_session() as session:
            events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == finished.run_id))
            updates = [(event.asset.name, dict(event.extra)) for event in events]
        tasks = {
            task.task_id + (f"[{task.map_index}]" if task.map_index >= 0 else ""): str(task.state)
            for task in finished.get_task_instances()
        }
        return Ended(str(finished.state), tasks, updates)

    return ended


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The steps of ingestion, replaced: senders found, senders that fail, what a commit gives, calls made."""
    from ingestion import pipeline

    given: dict[str, Any] = {"senders": ["A", "B"], "bad": set(), "commit": COMMITTED, "calls": []}

    def step(name: str, answer: Callable[..., Any]) -> None:
        def replaced(_settings: object, batch_id: str, *rest: str) -> Any:
            given["calls"].append((name, batch_id, *rest))
            return answer(*rest)

        monkeypatch.setattr(pipeline, name, replaced)

    def stage(sender: str) -> dict[str, Any]:
        if sender in given["bad"]:
            raise BadDataError("cannot be read")
        return {"sender": sender, "files": 1, "records": 3, "refused": 0}

    step("open_batch", lambda: {"senders": given["senders"]})
    step("stage_sender", stage)
    step("check_landed", lambda: {"checked": 2, "held": 0})
    step("commit_batch", lambda: given["commit"])
    step("check_recorded", lambda: {"checked": 2})
    return given


def test_new_events_update_the_log_asset_with_position_and_counts(
    run: Callable[[str], Ended], steps: dict[str, Any]
) -> None:
    ended = run("ingest_events")
    assert ended.state == "success"
    assert set(ended.tasks.values()) == {"success"}
    extra = {"position": 41, "events": 7, "files": {"committed": 2}}
    assert ended.updates == [("event_log", extra)]


def test_every_step_works_on_the_same_batch_in_order(run: Callable[[str], Ended], steps: dict[str, Any]) -> None:
    run("ingest_events")
    names = [call[0] for call in steps["calls"]]
    assert names == [
        "open_batch",
        "stage_sender",
        "stage_sender",
        "check_landed",
        "commit_batch",
        "check_recorded",
    ]
    assert len({call[1] for call in steps["calls"]}) == 1
    assert sorted(call[2] for call in steps["calls"] if call[0] == "stage_sender") == ["A", "B"]


def test_one_bad_sender_fails_the_run_but_holds_nobody_back(run: Callable[[str], Ended], steps: dict[str, Any]) -> None:
    steps["bad"] = {"A"}
    ended = run("ingest_events")
    assert ended.state == "failed"
    assert ended.tasks.pop("stage_files[0]") == "failed"
    assert ended.tasks.pop("all_senders_staged") == "upstream_failed"
    assert set(ended.tasks.values()) == {"success"}
    assert [name for name, _ in ended.updates] == ["event_log"]


def test_no_sender_that_can_be_read_commits_nothing(run: Callable[[str], Ended], steps: dict[str, Any]) -> None:
    steps["bad"] = {"A", "B"}
    ended = run("ingest_events")
    assert ended.state == "failed"
    assert ended.tasks["append_events"] == "upstream_failed"
    assert ended.updates == []
    assert "commit_batch" not in [call[0] for call in steps["calls"]]


def test_no_file_at_all_skips_everything(run: Callable[[str], Ended], steps: dict[str, Any]) -> None:
    steps["senders"] = []
    ended = run("ingest_events")
    assert ended.state == "success"
    assert ended.tasks.pop("open_batch") == "success"
    assert set(ended.tasks.values()) == {"skipped"}
    assert ended.updates == []
    assert [call[0] for call in steps["calls"]] == ["open_batch"]


def test_no_new_event_updates_no_asset(run: Callable[[str], Ended], steps: dict[str, Any]) -> None:
    steps["commit"] = NOTHING_NEW
    ended = run("ingest_events")
    assert ended.state == "success"
    assert ended.tasks["append_events"] == ended.tasks["check_recorded"] == "skipped"
    assert ended.updates == []


def test_a_build_updates_the_marts_asset(run: Callable[[str], Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    from linkwork import warehouse

    built = {"position": 41, "known_at": "2026-01-01", "models": 3, "tests": 9, "warehouse": "w.duckdb"}
    monkeypatch.setattr(warehouse, "build", lambda _settings: built)
    ended = run("build_marts")
    assert ended.state == "success"
    assert ended.updates == [("marts", {"position": "41", "known_at": "2026-01-01"})]


def test_a_replay_is_a_full_build_and_updates_the_marts_asset(
    run: Callable[[str], Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    from linkwork import warehouse

    built = {"position": 41, "known_at": "2026-01-01", "models": 3, "tests": 9, "warehouse": "w.duckdb"}
    asked: list[bool] = []

    def build(_settings: object, *, full: bool = False) -> dict[str, Any]:
        asked.append(full)
        return built

    monkeypatch.setattr(warehouse, "build", build)
    ended = run("replay_marts")
    assert (ended.state, asked) == ("success", [True])
    assert ended.updates == [("marts", {"position": "41", "known_at": "2026-01-01"})]


def test_a_replay_of_a_damaged_log_fails_and_updates_nothing(
    run: Callable[[str], Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    from linkwork import warehouse

    def build(_settings: object, *, full: bool = False) -> dict[str, Any]:
        raise BadDataError("the log is not whole")

    monkeypatch.setattr(warehouse, "build", build)
    ended = run("replay_marts")
    assert (ended.state, ended.updates) == ("failed", [])


@pytest.mark.parametrize(("created", "state"), [(True, "success"), (False, "skipped")])
def test_publishing_skips_when_nothing_changed(
    run: Callable[[str], Ended], monkeypatch: pytest.MonkeyPatch, created: bool, state: str
) -> None:
    from linkwork import publication

    published = {"release_id": "41-abcdef01", "path": "r", "created": created, "current": True}
    monkeypatch.setattr(publication, "publish", lambda _settings: published)
    ended = run("publish_release")
    assert (ended.state, ended.tasks) == ("success", {"publish_marts": state})
