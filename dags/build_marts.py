"""Fold the event log into the reporting marts: one `dbt build` over the log as it stands.

* **Starts** when the Asset `event_log` is updated.
* **Writes** the warehouse, which can be deleted and comes back with the next run.
* **Updates** the Asset `marts`, which starts `publish_release`.
* **To rerun** trigger it by hand at any time: it reads the whole log and gives the same marts.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task
from common.assets import EVENT_LOG, MARTS
from common.policies import DEFAULT_ARGS, START, TAGS, WAREHOUSE


@dag(
    schedule=[EVENT_LOG],
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=[*TAGS, "dbt"],
    doc_md=__doc__,
)
def build_marts() -> None:
    """Wire the one task; what it does is in `linkwork.warehouse`."""

    @task(pool=WAREHOUSE, outlets=[MARTS], execution_timeout=timedelta(hours=2))
    def build_warehouse(outlet_events: Any = None) -> dict[str, Any]:
        """Run dbt on the pinned log: models and their tests in one process."""
        from linkwork.settings import Settings
        from linkwork.warehouse import build

        built = build(Settings())
        outlet_events[MARTS].extra = {name: str(built[name]) for name in ("position", "known_at")}
        return {name: built[name] for name in ("position", "models", "tests", "warehouse")}

    build_warehouse()


build_marts()
