"""A big log, quickly and honestly: the tables, files, ids and hashes of real loads, without a file for each.

    python -m benchmarks.big_log --events 10000000 --keep DIR

Rows are made as text in SQL and cast, keyed and hashed by the gate's own expressions; segments, register and ledger are
written and committed by the log's own table code. So `linkwork log verify` passes, and a real file of one of the
senders is decided against the register. Two things are simpler than in a log that grew: the register is written once,
at the end, and nothing was ever revised.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import derived
from benchmarks.feeds import ACTIVITIES, APPOINTMENTS, FEEDS
from ingestion.contract import load_contracts
from linkwork import engine, reference
from linkwork.errors import LinkworkError, UsageError
from linkwork.files import write_json
from linkwork.log import append, plan, segments
from linkwork.log.store import LOADS, Store
from linkwork.log.table import HEAD
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import create_keys, load_keys, remember_keys
from linkwork.settings import Settings

STAMP = "big_log.json"
STARTED = datetime(2025, 6, 1, tzinfo=UTC)  # the first commit; the others follow by the hour
SOURCE_SYSTEM = "bench"


@dataclass(frozen=True)
class Size:
    """How big a log: about `events` events in loads of `events_per_load`, each commit `loads_per_commit` of them."""

    events: int
    practices: int = 150
    services: int = 10
    events_per_load: int = 5_000
    loads_per_commit: int = 50

    @property
    def senders(self) -> list[tuple[str, str]]:
        """(sender, feed) by sender number."""
        practices = [(f"B{80000 + i}", APPOINTMENTS) for i in range(self.practices)]
        return practices + [(f"SVC{i:03d}", ACTIVITIES) for i in range(self.services)]

    def records(self, feed: str) -> int:
        """Records of a load: a multiple of eight that gives about `events_per_load` events."""
        return 8 * max(1, self.events_per_load // FEEDS[feed].events_of_eight)


@dataclass(frozen=True)
class Load:
    """One generated load: rows `first` to `first + records - 1` of its sender."""

    load_id: str
    batch_id: str
    arrival: int
    sender_no: int
    sender: str
    feed: str
    first: int
    records: int
    asserted_at: datetime

    @property
    def file_sha256(self) -> str:
        return hashlib.sha256(self.load_id.encode()).hexdigest()


def settings_of(folder: Path) -> Settings:
    """The settings of a log made here: data and keys below one folder."""
    return Settings(home=folder / "data", keys_dir=folder / "keys", test_numbers="allow", landing=None)


def made(folder: Path, size: Size) -> dict[str, Any]:
    """The log of this size in this folder: the one kept there where it is of the same make, else a new one.

    Raises UsageError where the folder holds anything that is not a big log.
    """
    path, stamp = folder / STAMP, _stamp(size)
    if path.exists():
        kept = json.loads(path.read_text())
        if kept.get("made_of") == stamp:
            return dict(kept)
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError("the folder holds something else", where=str(folder), do="give a new folder for the big log")
    write_json(path, {})  # should this be interrupted, the folder is known to be ours
    found = {"made_of": stamp, **_make(settings_of(folder), size)}
    write_json(path, found)
    return found


def _stamp(size: Size) -> dict[str, Any]:
    """What makes a kept log useless when it changes: its size, the tables' columns, and DuckDB's hash function."""
    store = Store(Path("unused"))
    columns = {t: getattr(store, t).columns for t in ("events", "register", "loads")}
    shape = hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()[:16]
    return {**asdict(size), "columns": shape, "duckdb": duckdb.__version__}


def _commits(size: Size) -> Iterator[list[Load]]:
    """The loads of each commit; senders take turns."""
    senders = size.senders
    count = max(1, round(size.events / size.events_per_load))
    for start in range(0, count, size.loads_per_commit):
        number = start // size.loads_per_commit
        batch_id = f"big-{number:06d}"
        recorded = STARTED + timedelta(hours=number)
        loads = []
        for arrival, n in enumerate(range(start, min(start + size.loads_per_commit, count))):
            sender, feed = senders[n % len(senders)]
            records = size.records(feed)
            loads.append(
                Load(
                    f"{batch_id}.{sender}.{arrival:04d}", batch_id, arrival, n % len(senders), sender, feed,
                    n // len(senders) * records, records, recorded - timedelta(hours=6),
                )
            )  # fmt: skip
        yield loads


def _make(settings: Settings, size: Size) -> dict[str, Any]:
    create_keys(settings)
    remember_keys(load_keys(settings), settings.log_dir)
    _register_senders(settings, size)
    store = Store(settings.log_dir).refresh(evolve=True)
    contracts = load_contracts(settings.contracts_dir, store.catalogue)
    scratch = settings.home / "scratch"
    scratch.mkdir()
    position = commits = loads = 0
    with engine.connect(memory_limit="6GB", threads=settings.threads, spill=scratch / "spill") as con:
        hmac_sql.install(con, load_keys(settings))
        con.execute(f"set variable source_system = {engine.text(SOURCE_SYSTEM)}")
        for commits, batch in enumerate(_commits(size), start=1):
            recorded_at = STARTED + timedelta(hours=commits)
            con.execute("set variable recorded_at = ?::timestamptz", [recorded_at])
            _describe(con, batch)
            derived.derive(con, store, {load.feed: contracts[load.feed] for load in batch}, position)
            position = _commit_events(store, con, batch, position, recorded_at)
            _commit_loads(store, con, batch, recorded_at)
            _set_aside(store, con, scratch / "register")
            loads += len(batch)
        _commit_register(store, con, scratch / "register", size)
    shutil.rmtree(scratch)
    return {"events": position, "commits": commits, "loads": loads}


def _register_senders(settings: Settings, size: Size) -> None:
    kinds = {APPOINTMENTS: "practice", ACTIVITIES: "group"}
    rows = [
        {"code": code, "name": code, "kind": kinds[feed], "feeds": [feed], "source_system": SOURCE_SYSTEM}
        for code, feed in size.senders
    ]
    reference.add_rows(settings.reference_dir, "senders", "code", rows)


def _describe(con: duckdb.DuckDBPyConnection, loads: list[Load]) -> None:
    con.execute(f"create or replace temp table load ({derived.LOAD})")
    con.executemany(
        "insert into load values (?, ?, ?, ?, ?, ?, ?, ?)",
        [[x.load_id, x.arrival, x.sender_no, x.sender, x.feed, x.first, x.records, x.asserted_at] for x in loads],
    )


def _commit_events(
    store: Store, con: duckdb.DuckDBPyConnection, loads: list[Load], before: int, recorded_at: datetime
) -> int:
    """Commit one batch's segments with the transactions a real batch carries. Returns the last position."""
    add, position = [], before
    for category, rows, lowest, highest in con.execute(
        "select category, count(*), min(global_position), max(global_position) from event group by 1 order by 1"
    ).fetchall():
        partition = {"category": category}
        path = store.events.write_file(con, derived.segment(con, store, category), partition)
        described = {"rows": rows, "lowest": lowest, "highest": highest}
        add.append((path, partition, segments.statistics(described, recorded_at)))
        position = max(position, highest)
    transactions = {HEAD: position, plan.app(loads[0].batch_id): 1}
    transactions |= {append.file_app(load.file_sha256): 1 for load in loads}
    store.events.commit(add, transactions, metadata={"linkwork_batch": loads[0].batch_id})
    return position


def _commit_loads(store: Store, con: duckdb.DuckDBPyConnection, loads: list[Load], recorded_at: datetime) -> None:
    counted = con.execute("select load_id, count(*), count(distinct subject_key) from event group by 1").fetchall()
    events = {load_id: (n, people) for load_id, n, people in counted}
    rows = []
    for load in loads:
        n, people = events[load.load_id]
        rows.append(
            {
                **dict.fromkeys(("duplicate", "superseded", "conflict", "quarantined", "skipped", "identity_local"), 0),
                **{c: getattr(load, c) for c in ("load_id", "batch_id", "feed", "sender", "file_sha256", "records")},
                "file_name": f"{load.load_id}.csv",
                "received_at": load.asserted_at + timedelta(hours=1),
                "status": "committed",
                "accepted": load.records,
                "events": n,
                "log_version": store.events.version,
                "recorded_at": recorded_at,
                "newest_asserted_at": load.asserted_at,
                "subjects": people,
            }
        )
    append.fill_rows(con, "ledger_rows", rows, LOADS)
    path = store.loads.write_file(con, "select * from ledger_rows order by load_id", {})
    store.loads.commit([(path, {}, {"numRecords": len(rows)})], {plan.app(loads[0].batch_id): 1})


def _set_aside(store: Store, con: duckdb.DuckDBPyConnection, scratch: Path) -> None:
    """Keep the batch's register rows by sender until the end: rewriting the register for each commit is not quick."""
    con.execute(
        f"""copy ({derived.register_rows(con, store)}) to {engine.text(scratch)}
        (format parquet, partition_by (feed, sender), append)"""
    )


def _commit_register(store: Store, con: duckdb.DuckDBPyConnection, scratch: Path, size: Size) -> None:
    columns = ", ".join(engine.name(c) for c in store.register.columns if c not in store.register.partition_by)
    add = []
    for sender, feed in size.senders:
        partition = {"feed": feed, "sender": sender}
        files = sorted((scratch / f"feed={feed}" / f"sender={sender}").glob("*.parquet"))
        if files:
            relation = f"read_parquet({engine.texts(files)})"
            path = store.register.write_file(con, f"select {columns} from {relation} order by record_key", partition)
            found = con.execute(f"select count(*) from read_parquet({engine.text(path)})").fetchone()
            add.append((path, partition, {"numRecords": found[0] if found else 0}))
    store.register.commit(add, {"big-log": 1})


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a big event log, or keep the one that is there.")
    parser.add_argument("--events", type=int, required=True, help="how many events, about")
    parser.add_argument("--keep", type=Path, required=True, help="folder for data and keys")
    given = parser.parse_args()
    try:
        print(json.dumps(made(given.keep, Size(given.events)), indent=2))
    except LinkworkError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
