"""The end of raw retention: what identifies people in received files is kept for so many days and no longer.

Files as received, and the text of refused records, go. What the log says of them stays: which line became which event,
and which rule refused which line. A legal hold keeps all of it, as any file may name whom it protects.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ingestion.operation import operation
from linkwork import engine
from linkwork.files import fsync
from linkwork.log import operations
from linkwork.log.store import Store
from linkwork.log_lines import LogLines
from linkwork.privacy.holds import standing
from linkwork.settings import Settings

log = LogLines("linkwork.retention")


@dataclass(frozen=True)
class Due:
    """What is to go: received files, texts of the refused records of a load, and the time both were recorded before."""

    before: datetime
    files: list[Path]
    texts: list[Path]
    is_held: bool  # by a legal hold: nothing goes

    def row(self) -> dict[str, Any]:
        return {
            "recorded_before": self.before,
            "files": len(self.files),
            "texts_of_refused_records": len(self.texts),
            "legal_hold": self.is_held,
        }


def due(settings: Settings, now: datetime | None = None) -> Due:
    """What has been kept for longer than raw retention says. A file that came again counts from the last time."""
    store = Store(settings.log_dir)
    before = (now or datetime.now(UTC)) - timedelta(days=settings.raw_retention_days)
    files = _older(store, "file_sha256", settings.raw_dir, before)
    texts = _older(store, "load_id", settings.quarantine_raw_dir, before)
    return Due(before, files, texts, is_held=bool(files or texts) and bool(standing(settings.log_dir)))


def _older(store: Store, column: str, folder: Path, before: datetime) -> list[Path]:
    """The files of a folder, named by a column of the ledger, whose last row there was recorded before that time."""
    kept = {path.name: path for path in folder.glob("[!.]*")}
    if not kept or not store.loads.exists():
        return []
    with engine.asking() as con:
        rows = con.execute(
            f"""select {column} from {store.loads.refresh().relation()} where {column} is not null group by {column}
            having max(recorded_at) < {engine.text(before.isoformat())}::timestamptz"""
        ).fetchall()
    return sorted(kept[name] for (name,) in rows if name in kept)


def expire(settings: Settings, now: datetime | None = None) -> Due:
    """Remove what is due. It is on record first: where this is killed, the next run removes what is left.

    Returns what was due. Raises BusyError where another process holds the writer's lock.
    """
    found = due(settings, now)
    if found.is_held:
        log.warning("a legal hold keeps what raw retention would remove", **found.row())
    if found.is_held or not (found.files or found.texts):
        return found
    with operation(settings) as work:
        found = due(settings, now)
        outcome = (
            f"{len(found.files)} received files and the text of refused records of {len(found.texts)} loads, "
            f"recorded before {found.before:%Y-%m-%d}, are removed"
        )
        operations.record(
            work.store, command="load expire", target="received files", outcome=outcome, operation_id=work.id
        )
        for path in (*found.files, *found.texts):
            path.unlink(missing_ok=True)
        for folder in (settings.raw_dir, settings.quarantine_raw_dir):
            if folder.exists():
                fsync(folder)
    log.info("removed at the end of raw retention", **found.row())
    return found
