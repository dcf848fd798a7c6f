"""What is known to be wrong in published reference data, counted, and held against what was known before."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict

from linkwork import engine
from linkwork.errors import BadDataError
from linkwork.files import Before, write_json
from linkwork.reference.kind import FOLDER, KINDS
from linkwork.reference.store import relation, versions

EXAMPLES = 5
COLUMNS = {
    "kind": "varchar", "check_name": "varchar", "description": "varchar", "hits": "bigint", "baseline": "bigint",
    "status": "varchar", "examples": "varchar[]",
}  # fmt: skip


class Check(BaseModel):
    """One check: a query of hits over kinds of reference data, and how many hits the published files have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    needs: list[str] = []
    says: str
    baseline: int = 0
    rows: str


@cache
def checks() -> dict[str, Check]:
    """Every check by name."""
    described = yaml.safe_load((FOLDER / "checks.yaml").read_text(encoding="utf-8"))
    return {name: Check(**check) for name, check in described.items()}


def run(reference_dir: Path, known_at: datetime | None = None) -> list[dict[str, Any]]:
    """Every check on the versions known at a time: `COLUMNS` as a dictionary each.

    The status is `ok` without a hit, `known` with at most as many as the baseline, `worse` with more, and `not_loaded`
    where there is nothing to check. Examples are the first codes that were hit.
    """
    baseline_of = baselines(reference_dir)
    there = {k for k, kind in KINDS.items() if kind.shipped or versions(reference_dir, k)}
    results = []
    with engine.connect() as con:
        for kind in there:
            con.execute(f"create temp table {engine.name(kind)} as from {relation(reference_dir, kind, known_at)}")
        for name, check in checks().items():
            baseline = baseline_of.get(name, check.baseline)
            hits, examples = _hits(con, check) if {check.kind, *check.needs} <= there else (None, [])
            status = "not_loaded" if hits is None else "ok" if not hits else "known" if hits <= baseline else "worse"
            values = (check.kind, name, check.says, hits, baseline, status, examples)
            results.append(dict(zip(COLUMNS, values, strict=True)))
    return results


def record(reference_dir: Path, results: list[dict[str, Any]], before: Before | None = None) -> dict[str, int]:
    """Take the hits of today as what is known from now on. Returns the new baseline of each check."""
    known = baselines(reference_dir) | {r["check_name"]: r["hits"] for r in results if r["hits"] is not None}
    write_json(recorded(reference_dir), known, before)
    return known


def baselines(reference_dir: Path) -> dict[str, int]:
    """The baselines this home recorded; where it recorded none, a check's own holds.

    Raises BadDataError where the record cannot be read.
    """
    path = recorded(reference_dir)
    if not path.exists():
        return {}
    try:
        return {str(name): int(hits) for name, hits in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise BadDataError(
            "the recorded baseline cannot be read", where=str(path), do="remove it, and record it anew"
        ) from error


def table(con: duckdb.DuckDBPyConnection, reference_dir: Path, known_at: datetime | None) -> None:
    """Make the table reference.checks of a build: the results as rows."""
    con.execute(f"create table reference.checks ({', '.join(f'{c} {t}' for c, t in COLUMNS.items())})")
    con.executemany(
        f"insert into reference.checks values ({', '.join('?' for _ in COLUMNS)})",
        [list(result.values()) for result in run(reference_dir, known_at)],
    )


def _hits(con: duckdb.DuckDBPyConnection, check: Check) -> tuple[int, list[str]]:
    found = con.execute(
        f"select count(*), coalesce(list(example order by example)[:{EXAMPLES}], []) from ({check.rows})"
    ).fetchone()
    return (int(found[0]), [str(e) for e in found[1]]) if found else (0, [])


def recorded(reference_dir: Path) -> Path:
    """Where the baselines of this home are recorded."""
    return reference_dir / "baseline.json"
