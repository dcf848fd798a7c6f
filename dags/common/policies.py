"""What every task follows: owner, retries, pools, schedule, and the name a batch gets."""

import hashlib
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, ExceptionRetryPolicy, RetryAction, RetryRule

START = datetime(2026, 1, 1, tzinfo=UTC)
TAGS = ["linkwork"]

# Pools are defined in pools.json; a task that names a pool which does not exist would wait for ever.
LOG_WRITER = "log_writer"
WAREHOUSE = "warehouse"

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "data-engineering",
    "retries": 2,
    "retry_delay": timedelta(seconds=15),
    "execution_timeout": timedelta(minutes=30),
    # The same file or the same wrong option fails the same way again: only other failures are retried.
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=["linkwork.errors.BadDataError", "linkwork.errors.UsageError"],
                action=RetryAction.FAIL,
                reason="bad data and wrong use do not get better by trying again",
            )
        ]
    ),
}


def ingest_schedule() -> CronTriggerTimetable | None:
    """When files are taken in: 05:00 in London, or as LINKWORK_INGEST_SCHEDULE says (cron; empty: on demand).

    An Airflow that lives for one run sets it empty, so that a run which fell due while it was not there
    cannot come between.
    """
    cron = os.environ.get("LINKWORK_INGEST_SCHEDULE", "0 5 * * *").strip()
    return CronTriggerTimetable(cron, timezone="Europe/London") if cron else None


def batch_of(run_id: str) -> str:
    """The batch a DAG run stages into: the run's id as a folder name, with a hash so that no two ids meet."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", run_id).strip("-")[:60]
    return f"{readable}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
