"""Staged files, commits and releases as small as can be, and the runner as users start it: a child."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import duckdb
import pytest

from linkwork.settings import PROJECT_ROOT


class Ran(NamedTuple):
    """How a run of the command line ended, and where its results are."""

    code: int
    printed: str
    quality: Path

    def rows(self, boundary: str) -> list[dict[str, Any]]:
        """The result rows of every run at a boundary."""
        con = duckdb.connect()
        pattern = self.quality / "results" / f"{boundary}-*.parquet"
        found = con.execute(f"select * from read_parquet('{pattern}')")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def everything_written(self) -> str:
        """All pages and result rows as text, with what was printed."""
        pages = "".join(path.read_text() for path in self.quality.rglob("*.html"))
        rows = "".join(str(self.rows(path.stem.partition("-")[0])) for path in self.quality.rglob("*.parquet"))
        return pages + rows + self.printed


def run(*arguments: object, quality: Path) -> Ran:
    """Start `python -m expectations.runner`."""
    command = [sys.executable, "-m", "expectations.runner", *map(str, arguments), "--quality", str(quality)]
    cwd = quality.with_name(f"{quality.name}-cwd")
    cwd.mkdir(exist_ok=True)
    env = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env)
    assert not list(cwd.iterdir()), "nothing is written but where it was told"
    return Ran(done.returncode, done.stdout + done.stderr, quality)


@pytest.fixture(scope="session")
def start() -> Callable[..., Ran]:
    return run


@pytest.fixture(scope="session")
def support() -> SimpleNamespace:
    """The builders below, for any test module."""
    return SimpleNamespace(stage=stage, record=record, release=release, FACTS=FACTS, EVENTS=EVENTS)


FACTS = """
    select i as record_no, encode('record ' || i) as record_key, 'outcome' as slot, 'appointment' as category,
        'appointment.attended' as event_type, encode('stream ' || i) as stream_id,
        encode('person ' || i % 40) as subject_key, 'nhs_number' as identity_quality,
        timestamptz '2025-01-01 10:00:00Z' as occurred_at, date '2025-01-01' as occurred_on,
        timestamptz '2025-01-02 10:00:00Z' as asserted_at, timestamptz '2025-01-03 10:00:00Z' as received_at,
        'load' as load_id
    from range(200) as t (i)
"""


def stage(staging: Path, load_id: str, facts: str = FACTS, /, **profile: Any) -> Path:
    """Stage one file of 200 records; `profile` overrides what its profile says."""
    folder = staging / load_id
    facts_folder, records_folder = folder / "facts" / "appointment", folder / "records"
    facts_folder.mkdir(parents=True)
    records_folder.mkdir()
    con = duckdb.connect()
    con.execute(f"create table fact as {facts}")
    per_fact = "load_id, record_no, slot, category, event_type, stream_id, occurred_at, occurred_on"
    per_record = "load_id, record_no, record_key, asserted_at, received_at, subject_key, identity_quality"
    con.execute(f"copy (select {per_fact} from fact) to '{facts_folder / '00000.parquet'}' (format parquet)")
    con.execute(
        f"copy (select distinct {per_record} from fact) to '{records_folder / '00000.parquet'}' (format parquet)"
    )
    described = {
        "load_id": load_id,
        "batch_id": "b",
        "feed": "gp_appointments_csv",
        "sender": "Z90001",
        "file_name": f"{load_id}.csv",
        "records": 200,
        "valid": 200,
        "quarantined": 0,
        "skipped": 0,
        "refused": None,
        "refused_threshold": 0.05,
        "days_since_newest": 1.0,
        "facts": {"appointment.attended": 200},
        "previous": None,
    }
    (folder / "profile.json").write_text(json.dumps(described | profile))
    return folder


EVENTS = """
    select 10 + i as global_position, encode('event ' || i) as event_id, encode('fact ' || i) as fact_id,
        encode('stream ' || i) as stream_id, 'contact.held' as event_type,
        if(i = 4, 'retraction', 'original') as revision_kind, 'stated' as origin,
        timestamptz '2025-01-02 10:00:00Z' as asserted_at, timestamptz '2025-01-03 10:00:00Z' as received_at,
        timestamptz '2025-01-04 10:00:00Z' as recorded_at, 'load' as load_id,
        encode('content') as content_hash,
        if(i = 4, null, encode('person ' || i)) as subject_key, if(i = 4, null, 'nhs_number') as identity_quality,
        if(i = 4, null, timestamptz '2025-01-01 10:00:00Z') as occurred_at,
        if(i = 4, null, date '2025-01-01') as occurred_on
    from range(1, 6) as t (i)
"""


def record(folder: Path, events: str = EVENTS, **commit: Any) -> Path:
    """Describe a commit of five events at positions 11 to 15, in one segment of a partitioned table."""
    segment = folder / "category=engagement" / "segment.parquet"
    segment.parent.mkdir(parents=True)
    duckdb.connect().execute(f"copy ({events}) to '{segment}' (format parquet)")
    load = {
        "load_id": "load",
        "events": 5,
        "records": 9,
        "accepted": 5,
        "duplicate": 1,
        "superseded": 1,
        "conflict": 1,
        "quarantined": 1,
        "skipped": 1,
    }
    described = {
        "batch_id": "b",
        "commit_version": 3,
        "position_before": 10,
        "position_after": 15,
        "files": [str(segment)],
        "loads": [load],
    }
    path = folder / "recorded.json"
    path.write_text(json.dumps(described | commit))
    return path


POLICY = {
    "name": "nhs-hes",
    "suppress_from": 1,
    "suppress_to": 7,
    "round_to": 5,
    "show_zero": True,
    "min_shown_share": 0.5,
}
RULES = {"people": "people", "counts": ["referrals"], "people_counts": [], "drop": ["internal"]}


def release(folder: Path, tables: dict[str, str], rows: dict[str, int] | None = None) -> Path:
    """Write a release under construction. `tables` maps `<tier>/<name>` to the SQL of its rows."""
    con = duckdb.connect()
    declared = []
    for name, sql in tables.items():
        tier, _, table = name.partition("/")
        (folder / tier).mkdir(parents=True, exist_ok=True)
        path = f"{name}.parquet"
        con.execute(f"copy ({sql}) to '{folder / path}' (format parquet)")
        counted = con.execute(f"select count(*) from ({sql})").fetchone()
        entry = {"table": table, "tier": tier, "path": path, "key": ["area", "month"]}
        entry["rows"] = (rows or {}).get(name, counted[0] if counted else 0)
        declared.append(entry | {"disclosure": RULES if tier == "open" else None})
    (folder / "tables.json").write_text(json.dumps({"policy": POLICY, "tables": declared}))
    return folder
