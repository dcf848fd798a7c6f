"""How a reader opens the log: as far as every table has what was committed, never for a time that may still change."""

from datetime import UTC, datetime
from pathlib import Path

from linkwork.errors import BusyError, UsageError
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store


def opened(log_dir: Path, known_at: datetime | None, timeout_seconds: float) -> tuple[Store, datetime | None]:
    """The log, refreshed, and when its newest commit was recorded that every table has (None: not known).

    A commit takes its time before it is seen, so what is known at a time can be told when no commit is under way that
    began before it. Where none was asked for, nothing is waited for. Raises UsageError for a time to come and
    BusyError where a commit of before that time is not finished.
    """
    store = Store(log_dir)
    settled_at = store.settled_at()
    if known_at is not None and settled_at is not None and known_at > settled_at:
        with writer_lock(log_dir, timeout_seconds):
            settled_at = store.settled_at()
    store.refresh()
    last = store.last_recorded_at()
    if known_at is None:
        return store, settled_at
    if known_at > max(filter(None, (datetime.now(UTC), last))):  # a clock may have gone back since the last commit
        raise UsageError(
            "the log cannot be read for a time that has not come",
            where=f"known at {known_at.isoformat()}",
            why="what will be known then is not known yet",
            do="give a time that has passed, or leave --known-at out",
        )
    if settled_at is not None and last is not None and settled_at < last <= known_at:
        raise BusyError(
            "a commit of before that time is not finished",
            where=str(log_dir),
            why="its process was ended",
            do="run `linkwork ingest`, which finishes it",
        )
    return store, settled_at
