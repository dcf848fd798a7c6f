"""Taking away commits that the power cut off, and refusing to write where one is gone that was finished.

A commit of events that nothing has followed never happened: whoever was to make it makes it again. Where the register
has followed it, it did happen, and its file was damaged afterwards. Then the only thing to do is to put it back: to go
on would be to remove its files as nobody's, and to take its records for repetitions.
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from linkwork.errors import BadDataError
from linkwork.files import fsync, write_json
from linkwork.log import cut_off, operations
from linkwork.log.failpoints import reached
from linkwork.log.store import Store
from linkwork.log.table import NUMBER, LogTable

ASIDE = ".cut-off"
NOTE = "note.json"  # in it: who put it there


def put_aside(store: Store) -> None:
    """Take what is cut off out of every table, to a folder beside them, until it is on record that it is gone.

    Call it under the writer lock, before the tables are opened. Raises BadDataError, and takes no commit, where one of
    events was finished before it was damaged.
    """
    logs = {table: table.path / "_delta_log" for table in store.tables}
    for table, log in logs.items():
        _put_aside(store, table, cut_off.checkpoints(log))
    found = {table: cut_off.commits(log) for table, log in logs.items()}
    _refuse_lost(store, found)
    for table, parts in found.items():
        _put_aside(store, table, parts)


def aside(store: Store) -> list[Path]:
    """What was put aside and is not on record yet, as it was named below the log's folder."""
    found = (part.relative_to(store.root / ASIDE) for part in (store.root / ASIDE).glob("*/**/*") if part.is_file())
    return sorted(found)


def put_on_record(store: Store) -> None:
    """Append the row of what was put aside, by whoever did it, and remove it: once, also where a repair was killed.

    Call it under the writer lock; every command that writes does.
    """
    folder = store.root / ASIDE
    if parts := aside(store):
        _say_who(store)  # an earlier version did not
        note = json.loads((folder / NOTE).read_text())
        store.events.refresh()
        outcome = f"removed {', '.join(map(str, parts))}"
        row = operations.row(
            store, note["operation_id"], command="log repair", target="log", outcome=outcome, reason=None
        )
        at = store.next_time(datetime.fromisoformat(note["at"]))
        operations.append(store, row | {"actor": note["actor"], "recorded_at": at})
    for table in folder.glob("*/"):
        shutil.rmtree(table)
        reached("cut-off-removed")
    shutil.rmtree(folder, ignore_errors=True)  # the note last: it says what is on record already


def _say_who(store: Store) -> None:
    """Note who puts aside what follows, before anything is."""
    note = store.root / ASIDE / NOTE
    if not note.exists():
        at = datetime.now(UTC).isoformat()
        write_json(note, {"operation_id": operations.new_id(), "actor": operations.actor(), "at": at})


def _put_aside(store: Store, table: LogTable, parts: list[Path]) -> None:
    if parts:
        _say_who(store)
    for part in parts:
        target = store.root / ASIDE / part.relative_to(store.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.rename(target)
        reached("cut-off-put-aside")
        fsync(table.path / "_delta_log")


def refuse_lost(store: Store) -> None:
    """Raise BadDataError where the register has followed a commit that the events lack."""
    _refuse_lost(store, {})


def _refuse_lost(store: Store, found: dict[LogTable, list[Path]]) -> None:
    followed = _commits(store.register, found.get(store.register, []))
    if followed > _commits(store.events, found.get(store.events, [])):
        raise BadDataError(
            "the newest commit of the event log is damaged or gone",
            where=str(store.events.path / "_delta_log"),
            why="the register has followed it, so that it was finished",
            do="put that file back from a copy, see docs/runbooks/damaged-segment.md; nothing was changed",
        )


def _commits(table: LogTable, without: list[Path]) -> int:
    """How many commits of the log a table knows of, without one that is cut off."""
    from deltalake import DeltaTable

    if not table.exists():
        return 0
    if not without:
        return table.refresh().transaction(NUMBER) or 0
    before = int(without[0].stem) - 1
    return int(DeltaTable(str(table.path), version=before).transaction_version(NUMBER) or 0) if before >= 0 else 0
