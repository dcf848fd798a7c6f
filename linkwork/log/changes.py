"""Changes beside the events, each with its row in `log/operations`: there exactly when the change is.

Such a change takes effect in one step (a rename, mostly). Right before it, a note says what is to be on record and how
the change will be seen to be there; after it, the row is appended and the note removed. A note lies in a folder that is
locked by whoever makes the change, so one that can be locked is a dead process's: whoever comes next looks whether its
change is there, and appends the row or drops the note. What a change adds to small tables of the log is in the note
itself, and is there once the note is.

A note is a JSON object: `row` (of `log/operations`, without its outcome) and `outcomes`, of which the first counts that
is seen to be there: `said`, `at` (relative to the log's folder), `sign`, and `rows` of other tables by their names.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linkwork import engine, locked
from linkwork.files import fsync, sha256_of, write_json
from linkwork.log import operations
from linkwork.log.failpoints import reached
from linkwork.log.rows import fill_rows
from linkwork.log.store import Store
from linkwork.log.table import LogTable

CHANGING = ".changing-"
NOTE = "note.json"


@dataclass(frozen=True)
class Outcome:
    """One way in which a change may have ended: what its row says, and how that is seen.

    It is there where `at` is: a link that points to `sign`, a file whose SHA-256 is `sign`, or without a sign whatever
    has that name. Without `at` it is there as soon as it is announced. `rows` are what tables of the log gain then.
    """

    said: str
    at: Path | None = None
    sign: str = ""
    rows: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)


class Change:
    """One change that is being made."""

    def __init__(self, store: Store, command: str, reason: str | None) -> None:
        self.store, self.command, self.reason = store, command, reason
        self.id = operations.new_id()
        self.folder: Path | None = None
        self._lock = -1

    def announce(self, target: str, *outcomes: Outcome) -> None:
        """Say, right before the change takes effect, what it will be; said again, it replaces what was said."""
        if self.folder is None:
            if not outcomes:
                return
            self.folder, self._lock = locked.make(self.store.root, CHANGING)
        self.store.events.refresh()
        row = operations.row(self.store, self.id, command=self.command, target=target, outcome="", reason=self.reason)
        write_json(self.folder / NOTE, {"row": row, "outcomes": [_told(one, self.store.root) for one in outcomes]})
        fsync(self.store.root)
        reached("change-announced")

    def finish(self) -> None:
        """Put on record what is there of what was announced. Where that fails, whoever comes next does it."""
        if self.folder is None:
            return
        try:
            reached("change-made")
            _finish(self.store, self.folder)
        finally:
            os.close(self._lock)


@contextmanager
def change(log_dir: Path, command: str, reason: str | None = None) -> Iterator[Change]:
    """A change to make within the block, which announces it; where it announces none, nothing is on record.

    Raises UsageError for a reason that names somebody, before anything is changed.
    """
    operations.refuse_number(reason)
    store = Store(log_dir)
    finish_left(store)
    made = Change(store, command, reason)
    try:
        yield made
    finally:
        made.finish()


def finish_left(store: Store) -> None:
    """Put on record the changes that processes made which were killed before they had said so."""
    for folder in locked.left(store.root, CHANGING):
        _finish(store, folder)


def _finish(store: Store, folder: Path) -> None:
    note = json.loads((folder / NOTE).read_text()) if (folder / NOTE).exists() else {"outcomes": []}
    found = next((one for one in note["outcomes"] if _is_there(store.root, one["at"], one["sign"])), None)
    if found is not None:
        rows = {**found["rows"], "operations": [{**note["row"], "outcome": found["said"]}]}
        with engine.asking() as con:
            for name, content in rows.items():
                table: LogTable = getattr(store, name).refresh(evolve=True)
                app = f"operation:{note['row']['operation_id']}"
                if table.transaction(app) is None:
                    fill_rows(con, "changed", [_typed(table, row) for row in content], table.columns)
                    table.append(con, "from changed", {app: 1})
        reached("change-recorded")
    shutil.rmtree(folder)


def _is_there(root: Path, at: str | None, sign: str) -> bool:
    if at is None:
        return True
    path = Path(os.path.normpath(root / at))
    if not sign:
        return path.exists()
    return str(path.readlink()) == sign if path.is_symlink() else path.is_file() and sha256_of(path) == sign


def _told(outcome: Outcome, root: Path) -> dict[str, Any]:
    """An outcome as a note holds it: JSON knows no bytes."""
    rows = {
        name: [{c: v.hex() if isinstance(v, bytes) else v for c, v in row.items()} for row in content]
        for name, content in outcome.rows.items()
    }
    return {**vars(outcome), "at": outcome.at and os.path.relpath(outcome.at, root), "rows": rows}


def _typed(table: LogTable, row: dict[str, Any]) -> dict[str, Any]:
    """A row of a note in the types of its table; DuckDB reads times as they are written."""
    return {c: bytes.fromhex(v) if v and table.columns[c] == "blob" else v for c, v in row.items()}
