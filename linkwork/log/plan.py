"""The second half of a commit, written down before the first: register, ledger and quarantine index.

The event commit decides. If it happened, everything in `plan.json` is carried out, now or by the next start; if it did
not, the files the plan names are removed. Each step carries the batch as an application transaction, so that doing it
twice is doing it once.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linkwork.files import write_json
from linkwork.log.failpoints import reached
from linkwork.log.store import Store
from linkwork.log.table import DataFile, LogTable

FILE = "plan.json"
FOLLOWERS = ("register", "loads", "quarantine")


def write(batch_dir: Path, content: dict[str, Any]) -> None:
    write_json(batch_dir / FILE, content)
    reached("plan-written")


def read(batch_dir: Path) -> dict[str, Any] | None:
    path = batch_dir / FILE
    return json.loads(path.read_text()) if path.exists() else None


def app(batch_id: str) -> str:
    """The application transaction of a batch."""
    return f"batch:{batch_id}"


def addition(table: LogTable, path: Path, partition: Mapping[str, str], rows: int) -> dict[str, Any]:
    return {"path": str(path.relative_to(table.path)), "partition": dict(partition), "rows": rows}


def carry_out(store: Store, plan: dict[str, Any]) -> None:
    """Commit what follows the events. Steps already done are passed over."""
    transaction = app(plan["batch_id"])
    for name in FOLLOWERS:
        table: LogTable = getattr(store, name).refresh()
        step = plan[name]
        if table.transaction(transaction) is None and (step["add"] or step["remove"]):
            removed = [f for f in table.files() if f.path in set(step["remove"])]
            table.commit(
                [(table.path / a["path"], a["partition"], {"numRecords": a["rows"]}) for a in step["add"]],
                {transaction: 1},
                remove=removed,
            )
            _delete(table, removed)
        reached(f"{name}-committed")


def discard(store: Store, plan: dict[str, Any]) -> None:
    """Remove the files of a plan whose events were never committed."""
    for name in ("events", *FOLLOWERS):
        table: LogTable = getattr(store, name).refresh()
        active = {f.path for f in table.files()}
        for step in plan[name]["add"]:
            if step["path"] not in active:
                (table.path / step["path"]).unlink(missing_ok=True)


def sweep(store: Store) -> list[Path]:
    """Remove data files that no commit made part of a table: what a killed writer had written before its plan.

    Call it under the writer lock, after every plan was carried out or discarded.
    """
    swept = []
    for table in (store.events, *(getattr(store, name) for name in FOLLOWERS)):
        if not table.exists():
            continue
        active = {f.path for f in table.refresh().files()}
        for path in table.path.rglob("*.parquet"):
            relative = path.relative_to(table.path)
            if relative.parts[0] != "_delta_log" and str(relative) not in active:
                path.unlink()
                swept.append(path)
    return swept


def _delete(table: LogTable, files: list[DataFile]) -> None:
    # Only the writer reads the register, under its lock, so a replaced partition can go at once.
    for one in files:
        (table.path / one.path).unlink(missing_ok=True)
