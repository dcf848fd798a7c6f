"""`quarantine retry`: take refused records through the present contract again, once what refused them was corrected.

A record that is valid now becomes what it would be if it arrived today: the register decides, by the log's own commit,
so a newer statement still wins, and one that says the same of the same time is a repetition. What was refused stays on
record; a later row of the index says what became of it, and the load's counts move with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ingestion import refused, regate
from ingestion.operation import Operation, operation
from linkwork import engine
from linkwork.errors import BadDataError, UsageError
from linkwork.log import append, decide, links, matching, operations, places, register, scope, segments
from linkwork.log.commit import Moment, commit
from linkwork.log.rows import rows_step, step
from linkwork.log.store import LOADS, QUARANTINE
from linkwork.settings import Settings

CHOSEN = "(load_id, record_no) in (select (load_id, record_no) from found)"
TEXT_FORMS = ("csv", "jsonl")  # whose records stand on lines
ENTERED = ("accepted", "duplicate", "superseded")
DONE = (*ENTERED, "skipped")
COUNTS = (*DONE, "conflict", "erased", "still_refused", "events")


@dataclass(frozen=True)
class Chosen:
    """Which refused records are retried: all that are open, or those of a load, feed, sender or rule."""

    load: str | None = None
    feed: str | None = None
    sender: str | None = None
    rule: str | None = None

    @property
    def where(self) -> str:
        columns = {"load_id": self.load, "feed": self.feed, "sender": self.sender, "rule": self.rule}
        return " and ".join(f"q.{c} = {engine.text(v)}" for c, v in columns.items() if v) or "true"

    def __str__(self) -> str:
        named = {"load": self.load, "feed": self.feed, "sender": self.sender, "rule": self.rule}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value) or "all that are open"


class _NothingChanged(Exception):
    """Ends a commit that would say nothing."""


def retry(settings: Settings, chosen: Chosen | None = None, reason: str | None = None) -> dict[str, Any]:
    """Retry refused records. Returns how many were accepted, duplicate (superseded ones included), skipped, conflict,
    erased and still refused, the events appended, and the loads that could not be retried, each with why.

    Where nothing changes nothing is committed. Raises UsageError for a load that has no open refused record.
    """
    chosen = chosen or Chosen()
    done: dict[str, Any] = {**dict.fromkeys(COUNTS, 0), "operation_id": None, "not_retried": {}}
    try:
        with operation(settings) as work:
            loads = _candidates(work, chosen)
            profiles = _staged(work, loads, done["not_retried"])
            if not profiles:
                raise _NothingChanged
            _only_whole_records(work, [load for load in loads if load["load_id"] in profiles])

            def prepare(moment: Moment) -> dict[str, Any]:
                staged = list(profiles.values())
                inputs = (work.store, work.con, work.folder, staged)
                append.prepare_inputs(*inputs, register.of_senders(work.store, staged, "rec"), "retried", CHOSEN)
                decide.decide(work.con)
                _became(work, staged)
                counts = dict(work.con.execute("select became, count(*) from outcome group by 1").fetchall())
                events = work.con.execute("select count(*) from event").fetchone() or (0,)
                done.update({c: counts.get(c, 0) for c in COUNTS} | {"events": events[0]})
                done["duplicate"] += done["superseded"]
                quarantine = _index(work, moment)
                if not quarantine["add"]:
                    raise _NothingChanged
                facts = segments.staged_facts(work.store, work.folder, staged)
                added = segments.write(work.store, work.con, facts, moment.before, moment.recorded_at)
                outcome = ", ".join(f"{done[c]} {c.replace('_', ' ')}" for c in COUNTS)
                return {
                    "transactions": links.marks(work.con, moment.number),
                    "events": {"add": added, "remove": []},
                    "register": register.step(work.store, work.con, staged, moment.number),
                    "loads": rows_step(work.con, work.store.loads, _ledger(work, staged, moment), LOADS),
                    "quarantine": quarantine,
                    "operations": operations.step(
                        work.store, work.con, moment, work.id, command="quarantine retry", target=str(chosen),
                        outcome=outcome, reason=reason,
                    ),
                }  # fmt: skip

            commit(work.store, work.folder, work.id, prepare)
            done["operation_id"] = work.id
    except _NothingChanged:
        pass
    return done


def _candidates(work: Operation, chosen: Chosen) -> list[dict[str, Any]]:
    """`candidate`: the refused records to look at; returns their loads. A conflict is resolved, not retried."""
    work.store.refresh(evolve=True)
    work.con.execute(
        f"""create or replace temp table candidate as
        select q.load_id, q.source_line as line_no, q.record_no as refused_no, q.rule, q.field, q.sentence, q.violations
        from {work.store.current_quarantine()} as q
        inner join {work.store.current_loads()} as l on l.load_id = q.load_id
        where q.status is null and q.rule <> 'conflict' and l.status = 'committed' and {chosen.where}"""
    )
    loads = regate.loads_of(work.store, work.con, "l.load_id in (select load_id from candidate)")
    if chosen.load and not loads:
        raise UsageError(
            "the load has no refused record to retry", where=chosen.load,
            do="see `linkwork quarantine list --status open`; a conflict is ended by `quarantine resolve`",
        )  # fmt: skip
    for load in loads:
        regate.fill_source_systems(work.store, work.con, [load], work.source_system(load["sender"]))
    return loads


def _staged(work: Operation, loads: Iterable[dict[str, Any]], not_retried: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The profiles of the loads, staged from the file as received, or from the text of its refused records."""
    profiles = {}
    for load in loads:
        load_id = load["load_id"]
        content = None
        if not regate.is_kept(work.settings, load):
            content = _kept_text(work, load)
            if content is None:
                not_retried[load_id] = (
                    "the file is no longer kept, and what is kept of its refused records is too little"
                )
                continue
        try:
            profiles[load_id] = regate.stage(
                work.settings, work.gate, work.contracts, load, work.folder, content
            ) | {"is_whole": content is None}  # fmt: skip
        except (BadDataError, UsageError) as error:
            not_retried[load_id] = error.why or error.what
    return profiles


def _kept_text(work: Operation, load: dict[str, Any]) -> bytes | None:
    """What is kept of the refused records of a load, as a file; None where that cannot be one."""
    kept, contract = work.settings.quarantine_raw_dir / load["load_id"], work.contracts.get(load["feed"])
    if not kept.exists() or contract is None or contract.file.format not in TEXT_FORMS:
        return None
    if any("record" in one for one in refused.read(kept, work.gate.keys.zone1)):
        return None  # out of an array: it would be another form of file
    if contract.file.format == "csv" and refused.header(kept, work.gate.keys.zone1) is None:
        return None
    return refused.as_file(kept, work.gate.keys.zone1, contract.file.encoding)


def _only_whole_records(work: Operation, loads: list[dict[str, Any]]) -> None:
    """Leave in `candidate` what can be decided, and `retried`, the record keys of it.

    `found` says which staged record each is. A record whose text an erasure took out of zone 1 is `gone`. One that the
    present contract cuts out of other lines than it was refused on stays refused: parts of it are counted apart.
    """
    key = work.gate.keys.zone1
    kept: list[tuple[str, int, int | None, int | None]] = []
    for load in loads:
        path = work.settings.quarantine_raw_dir / load["load_id"]
        on_lines = work.contracts[load["feed"]].file.format in TEXT_FORMS
        if not path.exists():  # of a home that was restored without it: then nothing tells of an erasure
            found = work.con.execute("select line_no from candidate where load_id = ?", [load["load_id"]]).fetchall()
            kept += [(load["load_id"], line, None, None) for (line,) in found]
            continue
        for record in refused.read(path, key):
            lines = record["raw"].rstrip("\r\n").count("\n") + 1 if on_lines else None
            kept.append((load["load_id"], *refused.where(record), lines))
    columns = "load_id varchar, line_no bigint, place bigint, lines bigint"
    work.con.execute(f"create or replace temp table kept ({columns})")
    if kept:
        work.con.executemany("insert into kept values (?, ?, ?, ?)", kept)
    work.con.execute("delete from candidate where not list_contains(?, load_id)", [[load["load_id"] for load in loads]])
    work.con.execute(
        f"""create or replace temp table gone as select c.load_id, c.line_no, c.refused_no from candidate as c
        anti join kept as k on k.load_id = c.load_id and k.line_no = c.line_no
            and (k.place is null or k.place = {places.place("c.refused_no", "c.line_no")})"""
    )
    matching.match(work.store, work.con, work.folder, loads, "candidate", into="found")
    numbers = "select load_id, record_no, line_no, line_end from"
    staged = f"""({numbers} {append.staged_records(work.folder, loads)} union all
        select load_id, record_no, source_line, line_end from {append.staged_refusals(work.folder, loads)})"""
    work.con.execute(
        f"""delete from found where (load_id, record_no) in (
            select (r.load_id, r.record_no) from {staged} as r inner join kept as k
                on k.load_id = r.load_id and k.line_no = r.line_no
                and (k.place is null or k.place = {places.place("r.record_no", "r.line_no")})
            where r.line_end - r.line_no + 1 <> k.lines)"""
    )
    work.con.execute(
        f"""create or replace temp table retried as select distinct record_key
        from {append.staged_records(work.folder, loads)} semi join found using (load_id, record_no)"""
    )


def _became(work: Operation, staged: list[dict[str, Any]]) -> None:
    """`outcome`: what became of each candidate; of one that is still refused, by which rule."""
    erased = [(p["load_id"], line) for p in staged for line in p.get("erased_lines", [])]
    if erased:  # by line: of several on it those that are not there any more, to be read or not
        work.con.execute("create or replace temp table erased_line (load_id varchar, line_no bigint)")
        work.con.executemany("insert into erased_line values (?, ?)", erased)
        work.con.execute(
            f"""insert into gone select c.load_id, c.line_no, c.refused_no
            from candidate as c semi join erased_line using (load_id, line_no)
            anti join (select * from {append.staged_refusals(work.folder, staged)} where record_no < 0) as r
                on r.load_id = c.load_id and r.source_line = c.line_no and r.record_no = -abs(c.refused_no)
                and {places.place("c.refused_no", "c.line_no")} is not null"""
        )
    columns = "load_id, record_no, rule, field, sentence, violations"
    work.con.execute(
        f"""create or replace temp table outcome as
        with refusal as (
            select {columns} from {append.staged_refusals(work.folder, staged)}
            union all by name
            select {columns} from ({append.REFUSED_BY_REGISTER})
        )
        select c.load_id, c.line_no, c.refused_no, m.record_no, coalesce(r.rule, c.rule) as rule,
            if(r.rule is null, c.field, r.field) as field, coalesce(r.sentence, c.sentence) as sentence,
            coalesce(r.violations, c.violations) as violations,
            case
                when f.fate = 'withdrawal' then 'accepted'
                when f.fate in ({_listed(DONE)}, 'conflict') then f.fate
                when m.record_no is null and exists (
                    select 1 from gone as g where g.load_id = c.load_id and g.line_no = c.line_no
                        and g.refused_no is not distinct from c.refused_no) then 'erased'
                else 'still_refused'
            end as became,
            r.rule is not null and (r.rule, coalesce(r.field, '')) <> (c.rule, coalesce(c.field, '')) as is_otherwise,
            f.fate is not null as is_decided
        from candidate as c
        left join found as m on m.load_id = c.load_id and m.line_no = c.line_no
            and m.refused_no is not distinct from c.refused_no
        left join fate as f on f.load_id = m.load_id and f.record_no = m.record_no
        left join refusal as r on r.load_id = m.load_id and r.record_no = m.record_no"""
    )


def _listed(fates: Iterable[str]) -> str:
    return ", ".join(engine.text(fate) for fate in fates)


def _index(work: Operation, moment: Moment) -> dict[str, Any]:
    """Later rows for the records something became of, and for those that another rule refuses now."""
    work.con.execute("set variable recorded_at = ?::timestamptz", [moment.recorded_at])
    query = f"""
        select o.load_id, l.feed, l.sender, l.file_name, o.line_no as source_line, o.refused_no as record_no, o.rule,
            o.field, o.sentence, o.violations, getvariable('recorded_at') as recorded_at,
            case when became in ({_listed(DONE)}) then 'retried' when became = 'erased' then 'erased' end as status,
            case when became in ({_listed(DONE)}) then became end as outcome,
            {engine.text(work.id)} as operation_id, if(is_decided, {int(moment.version)}, null) as log_version
        from outcome as o inner join {work.store.current_loads()} as l on l.load_id = o.load_id
        where became <> 'still_refused' or is_otherwise
        order by load_id, source_line"""
    return step(work.con, work.store.quarantine, f"select {', '.join(QUARANTINE)} from ({query})")


def _ledger(work: Operation, staged: list[dict[str, Any]], moment: Moment) -> list[dict[str, Any]]:
    """New rows of the ledger: the counts of each load move with its records, which were read under this version."""
    work.con.execute("create or replace temp table version (load_id varchar, contract_version varchar)")
    work.con.executemany("insert into version values (?, ?)", [[p["load_id"], p["contract_version"]] for p in staged])
    cursor = work.con.execute(
        f"""with moved as (
            select load_id, count(*) as records, count(*) filter (became = 'accepted') as accepted,
                count(*) filter (became in ('duplicate', 'superseded')) as duplicate,
                count(*) filter (became = 'superseded') as superseded,
                count(*) filter (became = 'conflict') as conflict,
                count(*) filter (became in ('erased', 'skipped')) as skipped
            from outcome where became <> 'still_refused' group by load_id
        ),
        refused_still as (
            select m.load_id, m.record_no from found as m inner join outcome as o
                on o.load_id = m.load_id and o.record_no = m.record_no where became = 'still_refused'
        ),
        described as (
            select load_id, count(distinct subject_key) filter (not {scope.is_out()}) as subjects,
                count(*) filter (identity_quality = 'local') as identity_local,
                max(asserted_at) filter (not {scope.is_out()}) as newest_asserted_at
            from {append.staged_records(work.folder, staged)} anti join refused_still using (load_id, record_no)
            group by load_id
        ),
        added as (select load_id, count(*) as events from event group by load_id)
        select l.* replace (
            l.accepted + m.accepted as accepted, l.duplicate + m.duplicate as duplicate,
            l.superseded + m.superseded as superseded, l.conflict + m.conflict as conflict,
            l.quarantined - m.records as quarantined, l.skipped + m.skipped as skipped,
            l.events + coalesce(a.events, 0) as events, ?::timestamptz as recorded_at,
            greatest(l.newest_asserted_at, d.newest_asserted_at) as newest_asserted_at,
            greatest(l.subjects, d.subjects) as subjects,
            greatest(l.identity_local, d.identity_local) as identity_local,
            v.contract_version as contract_version)
        from {work.store.current_loads()} as l
        inner join moved as m on m.load_id = l.load_id
        inner join version as v on v.load_id = l.load_id
        left join described as d on d.load_id = l.load_id
        left join added as a on a.load_id = l.load_id""",
        [moment.recorded_at],
    )
    return engine.dicts(cursor)
