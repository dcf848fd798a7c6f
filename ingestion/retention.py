"""The end of raw retention: what identifies people in received files is kept for so many days and no longer.

Files as received, and the text of refused records, go. What the log says of them stays: which line became which event,
and which rule refused which line. A legal hold keeps all of it, as any file may name whom it protects.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from linkwork import engine
from linkwork.files import fsync
from linkwork.log.changes import Outcome, change, finish_left
from linkwork.log.failpoints import reached
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store
from linkwork.log_lines import LogLines
from linkwork.privacy import orders, vault
from linkwork.privacy.holds import standing
from linkwork.settings import Settings

log = LogLines("linkwork.retention")


@dataclass(frozen=True)
class Due:
    """What is to go: received files, texts of the refused records of a load, and the time both were recorded before."""

    before: datetime
    files: list[Path]
    texts: list[Path]
    is_held: bool = False  # by a legal hold: nothing goes

    def __bool__(self) -> bool:
        """Whether anything goes."""
        return bool(self.files or self.texts) and not self.is_held

    def row(self) -> dict[str, Any]:
        return {
            "recorded_before": self.before,
            "files": len(self.files),
            "texts_of_refused_records": len(self.texts),
            "legal_hold": self.is_held,
        }

    def text(self) -> str:
        """What they are, as a person reads it."""
        return (
            f"{len(self.files):,} received files and the text of refused records of {len(self.texts):,} loads, "
            f"recorded before {self.before:%Y-%m-%d}"
        )


def due(settings: Settings, now: datetime | None = None) -> Due:
    """What has been kept for longer than raw retention says, from when a file was last put on record.

    The text of a load's refused records is kept as long as the load's file.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=settings.raw_retention_days)
    files, texts = (
        {path.name: path for path in vault.sealed(folder)} for folder in (settings.raw_dir, settings.quarantine_raw_dir)
    )
    store = Store(settings.log_dir)
    if not (files or texts) or not store.loads.exists():
        return Due(before, [], [])
    ledger = store.loads.refresh().relation()
    with engine.asking() as con:
        older = con.execute(
            f"""select file_sha256, list(distinct load_id) from {ledger} where file_sha256 <> '' group by file_sha256
            having max(recorded_at) < {engine.text(before.isoformat())}::timestamptz"""
        ).fetchall()
    old_files = sorted(files[sha] for sha, _ in older if sha in files)
    old_texts = sorted({texts[load] for _, loads in older for load in loads if load in texts})
    return Due(before, old_files, old_texts, bool(old_files or old_texts) and bool(standing(settings.log_dir)))


def expire(settings: Settings, now: datetime | None = None) -> Due:
    """Remove what is due. Returns what was removed, or is kept by a legal hold.

    What is about to go is noted first, and what went is on record then: where this is killed, whoever comes next puts
    on record what was noted, and the next run removes what is left. Raises BusyError where another process holds the
    writer's lock, or an erasure is not finished, which reads what is kept.
    """
    found = due(settings, now)
    if found:
        with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
            orders.refuse_unfinished(settings)
            finish_left(Store(settings.log_dir))  # a legal hold may be among it
            found = due(settings, now)
            if found:
                found = _removed(settings, found)
    if found.is_held:
        log.warning("a legal hold keeps what raw retention would remove", **found.row())
    return found


def _removed(settings: Settings, found: Due) -> Due:
    with change(settings.log_dir, "load expire") as made:
        made.announce("received files", Outcome(f"up to {found.text()}, are removed"))
        try:
            for path in (*found.files, *found.texts):
                path.unlink(missing_ok=True)
                reached("expired-one")
        finally:
            gone = Due(found.before, _gone(found.files), _gone(found.texts))
            made.announce("received files", *([Outcome(f"{gone.text()}, are removed")] if gone else []))
        for folder in (settings.raw_dir, settings.quarantine_raw_dir):
            if folder.exists():
                fsync(folder)
    log.info("removed at the end of raw retention", **gone.row())
    return gone


def _gone(paths: list[Path]) -> list[Path]:
    return [path for path in paths if not path.exists()]
