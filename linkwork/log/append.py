"""A batch of staged files becomes one commit: what each record means is decided, and every table gets its rows."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.engine import row
from linkwork.errors import BadDataError
from linkwork.log import blocks, decide, links, operations, places, register, scope, segments, triage
from linkwork.log.commit import Committed, Moment, commit
from linkwork.log.failpoints import reached
from linkwork.log.rows import rows_step, step
from linkwork.log.store import LOADS, Store

# What the register refuses, as rows of the index of refused records.
REFUSED_BY_REGISTER = """select fate.load_id, rec.line_no as source_line, rec.record_no, fate as rule,
        null::varchar as field,
        if(fate = 'conflict',
           'The same record was already stated for the same time with other content.',
           'The record belongs to another person than before.') as sentence,
        [fate] as violations
    from fate inner join rec on rec.load_id = fate.load_id and rec.record_no = fate.record_no
    where fate in ('conflict', 'other_person')"""


def file_app(sha256: str) -> str:
    """The application transaction of a received file."""
    return f"file:{sha256}"


def append(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    batch_dir: Path,
    loads: list[dict[str, Any]],
    now: datetime | None = None,
) -> Committed:
    """Append the staged loads of a batch, in one commit. Call it with the id macros installed on `con`.

    `loads` are the profiles of the files to commit, in the order of their arrival. Raises BadDataError where a file's
    records do not add up; then nothing was changed.
    """
    batch_id = loads[0]["batch_id"]

    def prepare(moment: Moment) -> dict[str, Any]:
        reached("staged")
        records = staged_records(batch_dir, loads)
        known = register.near(store, con, loads, f"(select record_key from {records})")
        triage.triage(con, records, known)
        register_rows = register.newest(known, triage.TO_DECIDE)
        prepare_inputs(store, con, batch_dir, loads, register_rows, triage.TO_DECIDE)
        decide.decide(con)
        refused, quarantined = _refused_lines(con), _quarantine_step(store, con, batch_dir, loads, moment.recorded_at)
        con.execute("drop table if exists decided")
        con.execute("alter table event rename to decided")
        found = _write(store, con, batch_dir, loads, moment, known)
        ledger = _ledger(con, loads, moment, found)
        reached("segments-written")
        return {
            "loads_committed": [load["load_id"] for load in loads],
            "transactions": found.marks,
            "events": {"add": found.segments, "remove": []},
            "register": register.step(store, con, loads, moment.number, found.register_files),
            "loads": rows_step(con, store.loads, ledger, LOADS),
            "refused": refused,
            "quarantine": quarantined,
            "operations": operations.step(
                store, con, moment, batch_id, command="ingest", target=batch_id, outcome=_outcome(ledger)
            ),
        }

    return commit(store, batch_dir, batch_id, prepare, [file_app(load["file_sha256"]) for load in loads], now)


@dataclass
class Written:
    """What the blocks of a batch gave."""

    segments: list[dict[str, Any]] = field(default_factory=list)
    register_files: list[dict[str, Any]] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    plain: Counter[str] = field(default_factory=Counter)  # records by load
    events: Counter[str] = field(default_factory=Counter)  # events by load


def _write(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    batch_dir: Path,
    loads: list[dict[str, Any]],
    moment: Moment,
    known: str,
) -> Written:
    """Write the events of the batch and most rows of the register, a block at a time; the others stay in a table."""
    written, before = Written(), moment.before
    plain = f"select load_id, count(*) from rec where plain and not {scope.is_out()}"
    moves = "(select record_key, asserted_at, number from aside where moves)"
    (moving,) = row(con, f"select count(*) from {moves}")
    moved = register.moved(known, moves)
    if moving > blocks.RECORDS:
        written.register_files += register.write(store, con, moment.number, moved)
    elif moving:
        con.execute(f"insert into register_row by name select * exclude (number) from {moved}")
    for block in blocks.blocks(store, con, batch_dir, loads):
        events = blocks.events(store, con, block)
        segments_of_block = segments.write(store, con, block.facts, before, moment.recorded_at, events)
        before += sum(one["rows"] for one in segments_of_block)
        written.segments += segments_of_block
        written.marks |= links.marks(con, moment.number)
        written.plain.update(_counted(con, f"{plain} group by 1"))
        written.events.update(_counted(con, "select load_id, count(*) from positioned group by 1"))
        if row(con, "select count(*) from register_row")[0] >= blocks.RECORDS:
            written.register_files += register.write(store, con, moment.number)
            con.execute("create or replace temp table register_row as from register_row where false")
        blocks.add_register_rows(con)
    return written


def _counted(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return dict(con.execute(query).fetchall())


def _outcome(ledger: list[dict[str, Any]]) -> str:
    return f"{len(ledger)} files committed, {sum(row['events'] for row in ledger)} events"


def prepare_inputs(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    batch_dir: Path,
    loads: list[dict[str, Any]],
    known: str,
    only: str = "",
    chosen: str = "",
) -> None:
    """Make the inputs of `decide`: load, rec, reg (the register's rows that `known` reads), fact, same_person.

    `only` names a table of the record keys that are looked at; without it all of them are. `chosen` is a condition on
    the records' `load_id` and `record_no`.
    """
    of_keys = f"semi join {engine.name(only)} using (record_key)" if only else ""
    where = f"where {chosen}" if chosen else ""
    these = "semi join rec using (load_id, record_no)" if only or chosen else ""
    con.execute("create or replace temp table load (load_id varchar, feed varchar, sender varchar, arrival integer)")
    con.executemany(
        "insert into load values (?, ?, ?, ?)",
        [[load["load_id"], load["feed"], load["sender"], n] for n, load in enumerate(loads)],
    )
    con.execute(
        f"create or replace temp table rec as select * from {staged_records(batch_dir, loads)} {of_keys} {where}"
    )
    con.execute(f"create or replace temp table reg as select * from {known}")
    links.same_person(store, con)
    nothing = """select null::varchar as load_id, null::bigint as record_no, null::varchar as slot,
        null::varchar as category, null::varchar as event_type, null::blob as stream_id,
        null::blob as content_hash where false"""
    con.execute(f"create or replace temp table fact as {nothing}")
    if not row(con, "select count(*) from rec")[0]:
        return
    for category, files in segments.staged_facts(store, batch_dir, loads).items():
        con.execute(
            f"""insert into fact
            select load_id, record_no, slot, category, event_type, stream_id,
                {segments.content_hash(store, category)} as content_hash
            from (select * from read_parquet({engine.texts(files)}) {these})"""
        )


def staged_records(batch_dir: Path, loads: Iterable[dict[str, Any]]) -> str:
    """SQL that reads the records of staged files: the valid ones, and those out of scope (`scope`)."""
    return f"read_parquet({engine.texts(segments.staged(batch_dir, loads, 'records'))})"


def staged_refusals(batch_dir: Path, loads: Iterable[dict[str, Any]]) -> str:
    """SQL that reads what the gate refused of staged files."""
    return f"read_parquet({engine.texts(segments.staged(batch_dir, loads, 'quarantine'))}, union_by_name = true)"


def _ledger(
    con: duckdb.DuckDBPyConnection, loads: list[dict[str, Any]], moment: Moment, found: Written
) -> list[dict[str, Any]]:
    """One row per file; proves that each file's records add up."""
    fates: dict[str, Counter[str]] = {load_id: Counter(accepted=n) for load_id, n in found.plain.items()}
    for load_id, fate, n in con.execute(
        """select load_id, fate, count(*) from (
            select load_id, fate from fate union all select load_id, fate from aside where fate is not null
        ) group by all"""
    ).fetchall():
        fates.setdefault(load_id, Counter())[fate] += n
    rows = []
    for load in loads:
        fate = fates.get(load["load_id"], Counter())
        superseded, withdrawals = fate.get("superseded", 0), fate.get("withdrawal", 0)
        counts = {
            **{c: load.get(c) for c in LOADS},
            "status": "committed",
            "accepted": fate.get("accepted", 0) + withdrawals,
            "duplicate": fate.get("duplicate", 0) + superseded,
            "superseded": superseded,
            "conflict": fate.get("conflict", 0),
            "quarantined": load["quarantined"] + fate.get("other_person", 0),
            "skipped": load["skipped"] - withdrawals,  # the gate counted them all
            "events": found.events[load["load_id"]],
            "log_version": moment.version,
            "recorded_at": moment.recorded_at,
        }
        total = sum(counts[c] for c in ("accepted", "duplicate", "conflict", "quarantined", "skipped"))
        if total != counts["records"]:
            raise BadDataError(
                "the records of a file do not add up",
                where=f"{load['feed']}/{load['sender']}/{load['file_name']}",
                why=f"{counts['records']} records, {total} accounted for",
                do="keep the file and report this; nothing was committed",
            )
        rows.append(counts)
    return rows


def _refused_lines(con: duckdb.DuckDBPyConnection) -> list[list[Any]]:
    """Load, lines and place of each record the register refused, so that its raw text can be kept in zone 1."""
    return [
        list(lines)
        for lines in con.execute(
            f"""select distinct fate.load_id, rec.line_no, rec.line_end, {places.place("rec.record_no", "rec.line_no")}
            from fate inner join rec on rec.load_id = fate.load_id and rec.record_no = fate.record_no
            where fate.fate in ('conflict', 'other_person') order by all"""
        ).fetchall()
    ]


def _quarantine_step(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    batch_dir: Path,
    loads: list[dict[str, Any]],
    recorded_at: datetime,
) -> dict[str, Any]:
    """The index of refused records: those the gate refused, and those the register did."""
    con.execute("create or replace temp table names (load_id varchar, feed varchar, sender varchar, file_name varchar)")
    con.executemany(
        "insert into names values (?, ?, ?, ?)",
        [[load[c] for c in ("load_id", "feed", "sender", "file_name")] for load in loads],
    )
    con.execute("set variable recorded_at = ?::timestamptz", [recorded_at])
    query = f"""
        select q.load_id, feed, sender, file_name, source_line, rule, field, sentence, violations,
            getvariable('recorded_at') as recorded_at, record_no, null::varchar as status, null::varchar as outcome,
            null::varchar as operation_id, null::bigint as log_version
        from (
            select * exclude (line_end) from {staged_refusals(batch_dir, loads)}
            union all by name
            {REFUSED_BY_REGISTER}
        ) as q
        inner join names using (load_id)
        order by q.load_id, source_line"""
    return step(con, store.quarantine, query)
