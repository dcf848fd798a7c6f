"""Taking away commits that the power cut off, and refusing to write where one is gone that was finished.

A commit of events that nothing has followed never happened: whoever was to make it makes it again. Where the register
has followed it, it did happen, and its file was damaged afterwards. Then the only thing to do is to put it back: to go
on would be to remove its files as nobody's, and to take its records for repetitions.
"""

import shutil
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from linkwork.errors import BadDataError
from linkwork.files import fsync
from linkwork.log import cut_off
from linkwork.log.failpoints import reached
from linkwork.log.store import Store
from linkwork.log.table import NUMBER, LogTable

ASIDE = ".cut-off"


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
    return sorted(part.relative_to(store.root / ASIDE) for part in (store.root / ASIDE).rglob("*") if part.is_file())


def operation_id(store: Store) -> str:
    """The id of the operation that puts it on record: the same as long as it is the same that lies there."""
    folder = store.root / ASIDE
    times = [(str(part), (folder / part).stat().st_mtime_ns) for part in aside(store)]
    newest = datetime.fromtimestamp(max(time for _, time in times) / 1e9, UTC)
    return f"{newest:%Y%m%dT%H%M%S}-{sha256(repr(times).encode()).hexdigest()[:6]}"


def forget(store: Store) -> None:
    """Remove what was put aside."""
    shutil.rmtree(store.root / ASIDE, ignore_errors=True)


def _put_aside(store: Store, table: LogTable, parts: list[Path]) -> None:
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
