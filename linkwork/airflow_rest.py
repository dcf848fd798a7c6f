"""Airflow's REST API, as far as one run of the pipeline needs it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

PAGE = 100  # the most that Airflow returns at once


@dataclass(frozen=True)
class Task:
    """One task instance: `label` is the sender for a mapped task; `seconds` is None until it ended."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    label: str
    state: str
    attempt: int
    seconds: float | None

    @property
    def name(self) -> str:
        """`dag.task [label]`, as a person reads it."""
        return f"{self.dag_id}.{self.task_id}" + (f" [{self.label}]" if self.map_index >= 0 else "")

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.state in {"success", "failed", "skipped", "upstream_failed", "removed"}


class Rest:
    """A client of one API server on this machine. Raises `httpx.HTTPError` when it does not answer."""

    def __init__(self, base_url: str) -> None:
        # trust_env=False: a proxy configured for this machine must not see calls to the loopback address.
        self._http = httpx.Client(base_url=base_url, timeout=30, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def is_up(self) -> bool:
        """Whether the server answers at all."""
        try:
            return self._http.get("/api/v2/monitor/health").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def warm_up(self) -> None:
        """Make the server build the API that tasks talk to: it does so at the first request, for seconds."""
        self._http.get("/execution/health", timeout=120).raise_for_status()

    def log_in(self, user: str, password: str) -> None:
        """Get a token and use it from here on."""
        answer = self._http.post("/auth/token", json={"username": user, "password": password})
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def parsed_since(self, moment: datetime) -> set[str]:
        """The ids of the DAGs whose file was parsed after `moment`: not what an earlier run left behind."""
        return {
            dag["dag_id"]
            for dag in self._all("/api/v2/dags", "dags")
            if dag["last_parsed_time"] and datetime.fromisoformat(dag["last_parsed_time"]) >= moment
        }

    def import_errors(self) -> list[tuple[str, str]]:
        """(file, the last line of its traceback) for every DAG file that cannot be imported."""
        errors = self._all("/api/v2/importErrors", "import_errors")
        return [(e["filename"], e["stack_trace"].strip().splitlines()[-1]) for e in errors]

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler start runs of this DAG."""
        self._http.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False}).raise_for_status()

    def trigger(self, dag_id: str, run_id: str) -> None:
        """Ask for a run now."""
        body: dict[str, Any] = {"dag_run_id": run_id, "logical_date": None, "conf": {}}
        self._http.post(f"/api/v2/dags/{dag_id}/dagRuns", json=body).raise_for_status()

    def state(self, dag_id: str, run_id: str) -> str:
        """The state of a run: queued, running, success or failed."""
        return str(self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[Task]:
        """Every task instance of a run, mapped ones each."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        return [
            Task(
                dag_id=dag_id,
                run_id=run_id,
                task_id=found["task_id"],
                map_index=found["map_index"],
                label=str(found["rendered_map_index"] or found["map_index"]),
                state=found["state"] or "none",
                attempt=found["try_number"],
                seconds=found["duration"],
            )
            for found in self._all(path, "task_instances")
        ]

    def caused_by(self, dag_id: str, cause_dag_id: str, cause_run_id: str) -> str | None:
        """The run of `dag_id` that an Asset update of that other run started; None while there is none."""
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        for run in self._all(path, "dag_runs", run_type="asset_triggered"):
            if run["start_date"] is None:
                continue  # still queued; Airflow 3.3 cannot show the Assets of such a run (answers 500)
            events = self._get(f"{path}/{run['dag_run_id']}/upstreamAssetEvents")["asset_events"]
            if any((e["source_dag_id"], e["source_run_id"]) == (cause_dag_id, cause_run_id) for e in events):
                return str(run["dag_run_id"])
        return None

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        for patience in (0.5, 2.0, 5.0):
            try:
                return self._answer(path, query)
            except httpx.TransportError:
                time.sleep(patience)
        return self._answer(path, query)

    def _answer(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.get(path, params=query)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _all(self, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a collection, page after page."""
        offset = 0
        while True:
            page = self._get(path, limit=PAGE, offset=offset, **query)
            yield from page[key]
            offset += PAGE
            if offset >= page["total_entries"]:
                return
