"""A region delivered day by day, ingested day by day, says in the end what the same region says told at once."""

from collections.abc import Callable

import duckdb
import pytest

from linkwork.settings import Settings
from tests.support.content import effective
from tests.support.delivery import take
from tests.support.installation import Installation
from tests.support.marts import build_some

MARTS = (
    "fct_referrals", "fct_contacts", "fct_appointments", "fct_activities", "fct_measures", "rpt_uptake",
    "rpt_referral_reasons", "rpt_gp_reattendance",
)  # fmt: skip
# When something was first told, and in which load, is what differs.
TELLING = "lambda name: not regexp_matches(name, '(recorded|received|known|load)_(at|id)$')"


@pytest.fixture(scope="module")
def two(install: Callable[[str], Installation]) -> tuple[Installation, Installation]:
    """The region day by day, and at once, with the same keys."""
    made = install("days")
    daily, at_once = (
        Installation(made.folder / name, {**made.env, "LINKWORK_HOME": str(made.folder / name / "data")})
        for name in ("daily", "at_once")
    )
    for one, days in ((daily, "2"), (at_once, "0")):
        one.folder.mkdir()
        one.run("simulate", "--people", "300", "--seed", "11", "--days", days, "--mess", "0", "--out", "region")
        one.run("reference", "load", "--all", "region/reference")
        take(one, "region/landing")
    for day in sorted((daily.folder / "region" / "days").iterdir()):
        take(daily, str(day / "landing"))
    return daily, at_once


def settings(one: Installation) -> Settings:
    return Settings(home=one.home, keys_dir=one.folder.parent / "keys", test_numbers="allow")


def test_the_effective_facts_are_the_same(two: tuple[Installation, Installation]):
    daily, at_once = (effective(settings(one)) for one in two)
    assert len(daily) > 10_000
    assert daily == at_once


def mart(one: Installation, name: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(one.home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        (schema,) = con.execute("select schema_name from duckdb_tables() where table_name = ?", [name]).fetchone()
        return con.execute(f"select columns({TELLING}) from {schema}.{name} order by all").fetchall()


def test_the_marts_are_the_same(two: tuple[Installation, Installation]):
    for one in two:
        build_some(settings(one), *MARTS)
    for name in MARTS:
        daily, at_once = (mart(one, name) for one in two)
        assert daily, name
        assert daily == at_once, name
