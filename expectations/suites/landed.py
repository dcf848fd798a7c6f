"""Boundary `landed`: is this staged file complete, plausible in size and fresh enough to be committed?

One suite for every file of every feed; bounds that differ from feed to feed are parameters. `batch` holds
one row of measures; the facts are read once, for them, and not kept. What a field may
contain is the gate's business, and how facts relate is dbt's: neither is asked again here.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from expectations.subjects import BATCH, Rule, Subject, measured, missing, parameter
from linkwork.engine import texts

SUITE = "landed"

# A sender that never gives an NHS number says so in its contract; from others, one person in five without it
# is a sign that the column was lost or moved.
LOCAL_IDENTITIES_AT_MOST = {"nhs_number": 0.2, "local": 1.0}
SMALL_FILE = 100  # records; below this, growth of a hundredfold is a group that got going
STALE_AFTER_DAYS = 92.0  # a quarter, where the sender's cadence is not known
# Two measures, not one for each column: a rule costs about 10 ms, and a batch may have hundreds of files.
COMPLETE = {
    "facts_unnamed": ("record_key", "slot", "stream_id", "event_type", "load_id"),
    "facts_undated": ("occurred_at", "occurred_on", "asserted_at", "received_at"),
}
PERSON = ("subject_key", "identity_quality")


def rules() -> list[Rule]:
    """Volume, conservation, refusals, completeness and freshness of one file."""
    # A later file may be far smaller (the changes of a week after a whole history) and nothing is lost by
    # that: what a file does not repeat stays in the log. So shrinking warns. Growing holds the file: a
    # hundredfold file is somebody else's, or a whole region's, and what is in the log stays there.
    return [
        measured("records", "The file holds at least one record.", at_least=1),
        measured(
            "times_previous",
            "The file is at most 100 times as long as the sender's previous one of this feed "
            f"(1 where there is none, or it had fewer than {SMALL_FILE} records).",
            at_most=100,
        ),
        measured(
            "times_previous",
            "The file is at least a hundredth as long as the sender's previous one of this feed.",
            at_least=0.01,
            severity="warning",
        ),
        measured("refused", "The gate did not refuse the file as a whole.", at_most=0),
        measured(
            "quarantined_share",
            "The share of quarantined records is within what the contract allows.",
            at_most=parameter("refused_threshold"),
        ),
        measured(
            "records_unaccounted",
            "Every record is valid, quarantined or skipped by the contract.",
            at_most=0,
        ),
        measured("facts_unaccounted", "The staged facts are as many as the gate counted.", at_most=0),
        measured(
            "facts_unnamed",
            "Every fact says what it is, which record, slot and stream it belongs to, and which file.",
            at_most=0,
        ),
        measured("facts_undated", "Every fact says when it happened, was stated and was received.", at_most=0),
        measured(
            "without_person_share",
            "Every fact has a person, unless the contract allows records without one.",
            at_most=parameter("without_person_at_most"),
        ),
        measured(
            "local_identity_share",
            "The share of people known by a local identifier only is within what the contract allows.",
            at_most=parameter("local_identities_at_most"),
        ),
        measured(
            "days_ahead",
            "The newest statement was made no later than a day after the file was received.",
            at_most=1,
        ),
        measured(
            "days_since_newest",
            "The newest statement is recent enough for how often this sender reports.",
            at_most=parameter("stale_after_days"),
            severity="warning",
        ),
    ]


def subjects(staging: Path) -> Iterator[Subject]:
    """One subject for each `<load_id>/profile.json` of a staged batch, in the order of their names."""
    suite = rules()
    for path in sorted(staging.glob("*/profile.json")):
        try:
            yield _subject(path.parent, json.loads(path.read_bytes()), suite)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"profile.json cannot be used ({type(error).__name__})"
            yield Subject(path.parent.name, SUITE, suite, (), problem=problem)


def _subject(folder: Path, profile: Mapping[str, Any], suite: list[Rule]) -> Subject:
    expected = profile.get("identity_expected") or "nhs_number"
    cadence = profile.get("cadence_days")
    return Subject(
        key=folder.name,
        suite=SUITE,
        rules=suite,
        statements=[_batch_sql(profile, _facts(folder))],
        parameters={
            "refused_threshold": float(profile["refused_threshold"]),
            "local_identities_at_most": float(
                profile.get("local_identities_at_most") or LOCAL_IDENTITIES_AT_MOST[expected]
            ),
            "without_person_at_most": 1.0 if profile.get("person_optional") else 0.0,
            "stale_after_days": 2.0 * float(cadence) + 7 if cadence else STALE_AFTER_DAYS,
        },
        feed=str(profile["feed"]),
        sender=str(profile["sender"]),
    )


def _facts(folder: Path) -> str:
    files = sorted((folder / "facts").glob("*/*.parquet"))
    if not files:
        columns = [column for named in COMPLETE.values() for column in named]
        return f"(select {', '.join(f'null as {column}' for column in (*columns, *PERSON))} where false)"
    records = texts(sorted((folder / "records").glob("*.parquet")))
    # Who a record is about and when it was stated lies with the record, once, not with each of its facts.
    # A fact whose record is missing stays, so that it is found.
    return (
        f"read_parquet({texts(files)}, union_by_name = true) as f "
        f"left join read_parquet({records}) as r using (load_id, record_no)"
    )


def _batch_sql(profile: Mapping[str, Any], facts: str) -> str:
    records, quarantined = int(profile["records"]), int(profile["quarantined"])
    fates = int(profile["valid"]) + quarantined + int(profile["skipped"])
    previous = int((profile.get("previous") or {}).get("records") or 0)
    age = float(profile.get("days_since_newest") or 0)
    measures = {
        "records": records,
        "times_previous": records / previous if previous >= SMALL_FILE else 1,
        "refused": int(bool(profile.get("refused"))),
        "quarantined_share": quarantined / records if records else 0,
        "records_unaccounted": abs(records - fates),
        "facts_counted": sum(int(n) for n in profile["facts"].values()),
        "days_since_newest": max(age, 0),
        "days_ahead": max(-age, 0),
    }
    literals = ", ".join(f"{value!r}::double as {name}" for name, value in measures.items())
    incomplete = ", ".join(
        f"count(*) filter ({missing(columns)}) as {measure}" for measure, columns in COMPLETE.items()
    )
    return f"""create or replace table {BATCH} as
        select * exclude (facts_counted, facts, people, local_people, without_person),
            abs(facts_counted - facts) as facts_unaccounted,
            coalesce(local_people / nullif(people, 0), 0) as local_identity_share,
            coalesce(without_person / nullif(facts, 0), 0) as without_person_share
        from (select {literals}), (
            select
                count(*) as facts,
                {incomplete},
                count(distinct subject_key) as people,
                count(distinct subject_key) filter (identity_quality = 'local') as local_people,
                count(*) filter (subject_key is null) as without_person
            from {facts}
        )"""
