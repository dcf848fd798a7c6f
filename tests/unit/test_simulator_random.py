"""What is drawn by chance: the same on every machine, even, independent, and Poisson where it should be."""

from collections.abc import Iterator

import duckdb
import pytest

import simulator
from simulator.world import random

DRAWS = 40_000
KNOWN = (0.5414377218803923, 0.17353570781707817, 0.9237824165228437)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with simulator.connect() as found:
        random.install(found, 7)
        yield found


def test_the_numbers_of_a_seed_are_known(con: duckdb.DuckDBPyConnection) -> None:
    """Where this fails a new DuckDB hashes otherwise: every region has other bytes, so raise simulator.VERSION."""
    found = con.execute("select u(1, 'need'), u('12:7', 'season'), u('12345:s678', 'a longer purpose')").fetchone()
    assert found == pytest.approx(KNOWN, abs=1e-15)


@pytest.mark.parametrize("id_of", ["n", "n || ':1'", "'Z90001|' || n", "n // 7 || ':s' || n % 7"])
def test_draws_are_even_and_those_of_two_purposes_independent(con: duckdb.DuckDBPyConnection, id_of: str) -> None:
    cells = con.execute(f"""
        select count(*) from range({DRAWS}) as t(n)
        group by floor(u({id_of}, 'one') * 10), floor(u({id_of}, 'other') * 10)
    """).fetchall()
    expected = DRAWS / 100
    chi_square = sum((count - expected) ** 2 / expected for (count,) in cells)
    assert len(cells) == 100
    assert 50 < chi_square < 160  # 99 degrees of freedom


@pytest.mark.parametrize("mean", [0.05, 0.9, 1.0, 4.3, 30.0])
def test_arrivals_are_poisson_and_spread_evenly_over_the_span(con: duckdb.DuckDBPyConnection, mean: float) -> None:
    days, people = 100, 20_000
    con.execute(f"create or replace temp table chosen as select n as id from range({people}) as t(n)")
    arrived = random.arrivals(
        "chosen", "id", "arrives", f"{mean} / {days}", first="date '2024-01-01'", last=f"date '2024-01-01' + {days}"
    )
    found = con.execute(f"""
        with arrived as ({arrived}),
        counted as (select count(arrived.id) as n from chosen left join arrived using (id) group by chosen.id)
        select avg(n), var_pop(n), (select avg(day - date '2024-01-01') from arrived),
               (select count(*) - count(distinct (id, n)) from arrived) from counted
    """).fetchone()
    assert found is not None
    average, variance, middle, repeated = found
    error = 4 * (mean / people) ** 0.5
    assert average == pytest.approx(mean, abs=error)
    assert variance == pytest.approx(mean, rel=0.06 + 4 / (mean * people) ** 0.5)
    assert middle == pytest.approx((days - 1) / 2, abs=4 * days / (12 * mean * people) ** 0.5)
    assert repeated == 0


def test_nobody_arrives_without_a_rate_or_a_span(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace temp table chosen as select n as id from range(50) as t(n)")
    for rate, last in (("0", "date '2024-05-01'"), ("1", "date '2024-01-01'")):
        assert not con.execute(
            random.arrivals("chosen", "id", "arrives", rate, first="date '2024-01-01'", last=last)
        ).fetchall()
