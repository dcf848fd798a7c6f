"""`load retract`: undo a committed file, as if it had never come.

For every record the file spoke of, the sender's other files are taken through the gate again and decided again, in the
order in which they were committed. Where that gives the same events, nothing is done but to the register. Where it
gives others, the record's events are withdrawn, each by an event of its own, and those that should be there are
appended, with the lines of the files they come from: what had counted as a repetition of the retracted file comes back.
"""

from typing import Any

from ingestion import regate
from ingestion.operation import Operation, operation
from linkwork import engine
from linkwork.errors import UsageError
from linkwork.log import append, operations, register, segments
from linkwork.log.commit import Moment, commit
from linkwork.log.envelope import LOAD_RETRACTED, not_withdrawn
from linkwork.log.replay import EVENTS, REGISTER_ROWS, find_decisions, replay, steps
from linkwork.log.rows import rows_step
from linkwork.log.store import LOADS
from linkwork.settings import Settings

# What two events have in common that say the same. Whose line a decision repeats does not matter.
SAID = """record_key, fact_id, asserted_at, content_hash, {kind} as kind,
    if({kind} = 'resolution', null, load_id) as load_id"""


def retract(settings: Settings, load_id: str, reason: str) -> dict[str, Any]:
    """Withdraw a committed load. Returns the counts of events withdrawn and appended, and the loads that could not be
    gated again because their files are no longer kept.

    Raises UsageError for a load that is not there or not committed, or whose own file is no longer kept.
    """
    with operation(settings) as work:
        target, others = _loads(work, load_id)
        missing = [load for load in others if not regate.is_kept(settings, load)]
        profiles = {load["load_id"]: _staged(work, load) for load in (target, *others) if load not in missing}
        done: dict[str, Any] = {}

        def prepare(moment: Moment) -> dict[str, Any]:
            _touched(work, target)
            given = _replay(work, target, others, missing, profiles)
            _compare(work, target, given)
            withdrawn = segments.write_derived(work.store, work.con, moment.before, moment.recorded_at)
            before = moment.before + sum(s["rows"] for s in withdrawn)
            loads = list(profiles.values())
            records = append.staged_records(work.folder, loads)
            work.con.execute(f"create or replace temp table rec as select * from {records}")
            facts = segments.staged_facts(work.store, work.folder, loads)
            back = segments.write(work.store, work.con, facts, before, moment.recorded_at)
            done.update(
                load_id=load_id,
                withdrawn=before - moment.before,
                appended=sum(s["rows"] for s in back),
                not_gated_again=[load["load_id"] for load in missing],
            )
            outcome = f"{done['withdrawn']} events withdrawn, {done['appended']} appended"
            return {
                "events": {"add": withdrawn + back, "remove": []},
                "register": register.step(work.store, work.con, [target], moment.number),
                "loads": rows_step(work.con, work.store.loads, _ledger(work, target, moment), LOADS),
                "operations": operations.step(
                    work.store, work.con, moment, work.id,
                    command="load retract", target=load_id, outcome=outcome, reason=reason,
                ),
            }  # fmt: skip

        committed = commit(work.store, work.folder, work.id, prepare)
    return {**done, "position": committed.plan["position"], "operation_id": work.id}


def _loads(work: Operation, load_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The load to retract, and the sender's other loads of the same feed."""
    work.store.refresh()
    found = regate.loads_of(work.store, work.con, f"load_id = {engine.text(load_id)}")
    if not found:
        raise UsageError(
            "no such committed load",
            where=load_id,
            why="it is not in the ledger, was not committed, or was retracted before",
            do="see `linkwork load list --status committed`",
        )
    (target,) = found
    if not regate.is_kept(work.settings, target):
        raise UsageError(
            "the file of this load is no longer kept",
            where=load_id,
            why="without it nobody can tell which records it spoke of",
            do="ask the sender for a newer extract that corrects it",
        )
    same = f"feed = {engine.text(target['feed'])} and sender = {engine.text(target['sender'])}"
    others = regate.loads_of(work.store, work.con, f"{same} and load_id <> {engine.text(load_id)}")
    regate.fill_source_systems(work.store, work.con, [target, *others], work.source_system(target["sender"]))
    return target, others


def _staged(work: Operation, load: dict[str, Any]) -> dict[str, Any]:
    return regate.stage(work.settings, work.gate, work.contracts, load, work.folder)


def _touched(work: Operation, target: dict[str, Any]) -> None:
    """`touched`: the record keys the file spoke of; `present`: the events and register rows they have now."""
    records = append.staged_records(work.folder, [target])
    work.con.execute(f"create or replace temp table touched as select distinct record_key from {records}")
    slots = engine.texts(work.slots[target["feed"]])
    work.con.execute(
        f"""create or replace temp table touched_fact as
        select record_key, id_hmac(record_key || encode(chr(31) || slot)) as fact_id
        from touched, (select unnest({slots}) as slot)"""
    )
    work.con.execute(
        f"""create or replace temp table present as
        with said as (
            select t.record_key, e.* exclude (record_key) from {work.store.events.relation()} as e
            inner join touched_fact as t on t.fact_id = e.fact_id
        )
        from {not_withdrawn("said")}"""
    )
    work.con.execute(
        f"""create or replace temp table present_register as
        from {register.of_senders(work.store, [target], "touched")}"""
    )


def _replay(
    work: Operation,
    target: dict[str, Any],
    others: list[dict[str, Any]],
    missing: list[dict[str, Any]],
    profiles: dict[str, dict[str, Any]],
) -> list[str]:
    """What the sender's other files say of the touched records, decided again in a generation of their own.

    Up to the last commit of a file that is no longer kept, the log's own events stand for the files. Returns the loads
    whose events do.
    """
    last_missing = max((load["log_version"] for load in missing), default=-1)
    given = [load["load_id"] for load in others if load["log_version"] <= last_missing]
    register.from_log(
        work.con,
        f"(from present where list_contains({engine.texts(given)}::varchar[], load_id))",
        work.store.current_loads(),
        work.slots,
        into="given",
    )
    work.con.execute(
        f"""create or replace temp table initial as
        select coalesce(g.feed, {engine.text(target["feed"])}) as feed,
            coalesce(g.sender, {engine.text(target["sender"])}) as sender,
            t.record_key, g.asserted_at, g.row_hash, coalesce(g.contested, false) as contested,
            coalesce(g.resolved, false) as resolved, coalesce(p.generation, 0) + 1 as generation, g.subject_key,
            coalesce(g.facts, []) as facts
        from touched as t
        left join given as g on g.record_key = t.record_key
        left join present_register as p on p.record_key = t.record_key"""
    )
    again = [load for load in others if load["log_version"] > last_missing]
    commits = steps(work.store, work.con, work.folder, again, profiles)
    staged = append.staged_records(work.folder, profiles.values())
    find_decisions(work.con, work.store.events.relation(), work.store.operations.relation(), staged)
    replay(work.store, work.con, work.folder, commits, "initial", only="touched")
    work.con.execute(
        f"""create or replace temp table should_be as
        select {SAID.format(kind="kind")} from {EVENTS}
        union all
        select {SAID.format(kind="revision_kind")} from present
        where list_contains({engine.texts(given)}::varchar[], load_id)"""
    )
    return given


def _compare(work: Operation, target: dict[str, Any], given: list[str]) -> None:
    """The inputs of the commit: `derived` (withdrawals), `event` (what comes back) and `register_row`.

    A named decision stands as long as a file says what was decided for.
    """
    work.con.execute(
        f"""create or replace temp table rewritten as
        with was as (select {SAID.format(kind="revision_kind")} from present)
        select distinct record_key from (
            (from was except from should_be) union all (from should_be except from was)
        )"""
    )
    work.con.execute(
        f"""create or replace temp table derived as
        select p.event_id as source_event_id, p.global_position as source_position, p.category, p.record_key,
            id_hmac(p.event_id || encode('retracted')) as event_id, p.event_id as causation_id,
            'retraction' as revision_kind, '{LOAD_RETRACTED}' as origin, id_hmac(encode('retracted')) as content_hash,
            {engine.text(target["load_id"])} as load_id, null::bigint as source_line,
            {work.store.catalogue.version} as schema_version, false as with_payload
        from present as p semi join rewritten using (record_key)
        where not list_contains({engine.texts(given)}::varchar[], p.load_id)"""
    )
    work.con.execute(
        f"""create or replace temp table event as
        select * from {EVENTS} semi join rewritten using (record_key)"""
    )
    work.con.execute(
        f"""create or replace temp table register_row as
        select r.feed, r.sender, r.record_key, r.asserted_at,
            -- The log does not keep the hash of a row, the register does where nothing came of the retraction.
            coalesce(r.row_hash, if(w.record_key is null and p.asserted_at = r.asserted_at, p.row_hash, null))
                as row_hash,
            r.contested, r.resolved,
            if(w.record_key is null, p.generation, r.generation) as generation,
            r.subject_key,
            if(w.record_key is null, coalesce(p.facts, []), r.facts) as facts
        from {REGISTER_ROWS} as r
        left join rewritten as w on w.record_key = r.record_key
        left join present_register as p on p.record_key = r.record_key"""
    )


def _ledger(work: Operation, target: dict[str, Any], moment: Moment) -> list[dict[str, Any]]:
    """New rows of the ledger: the load is retracted, and every load has the events it has now."""
    cursor = work.con.execute(
        f"""with added as (
            select load_id, count(*) as events from (
                select load_id from derived union all select load_id from event
            ) group by load_id
        )
        select l.* replace (
            l.events + coalesce(a.events, 0) as events, ?::timestamptz as recorded_at,
            if(l.load_id = {engine.text(target["load_id"])}, 'retracted', l.status) as status)
        from {work.store.current_loads()} as l left join added as a on a.load_id = l.load_id
        where a.load_id is not null or l.load_id = {engine.text(target["load_id"])}""",
        [moment.recorded_at],
    )
    return engine.dicts(cursor)
