"""`log/operations`: who changed what by which command, one row each. No row names a person."""

import getpass
import os
import secrets
from datetime import UTC, datetime
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import UsageError
from linkwork.log.commit import Moment
from linkwork.log.rows import fill_rows, rows_step
from linkwork.log.store import OPERATIONS, Store
from linkwork.privacy.subjects import WRITTEN


def new_id() -> str:
    """An id a person can read: the time in UTC and three random bytes."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def actor() -> str:
    """Who runs this process: `LINKWORK_ACTOR`, else the system's name of the user."""
    try:
        return os.environ.get("LINKWORK_ACTOR") or getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def step(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    moment: Moment,
    operation_id: str,
    *,
    command: str,
    target: str,
    outcome: str,
    reason: str | None = None,
) -> dict[str, Any]:
    """The row of a command that commits, as a step of its plan: there exactly when the commit is."""
    made = _row(operation_id, moment.recorded_at, moment.before, command, target, outcome, reason)
    return rows_step(con, store.operations, [made], OPERATIONS)


def record(
    store: Store,
    *,
    command: str,
    target: str,
    outcome: str,
    reason: str | None = None,
    operation_id: str | None = None,
) -> None:
    """Append the row of a command that is nothing but its row, or that is carried out again until it is there.

    One of the same id only once. What changes something else leaves its row by `changes.change`.
    """
    store.events.refresh()
    made = row(store, operation_id or new_id(), command=command, target=target, outcome=outcome, reason=reason)
    append(store, made)


def append(store: Store, made: dict[str, Any]) -> None:
    """Append a row, unless one of its id is there."""
    with engine.asking() as con:
        fill_rows(con, "operation", [made], OPERATIONS)
        known = store.operations.refresh(evolve=True).relation()
        store.operations.append(con, f"from operation anti join {known} using (operation_id)")


def row(
    store: Store, operation_id: str, *, command: str, target: str, outcome: str, reason: str | None
) -> dict[str, Any]:
    """A row of now, of a log whose events were read."""
    return _row(operation_id, store.next_time(), store.position(), command, target, outcome, reason)


def refuse_number(reason: str | None) -> None:
    """Raise UsageError where a reason that is to be kept names somebody."""
    if WRITTEN.search(reason or ""):
        raise UsageError("the reason holds what looks like an NHS number", why="it is kept on record")


def _row(
    operation_id: str, at: datetime, position: int, command: str, target: str, outcome: str, reason: str | None
) -> dict[str, Any]:
    refuse_number(reason)
    return {
        "operation_id": operation_id,
        "recorded_at": at,
        "command": command,
        "target": target,
        "outcome": outcome,
        "reason": reason,
        "actor": actor(),
        "position": position,
    }
