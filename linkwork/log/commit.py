"""One commit of the log, whoever asks for it: a batch, a retraction, a resolution, an erasure, a compaction.

Order (design: the log's rule 3): files, fsync, plan, event commit, fsync of its JSON, register, ledger, quarantine
index, operations. A `kill -9` anywhere leaves the state before or after, and the next start completes it (`recover`).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from linkwork.errors import BadDataError, BusyError
from linkwork.log import plan, segments
from linkwork.log.delta import EPOCH
from linkwork.log.failpoints import reached
from linkwork.log.store import Store
from linkwork.log.table import CLOCK, HEAD, NUMBER, CommitLost

ATTEMPTS = 20
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Moment:
    """Where a commit will stand: after which position, at which time, as which version of the table of events, as which
    commit of the log."""

    before: int
    recorded_at: datetime
    version: int
    number: int


@dataclass(frozen=True)
class Committed:
    """What was committed: its plan, and the version of the table of events."""

    plan: dict[str, Any]
    version: int

    @property
    def events(self) -> int:
        return int(self.plan["position"]) - int(self.plan["position_before"])


class AlreadyThereError(BusyError):
    """Another process committed one of these files meanwhile; another run finds it repeated."""


def commit(
    store: Store,
    folder: Path,
    batch_id: str,
    prepare: Callable[[Moment], dict[str, Any]],
    once: Iterable[str] = (),
    now: datetime | None = None,
    *,
    repair: bool = False,
) -> Committed:
    """Commit what `prepare` writes. It is called again, on a fresh snapshot, where another writer was first.

    `folder` keeps the plan. `prepare` writes files and returns the plan's steps: `events` and followers, each with
    `add` and `remove`, and the events' added files with `lowest` and `highest` positions. `once` are application
    transactions that no earlier commit may carry: raises AlreadyThereError where one does. Raises BusyError where an
    earlier commit stays unfinished, unless this one is to `repair` the register.
    """
    once = tuple(once)
    for _ in range(ATTEMPTS):
        if repair:
            store.refresh(evolve=True)
        else:
            _wait_until_in_step(store)
        known = store.events.transactions() if once else {}
        if repeated := [app for app in once if app in known]:
            raise AlreadyThereError(
                "a file of this batch is in the log already", where=str(store.root), why=repeated[0], do="run it again"
            )
        moment = Moment(store.position(), store.next_time(now), store.events.version + 1, store.commits() + 1)
        steps = {"events": plan.NOTHING, **prepare(moment)}
        added = steps["events"]["add"]
        content = {
            "loads_committed": [],
            "refused": [],
            "transactions": {},
            **steps,
            "batch_id": batch_id,
            "number": moment.number,
            "clock": (moment.recorded_at - EPOCH) // timedelta(microseconds=1),
            "position_before": moment.before,
            "position": max([moment.before, *(a["highest"] for a in added)]),
        }
        plan.write(folder, content)
        try:
            version = _commit_events(store, content, moment, once)
        except CommitLost:
            # Its files are left to `sweep`: they are named by their content, and where both took the same file the
            # writer that was first is about to add one of them.
            continue
        plan.carry_out(store, content)
        return Committed(content, version)
    raise BadDataError("the event log could not be committed", why=f"lost {ATTEMPTS} races in a row")


def recover(store: Store, folder: Path) -> bool:
    """Finish a commit whose events are in the log; discard one whose are not. True where it was finished."""
    found = plan.read(folder)
    if found is None:
        return False
    reached("recovering")
    if store.events.refresh().transaction(plan.app(found["batch_id"])) is None:
        plan.discard(store, found)
        reached("plan-discarded")
        (folder / plan.FILE).unlink()
        return False
    plan.carry_out(store, found)
    return True


def _commit_events(store: Store, content: Mapping[str, Any], moment: Moment, once: Iterable[str]) -> int:
    transactions = {
        HEAD: content["position"],
        NUMBER: content["number"],
        CLOCK: content["clock"],
        plan.app(content["batch_id"]): 1,
    }
    gone = set(content["events"]["remove"])
    return store.events.commit(
        [
            (store.events.path / s["path"], s["partition"], segments.statistics(s, moment.recorded_at))
            for s in content["events"]["add"]
        ],
        transactions | content["transactions"] | dict.fromkeys(once, 1),
        remove=[f for f in store.events.files() if f.path in gone] if gone else [],
        metadata={"linkwork_batch": content["batch_id"]},
    )


def _wait_until_in_step(store: Store) -> None:
    """Read the newest commit whose register has followed: before that, nothing can be decided against the register."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        store.refresh(evolve=True)
        if store.commits() == (store.register.transaction(NUMBER) or 0):
            reached("in-step")
            return
        if store.register.transaction(NUMBER) is None and not store.register.files():
            raise BadDataError(
                "the register is lost",
                where=str(store.register.path),
                why="the log has commits and the register holds no record",
                do="run `linkwork log rebuild-register`, or restore log/ from a copy",
            )
        if time.monotonic() > deadline:
            raise BusyError(
                "an earlier commit of the event log is not finished",
                where=str(store.root),
                why="its register has not followed",
                do="run `linkwork ingest`, which finishes it",
            )
        time.sleep(0.05)
