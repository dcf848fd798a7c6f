"""A big log, quickly and honestly: the tables, files, ids and hashes of real loads, without a file for each.

    python -m benchmarks.big_log --events 10000000 --keep DIR

Rows are made as text in SQL and cast, keyed and hashed by the gate's own expressions; each commit goes the log's own
way, so that the register grows as it does in use. So `linkwork log verify` passes, and a real file of one of the
senders is decided against the register. One thing is simpler than in a log that grew: nothing was ever revised.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import derived
from benchmarks.feeds import ACTIVITIES, APPOINTMENTS, FEEDS
from ingestion.contract import Contract, load_contracts
from linkwork import engine, reference
from linkwork.errors import LinkworkError, UsageError
from linkwork.files import write_json
from linkwork.log import append, operations, register
from linkwork.log.commit import Committed, Moment, commit
from linkwork.log.rows import rows_step
from linkwork.log.store import LOADS, Store
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
    columns = {t: (getattr(store, t).columns, getattr(store, t).group) for t in ("events", "register", "loads")}
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
    position = commits = loads = 0
    with (
        engine.connect(memory_limit="6GB", threads=settings.threads) as con,
        tempfile.TemporaryDirectory(dir=settings.home) as folder,
    ):
        hmac_sql.install(con, load_keys(settings))
        con.execute(f"set variable source_system = {engine.text(SOURCE_SYSTEM)}")
        for commits, batch in enumerate(_commits(size), start=1):
            feeds = {load.feed: contracts[load.feed] for load in batch}
            done = _commit(store, con, Path(folder), batch, feeds, STARTED + timedelta(hours=commits))
            position = done.plan["position"]
            loads += len(batch)
    return {"events": position, "commits": commits, "loads": loads}


def _register_senders(settings: Settings, size: Size) -> None:
    kinds = {APPOINTMENTS: "practice", ACTIVITIES: "group"}
    rows = [
        {"code": code, "name": code, "kind": kinds[feed], "feeds": [feed], "source_system": SOURCE_SYSTEM}
        for code, feed in size.senders
    ]
    reference.add_rows(settings.reference_dir, "senders", "code", rows)


def _commit(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    loads: list[Load],
    contracts: Mapping[str, Contract],
    recorded_at: datetime,
) -> Committed:
    """Commit one batch as the log commits any: events, register, ledger and operations, with their transactions."""
    batch_id = loads[0].batch_id

    def prepare(moment: Moment) -> dict[str, Any]:
        _describe(con, loads)
        con.execute("set variable recorded_at = ?::timestamptz", [moment.recorded_at])
        derived.derive(con, store, contracts, moment.before)
        senders = [{"feed": load.feed, "sender": load.sender} for load in loads]
        return {
            "events": {"add": _segments(store, con), "remove": []},
            "register": register.step(store, con, senders, moment.number),
            "loads": rows_step(con, store.loads, _ledger(con, loads, moment), LOADS),
            "operations": operations.step(
                store, con, moment, batch_id, command="ingest", target=batch_id, outcome=f"{len(loads)} files"
            ),
        }

    once = [append.file_app(load.file_sha256) for load in loads]
    return commit(store, folder, batch_id, prepare, once, recorded_at)


def _describe(con: duckdb.DuckDBPyConnection, loads: list[Load]) -> None:
    con.execute(f"create or replace temp table load ({derived.LOAD})")
    con.executemany(
        "insert into load values (?, ?, ?, ?, ?, ?, ?, ?)",
        [[x.load_id, x.arrival, x.sender_no, x.sender, x.feed, x.first, x.records, x.asserted_at] for x in loads],
    )


def _segments(store: Store, con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """A file for each category, with the positions it spans."""
    written = []
    for category, lowest, highest in con.execute(
        "select category, min(global_position), max(global_position) from event group by 1 order by 1"
    ).fetchall():
        if added := store.events.write_file(con, derived.segment(con, store, category), {"category": category}):
            written.append(added | {"lowest": lowest, "highest": highest})
    return written


def _ledger(con: duckdb.DuckDBPyConnection, loads: list[Load], moment: Moment) -> list[dict[str, Any]]:
    counted = con.execute("select load_id, count(*), count(distinct subject_key) from event group by 1").fetchall()
    events = {load_id: (n, people) for load_id, n, people in counted}
    return [
        {
            **dict.fromkeys(("duplicate", "superseded", "conflict", "quarantined", "skipped", "identity_local"), 0),
            **{c: getattr(load, c) for c in ("load_id", "batch_id", "feed", "sender", "file_sha256", "records")},
            "file_name": f"{load.load_id}.csv",
            "source_system": SOURCE_SYSTEM,
            "received_at": load.asserted_at + timedelta(hours=1),
            "status": "committed",
            "accepted": load.records,
            "events": events[load.load_id][0],
            "log_version": moment.version,
            "recorded_at": moment.recorded_at,
            "newest_asserted_at": load.asserted_at,
            "subjects": events[load.load_id][1],
        }
        for load in loads
    ]


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
