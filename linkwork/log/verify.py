"""Proof that the log is whole: hashes, positions, ids and conservation, over everything, naming what is broken."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from linkwork import engine
from linkwork.files import sha256_of
from linkwork.log import cut_off, plan
from linkwork.log.append import file_app
from linkwork.log.store import Store
from linkwork.log.table import NUMBER, LogTable

THREADS = 2  # hashing needs no interpreter lock
MOST_BITS = 500_000_000


@dataclass
class Verification:
    """What was checked and what was found wrong. `problems` is empty for a whole log.

    `orphans` are files that no commit names, left by a killed writer: nothing reads them, the next run removes them.
    """

    files: int = 0
    bytes: int = 0
    events: int = 0
    erased: int = 0
    loads: int = 0
    position: int = 0
    problems: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)


def verify(store: Store, threads: int = THREADS) -> Verification:
    """Check every active file of every table and every rule that can be proven from the log alone."""
    result = Verification()
    if not store.events.exists():
        return result
    store.refresh()
    result.position = store.position()
    for table in store.tables:
        result.problems += [
            f"{part} is not whole; `linkwork log repair` removes it"
            for part in cut_off.parts(table.path / "_delta_log")
        ]
        result.orphans += [str(path) for path in plan.unnamed_files(table)[0]]
    if _hashes(store, result, threads):  # a broken file would only give misleading numbers
        with engine.connect(threads=threads) as con:
            _positions(store, result, con)
            _statistics(store.events, result, con)
            _conservation(store, result, con)
            _ledger_and_events(store, result, con)
            _filters(store, result, con)
    followed = store.register.transaction(NUMBER)
    if followed is None and store.commits() and not store.register.files():
        result.problems.append("the register is lost; `linkwork log rebuild-register` makes it anew")
    elif (followed or 0) > store.commits():
        result.problems.append("a commit of events is gone that the register has followed; put it back from a copy")
    elif (followed or 0) != store.commits():
        result.problems.append("the register has not followed the last commit; `linkwork ingest` finishes it")
    return result


def _hashes(store: Store, result: Verification, threads: int) -> bool:
    def check(path: Path) -> str | None:
        try:
            digest = sha256_of(path)
        except FileNotFoundError:
            return f"missing file: {path}"
        return None if digest == path.stem else f"changed file: {path} (its bytes do not match the hash in its name)"

    named = [(table.path / one.path, one.size) for table in store.tables for one in table.files()]
    result.files, result.bytes = len(named), sum(size for _, size in named)
    largest_first = [path for path, _ in sorted(named, key=lambda one: -one[1])]
    with ThreadPoolExecutor(threads) as pool:
        found = sorted(problem for problem in pool.map(check, largest_first) if problem)
    result.problems += found
    return not found


def _positions(store: Store, result: Verification, con: duckdb.DuckDBPyConnection) -> None:
    events = store.events.relation()
    # Ids are counted by a hash of 64 bits, which is quicker; only where two agree are the ids themselves compared.
    found = con.execute(
        f"""select count(*), count(*) filter (event_type = 'erased'),
            coalesce(min(global_position), 1), coalesce(max(global_position), 0), count(event_id),
            count(distinct if(event_id is null, null, hash(event_id)))
        from {events}"""
    ).fetchone()
    assert found is not None  # noqa: S101 - an aggregate always gives a row
    result.events, result.erased, lowest, highest, with_id, ids = found
    # A bit for each position costs a tenth of a hash table of them.
    span = highest - lowest + 1
    counted = (
        f"bit_count(bitstring_agg(global_position, {lowest}::bigint, {highest}::bigint))"
        if 0 < span <= MOST_BITS
        else "count(distinct global_position)"
    )
    (distinct,) = con.execute(f"select coalesce({counted}, 0) from {events}").fetchone() or (0,)
    if not (result.events == distinct == highest == result.position and lowest == 1):
        result.problems.append(
            f"positions are not gap-free: {result.events} events, positions {lowest} to {highest}, "
            f"{distinct} distinct, head {result.position}"
        )
    if ids != with_id:
        exact = con.execute(f"select count(event_id) - count(distinct event_id) from {events}").fetchone()
        if exact and exact[0]:
            result.problems.append(f"{exact[0]} events repeat an event_id")
    if with_id + result.erased != result.events:
        result.problems.append(f"{result.events - with_id - result.erased} events have no event_id")


def _statistics(table: LogTable, result: Verification, con: duckdb.DuckDBPyConnection) -> None:
    files = {str(table.path / one.path): one for one in table.files()}
    if not files:
        return
    rows = con.execute(
        f"""select filename, count(*), min(global_position), max(global_position), min(recorded_at), max(recorded_at)
        from read_parquet({engine.texts(list(files))}, filename = true, hive_partitioning = false) group by filename"""
    ).fetchall()
    for name, *found in rows:
        one = files[name]
        stated = [
            one.rows,
            *(side[c] for c in ("global_position", "recorded_at") for side in (one.lowest, one.highest)),
        ]
        if found != stated:
            result.problems.append(f"the statistics of {one.path} do not match its rows")


def _filters(store: Store, result: Verification, con: duckdb.DuckDBPyConnection) -> None:
    if found := store.files_with_filters(con):
        result.problems.append(
            f"DuckDB can pass over rows of {len(found)} of the files, which an earlier version wrote; "
            "`linkwork log compact` writes them anew"
        )


def _conservation(store: Store, result: Verification, con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        f"""create or replace temp table committed as
        from {store.current_loads()}
        where status in ('committed', 'retracted') or (status = 'withdrawn' and log_version is not null)"""
    )
    (result.loads,) = con.execute("select count(*) from committed").fetchone() or (0,)
    for (load_id,) in con.execute(
        """select load_id from committed
        where records <> accepted + duplicate + conflict + quarantined + skipped order by 1"""
    ).fetchall():
        result.problems.append(f"the records of load {load_id} do not add up")
    for (load_id,) in con.execute(
        f"""select c.load_id from committed as c
        left join (
            select load_id, count(*) as lines from {store.current_quarantine()} where status is null group by 1
        ) as q on q.load_id = c.load_id
        where c.quarantined + c.conflict <> coalesce(q.lines, 0) order by 1"""
    ).fetchall():
        result.problems.append(f"load {load_id} has other refused records in the quarantine index than in the ledger")


def _ledger_and_events(store: Store, result: Verification, con: duckdb.DuckDBPyConnection) -> None:
    differ = con.execute(
        f"""select coalesce(l.load_id, e.load_id)
        from (select load_id, events from committed) as l
        full join (select load_id, count(*) as events from {store.events.relation()} group by 1) as e
            on e.load_id = l.load_id
        where coalesce(l.events, 0) <> coalesce(e.events, 0) order by 1"""
    ).fetchall()
    result.problems += [f"load {load_id} has other events than its ledger row says" for (load_id,) in differ]
    apps = store.events.transactions()
    result.problems += [
        f"load {load_id} is in the ledger but its file is not in the log's transactions"
        for load_id, sha in con.execute("select load_id, file_sha256 from committed order by 1").fetchall()
        if file_app(sha) not in apps
    ]
