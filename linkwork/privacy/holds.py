"""Legal holds: people who may not be erased as long as a case needs their data. A hold has their tombstone only."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from linkwork import engine
from linkwork.errors import UsageError
from linkwork.log import operations
from linkwork.log.changes import Change, Outcome, change
from linkwork.log.store import Store
from linkwork.privacy.keys import Keys
from linkwork.privacy.subjects import tombstone

PLACED, LIFTED = "placed", "lifted"


def place(log_dir: Path, subjects: Iterable[bytes], reason: str, keys: Keys) -> str:
    """Hold the people with these pseudonyms; returns the hold's id."""
    hold_id = operations.new_id()
    with change(log_dir, f"legal-hold {PLACED}", reason) as made:
        _announce(made, hold_id, PLACED, [tombstone(s, keys) for s in subjects], reason)
    return hold_id


def lift(log_dir: Path, hold_id: str, reason: str) -> None:
    """End a hold. Raises UsageError where there is none of that id."""
    with change(log_dir, f"legal-hold {LIFTED}", reason) as made:
        held = [row for row in standing(log_dir) if row["hold_id"] == hold_id]
        if not held:
            raise UsageError("no such legal hold", where=hold_id, do="see `linkwork legal-hold list`")
        _announce(made, hold_id, LIFTED, [row["tombstone"] for row in held], reason)


def standing(log_dir: Path) -> list[dict[str, Any]]:
    """The holds that were placed and not lifted: hold_id, recorded_at, reason, actor, tombstone."""
    store = Store(log_dir)
    if not store.holds.exists():
        return []
    rows = store.holds.refresh().relation()
    with engine.asking() as con:
        cursor = con.execute(
            f"""select hold_id, recorded_at, reason, actor, tombstone from {rows} where action = '{PLACED}'
            and hold_id not in (select hold_id from {rows} where action = '{LIFTED}') order by recorded_at, tombstone"""
        )
        return engine.dicts(cursor)


def refuse_held(log_dir: Path, subjects: Iterable[bytes], keys: Keys) -> None:
    """Raise UsageError where one of the people is held."""
    wanted = {tombstone(s, keys) for s in subjects}
    for row in standing(log_dir):
        if row["tombstone"] in wanted:
            since: datetime = row["recorded_at"]
            raise UsageError(
                "a legal hold forbids the erasure",
                where=f"hold {row['hold_id']}",
                why=f"placed on {since:%Y-%m-%d} by {row['actor']}: {row['reason']}",
                do="lift it first, if it is over: `linkwork legal-hold lift`",
            )


def _announce(made: Change, hold_id: str, action: str, marks: list[bytes], reason: str) -> None:
    """The rows are all there is of a hold: they are there once they are announced."""
    made.store.events.refresh()
    at, actor = made.store.next_time(), operations.actor()
    rows = [
        {"hold_id": hold_id, "recorded_at": at, "action": action, "tombstone": t, "reason": reason, "actor": actor}
        for t in marks
    ]
    made.announce(hold_id, Outcome(action, rows={"holds": rows}))
