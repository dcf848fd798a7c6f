"""`log compact`: fewer and larger files, the events of one person close together. No row, position or order changes.

The segments of a category are split by the subject's bucket, one of 64, so that erasing one person writes one bucket
anew; events without a subject have a bucket of their own. What was split before is written again only where a bucket
has many files. The ledger, the quarantine index and the operations become one file each. A file that an earlier version
wrote with Bloom filters is written anew.
"""

import re
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log import register
from linkwork.log.delta import DataFile
from linkwork.log.store import Store
from linkwork.log.table import LogTable

BUCKETS = 64
NO_SUBJECT = "none"
BUCKET = re.compile(r"/(b\d\d|none)/")

# The low six bits of the first byte of a subject key, as the name of a folder.
HEX = "'0123456789ABCDEF'"
BUCKET_SQL = f"""if(subject_key is null, '{NO_SUBJECT}', 'b' || lpad(((instr({HEX}, hex(subject_key)[1]) - 1) % 4 * 16
    + instr({HEX}, hex(subject_key)[2]) - 1)::varchar, 2, '0'))"""


def bucket_of(subject_key: bytes) -> str:
    """The folder of a subject's events in a compacted log."""
    return f"b{subject_key[0] % BUCKETS:02d}"


def bucket_in(path: str) -> str | None:
    """The bucket a file belongs to; None for a segment as it was committed."""
    found = BUCKET.search(path)
    return found[1] if found else None


def steps(store: Store, con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Write the files of a compaction; returns the steps of its plan."""
    add: list[dict[str, Any]] = []
    remove: list[str] = []
    for category in sorted({f.partition["category"] for f in store.events.files()}):
        files = store.events.files(category=category)
        segments = [f for f in files if bucket_in(f.path) is None]
        if segments:
            added, removed = _cluster(store, con, category, segments, files)
            add += added
            remove += removed
    for one in store.events.files_with_filters(con):
        if one.path not in remove:
            rows = store.events.relation([one])
            if anew := write_bucket(store, con, one.partition["category"], bucket_in(one.path), rows):
                add.append(anew)
                remove.append(one.path)
    small = {name: _one_file(getattr(store, name), con) for name in ("loads", "quarantine", "operations")}
    return {"events": {"add": add, "remove": remove}, "register": register.without_filters(store, con), **small}


def write_bucket(
    store: Store, con: duckdb.DuckDBPyConnection, category: str, bucket: str | None, rows: str
) -> dict[str, Any] | None:
    """Write the rows that `rows` reads, in the order of their positions, as one file; with what a plan says of it."""
    columns = _columns(store, category)
    query = f"select {columns} from {rows} order by global_position"
    added = store.events.write_file(con, query, {"category": category}, bucket or "")
    if added is None:
        return None
    path = store.events.path / added["path"]
    lowest, highest, earliest, latest = con.execute(
        f"""select min(global_position), max(global_position), min(recorded_at), max(recorded_at)
        from read_parquet({engine.text(path)}, hive_partitioning = false)"""
    ).fetchone() or (None, None, None, None)
    return {**added, "lowest": lowest, "highest": highest, "recorded": (earliest, latest)}


def _columns(store: Store, category: str) -> str:
    payload = store.catalogue.categories[category].stored_columns() if category in store.catalogue.categories else {}
    others = set(store.catalogue.payload_columns()) - set(payload)
    return ", ".join(engine.name(c) for c in store.events.columns if c not in others and c != "category")


def _cluster(
    store: Store, con: duckdb.DuckDBPyConnection, category: str, segments: list[DataFile], files: list[DataFile]
) -> tuple[list[dict[str, Any]], list[str]]:
    con.execute(
        f"""create or replace temp table clustered as
        select {_columns(store, category)}, {BUCKET_SQL} as bucket from {store.events.relation(segments)}
        order by bucket, global_position"""
    )
    add, remove = [], [f.path for f in segments]
    for (bucket,) in con.execute("select distinct bucket from clustered order by 1").fetchall():
        rows = f"(select * exclude (bucket) from clustered where bucket = {engine.text(bucket)})"
        merged = register.to_merge([f for f in files if bucket_in(f.path) == bucket])
        if merged:
            rows = f"(from {rows} union all by name from {store.events.relation(merged)})"
            remove += [f.path for f in merged]
        if added := write_bucket(store, con, category, bucket, rows):
            add.append(added)
    con.execute("drop table clustered")
    return add, remove


def _one_file(table: LogTable, con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    files = table.files()
    if len(files) < 2:
        return {"add": [], "remove": []}
    added = table.write_file(con, f"select * from {table.relation(files)} order by recorded_at", {})
    return {"add": [added] if added else [], "remove": [f.path for f in files]}
