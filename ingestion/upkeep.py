"""`log compact` and `log repair`, as commands that leave a row in `log/operations`."""

from typing import Any

from ingestion.operation import operation
from linkwork.log import compact as compaction
from linkwork.log import operations
from linkwork.log import repair as cut_off
from linkwork.log.commit import Moment, commit
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.settings import Settings


def compact(settings: Settings) -> dict[str, Any]:
    """Compact the log. Returns how many files of events there were and are, and how many were written.

    What was replaced is kept for a day, for readers that are at work, and then removed by the next ingest.
    """
    with operation(settings) as work:
        done: dict[str, Any] = {}

        def prepare(moment: Moment) -> dict[str, Any]:
            before = len(work.store.events.files())
            steps = compaction.steps(work.store, work.con)
            add, remove = steps["events"]["add"], steps["events"]["remove"]
            done.update(files_before=before, files_after=before - len(remove) + len(add), written=len(add))
            outcome = f"{done['files_before']} files of events became {done['files_after']}"
            row = operations.step(
                work.store, work.con, moment, work.id, command="log compact", target="log", outcome=outcome
            )
            steps["operations"] = {
                "add": steps["operations"]["add"] + row["add"],
                "remove": steps["operations"]["remove"],
            }
            return steps

        commit(work.store, work.folder, work.id, prepare)
    return {**done, "operation_id": work.id}


def repair(settings: Settings) -> dict[str, Any]:
    """Remove the commits that the power cut off, and finish what they belonged to.

    Returns the files that were removed, by their paths below `log/`, and what is still wrong with the log. Raises
    BadDataError, and removes no commit, where one of events was finished before it was damaged.
    """
    store = Store(settings.log_dir)
    with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
        cut_off.put_aside(store)
        removed = [str(part) for part in cut_off.aside(store)]
    with operation(settings):
        pass  # it finishes what was cut off, and puts on record what was put aside
    return {"removed": removed, "problems": verify(Store(settings.log_dir)).problems}
