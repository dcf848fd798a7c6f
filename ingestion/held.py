"""`load release` and `load refuse`: a named decision about a file that was held, or refused, as a whole.

The decision is one row of `log/operations`, so it is there or it is not; it goes by what the file holds, not by its
name. The next run, whoever starts it, takes a released file, with the verdict and the reason in its ledger row. A file
that was refused by name is never taken; it stays where it lies, and whoever sends it again is told why.
"""

from dataclasses import dataclass
from typing import Any

from linkwork import engine
from linkwork.errors import UsageError
from linkwork.log import append, changes, operations
from linkwork.log.failpoints import reached
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store
from linkwork.settings import Settings

RELEASE, REFUSE = "load release", "load refuse"
DECIDABLE = {RELEASE: ("held",), REFUSE: ("held", "refused")}
Identity = tuple[str, str, str]  # feed, sender, SHA-256 of the file


@dataclass(frozen=True)
class Decision:
    """What somebody decided about a file."""

    command: str
    said: str  # who, when and why

    @property
    def is_release(self) -> bool:
        return self.command == RELEASE

    def detail(self, verdict: str = "") -> str:
        """What the ledger says of the file: the decision, and what it was held for."""
        if self.is_release:
            return f"Released {self.said}. It was held: {verdict}"
        return f"Refused {self.said}."


def release(settings: Settings, which: str, reason: str) -> dict[str, Any]:
    """Let the next run take a held file, given by load id or file name. Raises UsageError where there is none."""
    return _decide(settings, RELEASE, which, reason)


def refuse(settings: Settings, which: str, reason: str) -> dict[str, Any]:
    """Never take a held or refused file, given by load id or file name. Raises UsageError where there is none."""
    return _decide(settings, REFUSE, which, reason)


def decisions(store: Store) -> dict[Identity, Decision]:
    """The newest decision about each file that one was made about."""
    if not (store.operations.exists() and store.loads.exists()):
        return {}
    with engine.asking() as con:
        found = con.execute(
            f"""select l.feed, l.sender, l.file_sha256, o.command, o.actor, o.recorded_at, o.reason
            from {store.operations.refresh().relation()} as o
            inner join (select distinct load_id, feed, sender, file_sha256 from {store.loads.refresh().relation()}) as l
                on l.load_id = o.target
            where o.command in ('{RELEASE}', '{REFUSE}') order by o.recorded_at"""
        ).fetchall()
    return {
        (feed, sender, sha): Decision(command, f"by {actor} on {at:%Y-%m-%d}: {reason.rstrip('.')}")
        for feed, sender, sha, command, actor, at, reason in found
    }


def _decide(settings: Settings, command: str, which: str, reason: str) -> dict[str, Any]:
    if not reason.strip():
        raise UsageError("a reason is needed", why="it is kept on record")
    operations.refuse_number(reason)
    store = Store(settings.log_dir)
    with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
        changes.finish_left(store)
        store.refresh(evolve=True)
        load = _find(store, DECIDABLE[command], which)
        if append.file_app(load["file_sha256"]) in store.events.transactions():
            raise UsageError(
                "the file's events are in the log",
                where=which,
                why="the run that took it was cut off before it had said so",
                do="run `linkwork ingest`, which completes it; then `linkwork load retract`, if it is not wanted",
            )
        outcome = "the next run takes it" if command == RELEASE else "it is never taken"
        operations.record(store, command=command, target=load["load_id"], outcome=outcome, reason=reason)
        reached("file-decided")
        decision = decisions(store)[load["feed"], load["sender"], load["file_sha256"]]
        row = {"status": load["status"], "detail": f"{decision.detail(load['detail'])}"}
        if command == REFUSE:
            row = {"status": "refused", "detail": decision.detail()}
        with engine.asking() as con:
            store.loads.append(
                con,
                f"""select * replace ({engine.text(row["status"])} as status, {engine.text(row["detail"])} as detail,
                    {engine.text(store.next_time().isoformat())}::timestamptz as recorded_at)
                from {store.current_loads()} where load_id = {engine.text(load["load_id"])}""",
            )
    return {**{c: load[c] for c in ("load_id", "feed", "sender", "file_name")}, "outcome": outcome, **row}


def _find(store: Store, statuses: tuple[str, ...], which: str) -> dict[str, Any]:
    """The newest load of that id, or of that name, whose file waits for a decision."""
    with engine.asking() as con:
        loads = engine.dicts(
            con.execute(
                f"""select load_id, feed, sender, file_name, file_sha256, status, detail from {store.current_loads()}
                where (load_id = ? or file_name = ?) and list_contains(?, status) and file_sha256 <> ''
                    and (feed, sender, file_sha256) not in (
                        select (feed, sender, file_sha256) from {store.current_loads()} where status = 'committed')
                order by recorded_at desc, load_id desc""",
                [which, which, list(statuses)],
            )
        )
    files = {(load["feed"], load["sender"], load["file_sha256"]) for load in loads}
    if not loads:
        raise UsageError(
            f"no file that is {' or '.join(statuses)} goes by that", where=which,
            do="see `linkwork load list --status held`",
        )  # fmt: skip
    if len(files) > 1:
        raise UsageError(
            f"{len(files)} files have that name", where=which,
            why=", ".join(sorted({f"{load['feed']}/{load['sender']}: {load['load_id']}" for load in loads})),
            do="give the load id",
        )  # fmt: skip
    return loads[0]
