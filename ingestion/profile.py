"""The profile of a staged file: counts, shares and times, never a value. Great Expectations and the ledger read it."""

from collections import Counter
from typing import Any

import duckdb

from ingestion import conditions
from ingestion.arrival import Arrival
from ingestion.contract import Contract
from ingestion.judge import FINE, REFUSED
from ingestion.properties import Property
from ingestion.readers.base import Reading
from ingestion.staged import Staged
from linkwork import engine
from linkwork.engine import row
from linkwork.log import scope


def empty(arrival: Arrival, contract: Contract, previous: dict[str, Any] | None) -> dict[str, Any]:
    """What is known of a file before it is read; what it stays where the file is refused."""
    return {
        "load_id": arrival.load_id,
        "batch_id": arrival.batch_id,
        "feed": arrival.feed,
        "sender": arrival.sender,
        "source_system": arrival.source_system,
        "file_name": arrival.file_name,
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


class Tally:
    """What the gate made of a file's records, counted chunk by chunk."""

    def __init__(self) -> None:
        self.valid = self.quarantined = 0
        self.skipped_as: Counter[str] = Counter()
        self.empty: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.erased_lines: list[int] = []

    def add(self, con: duckdb.DuckDBPyConnection, part: Contract) -> None:
        """Count the chunk that lies in `cleaned` and `judged`."""
        counts = {
            ("valid", ""): FINE,
            ("quarantined", ""): REFUSED,
            **{("empty", p.name): f"{FINE} and {engine.name(p.name)} is null" for p in _kept(part)},
            **{
                ("warnings", r.name): f"{FINE} and not {conditions.to_sql(r.require, part.instants)}"
                for r in part.rules
                if r.severity == "warning"
            },
        }
        found = row(con, "select " + ", ".join(f"count(*) filter ({c})" for c in counts.values()) + " from judged")
        for (kind, name), n in zip(counts, found, strict=True):
            if kind in ("empty", "warnings"):
                getattr(self, kind)[name] += n
            else:
                setattr(self, kind, getattr(self, kind) + n)
        for prop in (p for p in part.properties if p.logicalType == "free_text"):
            self.dropped[prop.name] += row(con, f"select count({engine.name(prop.name)}) from cleaned")[0]
        skipped = "select skipped_as, count(*) from judged where skipped_as is not null group by 1"
        self.skipped_as.update(dict(con.execute(skipped).fetchall()))
        if "erased" in self.skipped_as:
            lines = con.execute("select line_no from judged where skipped_as = 'erased' order by 1").fetchall()
            self.erased_lines += [line for (line,) in lines]

    def add_unread(self, reading: Reading) -> None:
        """Count what the reader itself left out, once it has read the whole file."""
        self.skipped_as.update(reading.skipped)
        if reading.blank:
            self.skipped_as["blank"] += reading.blank


def counted(
    con: duckdb.DuckDBPyConnection, contract: Contract, reading: Reading, tally: Tally, staged: Staged
) -> dict[str, Any]:
    """What the gate made of the file.

    Who was named by a local id, and how far in the future the file speaks, is told of records out of scope, too: they
    may become events, which an erasure has to find, and a time of theirs that is wrong would outrank all that comes.
    """
    subjects, local, newest, oldest, days = row(
        con,
        f"""select count(distinct subject_key) filter (not {scope.is_out()}),
            count(*) filter (identity_quality = 'local'),
            max(asserted_at) filter (not {scope.is_out()}), min(asserted_at) filter (not {scope.is_out()}),
            date_diff('day', max(asserted_at), getvariable('received_at'))
        from read_parquet({engine.texts(staged.files("records"))})""",
    )
    properties = {p.name: None for part in contract.parts for p in _kept(part)}
    shares = {name: round(tally.empty[name] / tally.valid, 4) if tally.valid else 0.0 for name in properties}
    return {
        "records": reading.records,
        "valid": tally.valid,
        "quarantined": tally.quarantined,
        "skipped": tally.skipped_as.total(),
        "skipped_as": dict(tally.skipped_as),
        "subjects": subjects,
        "identity_local": local,
        "newest_asserted_at": newest and newest.isoformat(),
        "oldest_asserted_at": oldest and oldest.isoformat(),
        "days_since_newest": days,
        "facts": _fact_counts(con, staged),
        "empty_share": shares,
        "dropped": dict(tally.dropped),
        "warnings": dict(tally.warnings),
        "erased_lines": tally.erased_lines,
        "notes": reading.notes,
    }


def _kept(part: Contract) -> list[Property]:
    return [p for p in part.properties if p.logicalType != "free_text"]


def _fact_counts(con: duckdb.DuckDBPyConnection, staged: Staged) -> dict[str, int]:
    files = staged.files("facts")
    if not files:
        return {}
    return dict(
        con.execute(
            f"""select event_type, count(*) from read_parquet({engine.texts(files)}, union_by_name = true)
            group by 1 order by 1"""
        ).fetchall()
    )
