"""`quarantine resolve`: end a conflict by a named decision, on record.

A record that was stated twice for one time with different content has no effective facts. Somebody who asked the
sender says which statement holds: the one that came earlier, or the one in quarantine. A resolution event for each of
its facts then outranks the contest. The decision settles that assertion for good; what the sender states later is newer
anyway.
"""

from typing import Any, Literal

from ingestion import regate
from ingestion.operation import Operation, operation
from linkwork import engine
from linkwork.errors import UsageError
from linkwork.log import append, operations, places, refusals, register, scope, segments, settle
from linkwork.log.commit import Moment, commit
from linkwork.log.rows import rows_step
from linkwork.log.store import LOADS
from linkwork.settings import Settings

Keep = Literal["earlier", "quarantined"]


def resolve(
    settings: Settings, load_id: str, line: int, keep: Keep, reason: str, record: int | None = None
) -> dict[str, Any]:
    """Decide the conflict of the record that begins at a line of a load. Returns how many facts hold now.

    `record` is its place on the line, where several begin there.

    Raises UsageError where that line is no quarantined conflict, where a newer statement or another decision ended it,
    or where the file is no longer kept.
    """
    with operation(settings) as work:
        record = _contested(work, load_id, line, record)
        load = _load(work, load_id)
        profile = regate.stage(settings, work.gate, work.contracts, load, work.folder)

        def prepare(moment: Moment) -> dict[str, Any]:
            register_rows = register.of_senders(work.store, [load], "rec")
            append.prepare_inputs(work.store, work.con, work.folder, [profile], register_rows)
            _check(work, load_id, line, record, keep)
            if keep == "earlier":
                _earlier(work)
                added = segments.write_derived(work.store, work.con, moment.before, moment.recorded_at)
            else:
                settle.keep(work.con)
                facts = segments.staged_facts(work.store, work.folder, [profile])
                added = segments.write(work.store, work.con, facts, moment.before, moment.recorded_at)
            return {
                "events": {"add": added, "remove": []},
                "register": register.step(work.store, work.con, [load], moment.number),
                "loads": rows_step(work.con, work.store.loads, _ledger(work, moment, keep), LOADS),
                "operations": operations.step(
                    work.store, work.con, moment, work.id, command="quarantine resolve",
                    target=places.name(load_id, line, record), outcome=f"kept the {keep} statement", reason=reason,
                ),
            }  # fmt: skip

        done = commit(work.store, work.folder, work.id, prepare)
    return {
        "load_id": load_id,
        "line": line,
        "record": record,
        "kept": keep,
        "facts": done.events,
        "operation_id": work.id,
    }


def _contested(work: Operation, load_id: str, line: int, record: int | None) -> int | None:
    """The place of the contested record on its line; None where it is alone there."""
    work.store.refresh()
    where = f"load_id = {engine.text(load_id)} and source_line = {int(line)} and rule = 'conflict'"
    place = places.place("record_no", "source_line")
    cursor = work.con.execute(
        f"select distinct {place} as record from {work.store.quarantine.relation()} where {where}"
    )
    meant: int | None = refusals.numbered(
        engine.dicts(cursor), record, f"{load_id}, line {line}", "no conflict is quarantined there"
    )["record"]
    return meant


def _load(work: Operation, load_id: str) -> dict[str, Any]:
    found = regate.loads_of(work.store, work.con, f"load_id = {engine.text(load_id)}")
    if not found:
        raise UsageError("the load was retracted", where=load_id, why="what it said does not count any more")
    (load,) = found
    if not regate.is_kept(work.settings, load):
        raise UsageError(
            "the file of this load is no longer kept",
            where=load_id,
            do="ask the sender to state the record anew: a newer statement ends the conflict",
        )
    regate.fill_source_systems(work.store, work.con, [load], work.source_system(load["sender"]))
    return load


def _check(work: Operation, load_id: str, line: int, record: int | None, keep: Keep) -> None:
    """`rec` is the quarantined record alone, `reg` its row of the register; it must still be contested at that time."""
    place = "null" if record is None else int(record)
    work.con.execute(
        f"""delete from rec where line_no <> {int(line)} or {scope.is_out()}
        or {places.place("record_no", "line_no")} is distinct from {place}"""
    )
    work.con.execute("delete from reg where record_key not in (select record_key from rec)")
    found = work.con.execute(
        """select reg.contested and reg.asserted_at = rec.asserted_at, reg.row_hash = rec.row_hash
        from rec left join reg using (record_key)"""
    ).fetchone()
    if found is None:
        raise UsageError(
            "the record cannot be read under the present contract", where=f"{load_id}, line {line}",
            do="use the contract it was loaded with",
        )  # fmt: skip
    if not found[0]:
        raise UsageError(
            "the record is not contested any more",
            where=f"{load_id}, line {line}",
            why="a newer statement or an earlier decision ended it",
        )
    if keep == "earlier" and found[1]:
        raise UsageError(
            "no statement is earlier than that of this line", where=f"{load_id}, line {line}",
            why="the load that was first was retracted", do="use quarantined, or the line of the other statement",
        )  # fmt: skip


def _earlier(work: Operation) -> None:
    """The facts that stood before the contest, each repeated from the event that states it."""
    work.con.execute(settle.STANDING)
    event_id = settle.EVENT_ID.format(
        fact="e.fact_id", at="s.asserted_at", hash="s.content_hash", generation="s.generation"
    )
    work.con.execute(
        f"""create or replace temp table derived as
        select e.event_id as source_event_id, e.global_position as source_position, e.category, s.record_key,
            {event_id} as event_id, s.event_id as causation_id, 'resolution' as revision_kind, s.asserted_at,
            {work.store.catalogue.version} as schema_version, true as with_payload, e.load_id, s.slot
        from standing as s
        inner join {work.store.events.relation()} as e
            on e.fact_id = s.fact_id and e.content_hash = s.content_hash
        where s.content_hash is not null and e.revision_kind in ('original', 'revision', 'resolution')
        qualify row_number() over (partition by s.slot order by e.asserted_at desc, e.global_position desc) = 1"""
    )
    work.con.execute(
        """create or replace temp table register_row as
        select reg.* replace (false as contested, true as resolved, coalesce((
            select list({'slot': s.slot, 'category': s.category, 'event_type': s.event_type,
                'stream_id': s.stream_id, 'content_hash': s.content_hash,
                'event_id': coalesce(d.event_id, s.event_id)} order by s.slot)
            from standing as s left join derived as d on d.slot = s.slot), []) as facts)
        from reg"""
    )
    work.con.execute("alter table derived drop column slot")


def _ledger(work: Operation, moment: Moment, keep: Keep) -> list[dict[str, Any]]:
    """The loads that have more events now."""
    table = "derived" if keep == "earlier" else "event"
    cursor = work.con.execute(
        f"""select l.* replace (l.events + a.events as events, ?::timestamptz as recorded_at)
        from {work.store.current_loads()} as l
        inner join (select load_id, count(*) as events from {table} group by load_id) as a on a.load_id = l.load_id""",
        [moment.recorded_at],
    )
    return engine.dicts(cursor)
