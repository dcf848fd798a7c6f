"""Every model and seed has the same rows on Spark as on DuckDB, of a small region and of all scenarios of `tests/spec`.

`make test-spark` runs this; it needs Java and the environment of `make setup-spark`, and takes some minutes.
"""

import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from linkwork import engine
from linkwork.processes import run
from tests.spec.build import build
from tests.support.installation import install

SPARK_PYTHON = os.environ.get("LINKWORK_SPARK_PYTHON", "")
if not SPARK_PYTHON:
    pytest.skip("builds the models on Spark: run by `make test-spark`", allow_module_level=True)

PEOPLE = 800
TOLERANCE = 1e-12  # of a double: the last bit of exp and ln is each engine's own
# What each engine makes of a number without a contract: 64 bits or 32, and what a sum of them needs.
WHOLE = {"HUGEINT", "BIGINT", "INTEGER"}


class Built(NamedTuple):
    """The same log folded twice: the tables of a DuckDB file and Parquet below a folder."""

    con: duckdb.DuckDBPyConnection
    marts: Path

    def tables(self) -> list[str]:
        found = self.con.execute(
            "select table_name from information_schema.tables where table_schema = 'main' order by all"
        )
        return [name for (name,) in found.fetchall()]

    def spark(self, name: str) -> str:
        return f"read_parquet({engine.text(str(self.marts / name / '*.parquet'))})"

    def columns(self, relation: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self.con.execute(f"describe select * from {relation}").fetchall()}

    def number(self, query: str) -> int:
        row = self.con.execute(query).fetchone()
        assert row
        return int(row[0])


def of_region(folder: Path) -> Path:
    """A region that came through the whole job, as `linkwork build` leaves it."""
    region = install(folder)
    region.run("simulate", "--people", str(PEOPLE), "--seed", "11", "--out", "region")
    region.run("reference", "load", "--all", "region/reference")
    region.run("ingest", "--landing", "region/landing", expect=3)  # it holds a file of an unregistered sender
    region.run("build")
    return region.home / "warehouse" / "warehouse.duckdb"


def of_scenarios(folder: Path) -> Path:
    """The events of every test in `tests/spec`: the rules and edge cases that a region seldom has."""
    files = sorted((Path(__file__).parents[1] / "spec").glob("test_*.py"))
    modules = [importlib.import_module(f"tests.spec.{file.stem}") for file in files]
    return build({m.__name__: m.scenario for m in modules if hasattr(m, "scenario")}, folder)


@pytest.fixture(scope="module", params=[of_region, of_scenarios], ids=["region", "scenarios"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    if not shutil.which("java") and "JAVA_HOME" not in os.environ:
        pytest.fail("Spark needs Java 17 or later: install it, or set JAVA_HOME")
    folder = tmp_path_factory.mktemp("spark")
    warehouse = request.param(tmp_path_factory.mktemp("warehouse"))
    with engine.connect(warehouse, read_only=True) as con:
        sources = con.execute(
            "select table_schema, table_name from information_schema.tables where table_schema in ('log', 'reference')"
        ).fetchall()
        for schema, table in sources:
            (folder / "sources" / schema).mkdir(parents=True, exist_ok=True)
            file = folder / "sources" / schema / f"{table}.parquet"
            con.execute(f"copy (from {engine.name(schema)}.{engine.name(table)}) to {engine.text(str(file))}")
        finished = run(
            [
                SPARK_PYTHON,
                str(Path(__file__).with_name("on_spark.py")),
                str(folder / "sources"),
                str(folder / "work"),
                # Unit tests prove the rules on DuckDB, with rows in its words; data tests passed there, on these rows.
                "--exclude-resource-type",
                "unit_test",
                "--exclude-resource-type",
                "test",
            ],
            log=folder / "output.txt",
            extra_env={"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "PYTHONPATH": ""},
        )
        assert finished.returncode == 0, finished.output
        yield Built(con, folder / "work" / "marts")


def differing(built: Built, name: str) -> int:
    """Rows of a table that are not the same on both engines, when each is put in order of all that is no double."""
    columns = built.columns(f"main.{name}")
    doubles = [c for c, kind in columns.items() if kind == "DOUBLE"]
    exact = [c for c in columns if c not in doubles]
    order = ", ".join(engine.name(c) for c in exact + doubles)
    apart = [f"duck.{engine.name(c)} is distinct from spark.{engine.name(c)}" for c in exact]
    for column in map(engine.name, doubles):
        far = f"abs(duck.{column} - spark.{column}) > {TOLERANCE} * abs(duck.{column})"
        apart.append(f"((duck.{column} is null) <> (spark.{column} is null) or {far})")
    return built.number(
        f"""with duck as (select *, row_number() over (order by {order}) as place from main.{name}),
        spark as (select *, row_number() over (order by {order}) as place from {built.spark(name)})
        select count(*) from duck full join spark using (place)
        where duck.place is null or spark.place is null or {" or ".join(apart)}"""
    )


def test_every_model_has_the_same_rows_on_both_engines(built: Built) -> None:
    """All values to the bit, but for doubles."""
    for name in built.tables():
        assert list(built.columns(built.spark(name))) == list(built.columns(f"main.{name}")), name
    different = {name: differing(built, name) for name in built.tables()}
    assert {name: rows for name, rows in different.items() if rows} == {}
    sizes = {name: built.number(f"select count(*) from main.{name}") for name in built.tables()}
    assert sum(size > 0 for size in sizes.values()) > 0.8 * len(sizes), "or nothing was compared"


def test_a_difference_is_found(built: Built, tmp_path: Path) -> None:
    """In a whole number, in a double beyond its last bits, in a row too many; not in the last bit of a double."""
    rows = built.spark("rpt_gp_reattendance")
    for changed, found in (
        (f"select * from {rows}", False),
        (f"select * replace (rate_before * (1 + 1e-15) as rate_before) from {rows}", False),
        (f"select * replace (rate_before * (1 + 1e-9) as rate_before) from {rows}", True),
        (f"select * replace (referrals + 1 as referrals) from {rows}", True),
        (f"(from {rows}) union all (from {rows} limit 1)", True),
    ):
        (tmp_path / "rpt_gp_reattendance").mkdir(exist_ok=True)
        file = tmp_path / "rpt_gp_reattendance" / "part.parquet"
        built.con.execute(f"copy ({changed}) to {engine.text(str(file))}")
        assert (differing(Built(built.con, tmp_path), "rpt_gp_reattendance") > 0) is found, changed


def test_types_are_the_same(built: Built) -> None:
    """Of marts all; of models without a contract all but the width of whole numbers."""
    for name in built.tables():
        columns, there = built.columns(f"main.{name}"), built.columns(built.spark(name))
        held = name.startswith(("dim_", "fct_", "rpt_"))
        for column, kind in columns.items():
            widths = not held and {kind, there[column]} <= WHOLE
            assert widths or there[column] == kind, f"{name}.{column}"
