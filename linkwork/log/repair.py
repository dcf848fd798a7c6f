"""Taking away commits that the power cut off, and refusing to write where one is gone that was finished.

A commit of events that nothing has followed never happened: whoever was to make it makes it again. Where the register
has followed it, it did happen, and its file was damaged afterwards. Then the only thing to do is to put it back: to go
on would be to remove its files as nobody's, and to take its records for repetitions.
"""

from pathlib import Path

from linkwork.errors import BadDataError
from linkwork.files import fsync
from linkwork.log import cut_off
from linkwork.log.failpoints import reached
from linkwork.log.store import Store
from linkwork.log.table import NUMBER, LogTable


def remove_cut_off(store: Store) -> list[Path]:
    """Remove what is cut off in any table; returns it. Call it under the writer lock, before the tables are opened.

    Raises BadDataError, and removes no commit, where one of events was finished before it was damaged.
    """
    logs = {table: table.path / "_delta_log" for table in store.tables}
    removed = [part for log in logs.values() for part in _without(log, cut_off.checkpoints(log))]
    found = {table: cut_off.commits(log) for table, log in logs.items()}
    _refuse_lost(store, found)
    return removed + [part for table, log in logs.items() for part in _without(log, found[table])]


def _without(log: Path, parts: list[Path]) -> list[Path]:
    for part in parts:
        part.unlink()
        reached("cut-off-removed")
    if parts:
        fsync(log)
    return parts


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
