"""Boundary `recorded`: is what a commit added to the log whole, and does every record of its files add up?

`batch` holds one row of measures (`row_kind` commit) and one row per file (load). The events themselves are
read once, for the measures, and not kept: a commit may hold tens of millions. An event that only takes
something back (retraction, contest) states nothing of its own.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from expectations.subjects import BATCH, Rule, Subject, measured, none_where
from linkwork.engine import text, texts

SUITE = "recorded"
FATES = ("accepted", "duplicate", "conflict", "quarantined", "skipped")  # superseded is a part of duplicate

ALWAYS = (
    "global_position",
    "event_id",
    "fact_id",
    "stream_id",
    "event_type",
    "revision_kind",
    "origin",
    "asserted_at",
    "received_at",
    "recorded_at",
    "load_id",
    "content_hash",
)
STATED = ("occurred_at", "occurred_on")
STATES = "revision_kind not in ('retraction', 'contest')"

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
        *(measured(column, f"Every event has its {column}.", at_most=0) for column in ALWAYS),
        *(measured(column, f"Every event that states a fact has its {column}.", at_most=0) for column in STATED),
        # A register of a drop-in may name nobody; who is named has a pseudonym.
        measured("subject_key", "Every event that says how its person is known has its subject_key.", at_most=0),
        measured("recorded_early", "Nothing was recorded before it was received.", at_most=0),
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
    measures = _measures(_events(commit["files"]), before, after)
    return [
        f"create or replace table loads as {_loads(commit['loads'])}",
        f"""create or replace table {BATCH} as
        select 'commit' as row_kind, abs(events - (select coalesce(sum(events), 0) from loads))::bigint
            as events_unaccounted, * exclude (events) from ({measures})
        union all by name
        select 'load' as row_kind, * exclude (events) from loads""",
    ]


def _events(files: list[str]) -> str:
    if files:
        return f"read_parquet({texts(files)}, union_by_name = true, hive_partitioning = true)"
    columns = (*ALWAYS, *STATED, "subject_key", "identity_quality")
    kinds = {column: "timestamptz" if column.endswith("_at") else "varchar" for column in columns}
    kinds["global_position"] = "bigint"
    return f"(select {', '.join(f'null::{kind} as {column}' for column, kind in kinds.items())} where false)"


def _loads(loads: list[Mapping[str, Any]]) -> str:
    columns = ("events", "records", "superseded", *FATES)
    rows = ", ".join("(" + ", ".join(str(int(load.get(c) or 0)) for c in columns) + ")" for load in loads)
    values = f"values {rows}" if loads else f"select {', '.join('0' for _ in columns)} where false"
    return f"select * from ({values}) as l ({', '.join(columns)})"


def _measures(events: str, before: int, after: int) -> str:
    """One row of counts over all events of the commit, in one pass and little memory: a bit for each position."""
    within = f"global_position between {before + 1} and {after}"
    given = f"coalesce(bit_count(bitstring_agg(global_position, {before + 1}, {after}) filter ({within})), 0)"
    counts = {
        "positions_missing": f"{after - before} - {given}",
        "positions_repeated": f"count(*) filter ({within}) - {given}",
        "positions_outside": f"count(*) filter (not ({within}))",
        **{column: f"count(*) - count({column})" for column in ALWAYS},
        **{column: f"count(*) filter ({STATES} and {column} is null)" for column in STATED},
        "subject_key": f"count(*) filter ({STATES} and identity_quality is not null and subject_key is null)",
        "recorded_early": "count(*) filter (received_at > recorded_at)",
        "ahead_share": f"""coalesce(avg((occurred_at > recorded_at + interval 1 day)::integer)
            filter (not regexp_full_match(event_type, {text(PLANNED)})), 0)""",
    }
    if after == before:
        counts |= {"positions_missing": "0", "positions_repeated": "0"}
    listed = ", ".join(f"{sql} as {column}" for column, sql in counts.items())
    return f"select count(*) as events, {listed} from {events}"
