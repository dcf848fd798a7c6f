"""Take the files that senders left in the landing folder into the event log, one batch a run.

Each sender is staged in a task of its own: one that cannot be read does not keep the others out. The run is
then shown as failed, and what the others sent is in the log all the same.

* **Writes** staging, quality results, the event log, the list of loads and the quarantine.
* **Updates** the Asset `event_log` when new events were appended, which starts `build_marts`. Nothing new:
  `append_events` skips itself and nothing is started.
* **To rerun** trigger it again, or clear the failed tasks. A file that is already in the log adds nothing.
"""

from typing import Any

from airflow.sdk import TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from common.assets import EVENT_LOG
from common.policies import DEFAULT_ARGS, LOG_WRITER, START, TAGS, batch_of, ingest_schedule


@dag(
    schedule=ingest_schedule(),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=[*TAGS, "ingestion"],
    doc_md=__doc__,
)
def ingest_events() -> None:
    """Wire the tasks; what they do is in `ingestion.pipeline`."""

    @task
    def open_batch(run_id: str | None = None) -> list[str]:
        """Open the batch of this run and list the senders that have files waiting."""
        from ingestion import pipeline
        from linkwork.settings import Settings

        return pipeline.open_batch(Settings(), batch_of(str(run_id)))["senders"]

    @task(
        map_index_template="{{ task.op_kwargs['sender'] }}",
        doc_md="Read one sender's files by their contracts; stage what is valid, quarantine what is not.",
    )
    def stage_files(sender: str, run_id: str | None = None) -> dict[str, Any]:
        """Read one sender's files by their contracts; stage what is valid, quarantine what is not."""
        from ingestion import pipeline
        from linkwork.settings import Settings

        return pipeline.stage_sender(Settings(), batch_of(str(run_id)), sender)

    # At least one sender staged: go on without those that failed. No sender at all: skip to the end.
    @task(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def check_landed(run_id: str | None = None) -> dict[str, Any]:
        """Check each staged file against the expectations `landed`; a file that fails is held."""
        from ingestion import pipeline
        from linkwork.settings import Settings

        return pipeline.check_landed(Settings(), batch_of(str(run_id)))

    @task(pool=LOG_WRITER, outlets=[EVENT_LOG])
    def append_events(run_id: str | None = None, outlet_events: Any = None) -> dict[str, Any]:
        """Append the batch to the event log in one commit; skip, and start nothing, when nothing is new."""
        from ingestion import pipeline
        from linkwork.settings import Settings

        done = pipeline.commit_batch(Settings(), batch_of(str(run_id)))
        if not done["events"]:
            raise AirflowSkipException(f"no new event; the log stays at position {done['position']}")
        outlet_events[EVENT_LOG].extra = {name: done[name] for name in ("position", "events", "files")}
        return done

    @task
    def check_recorded(run_id: str | None = None) -> dict[str, Any]:
        """Check what the commit added against the expectations `recorded`."""
        from ingestion import pipeline
        from linkwork.settings import Settings

        return pipeline.check_recorded(Settings(), batch_of(str(run_id)))

    @task
    def all_senders_staged() -> None:
        """End the run as failed if any sender could not be staged; it holds nothing back."""

    staged = stage_files.expand(sender=open_batch())
    staged >> check_landed() >> append_events() >> check_recorded()
    staged >> all_senders_staged()


ingest_events()
