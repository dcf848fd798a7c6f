"""An Airflow that lives on this machine for one run: its environment, its components, and their end.

Everything it keeps is below `<LINKWORK_HOME>/airflow`; it listens on the loopback address only, with a
password made for the run. Every process it starts carries a mark in its environment, so that nothing is left
running, not even after this process was killed: the next run ends what it finds.
"""

import fcntl
import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from linkwork import processes
from linkwork.airflow_rest import Task
from linkwork.errors import BusyError, LinkworkError
from linkwork.files import write_whole
from linkwork.settings import PROJECT_ROOT, Settings

DAGS_DIR: Final = PROJECT_ROOT / "dags"
HOST: Final = "127.0.0.1"
USER: Final = "linkwork"
MARK: Final = "LINKWORK_EMBEDDED_AIRFLOW"
PATIENCE_SECONDS: Final = 20.0
TASK_PATIENCE_SECONDS: Final = 5.0  # every step can be killed at any moment: the next run finishes or discards it
OUR_ERRORS: Final = {"LinkworkError", "UsageError", "BadDataError", "BusyError"}


class AirflowHome:
    """The folder of one embedded Airflow and the processes that run on it."""

    def __init__(self, settings: Settings) -> None:
        self.dir = settings.airflow_dir
        self.log_dir = self.dir / "logs"
        self.password = secrets.token_urlsafe(32)
        self.port = _free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._environment = {**_settings_environment(settings), **self._airflow_environment()}
        self._components: dict[str, Popen[bytes]] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for this process alone; `BusyError` when another run has it."""
        self.dir.mkdir(parents=True, exist_ok=True)
        with (self.dir / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(
                    "the embedded Airflow is in use",
                    where=str(self.dir),
                    why="another run has not ended",
                    do="Wait for it to end, then try again",
                ) from None
            yield

    def prepare(self) -> set[str]:
        """End what a killed run left, make the database ready; the ids of the DAGs that are owed a run.

        The API server is started beside it: neither needs the other until it is asked something.
        """
        self._end_marked(tasks_only=True)  # nothing of this run is there yet: all of an earlier one
        write_whole(self._password_file, json.dumps({USER: self.password}).encode(), mode=0o600)
        self._start("api-server", "--host", HOST, "--port", str(self.port))
        log = self.component_log("bootstrap")
        command = self._clean(sys.executable, str(DAGS_DIR / "bootstrap.py"))
        done = processes.run(command, log=log, extra_env=self._environment)
        if done.returncode:
            raise LinkworkError(
                "Airflow's metadata database could not be made ready",
                where=str(log),
                do="Read that log. The folder of Airflow can be deleted: it holds only the history of runs",
            )
        return set(json.loads(done.output.splitlines()[-1])["owed"])

    def start(self) -> None:
        """Start the scheduler and the DAG processor on the database that `prepare` made ready."""
        self._start("scheduler", "--skip-serve-logs")  # it would serve task logs on every address
        self._start("dag-processor")

    def check_alive(self) -> None:
        """Raise if a component ended by itself."""
        for name, child in self._components.items():
            if child.poll() is not None:
                raise LinkworkError(
                    f"Airflow's {name} stopped by itself with code {child.returncode}",
                    where=str(self.component_log(name)),
                    do="Read that log, then run again",
                )

    def stop(self) -> None:
        """End every process of this run, whatever it is doing, and forget the password."""
        self._end_marked(tasks_only=True)  # the scheduler would wait for them
        processes.stop(list(self._components.values()), PATIENCE_SECONDS)
        self._end_marked()
        self._components.clear()
        self._password_file.unlink(missing_ok=True)

    def component_log(self, name: str) -> Path:
        """Where a component writes; the file of the newest run."""
        return self.log_dir / "components" / f"{name}.log"

    def task_log(self, task: Task) -> Path:
        """Where the last attempt of a task writes, one JSON object a line."""
        folder = self.log_dir / f"dag_id={task.dag_id}" / f"run_id={task.run_id}" / f"task_id={task.task_id}"
        if task.map_index >= 0:
            folder /= f"map_index={task.map_index}"
        return folder / f"attempt={task.attempt}.log"

    def reason(self, task: Task) -> str:
        """Why a task failed: our own sentence; of another error the kind only, its text may hold values."""
        log = self.task_log(task)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        raised = [error for line in lines for error in _entry(line).get("error_detail") or []]
        if not raised:
            return "no reason in its log"
        kind, sentence = raised[-1]["exc_type"], raised[-1]["exc_value"]
        return str(sentence) if kind in OUR_ERRORS else str(kind)

    def _start(self, name: str, *options: str) -> None:
        command = self._clean(processes.script("airflow"), name, *options)
        log = self.component_log(name)
        self._components[name] = processes.start(command, log=log, extra_env=self._environment)

    @property
    def _password_file(self) -> Path:
        return self.dir / "password.json"

    def _airflow_environment(self) -> dict[str, str]:
        # SQLAlchemy 2.1 decodes percent escapes in the path of a URL; a space needs none.
        database = str(self.dir / "airflow.db").replace("%", "%25").replace("?", "%3F")
        quiet = {"AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False", "PYTHONWARNINGS": "ignore"}
        no_proxy = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST, "localhost"]))
        return {
            **quiet,
            MARK: str(self.dir),
            "SPT_NOENV": "1",  # or the process titles that Airflow sets overwrite the mark
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
            "LINKWORK_INGEST_SCHEDULE": "",  # on demand: no run that fell due in between
            "AIRFLOW_HOME": str(self.dir),
            "AIRFLOW_CONFIG": str(self.dir / "airflow.cfg"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
            "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",  # bootstrap.py does, once for all components
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.log_dir),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_DIR),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__FERNET_KEY": "",  # no connection or variable is stored, so nothing to encrypt
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:user",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._password_file),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            # A worker may notice the end of a task only at its next heartbeat; by default that is 5 s.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3600",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        }

    def _clean(self, *arguments: str) -> list[str]:
        """The command without the caller's own Airflow settings, which may point at another installation."""
        theirs = [name for name in os.environ if name.startswith(("AIRFLOW_", "_AIRFLOW_"))]
        unset = [part for name in theirs if name not in self._environment for part in ("-u", name)]
        return ["env", *unset, *arguments] if unset else list(arguments)

    def _end_marked(self, *, tasks_only: bool = False) -> None:
        """End every process that carries the mark of this home, wherever it hangs in the process tree.

        Tasks, and what they start, run in process groups other than those of the components.
        """
        marked = [process for process in psutil.process_iter() if _mark_of(process) == str(self.dir)]
        if tasks_only:
            components = {child.pid for child in self._components.values()}
            marked = [process for process in marked if _group_of(process) not in components]
        for process in marked:
            _signal(process, force=False)
        patience = TASK_PATIENCE_SECONDS if tasks_only else PATIENCE_SECONDS
        for process in psutil.wait_procs(marked, timeout=patience)[1]:
            _signal(process, force=True)


def _entry(line: str) -> dict[str, Any]:
    """One line of a task's log; empty where it is none: a task that was killed leaves its last line half written."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _mark_of(process: psutil.Process) -> str | None:
    try:
        mark: str | None = process.environ().get(MARK)
    except (psutil.Error, OSError):  # ended meanwhile, or another user's
        return None
    return mark if process.pid != os.getpid() else None


def _group_of(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return None


def _signal(process: psutil.Process, *, force: bool) -> None:
    try:
        process.kill() if force else process.terminate()
    except psutil.Error:
        return


def _settings_environment(settings: Settings) -> dict[str, str]:
    """The settings as the variables that `Settings()` reads again inside a task."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {
        f"LINKWORK_{name.upper()}": str(value.absolute() if isinstance(value, Path) else value)
        for name, value in values.items()
        if value is not None
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
