"""The profile of a staged file: counts, shares and times, never a value. Great Expectations and the ledger read it."""

from pathlib import Path
from typing import Any

import duckdb

from ingestion import conditions
from ingestion.arrival import Arrival
from ingestion.contract import Contract
from ingestion.landing import shown
from ingestion.readers.base import Reading
from linkwork import engine


def empty(arrival: Arrival, contract: Contract, previous: dict[str, Any] | None) -> dict[str, Any]:
    """What is known of a file before it is read; what it stays where the file is refused."""
    return {
        "load_id": arrival.load_id,
        "batch_id": arrival.batch_id,
        "feed": arrival.feed,
        "sender": arrival.sender,
        "source_system": arrival.source_system,
        "file_name": shown(arrival.path.name),
        "file_sha256": arrival.sha256,
        "contract_version": contract.version,
        "received_at": arrival.received_at.isoformat(),
        "refused": None,
        "refused_threshold": contract.file.refusedThreshold,
        "identity_expected": contract.record.identityExpected,
        "person_optional": contract.record.subject.optional,
        "cadence_days": arrival.cadence_days,
        "records": 0,
        "valid": 0,
        "quarantined": 0,
        "skipped": 0,
        "skipped_as": {},
        "subjects": 0,
        "identity_local": 0,
        "newest_asserted_at": None,
        "oldest_asserted_at": None,
        "days_since_newest": None,
        "facts": {},
        "empty_share": {},
        "dropped": {},
        "warnings": {},
        "previous": previous,
    }


def counted(con: duckdb.DuckDBPyConnection, contract: Contract, reading: Reading, folder: Path) -> dict[str, Any]:
    """What the gate made of the file's records."""
    valid, subjects, local, newest, oldest, days = row(
        con,
        """select count(*), count(distinct subject_key), count(*) filter (identity_quality = 'local'),
            max(asserted_at), min(asserted_at), date_diff('day', max(asserted_at), getvariable('received_at'))
        from valid""",
    )
    (quarantined,) = row(
        con,
        """select count(*) + (select count(*) from unreadable) from judged
        where skipped_as is null and len(violations) > 0""",
    )
    skipped_as = dict(
        con.execute("select skipped_as, count(*) from judged where skipped_as is not null group by 1").fetchall()
    )
    if reading.blank:
        skipped_as["blank"] = reading.blank
    columns = [p for p in contract.properties if p.logicalType != "free_text"]
    empty = row(
        con,
        "select " + ", ".join(f"count(*) filter ({engine.name(p.name)} is null)" for p in columns) + " from valid",
    )
    dropped = {}
    for prop in (p for p in contract.properties if p.logicalType == "free_text"):
        (n,) = row(con, f"select count(*) from cleaned where {engine.name(prop.name)} is not null")
        dropped[prop.name] = n
    warnings = {}
    for rule in (r for r in contract.rules if r.severity == "warning"):
        (n,) = row(con, f"select count(*) from valid where not {conditions.to_sql(rule.require, contract.instants)}")
        warnings[rule.name] = n
    return {
        "records": reading.records,
        "valid": valid,
        "quarantined": quarantined,
        "skipped": sum(skipped_as.values()),
        "skipped_as": skipped_as,
        "subjects": subjects,
        "identity_local": local,
        "newest_asserted_at": newest and newest.isoformat(),
        "oldest_asserted_at": oldest and oldest.isoformat(),
        "days_since_newest": days,
        "facts": _fact_counts(con, folder),
        "empty_share": {p.name: round(n / valid, 4) if valid else 0.0 for p, n in zip(columns, empty, strict=True)},
        "dropped": dropped,
        "warnings": warnings,
    }


def _fact_counts(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    staged = sorted((folder / "facts").glob("*.parquet"))
    if not staged:
        return {}
    return dict(
        con.execute(
            f"""select event_type, count(*) from read_parquet({engine.texts(staged)}, union_by_name = true)
            group by 1 order by 1"""
        ).fetchall()
    )


def row(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The one row of a query that always gives one."""
    found = con.execute(query).fetchone()
    assert found is not None  # noqa: S101 - an aggregate always gives a row
    return found
