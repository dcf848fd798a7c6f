"""One commit per batch: all of it, or nothing (design: the log's rule 3).

Order: segments, fsync, plan, event commit, fsync of its JSON, register, ledger, quarantine index. A `kill -9` anywhere
leaves the state before or after, and the next start completes it (`recover`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import BadDataError
from linkwork.log import decide, plan, segments
from linkwork.log.failpoints import reached
from linkwork.log.store import LOADS, REGISTER, Store
from linkwork.log.table import HEAD, CommitLost, LogTable

ATTEMPTS = 20


@dataclass(frozen=True)
class Commit:
    """What one batch did to the log."""

    batch_id: str
    version: int
    position_before: int
    position: int
    events: int
    files: list[Path]
    loads: list[dict[str, Any]]


def file_app(sha256: str) -> str:
    """The application transaction of a received file."""
    return f"file:{sha256}"


def recover(store: Store, batch_dir: Path) -> bool:
    """Finish a batch whose events were committed; discard one whose were not. True where it was finished."""
    found = plan.read(batch_dir)
    if found is None:
        return False
    if store.events.refresh().transaction(plan.app(found["batch_id"])) is None:
        plan.discard(store, found)
        (batch_dir / plan.FILE).unlink()
        return False
    plan.carry_out(store, found)
    return True


def commit(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    batch_dir: Path,
    loads: list[dict[str, Any]],
    now: datetime | None = None,
) -> Commit:
    """Append the staged loads of a batch. Call it under the writer lock, with the id macros installed on `con`.

    `loads` are the profiles of the files to commit, in the order of their arrival. Raises BadDataError where a file's
    records do not add up; then nothing was changed.
    """
    for _ in range(ATTEMPTS):
        store.refresh(evolve=True)
        try:
            return _attempt(store, con, batch_dir, loads, now or datetime.now(UTC))
        except CommitLost:
            lost = plan.read(batch_dir)
            if lost:
                plan.discard(store, lost)
    raise BadDataError("the event log could not be committed", why=f"lost {ATTEMPTS} races in a row")


def _attempt(
    store: Store, con: duckdb.DuckDBPyConnection, batch_dir: Path, loads: list[dict[str, Any]], now: datetime
) -> Commit:
    reached("staged")
    before = store.position()
    last = store.last_recorded_at()
    recorded_at = now if last is None else max(now, last + timedelta(microseconds=1))
    _prepare(store, con, batch_dir, loads)
    decide.decide(con)
    ledger = _ledger(con, loads, recorded_at, store.events.version + 1)
    written = segments.write(store, con, batch_dir, loads, before, recorded_at)
    reached("segments-written")
    position = before + sum(s["rows"] for s in written)
    batch_id = loads[0]["batch_id"]
    plan.write(
        batch_dir,
        {
            "batch_id": batch_id,
            "position_before": before,
            "position": position,
            "loads_committed": [load["load_id"] for load in loads],
            "events": {"add": written},
            "register": _register_step(store, con, loads),
            "loads": _rows_step(con, store.loads, ledger, LOADS),
            "refused": _refused_lines(con),
            "quarantine": _quarantine_step(store, con, batch_dir, loads, recorded_at),
        },
    )
    transactions = {HEAD: position, plan.app(batch_id): 1}
    transactions |= {file_app(load["file_sha256"]): 1 for load in loads}
    version = store.events.commit(
        [(store.events.path / s["path"], s["partition"], segments.statistics(s, recorded_at)) for s in written],
        transactions,
        metadata={"linkwork_batch": batch_id},
    )
    reached("events-committed")
    done = plan.read(batch_dir)
    assert done is not None  # noqa: S101 - written above
    plan.carry_out(store, done)
    files = [store.events.path / s["path"] for s in written]
    return Commit(batch_id, version, before, position, position - before, files, ledger)


def _prepare(store: Store, con: duckdb.DuckDBPyConnection, batch_dir: Path, loads: list[dict[str, Any]]) -> None:
    """Make the inputs of `decide`: load, rec, reg, fact."""
    con.execute("create or replace temp table load (load_id varchar, feed varchar, sender varchar, arrival integer)")
    con.executemany(
        "insert into load values (?, ?, ?, ?)",
        [[load["load_id"], load["feed"], load["sender"], n] for n, load in enumerate(loads)],
    )
    records = [batch_dir / load["load_id"] / "records.parquet" for load in loads]
    con.execute(f"create or replace temp table rec as select * from read_parquet({engine.texts(records)})")
    partitions = {(load["feed"], load["sender"]) for load in loads}
    register = [f for f in store.register.files() if (f.partition["feed"], f.partition["sender"]) in partitions]
    con.execute(
        f"""create or replace temp table reg as
        select * from {store.register.relation(register)} semi join rec using (record_key)"""
    )
    queries = []
    for category, files in segments.staged_facts(store, batch_dir, loads).items():
        parts = ", ".join(f"{engine.name(c)}::varchar" for c in segments.content_columns(store, category))
        queries.append(
            f"""select load_id, line_no, slot, category, event_type, stream_id,
            id_hmac(parts_blob([{parts}])) as content_hash from read_parquet({engine.texts(files)})"""
        )
    nothing = """select null::varchar as load_id, null::bigint as line_no, null::varchar as slot,
        null::varchar as category, null::varchar as event_type, null::blob as stream_id,
        null::blob as content_hash where false"""
    con.execute("create or replace temp table fact as " + " union all ".join([nothing, *queries]))


def _ledger(
    con: duckdb.DuckDBPyConnection, loads: list[dict[str, Any]], recorded_at: datetime, version: int
) -> list[dict[str, Any]]:
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
            "log_version": version,
            "recorded_at": recorded_at,
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


def _register_step(store: Store, con: duckdb.DuckDBPyConnection, loads: list[dict[str, Any]]) -> dict[str, Any]:
    add, remove = [], []
    columns = ", ".join(engine.name(c) for c in REGISTER if c not in store.register.partition_by)
    for feed, sender in sorted({(load["feed"], load["sender"]) for load in loads}):
        partition = {"feed": feed, "sender": sender}
        changed = (
            f"select {columns} from register_row where feed = {engine.text(feed)} and sender = {engine.text(sender)}"
        )
        if not _count(con, changed):
            continue
        old = store.register.files(**partition)
        query = f"""select * from (
            {changed}
            union all by name
            select {columns} from {store.register.relation(old)} anti join register_row using (record_key)
        ) order by record_key"""
        rows = _count(con, query)
        path = store.register.write_file(con, query, partition)
        add.append(plan.addition(store.register, path, partition, rows))
        remove += [f.path for f in old if store.register.path / f.path != path]
    return {"add": add, "remove": remove}


def _refused_lines(con: duckdb.DuckDBPyConnection) -> list[list[Any]]:
    """Load, first and last line of each record the register refused, so that its raw text can be kept in zone 1."""
    return [
        list(row)
        for row in con.execute(
            """select fate.load_id, fate.line_no, rec.line_end
            from fate inner join rec on rec.load_id = fate.load_id and rec.line_no = fate.line_no
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
    gate = [batch_dir / load["load_id"] / "quarantine.parquet" for load in loads]
    query = f"""
        select q.load_id, feed, sender, file_name, source_line, rule, field, sentence, violations,
            getvariable('recorded_at') as recorded_at
        from (
            select * from read_parquet({engine.texts(gate)})
            union all by name
            select load_id, line_no as source_line,
                if(fate = 'conflict', 'conflict', 'other_person') as rule, null::varchar as field,
                if(fate = 'conflict',
                   'The same record was already stated for the same time with other content.',
                   'The record belongs to another person than before.') as sentence,
                [if(fate = 'conflict', 'conflict', 'other_person')] as violations
            from fate where fate in ('conflict', 'other_person')
        ) as q
        inner join names using (load_id)
        order by q.load_id, source_line"""
    return _step(con, store.quarantine, query)


def _rows_step(
    con: duckdb.DuckDBPyConnection, table: LogTable, rows: list[dict[str, Any]], columns: Mapping[str, str]
) -> dict[str, Any]:
    fill_rows(con, "ledger_rows", rows, columns)
    return _step(con, table, "select * from ledger_rows order by load_id")


def fill_rows(
    con: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]], columns: Mapping[str, str]
) -> None:
    """A temporary table of Python rows, for the small tables beside the log."""
    con.execute(
        f"create or replace temp table {engine.name(name)} ("
        + ", ".join(f"{engine.name(c)} {t}" for c, t in columns.items())
        + ")"
    )
    if rows:
        con.executemany(
            f"insert into {engine.name(name)} values ({', '.join('?' for _ in columns)})",
            [[row.get(c) for c in columns] for row in rows],
        )


def _step(con: duckdb.DuckDBPyConnection, table: LogTable, query: str) -> dict[str, Any]:
    rows = _count(con, query)
    add = [plan.addition(table, table.write_file(con, query, {}), {}, rows)] if rows else []
    return {"add": add, "remove": []}


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    found = con.execute(f"select count(*) from ({query})").fetchone()
    return int(found[0]) if found else 0
