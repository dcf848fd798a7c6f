"""Fold the whole event log anew, keeping nothing of earlier builds: after an upgrade, a repair or an erasure.

* **Starts** by hand only.
* **Proves** the log whole first, by `linkwork log verify`; a damaged log is not folded.
* **Writes** the warehouse, and updates the Asset `marts`, which starts `publish_release`.
* **To rerun** trigger it again: the same log gives the same marts.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task
from common.assets import MARTS
from common.policies import DEFAULT_ARGS, START, TAGS, WAREHOUSE


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=[*TAGS, "dbt"],
    doc_md=__doc__,
)
def replay_marts() -> None:
    """Wire the one task; what it does is in `linkwork.warehouse`."""

    @task(pool=WAREHOUSE, outlets=[MARTS], execution_timeout=timedelta(hours=4))
    def replay_log(outlet_events: Any = None) -> dict[str, Any]:
        """Verify the log, then run dbt on all of it."""
        from linkwork.settings import Settings
        from linkwork.warehouse import build

        built = build(Settings(), full=True)
        outlet_events[MARTS].extra = {name: str(built[name]) for name in ("position", "known_at")}
        return {name: built[name] for name in ("position", "models", "tests", "warehouse")}

    replay_log()


replay_marts()
