"""The second half of a commit, written down before the first: register, ledger, quarantine index, operations.

The event commit decides. If it happened, everything in `plan.json` is carried out, now or by the next start; if it did
not, the files the plan names are removed. Each step carries the batch as an application transaction, so that doing it
twice is doing it once.

A plan is a JSON object: `batch_id`, `number` (of the commit), `position_before`, `position`, `loads_committed`,
`refused` (load, first and last line and place of each record whose raw text is to be kept), `transactions` (more that
the event commit carries), and for `events` and each follower the files to `add` and the paths to `remove`.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from linkwork.files import write_json
from linkwork.log.failpoints import reached
from linkwork.log.lock import writer_lock
from linkwork.log.store import FOLLOWERS, Store
from linkwork.log.table import CLOCK, NUMBER, LogTable

FILE = "plan.json"
NOTHING: dict[str, Any] = {"add": [], "remove": []}

# A build reads the files it was pinned to as long as it runs: what was replaced is kept until none can be that old.
KEPT_FOR_READERS = timedelta(days=1)
PATIENCE_SECONDS = 30.0
AT_ONCE = timedelta(days=-1)  # whatever the clock said when it was replaced


def write(folder: Path, content: dict[str, Any]) -> None:
    write_json(folder / FILE, content)
    reached("plan-written")


def read(folder: Path) -> dict[str, Any] | None:
    path = folder / FILE
    return json.loads(path.read_text()) if path.exists() else None


def app(batch_id: str) -> str:
    """The application transaction of a batch."""
    return f"batch:{batch_id}"


def carry_out(store: Store, plan: dict[str, Any]) -> None:
    """Commit what follows the events. Steps already done are passed over."""
    for name in FOLLOWERS:
        table: LogTable = getattr(store, name).refresh(evolve=True)
        step = plan.get(name, NOTHING)
        transactions = {app(plan["batch_id"]): 1}
        if name == "register" and "number" in plan:
            transactions[NUMBER] = plan["number"]
        if name == FOLLOWERS[-1] and "clock" in plan:
            transactions[CLOCK] = plan["clock"]
        if table.transaction(app(plan["batch_id"])) is not None:
            continue
        if step["add"] or step["remove"] or len(transactions) > 1:
            gone = set(step["remove"])
            table.commit(
                [(table.path / a["path"], a["partition"], {"numRecords": a["rows"]}) for a in step["add"]],
                transactions,
                remove=[f for f in table.files() if f.path in gone] if gone else [],
            )
        if name == "register":  # only the writer reads it, under its lock, so a replaced partition can go at once
            for path in step["remove"]:
                (table.path / path).unlink(missing_ok=True)
    reached("carried-out")


def discard(store: Store, plan: dict[str, Any]) -> None:
    """Remove the files of a plan whose events were never committed."""
    for name in ("events", *FOLLOWERS):
        table: LogTable = getattr(store, name).refresh()
        active = {f.path for f in table.files()}
        for step in plan.get(name, NOTHING)["add"]:
            if step["path"] not in active:
                (table.path / step["path"]).unlink(missing_ok=True)


def unnamed_files(table: LogTable) -> tuple[list[Path], list[Path]]:
    """Data files that are not part of the table: those no commit ever named, and those a commit replaced."""
    orphans: list[Path] = []
    replaced: list[Path] = []
    unnamed = sorted(_data_files(table) - {f.path for f in table.files()})
    gone = table.replaced() if unnamed else {}
    for relative in unnamed:
        (replaced if relative in gone else orphans).append(table.path / relative)
    return orphans, replaced


def _data_files(table: LogTable) -> set[str]:
    """The Parquet files below the table's folder, relative to it, but for Delta's own."""
    found = set()
    for folder, below, names in os.walk(table.path):
        inside = os.path.relpath(folder, table.path)
        if inside == os.curdir:
            below[:] = [name for name in below if name != "_delta_log"]
        found |= {os.path.normpath(f"{inside}/{name}") for name in names if name.endswith(".parquet")}
    return found


def sweep(store: Store, keep: timedelta = KEPT_FOR_READERS) -> list[Path]:
    """Remove data files that are no part of a table: what a killed writer had written before its plan, and what was
    replaced longer than `keep` ago.

    Call it under the writer lock, after every plan was carried out or discarded.
    """
    swept: list[Path] = []
    for table in store.tables:
        if not table.exists():
            continue
        with writer_lock(table.path, PATIENCE_SECONDS, "a row is being recorded"):
            swept += _sweep(table, keep)
    return swept


def _sweep(table: LogTable, keep: timedelta) -> list[Path]:
    orphans, replaced = unnamed_files(table.refresh())
    since = table.replaced() if replaced else {}
    oldest = datetime.now(UTC) - keep
    swept = orphans + [p for p in replaced if since[str(p.relative_to(table.path))] <= oldest]
    for path in swept:
        reached("sweeping")
        path.unlink()
    return swept
