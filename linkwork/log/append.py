"""A batch of staged files becomes one commit: what each record means is decided, and every table gets its rows."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import BadDataError
from linkwork.log import decide, links, operations, register, segments
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
        prepare_inputs(store, con, batch_dir, loads, register.of_senders(store, loads, "rec"))
        decide.decide(con)
        ledger = _ledger(con, loads, moment)
        written = segments.write(store, con, batch_dir, loads, moment.before, moment.recorded_at)
        reached("segments-written")
        return {
            "loads_committed": [load["load_id"] for load in loads],
            "transactions": links.marks(con, moment.number),
            "events": {"add": written, "remove": []},
            "register": register.step(store, con, loads, moment.number),
            "loads": rows_step(con, store.loads, ledger, LOADS),
            "refused": _refused_lines(con),
            "quarantine": _quarantine_step(store, con, batch_dir, loads, moment.recorded_at),
            "operations": operations.step(
                store, con, moment, batch_id, command="ingest", target=batch_id, outcome=_outcome(ledger)
            ),
        }

    return commit(store, batch_dir, batch_id, prepare, [file_app(load["file_sha256"]) for load in loads], now)


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
    con.execute("create or replace temp table load (load_id varchar, feed varchar, sender varchar, arrival integer)")
    con.executemany(
        "insert into load values (?, ?, ?, ?)",
        [[load["load_id"], load["feed"], load["sender"], n] for n, load in enumerate(loads)],
    )
    keys = f"semi join {engine.name(only)} using (record_key)" if only else ""
    wanted = f"where {chosen}" if chosen else ""
    con.execute(f"create or replace temp table rec as select * from {staged_records(batch_dir, loads)} {keys} {wanted}")
    con.execute(f"create or replace temp table reg as select * from {known}")
    links.same_person(store, con)
    queries = []
    for category, files in segments.staged_facts(store, batch_dir, loads).items():
        parts = segments.content_parts(store, category)
        queries.append(
            f"""select load_id, record_no, slot, category, event_type, stream_id,
            id_hmac(parts_blob({parts})) as content_hash from read_parquet({engine.texts(files)})"""
        )
    nothing = """select null::varchar as load_id, null::bigint as record_no, null::varchar as slot,
        null::varchar as category, null::varchar as event_type, null::blob as stream_id,
        null::blob as content_hash where false"""
    con.execute("create or replace temp table fact as " + " union all ".join([nothing, *queries]))
    if only or chosen:
        con.execute("delete from fact where (load_id, record_no) not in (select (load_id, record_no) from rec)")


def staged_records(batch_dir: Path, loads: Iterable[dict[str, Any]]) -> str:
    """SQL that reads the valid records of staged files."""
    return f"read_parquet({engine.texts(_staged(batch_dir, loads, 'records'))})"


def _staged(batch_dir: Path, loads: Iterable[dict[str, Any]], table: str) -> list[Path]:
    """The files of one staged table: the gate writes each in chunks, at least one a load."""
    return [path for load in loads for path in sorted((batch_dir / load["load_id"] / table).glob("*.parquet"))]


def staged_refusals(batch_dir: Path, loads: Iterable[dict[str, Any]]) -> str:
    """SQL that reads what the gate refused of staged files."""
    return f"read_parquet({engine.texts(_staged(batch_dir, loads, 'quarantine'))}, union_by_name = true)"


def _ledger(con: duckdb.DuckDBPyConnection, loads: list[dict[str, Any]], moment: Moment) -> list[dict[str, Any]]:
    """One row per file; proves that each file's records add up."""
    fates: dict[str, dict[str, int]] = {}
    for load_id, fate, n in con.execute("select load_id, fate, count(*) from fate group by all").fetchall():
        fates.setdefault(load_id, {})[fate] = n
    events = dict(con.execute("select load_id, count(*) from event group by all").fetchall())
    rows = []
    for load in loads:
        fate = fates.get(load["load_id"], {})
        superseded = fate.get("superseded", 0)
        row = {
            **{c: load.get(c) for c in LOADS},
            "status": "committed",
            "accepted": fate.get("accepted", 0),
            "duplicate": fate.get("duplicate", 0) + superseded,
            "superseded": superseded,
            "conflict": fate.get("conflict", 0),
            "quarantined": load["quarantined"] + fate.get("other_person", 0),
            "events": events.get(load["load_id"], 0),
            "log_version": moment.version,
            "recorded_at": moment.recorded_at,
        }
        total = sum(row[c] for c in ("accepted", "duplicate", "conflict", "quarantined", "skipped"))
        if total != row["records"]:
            raise BadDataError(
                "the records of a file do not add up",
                where=f"{load['feed']}/{load['sender']}/{load['file_name']}",
                why=f"{row['records']} records, {total} accounted for",
                do="keep the file and report this; nothing was committed",
            )
        rows.append(row)
    return rows


def _refused_lines(con: duckdb.DuckDBPyConnection) -> list[list[Any]]:
    """Load, first and last line of each record the register refused, so that its raw text can be kept in zone 1."""
    return [
        list(row)
        for row in con.execute(
            """select distinct fate.load_id, rec.line_no, rec.line_end
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
