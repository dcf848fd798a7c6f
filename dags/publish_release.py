"""Publish the marts as one immutable release and make it the current one.

* **Starts** when the Asset `marts` is updated.
* **Writes** `releases/<release_id>` and switches `releases/current`, in one step.
* **Skips** itself when nothing changed since the newest release.
* **To rerun** trigger it by hand at any time: the same marts give the same release.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException
from common.assets import MARTS
from common.policies import DEFAULT_ARGS, START, TAGS, WAREHOUSE


@dag(
    schedule=[MARTS],
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=[*TAGS, "release"],
    doc_md=__doc__,
)
def publish_release() -> None:
    """Wire the one task; what it does is in `linkwork.publication`."""

    @task(pool=WAREHOUSE, execution_timeout=timedelta(hours=1))
    def publish_marts() -> dict[str, Any]:
        """Export both tiers, check them, and switch `current`; skip when nothing changed."""
        from linkwork.publication import publish
        from linkwork.settings import Settings

        published = publish(Settings())
        if not published["created"]:
            raise AirflowSkipException(f"nothing changed since release {published['release_id']}")
        return {"release_id": published["release_id"], "path": str(published["path"])}

    publish_marts()


publish_release()
