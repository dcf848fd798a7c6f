"""The pipeline through a real Airflow that lives for one run.

`ingest_events` is triggered; what follows is started by Airflow itself through Assets. This module imports no
Airflow: it starts the installed `airflow` as child processes and follows the runs through the REST API.
"""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import httpx

from linkwork import publication, signals, warehouse
from linkwork.airflow_home import DAGS_DIR, USER, AirflowHome
from linkwork.airflow_rest import Rest, Task
from linkwork.errors import LinkworkError
from linkwork.settings import Settings

DAGS = ("ingest_events", "build_marts", "publish_release")  # in the order in which Assets start them
NOT_TRIGGERED = "not triggered"
START_SECONDS = 180.0
FOLLOW_SECONDS = 120.0  # from an Asset's update to the run it starts
RUN_SECONDS = 6 * 3600.0  # every task has a limit of its own, far below this
POLL_SECONDS = 0.5
ENDING = (signal.SIGTERM, signal.SIGHUP)  # they end a run as Ctrl-C does

Log = Callable[[str], None]


@dataclass
class AirflowRun:
    """What one run did, per DAG id.

    `states`: success, failed or "not triggered"; `task_counts`: task instances by state; `appended`: whether
    this run added events to the log; `seconds_by_phase`: prepare, start, each DAG, stop; `failed`: the tasks
    to look at.
    """

    log_dir: Path
    appended: bool = False
    states: dict[str, str] = field(default_factory=lambda: dict.fromkeys(DAGS, NOT_TRIGGERED))
    task_counts: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds_by_phase: dict[str, float] = field(default_factory=dict)
    run_ids: dict[str, str] = field(default_factory=dict)
    failed: list[Task] = field(default_factory=list)


class AirflowRunError(LinkworkError):
    """At least one task failed. `run` has all the rest, which may include a published release."""

    def __init__(self, run: AirflowRun, home: AirflowHome) -> None:
        self.run = run
        names = [task.name for task in run.failed]
        reasons = [f"{task.name}: {home.reason(task)}" for task in run.failed]
        super().__init__(
            f"failed in Airflow: {', '.join(names) or 'a task that was not started'}",
            where=", ".join(str(home.task_log(task)) for task in run.failed) or str(run.log_dir),
            why="; ".join(reasons),
            do="Read the log of the task, then run again: what is done already is not done twice",
        )


def run_once(settings: Settings, *, log: Log) -> AirflowRun:
    """Start Airflow, take the pipeline through it once, and stop it, whatever happens.

    `log` gets a line for each step and each task that ends. Raises `AirflowRunError` when a task failed,
    `BusyError` when another run has this home, `LinkworkError` when Airflow itself does not work.
    """
    home = AirflowHome(settings)
    run = AirflowRun(log_dir=home.log_dir)
    with home.locked(), signals.end(*ENDING), closing(Rest(home.url)) as rest:
        try:
            with _phase(run, "prepare"):
                owed = home.prepare()
            with _phase(run, "start"), _answers(home):
                _start(home, rest)
            log(f"Airflow is up on {home.url} after {sum(run.seconds_by_phase.values()):.0f} s")
            with _answers(home):
                _pipeline(
                    _Follower(home, rest, run, log),
                    owed,
                    unbuilt=lambda: warehouse.is_behind(settings),
                    unpublished=lambda: publication.is_behind(settings),
                )
        finally:
            # Nothing interrupts the stopping: it is bounded in time.
            with _phase(run, "stop"), signals.handled(signal.SIG_IGN, signal.SIGINT, *ENDING):
                home.stop()
    if run.failed or "failed" in run.states.values():
        raise AirflowRunError(run, home)
    return run


def _pipeline(
    follow: "_Follower", owed: set[str], unbuilt: Callable[[], bool], unpublished: Callable[[], bool]
) -> None:
    """Trigger the first DAG and follow what the Assets start.

    Airflow remembers its own runs only (`owed`): `unbuilt` tells of events that came into the log without them, and
    `unpublished` of a build that did.
    """
    ingest, build, publish = DAGS
    follow.triggered(ingest)
    follow.run.appended = follow.succeeded(ingest, "append_events")
    if follow.run.appended:
        follow.caused(build, by=ingest)
    elif owed:
        follow.log(f"an earlier run did not end well ({', '.join(sorted(owed))}): building the marts again")
        follow.triggered(build)
    elif unbuilt():
        follow.log("the log holds events that no build has: building the marts")
        follow.triggered(build)
    elif unpublished():
        follow.log("the marts are in no release: publishing them")
        follow.triggered(publish)
    if follow.succeeded(build, "build_warehouse"):
        follow.caused(publish, by=build)


class _Follower:
    """Follows runs to their end and keeps what became of them in `run`."""

    def __init__(self, home: AirflowHome, rest: Rest, run: AirflowRun, log: Log) -> None:
        self.home, self.rest, self.run, self.log = home, rest, run, log
        self.tasks: dict[str, list[Task]] = {}

    def triggered(self, dag_id: str) -> None:
        """Trigger a run by hand and follow it."""
        run_id = f"linkwork__{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{token_hex(3)}"
        self.rest.trigger(dag_id, run_id)
        self._follow(dag_id, run_id)

    def caused(self, dag_id: str, *, by: str) -> None:
        """Wait for the run that an Asset update of the run of `by` starts, and follow it."""
        run_id: str | None = None
        for _ in self._polls(f"a run of {dag_id} started by the Asset of {by}", FOLLOW_SECONDS, "scheduler"):
            if run_id := self.rest.caused_by(dag_id, by, self.run.run_ids[by]):
                break
        self._follow(dag_id, str(run_id))

    def succeeded(self, dag_id: str, task_id: str) -> bool:
        """Whether that task of the followed run succeeded (not skipped)."""
        return any(t.task_id == task_id and t.state == "success" for t in self.tasks.get(dag_id, []))

    def _follow(self, dag_id: str, run_id: str) -> None:
        self.run.run_ids[dag_id] = run_id
        told: set[tuple[str, int]] = set()
        with _phase(self.run, dag_id):
            for _ in self._polls(f"the end of {dag_id}", RUN_SECONDS, "scheduler"):
                state = self.rest.state(dag_id, run_id)  # before its tasks, so that they are final when it is
                tasks = self.rest.tasks(dag_id, run_id)
                for task in tasks:
                    if task.ended and (task.task_id, task.map_index) not in told:
                        told.add((task.task_id, task.map_index))
                        self.log(f"{task.name}: {task.state}" + _took(task.seconds))
                if state in {"success", "failed"}:
                    break
        self.tasks[dag_id] = tasks
        self.run.states[dag_id] = state
        self.run.task_counts[dag_id] = dict(Counter(task.state for task in tasks))
        self.run.failed += [task for task in tasks if task.state == "failed"]

    def _polls(self, what: str, seconds: float, component: str) -> Iterator[None]:
        return _polls(self.home, what, seconds, component)


def _start(home: AirflowHome, rest: Rest) -> None:
    """Start the components and wait until the API answers and this run's DAG files are parsed."""
    begin = datetime.now(UTC)
    home.start()
    for _ in _polls(home, "the API server", START_SECONDS, "api-server"):
        if rest.is_up():
            break
    rest.warm_up()
    rest.log_in(USER, home.password)
    for _ in _polls(home, "the DAG files to be read", START_SECONDS, "dag-processor"):
        for file, why in rest.import_errors():
            raise LinkworkError("a DAG file cannot be imported", where=f"{DAGS_DIR / file}", why=why)
        if rest.parsed_since(begin) >= set(DAGS):
            break
    for dag_id in DAGS:
        rest.unpause(dag_id)


def _polls(home: AirflowHome, what: str, seconds: float, component: str) -> Iterator[None]:
    """Yield until the caller breaks off; raise when it takes too long or a component died."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        home.check_alive()
        yield
        time.sleep(POLL_SECONDS)
    raise LinkworkError(
        f"Airflow took more than {seconds:.0f} s: waiting for {what}",
        where=str(home.component_log(component)),
        do="Read that log, then run again",
    )


def _took(seconds: float | None) -> str:
    return "" if seconds is None else f" ({seconds:.1f} s)"


@contextmanager
def _phase(run: AirflowRun, name: str) -> Iterator[None]:
    begin = time.monotonic()
    try:
        yield
    finally:
        run.seconds_by_phase[name] = round(time.monotonic() - begin, 1)


@contextmanager
def _answers(home: AirflowHome) -> Iterator[None]:
    """Turn an API server that does not answer, or with an error, into one that says where to look."""
    try:
        yield
    except httpx.HTTPError as error:
        home.check_alive()  # the better reason, if it is that
        log = str(home.component_log("api-server"))
        raise LinkworkError("Airflow's API server failed", where=log, why=str(error)) from error
