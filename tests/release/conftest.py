"""A small region of one's own: marts in a warehouse file and the dbt manifest that describes them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from linkwork.engine import connect
from linkwork.release.disclosure import control
from linkwork.release.marts import Mart, read_marts
from linkwork.release.policy import load_policy
from linkwork.release.publish import Published, publish
from linkwork.settings import Settings

CUT_OFF = date(2025, 6, 30)
COLUMNS = "area_level, area, period_type, period_end, reason, route, referrals, people, completed, completed_share"
META: dict[str, Any] = {
    "tiers": ["restricted", "open"],
    "key": ["area_level", "area", "period_type", "period_end", "reason", "route"],
    "disclosure": {
        "area_level": "area_level",
        "period_type": "period_type",
        "period_end": "period_end",
        "splits": ["reason", "route"],
        "people": "people",
        "counts": ["referrals"],
        "people_counts": ["completed"],
        "rates": {"completed_share": {"numerator": "completed", "denominator": "people", "per": 100}},
    },
}


def row(**changed: Any) -> dict[str, Any]:
    """One row of `rpt_example`: an ICB's month, not split, closed, large enough to be shown."""
    plain = {
        "area_level": "icb",
        "area": "QZZ",
        "period_type": "month",
        "period_end": date(2025, 1, 31),
        "reason": "all",
        "route": "all",
        "referrals": 130,
        "people": 112,
        "completed": 33,
    }
    return {**plain, **changed}


class Region:
    """Marts to publish. `mart` adds or replaces one; `publish` releases them all."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = folder / "warehouse.duckdb"
        self.manifest = folder / "manifest.json"
        self.settings = Settings(home=folder / "home", test_numbers="allow")
        self.nodes: dict[str, Any] = {}

    def mart(self, name: str, sql: str, meta: dict[str, Any], described: dict[str, str] | None = None) -> Mart:
        con = connect(self.warehouse)
        con.execute("create schema if not exists marts")
        con.execute(f"create or replace table marts.{name} as {sql}")
        con.close()
        columns = {c: {"name": c, "description": d} for c, d in (described or {}).items()}
        self.nodes[f"model.linkwork.{name}"] = {
            "resource_type": "model",
            "name": name,
            "schema": "marts",
            "alias": name,
            "description": f"One row per key of {name}.",
            "columns": columns,
            "config": {"meta": {"linkwork": meta}},
        }
        self.manifest.write_text(json.dumps({"nodes": self.nodes}))
        return next(mart for mart in read_marts(self.manifest) if mart.name == name)

    def example(self, rows: list[dict[str, Any]], meta: dict[str, Any] | None = None) -> Mart:
        """`rpt_example` with these rows (see `row`), `completed_share` computed from the true counts."""
        values = ", ".join(
            "({area_level!r}, {area!r}, {period_type!r}, date '{period_end}', {reason!r}, {route!r},"
            " {referrals}, {people}, {completed})".format(
                **{key: "null" if value is None else value for key, value in one.items()}
            )
            for one in rows
        )
        types = ["varchar", "varchar", "varchar", "date", "varchar", "varchar", "bigint", "bigint", "bigint"]
        names = [name.strip() for name in COLUMNS.split(",")][:-1]
        casts = ", ".join(f"cast({n} as {t}) as {n}" for n, t in zip(names, types, strict=True))
        some = values or "(" + ", ".join(["null"] * len(names)) + ")"
        sql = (
            f"select {casts}, cast(100 * completed / people as double) as completed_share"
            f" from (values {some}) as v ({', '.join(names)}) where {'true' if rows else 'false'}"
        )
        return self.mart("rpt_example", sql, meta or META, {"people": "Distinct people referred."})

    def open_rows(self, mart: Mart, policy: str = "nhs-hes", cut_off: date | None = CUT_OFF) -> list[dict[str, Any]]:
        """The mart's rows in the open tier, as dictionaries, in order of the key."""
        con = connect(self.warehouse, read_only=True)
        try:
            table = control(con, mart, load_policy(policy), cut_off)
            return dicts(con, f"select * from {table.relation} order by all")
        finally:
            con.close()

    def publish(self, position: int = 100, **options: Any) -> Published:
        given: dict[str, Any] = {
            "known_at": None,
            "cut_off": CUT_OFF,
            "pinned_known_at": datetime(2025, 7, 1, 6, tzinfo=UTC),
        }
        return publish(
            self.settings,
            warehouse=self.warehouse,
            dbt_manifest=self.manifest,
            position=position,
            **{**given, **options},
        )


def dicts(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return Region(tmp_path)


@pytest.fixture
def example_row() -> Callable[..., dict[str, Any]]:
    return row


@pytest.fixture
def example_meta() -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(META))
    return copied


@pytest.fixture
def read() -> Callable[[str], list[dict[str, Any]]]:
    """Run a query on a fresh in-memory DuckDB; rows as dictionaries."""

    def run(query: str) -> list[dict[str, Any]]:
        con = connect()
        try:
            return dicts(con, query)
        finally:
            con.close()

    return run


HOLDER = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def writer() -> Iterator[Callable[[Path], None]]:
    """Hold a DuckDB file open for writing in another process until the test ends."""
    children: list[subprocess.Popen[str]] = []

    def hold(path: Path) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"

    yield hold
    for child in children:
        child.communicate()
