"""The whole job through a real Airflow that lives for one run: real files to a real release.

A small region, a home with a space in its name, and in the environment another Airflow's settings, which must
not matter.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import psutil
import pytest

from linkwork import airflow as embedded
from linkwork import engine, reference, warehouse
from linkwork.airflow_home import MARK, AirflowHome
from linkwork.airflow_rest import Task
from linkwork.errors import BusyError
from linkwork.privacy.keys import create_keys
from linkwork.settings import Settings
from simulator import simulate
from tests.support.log import at, csv_text, day, deliver, ingest, make_home
from tests.support.parsed import parsed

PEOPLE = 300
SENDERS = {"Z90001", "Z90002", "ZSP01", "ZVC01"}  # enough for every feed; each costs a task
INGEST, BUILD, PUBLISH = embedded.DAGS


class Two(NamedTuple):
    """A first run, a second on the same home, what stood in `releases` after each, the addresses listened on."""

    settings: Settings
    first: embedded.AirflowRun
    second: embedded.AirflowRun
    releases: tuple[list[str], list[str]]
    addresses: set[str]


def _settings(root: Path) -> Settings:
    return Settings(
        home=root / "linkwork home",
        landing=root / "region" / "landing",
        keys_dir=root / "keys",
        test_numbers="allow",
    )


def _marked(home: Path) -> list[psutil.Process]:
    """The processes of the embedded Airflow of this home that are running."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _listening(home: Path) -> set[str]:
    found = set()
    for process in _marked(home):
        with suppress(psutil.NoSuchProcess):  # a task's process may have ended since
            connections = process.net_connections(kind="inet")
            found |= {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    return found


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """The job, run twice on the same files."""
    root = tmp_path_factory.mktemp("embedded")
    simulate(PEOPLE, 7, root / "region")
    for folder in (root / "region" / "landing").glob("*/*"):
        if folder.name not in SENDERS:
            shutil.rmtree(folder)
    settings = _settings(root)
    create_keys(settings)
    reference.load_missing(settings.reference_dir, root / "region" / "reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE", "False")  # would keep Assets from starting anything
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////nowhere/airflow.db")
        addresses: set[str] = set()
        with parsed(settings.home):
            first = embedded.run_once(settings, log=lambda _line: addresses.update(_listening(settings.airflow_dir)))
        after_first = sorted(path.name for path in settings.releases_dir.iterdir())
        second = embedded.run_once(settings, log=print)
        after_second = sorted(path.name for path in settings.releases_dir.iterdir())
    yield Two(settings, first, second, (after_first, after_second), addresses)


def test_the_first_run_goes_from_files_to_a_release_by_assets(two: Two) -> None:
    assert two.first.states == dict.fromkeys(embedded.DAGS, "success")
    assert two.first.appended
    assert two.first.failed == []
    assert two.first.task_counts[INGEST] == {"success": 5 + len(SENDERS)}
    assert two.first.task_counts[PUBLISH] == {"success": 1}
    assert two.first.run_ids[BUILD].startswith("asset_triggered__")
    assert two.first.run_ids[PUBLISH].startswith("asset_triggered__")
    manifest = json.loads((two.settings.releases_dir / "current" / "manifest.json").read_text())
    assert manifest["tables"]


def test_the_second_run_finds_nothing_new_and_starts_nothing_else(two: Two) -> None:
    not_started = embedded.NOT_TRIGGERED
    assert two.second.states == {INGEST: "success", BUILD: not_started, PUBLISH: not_started}
    assert not two.second.appended
    assert two.second.task_counts[INGEST]["skipped"] == 2  # append_events and what follows it
    assert two.releases[0] == two.releases[1]


def test_each_run_says_how_long_each_phase_took(two: Two) -> None:
    assert list(two.first.seconds_by_phase) == ["prepare", "start", *embedded.DAGS, "stop"]
    assert list(two.second.seconds_by_phase) == ["prepare", "start", INGEST, "stop"]


def test_it_listens_on_the_loopback_address_only(two: Two) -> None:
    assert two.addresses == {"127.0.0.1"}


def test_nothing_is_left_running_and_no_password_is_left(two: Two) -> None:
    assert _marked(two.settings.airflow_dir) == []
    assert not (two.settings.airflow_dir / "password.json").exists()


def test_what_was_appended_stands_in_the_task_logs_without_a_persons_value(two: Two) -> None:
    logs = list(two.first.log_dir.glob("dag_id=*/**/*.log"))
    texts = [log.read_text() for log in logs]
    assert any('"position"' in text or "'position'" in text for text in texts)
    numbers = _nhs_numbers(two.settings.landing_dir)
    assert numbers
    assert not any(number in text for text in texts for number in numbers)


def _nhs_numbers(landing: Path) -> set[str]:
    import csv

    found = set()
    for file in landing.glob("registrations_csv/*/*"):
        with file.open(newline="") as handle:
            found |= {row["nhs_number"].replace(" ", "") for row in csv.DictReader(handle)}
    return {number for number in found if len(number) == 10}


def test_a_home_in_use_is_busy(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    with AirflowHome(settings).locked(), pytest.raises(BusyError, match="in use"):
        embedded.run_once(settings, log=print)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Settings]]:
    """A run in a process of its own, as soon as it has children."""
    settings = _settings(tmp_path)
    code = (
        "import pathlib, sys; sys.path.insert(0, sys.argv[1]);"
        "from test_embedded_airflow import _settings; from linkwork.airflow import run_once;"
        "run_once(_settings(pathlib.Path(sys.argv[2])), log=print)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(lambda: len(_marked(settings.airflow_dir)) >= 2)
        yield child, settings
    finally:
        child.kill()
        child.wait()
        AirflowHome(settings).stop()


def _wait_for(condition: Callable[[], Any], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_leaves_nothing_running(
    started: tuple[subprocess.Popen[bytes], Settings], number: signal.Signals
) -> None:
    child, settings = started
    child.send_signal(number)
    assert child.wait(timeout=90) != 0
    assert _marked(settings.airflow_dir) == []


def test_what_a_killed_run_left_running_is_ended_by_the_next(
    started: tuple[subprocess.Popen[bytes], Settings],
) -> None:
    child, settings = started
    child.kill()
    child.wait()
    assert _marked(settings.airflow_dir)
    AirflowHome(settings).stop()
    assert _marked(settings.airflow_dir) == []


class Follower(SimpleNamespace):
    """Stands for the runs: which tasks succeed is given; what was started, and how, is kept."""

    def triggered(self, dag_id: str) -> None:
        self.started.append(f"trigger {dag_id}")

    def caused(self, dag_id: str, *, by: str) -> None:
        self.started.append(f"wait {dag_id}")

    def succeeded(self, dag_id: str, task_id: str) -> bool:
        return task_id in self.success and any(line.endswith(dag_id) for line in self.started)


@pytest.mark.parametrize(
    ("success", "owed", "behind", "started"),
    [
        ({"append_events", "build_warehouse"}, set(), {"built", "published"}, ["trigger 1", "wait 2", "wait 3"]),
        ({"append_events"}, set(), {"built", "published"}, ["trigger 1", "wait 2"]),
        ({"build_warehouse"}, set(), set(), ["trigger 1"]),
        ({"build_warehouse"}, set(), {"built"}, ["trigger 1", "trigger 2", "wait 3"]),
        ({"build_warehouse"}, set(), {"built", "published"}, ["trigger 1", "trigger 2", "wait 3"]),
        (set(), set(), {"built", "published"}, ["trigger 1", "trigger 2"]),
        (set(), set(), {"published"}, ["trigger 1", "trigger 3"]),
        ({"build_warehouse"}, {PUBLISH}, {"published"}, ["trigger 1", "trigger 2", "wait 3"]),
        ({"append_events", "build_warehouse"}, {BUILD}, {"built"}, ["trigger 1", "wait 2", "wait 3"]),
    ],
)
def test_what_is_started_and_what_is_waited_for(
    success: set[str], owed: set[str], behind: set[str], started: list[str]
) -> None:
    """What an earlier run or another command left undone is done, once, even when there is no new event."""
    follow = Follower(success=success, started=[], run=SimpleNamespace(appended=False), log=lambda _line: None)
    embedded._pipeline(follow, owed, lambda: "built" in behind, lambda: "published" in behind)
    names = {f"{number}": dag_id for number, dag_id in enumerate(embedded.DAGS, start=1)}
    assert follow.started == [f"{how} {names[number]}" for how, number in (line.split() for line in started)]


def test_events_that_another_command_appended_are_unbuilt_until_a_build_has_them(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    assert not warehouse.is_behind(home)
    deliver(home, "1.csv", csv_text([{"id": "r1", "nhs_number": "9990000018", "received": day(1), "at": at(1)}]))
    position = ingest(home)["position"]
    assert warehouse.is_behind(home)  # there is no warehouse
    home.warehouse_file.parent.mkdir(parents=True)
    for built in (position - 1, position):
        with engine.connect(home.warehouse_file) as con:
            con.execute("create schema if not exists log")
            con.execute(f"create or replace table log.pinned as select {built} as position")
        assert warehouse.is_behind(home) == (built < position)


@pytest.mark.parametrize(
    ("kind", "reason"), [("BadDataError", "file x line 3"), ("ConversionError", "ConversionError")]
)
def test_a_failed_task_is_named_with_its_log_and_a_reason_without_values(
    tmp_path: Path, kind: str, reason: str
) -> None:
    home = AirflowHome(_settings(tmp_path))
    task = Task(INGEST, "run", "stage_files", 2, "ZSP01", "failed", 1, 0.5)
    home.task_log(task).parent.mkdir(parents=True)
    entry = {"level": "error", "error_detail": [{"exc_type": kind, "exc_value": "file x line 3"}]}
    cut_off = '{"level": "error", "error_d'
    home.task_log(task).write_text(f"not json\n{json.dumps(entry)}\n{cut_off}")
    run = embedded.AirflowRun(home.log_dir, failed=[task])
    message = str(embedded.AirflowRunError(run, home))
    assert "ingest_events.stage_files [ZSP01]" in message
    assert str(home.task_log(task)) in message
    assert f"[ZSP01]: {reason}." in message
