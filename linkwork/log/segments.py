"""Segments: the rows of one commit, a Parquet file a block and category, in the order of their positions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log import decide
from linkwork.log.envelope import CONTENT, ENVELOPE
from linkwork.log.store import Store
from linkwork.privacy import hmac_sql


def write(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    facts: Mapping[str, list[Path]],
    before: int,
    recorded_at: datetime,
    events: str = "event",
) -> list[dict[str, Any]]:
    """Write the events that `events` reads, with positions after `before`; returns the segments.

    `rec` has their records, `facts` names for each category the staged files with their content. Leaves `positioned`.
    """
    con.execute(
        f"""create or replace temp table positioned as
        select *, {int(before)} + row_number() over (
            order by arrival, record_no, asserted_at, slot, {decide.KIND_RANK}) as global_position
        from {events}"""
    )
    con.execute("set variable recorded_at = ?::timestamptz", [recorded_at])
    segments = []
    for category, lowest, highest in con.execute(
        "select category, min(global_position), max(global_position) from positioned group by 1 order by 1"
    ).fetchall():
        query = _segment_query(store, category, facts.get(category, []))
        if added := store.events.write_file(con, query, {"category": category}):
            segments.append(added | {"lowest": lowest, "highest": highest})
    return segments


def _segment_query(store: Store, category: str, files: list[Path]) -> str:
    """The segment's rows: what the gate staged, with what the commit decided. A withdrawn fact has no payload."""
    payload = store.catalogue.categories[category].stored_columns()
    known = {
        "global_position": "p.global_position",
        "event_id": "p.event_id",
        "fact_id": "p.fact_id",
        "record_key": "p.record_key",
        "stream_id": "p.stream_id",
        "causation_id": "p.causation_id",
        "event_type": "p.event_type",
        "revision_kind": "p.kind",
        "asserted_at": "p.asserted_at",
        "recorded_at": "getvariable('recorded_at')",
        "load_id": "p.load_id",
        "source_line": "r.line_no",
        "content_hash": "p.content_hash",
        "schema_version": str(store.catalogue.version),
        # A withdrawal belongs to the same person and the same file as the record that withdrew it.
        "subject_key": "r.subject_key",
        "identity_quality": "r.identity_quality",
        "received_at": "r.received_at",
        "source_system": "r.source_system",
        "source_record_ref": "r.source_record_ref",
        "origin": "coalesce(s.origin, 'derived')",
    }
    columns = [
        f"({known.get(c, f's.{engine.name(c)}')})::{t} as {engine.name(c)}"
        for c, t in {**ENVELOPE, **payload}.items()
        if c != "category"
    ]
    source = (
        f"read_parquet({engine.texts(files)})"
        if files
        else "(select null::varchar as load_id, null::bigint as record_no, null::varchar as slot, "
        + ", ".join(f"null::{t} as {engine.name(c)}" for c, t in {**ENVELOPE, **payload}.items() if c != "load_id")
        + " where false)"
    )
    return f"""
        select {", ".join(columns)}
        from positioned as p
        inner join rec as r on r.load_id = p.load_id and r.record_no = p.record_no
        left join {source} as s
            on s.load_id = p.load_id and s.record_no = p.record_no
            and s.slot = if(p.kind in ('original', 'revision', 'resolution'), p.slot, null)
        where p.category = {engine.text(category)}
        order by p.global_position"""


def write_derived(
    store: Store, con: duckdb.DuckDBPyConnection, before: int, recorded_at: datetime
) -> list[dict[str, Any]]:
    """Write the events of the table `derived`: each repeats an event of the log, but for what the table says of it.

    `derived` has `source_event_id`, the envelope's columns that differ, and `with_payload`: an event that withdraws
    another says nothing itself.
    """
    con.execute(
        f"""create or replace temp table derived_positioned as
        select *, {int(before)} + row_number() over (order by source_position) as global_position from derived"""
    )
    con.execute("set variable recorded_at = ?::timestamptz", [recorded_at])
    said = {name for (name,) in con.execute("select name from pragma_table_info('derived')").fetchall()}
    segments = []
    for category, lowest, highest in con.execute(
        "select category, min(global_position), max(global_position) from derived_positioned group by 1 order by 1"
    ).fetchall():
        known = {c: f"d.{engine.name(c)}" for c in ENVELOPE if c in said or c == "global_position"}
        known |= {"recorded_at": "getvariable('recorded_at')"}
        columns = [f"({known.get(c, f'e.{engine.name(c)}')})::{t} as {engine.name(c)}" for c, t in ENVELOPE.items()]
        columns += [
            f"if(d.with_payload, e.{engine.name(c)}, null)::{t} as {engine.name(c)}"
            for c, t in store.catalogue.categories[category].stored_columns().items()
        ]
        query = f"""select {", ".join(c for c in columns if not c.endswith(' as "category"'))}
            from derived_positioned as d
            inner join {store.events.relation(store.events.files(category=category))} as e
                on e.event_id = d.source_event_id
            where d.category = {engine.text(category)} order by d.global_position"""
        if added := store.events.write_file(con, query, {"category": category}):
            segments.append(added | {"lowest": lowest, "highest": highest})
    return segments


def content_hash(store: Store, category: str) -> str:
    """SQL of the hash of what a staged fact says: what its columns say, in an order that never changes.

    A column that the catalogue gained later takes part, with its name, only where it says something: a fact that was
    stated before it existed keeps its hash.
    """
    described = store.catalogue.categories[category]
    basis = ["stated_occurred_at" if c == "occurred_at" else c for c in CONTENT]
    basis += [described.stored(c) for c in described.original_columns]
    later = [c for c in described.stored_columns() if c not in basis]
    return f"id_hmac({hmac_sql.joined(*engine.hashed_texts(basis, later))})"


def staged(batch_dir: Path, loads: Iterable[Mapping[str, Any]], table: str) -> list[Path]:
    """The files of one staged table: the gate writes each in chunks, at least one a load."""
    return [path for load in loads for path in sorted((batch_dir / load["load_id"] / table).glob("*.parquet"))]


def staged_facts(store: Store, batch_dir: Path, loads: list[dict[str, Any]]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for load in loads:
        for category in store.catalogue.categories:
            if chunks := sorted((batch_dir / load["load_id"] / "facts" / category).glob("*.parquet")):
                found.setdefault(category, []).extend(chunks)
    return found


def statistics(segment: Mapping[str, Any], recorded_at: datetime) -> dict[str, Any]:
    """What Delta knows of a segment. One written anew holds rows of several commits, and says of which times."""
    earliest, latest = segment.get("recorded", (recorded_at, recorded_at))
    return {
        "numRecords": segment["rows"],
        "minValues": {"global_position": segment["lowest"], "recorded_at": earliest},
        "maxValues": {"global_position": segment["highest"], "recorded_at": latest},
        "nullCount": {"global_position": 0, "recorded_at": 0},
    }
