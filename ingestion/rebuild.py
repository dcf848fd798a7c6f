"""`log rebuild-register`: make a lost register anew from the files that are kept, and for older ones from the log."""

from typing import Any

from ingestion import regate
from ingestion.operation import Operation, operation
from linkwork import engine
from linkwork.log import append, operations, register
from linkwork.log.commit import Moment, commit
from linkwork.log.envelope import not_withdrawn
from linkwork.log.replay import REGISTER_ROWS, find_decisions, replay, steps
from linkwork.settings import Settings


def rebuild_register(settings: Settings, reason: str) -> dict[str, Any]:
    """Replace every partition of the register.

    Returns the records it then knows, and the loads whose files are no longer kept: of what those said without adding
    an event nothing is known any more (`linkwork.log.register.from_log`).
    """
    with operation(settings) as work:
        done: dict[str, Any] = {}

        def prepare(moment: Moment) -> dict[str, Any]:
            work.con.execute(f"create or replace temp table rebuilt as from {work.store.register.relation([])}")
            loads = regate.loads_of(work.store, work.con, "true")
            # One whose loads were all retracted, too: the register counts how often a record's history was undone.
            senders = work.con.execute(
                f"""select distinct feed, sender from {work.store.current_loads()}
                where status in ('committed', 'retracted') order by all"""
            ).fetchall()
            missing: list[str] = []
            for feed, sender in senders:
                own = [load for load in loads if (load["feed"], load["sender"]) == (feed, sender)]
                missing += _sender(work, feed, sender, own)
            work.con.execute("create or replace temp table register_row as from rebuilt")
            old = work.store.register.files()
            step = register.step(work.store, work.con, [{"feed": f, "sender": s} for f, s in senders], moment.number)
            added = {added["path"] for added in step["add"]}
            found = work.con.execute("select count(*) from register_row").fetchone()
            done.update(records=found[0] if found else 0, loads_from_the_log=missing)
            return {
                "register": {"add": step["add"], "remove": [f.path for f in old if f.path not in added]},
                "operations": operations.step(
                    work.store, work.con, moment, work.id, command="log rebuild-register", target="register",
                    outcome=f"{done['records']} records, {len(missing)} loads from the log alone", reason=reason,
                ),
            }  # fmt: skip

        commit(work.store, work.folder, work.id, prepare, repair=True)
    return {**done, "operation_id": work.id}


def _sender(work: Operation, feed: str, sender: str, loads: list[dict[str, Any]]) -> list[str]:
    """Add the rows of one sender and feed to `rebuilt`; returns the loads whose files are no longer kept."""
    regate.fill_source_systems(work.store, work.con, loads, work.source_system(sender))
    missing = [load["load_id"] for load in loads if not regate.is_kept(work.settings, load)]
    last_missing = max((load["log_version"] for load in loads if load["load_id"] in missing), default=-1)
    given = [load["load_id"] for load in loads if load["log_version"] <= last_missing]
    ledger = work.store.current_loads()
    own = f"feed = {engine.text(feed)} and sender = {engine.text(sender)}"
    events = f"(from {work.store.events.relation()} semi join (from {ledger} where {own}) using (load_id))"
    register.from_log(work.con, events, ledger, work.slots, into="as_logged")
    register.from_log(work.con, _of(not_withdrawn(events), given), ledger, work.slots, into="given")
    work.con.execute(
        """create or replace temp table initial as
        select g.* replace (a.generation as generation) from given as g
        left join as_logged as a on a.record_key = g.record_key"""
    )
    work.con.execute(
        """insert into initial by name
        select feed, sender, record_key, false as contested, false as resolved, generation, subject_key, [] as facts
        from as_logged anti join initial using (record_key) where generation is not null"""
    )
    again = [load for load in loads if load["log_version"] > last_missing]
    profiles = {
        load["load_id"]: regate.stage(work.settings, work.gate, work.contracts, load, work.folder) for load in again
    }
    commits = steps(work.store, work.con, work.folder, again, profiles)
    if profiles:
        staged = append.staged_records(work.folder, profiles.values())
        find_decisions(work.con, events, work.store.operations.relation(), staged)
    replay(work.store, work.con, work.folder, commits, "initial")
    work.con.execute(f"insert into rebuilt by name from {REGISTER_ROWS}")
    return missing


def _of(events: str, loads: list[str]) -> str:
    return f"(from {events} where list_contains({engine.texts(loads)}::varchar[], load_id))"
