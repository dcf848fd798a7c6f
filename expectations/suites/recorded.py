"""Boundary `recorded`: is what a commit added to the log whole, and does every record of its files add up?

`batch` holds one row of measures (`row_kind` commit), one row per file (load) and one per event. An event
that only takes something back (retraction, contest) has `row_kind` withdrawal: it states nothing of its
own.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from expectations.subjects import BATCH, Rule, Subject, filled, measured, none_where
from linkwork.engine import text, texts

SUITE = "recorded"
FATES = ("accepted", "duplicate", "conflict", "quarantined", "skipped")  # superseded is a part of duplicate

ALWAYS = {
    "global_position": "bigint",
    "event_id": "blob",
    "fact_id": "blob",
    "stream_id": "blob",
    "event_type": "varchar",
    "revision_kind": "varchar",
    "origin": "varchar",
    "asserted_at": "timestamptz",
    "received_at": "timestamptz",
    "recorded_at": "timestamptz",
    "load_id": "varchar",
    "content_hash": "blob",
}
STATED = {"occurred_at": "timestamptz", "occurred_on": "date"}
PERSON = {"subject_key": "blob", "identity_quality": "varchar"}

# These are agreed before they happen, so they may well lie ahead.
PLANNED = r".*\.(booked|cancelled|referred|withdrawn|status_unknown)"


def rules() -> list[Rule]:
    """Positions, conservation, completeness of the envelope, and clocks."""
    return [
        measured("events_unaccounted", "The segments hold as many events as the files gave.", at_most=0),
        measured("positions_missing", "Positions follow the previous commit without a gap.", at_most=0),
        measured("positions_repeated", "No position was given twice.", at_most=0),
        measured("positions_outside", "No position lies outside the range of the commit.", at_most=0),
        none_where(
            f"row_kind = 'load' and records <> {' + '.join(FATES)}",
            "In every file, records = accepted + duplicate + conflict + quarantined + skipped.",
            "records",
        ),
        none_where(
            "row_kind = 'load' and superseded > duplicate",
            "Superseded records are a part of the duplicates.",
            "superseded",
        ),
        *(
            none_where(
                f"row_kind in ('event', 'withdrawal') and {column} is null",
                f"Every event has its {column}.",
                column,
            )
            for column in ALWAYS
        ),
        *(filled(column, f"Every event that states a fact has its {column}.", "event") for column in STATED),
        # A register of a drop-in may name nobody; who is named has a pseudonym.
        none_where(
            "row_kind = 'event' and identity_quality is not null and subject_key is null",
            "Every event that says how its person is known has its subject_key.",
            "subject_key",
        ),
        none_where(
            "row_kind in ('event', 'withdrawal') and received_at > recorded_at",
            "Nothing was recorded before it was received.",
            "recorded_at",
        ),
        measured(
            "ahead_share",
            "At most one in a hundred events that have taken place is dated a day or more ahead.",
            at_most=0.01,
            severity="warning",
        ),
    ]


def subjects(path: Path) -> Iterator[Subject]:
    """The one subject of `recorded.json`: the commit, under its batch's id."""
    try:
        commit = json.loads(path.read_bytes())
        yield Subject(str(commit["batch_id"]), SUITE, rules(), _statements(commit))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"the description of the commit cannot be used ({type(error).__name__})"
        yield Subject("unknown", SUITE, rules(), (), problem=problem)


def _statements(commit: Mapping[str, Any]) -> list[str]:
    before, after = int(commit["position_before"] or 0), int(commit["position_after"] or 0)
    return [_events_sql(commit["files"]), _loads_sql(commit["loads"]), _batch_sql(before, after)]


def _events_sql(files: list[str]) -> str:
    columns = ALWAYS | STATED | PERSON
    if not files:
        nothing = ", ".join(f"null::{kind} as {column}" for column, kind in columns.items())
        return f"create or replace table events as select {nothing} where false"
    return (
        f"create or replace table events as select {', '.join(columns)} from "
        f"read_parquet({texts(files)}, union_by_name = true, hive_partitioning = true)"
    )


def _loads_sql(loads: list[Mapping[str, Any]]) -> str:
    columns = ("events", "records", "superseded", *FATES)
    rows = ", ".join("(" + ", ".join(str(int(load.get(c) or 0)) for c in columns) + ")" for load in loads)
    values = f"values {rows}" if loads else f"select {', '.join('0' for _ in columns)} where false"
    return f"create or replace table loads as select * from ({values}) as l ({', '.join(columns)})"


def _batch_sql(before: int, after: int) -> str:
    return f"""create or replace table {BATCH} as
        select
            'commit' as row_kind,
            abs(count(*) - (select coalesce(sum(events), 0) from loads))::bigint as events_unaccounted,
            ({after} - {before}) - count(distinct global_position)
                filter (global_position between {before} + 1 and {after}) as positions_missing,
            count(global_position) - count(distinct global_position) as positions_repeated,
            count(*) filter (global_position not between {before} + 1 and {after}) as positions_outside,
            coalesce(avg((occurred_at > recorded_at + interval 1 day)::integer)
                filter (not regexp_full_match(event_type, {text(PLANNED)})), 0) as ahead_share
        from events
        union all by name
        select 'load' as row_kind, * exclude (events) from loads
        union all by name
        select if(revision_kind in ('retraction', 'contest'), 'withdrawal', 'event') as row_kind, *
        from events"""
