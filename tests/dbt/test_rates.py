"""Intervals of counts and rates, funnels and indices of inequality, against published values, scipy and simulation."""

import math
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats

from linkwork.engine import connect
from tests.support.macros import Macros

SQL = Macros("statistics", "cross_db")
SIDES = ("lower", "upper")


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return connect()


def limits(con: duckdb.DuckDBPyConnection, macro: str, values: str, *arguments: Any, **options: Any) -> tuple[Any, ...]:
    """Both limits by a macro, over one row of values."""
    asked = ", ".join(getattr(SQL, macro)(*arguments, side, **options) for side in SIDES)
    return con.execute(f"select {asked} from (select {values})").fetchone()  # type: ignore[return-value]


# Golden values, to the last digit printed.
BYAR = {10: (4.7874, 18.3915), 25: (16.1743, 36.9065), 50: (37.1081, 65.9202), 244: (214.3411, 276.6150)}
EXACT = {0: (0, 3.6889), 1: (0.0253, 5.5716), 5: (1.6235, 11.6683), 9: (4.1154, 17.0848)}


@pytest.mark.parametrize(("macro", "golden"), [("byar", BYAR), ("exact_poisson", EXACT)])
def test_intervals_of_counts_are_the_published_ones(con: duckdb.DuckDBPyConnection, macro: str, golden: Any) -> None:
    for x, interval in golden.items():
        assert limits(con, macro, f"{x} as x", "x") == pytest.approx(interval, abs=5.1e-5), x
        assert limits(con, "count_limit", f"{x} as x", "x") == pytest.approx(interval, abs=5.1e-5), x


@pytest.mark.parametrize("p", [0.975, 0.999])
def test_exact_intervals_are_those_of_chi_squared(con: duckdb.DuckDBPyConnection, p: float) -> None:
    lower, upper = (SQL.exact_poisson("x", side, p) for side in SIDES)
    rows = con.execute(f"select x, {lower}, {upper} from range(0, 2000) as r(x)").fetchall()
    for x, low, high in rows:
        assert low == pytest.approx(stats.chi2.ppf(1 - p, 2 * x) / 2 if x else 0, rel=3e-7), x
        assert high == pytest.approx(stats.chi2.ppf(p, 2 * x + 2) / 2, rel=3e-7), x


def test_exact_intervals_at_95_percent_are_right_to_1e_8(con: duckdb.DuckDBPyConnection) -> None:
    for x in (1, 9, 10, 30, 31, 1000):
        assert limits(con, "exact_poisson", f"{x} as x", "x") == pytest.approx(
            (stats.chi2.ppf(0.025, 2 * x) / 2, stats.chi2.ppf(0.975, 2 * x + 2) / 2), rel=1e-8
        )


def test_byars_interval_is_near_the_exact_one_where_it_is_used(con: duckdb.DuckDBPyConnection) -> None:
    for x in (10, 11, 100, 10_000):
        exact = (stats.chi2.ppf(0.025, 2 * x) / 2, stats.chi2.ppf(0.975, 2 * x + 2) / 2)
        assert limits(con, "byar", f"{x} as x", "x") == pytest.approx(exact, rel=2e-3), x
    low, high = limits(con, "byar", "1 as x", "x", p=0.999)
    assert 0 <= low < high


def test_a_rate_without_a_population_has_no_interval(con: duckdb.DuckDBPyConnection) -> None:
    assert limits(con, "rate_limit", "3 as x, 0 as n", "x", "n") == (None, None)
    assert limits(con, "rate_limit", "3 as x, null::bigint as n", "x", "n") == (None, None)
    assert limits(con, "rate_limit", "10 as x, 500 as n", "x", "n") == pytest.approx((9.5748, 36.7830), abs=1e-4)


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match=r"normal_quantile knows p = 0\.975 and p = 0\.999, not 0\.95"):
        SQL.byar("x", "lower", 0.95)
    with pytest.raises(ValueError, match="gamma_quantile knows"):
        SQL.exact_poisson("x", "lower", 0.95)


STRATA = [(10, 1000, 5000), (20, 1000, 6000), (40, 500, 3000)]


def standardised(strata: list[tuple[int, int, int]], per: int) -> tuple[float, float, int]:
    """Rate, variance and events by the definition."""
    weights = sum(w for _, _, w in strata)
    rate = per * sum(w * x / n for x, n, w in strata) / weights
    return rate, per**2 * sum(w * w * x / n**2 for x, n, w in strata) / weights**2, sum(x for x, _, _ in strata)


def test_the_interval_of_a_standardised_rate_is_dobsons(con: duckdb.DuckDBPyConnection) -> None:
    rate, variance, events = standardised(STRATA, 100_000)
    assert rate == pytest.approx(2928.5714, abs=5.1e-5)
    values = f"{rate!r}::double as rate, {variance!r}::double as variance, {events} as events"
    found = limits(con, "dobson", values, "rate", "variance", "events")
    assert found == pytest.approx((2281.7162, 3701.5029), abs=5.1e-5)


def test_no_standardised_interval_below_ten_events(con: duckdb.DuckDBPyConnection) -> None:
    values = "5.0 as rate, 1.0 as variance, 9 as events"
    assert limits(con, "dobson", values, "rate", "variance", "events") == (None, None)


def test_with_one_stratum_dobsons_interval_is_byars(con: duckdb.DuckDBPyConnection) -> None:
    rate, variance, events = standardised([(40, 2000, 1)], 1000)
    values = f"{rate!r}::double as rate, {variance!r}::double as variance, {events} as events, 2000 as n"
    assert limits(con, "dobson", values, "rate", "variance", "events") == pytest.approx(
        limits(con, "rate_limit", values, "events", "n")
    )


def funnelled(con: duckdb.DuckDBPyConnection, counts: Any, exposure: Any) -> list[tuple[Any, ...]]:
    """Per trial and unit: observed, expected, inflation, and the limits at 95 and 99.8 %."""
    trials, units = counts.shape
    data = {
        "trial": np.repeat(np.arange(trials), units),
        "observed": counts.reshape(-1),
        "exposure": np.tile(exposure, trials),
    }
    con.register("units_given", {name: np.asarray(values, dtype="int64") for name, values in data.items()})
    bounds = ", ".join(SQL.funnel_limit("expected", "inflation", side, p) for p in (0.975, 0.999) for side in SIDES)
    return con.execute(
        f"""select observed, expected, inflation, {bounds}
        from ({SQL.funnel("units_given", ["trial"], "observed", "exposure")}) as funnelled"""
    ).fetchall()


def shares_outside(rows: list[tuple[Any, ...]]) -> list[float]:
    table = np.array(rows, dtype=float)
    outside = [(table[:, 0] < table[:, i]) | (table[:, 0] > table[:, i + 1]) for i in (3, 5)]
    return [float(flags.mean()) for flags in outside]


def within_chance(share: float, nominal: float, trials: int) -> bool:
    """Not more than nominal, by four standard errors of a binomial share."""
    return share <= nominal + 4 * math.sqrt(nominal * (1 - nominal) / trials)


@pytest.mark.parametrize("units", [5, 40, 150])
@pytest.mark.parametrize("rate", [0.0005, 0.02, 0.2])
def test_a_region_without_differences_flags_no_more_than_it_should(
    con: duckdb.DuckDBPyConnection, units: int, rate: float
) -> None:
    """Practices of 1,500 to 25,000 people, all with one rate: at most 5 and 0.2 % outside, but for chance."""
    random = np.random.default_rng(20260131)
    trials = 12_000 // units
    exposure = np.exp(random.uniform(math.log(1500), math.log(25_000), units)).astype(int)
    rows = funnelled(con, random.poisson(rate * exposure, (trials, units)), exposure)
    for share, nominal in zip(shares_outside(rows), (0.05, 0.002), strict=True):
        assert within_chance(share, nominal, trials * units), (share, nominal)


@pytest.mark.parametrize("spread", [0.1, 0.25])
def test_practices_that_all_differ_a_little_are_no_outliers(con: duckdb.DuckDBPyConnection, spread: float) -> None:
    """Over-dispersion: true rates that spread around one mean, as casemix makes them, flag no more either."""
    random = np.random.default_rng(20260131)
    trials, units = 400, 100
    exposure = np.exp(random.uniform(math.log(1500), math.log(25_000), units)).astype(int)
    true = np.maximum(0.02 * (1 + spread * random.standard_normal((trials, units))), 0)
    rows = funnelled(con, random.poisson(true * exposure), exposure)
    unadjusted = np.array([row[1] for row in rows])
    counts = np.array([row[0] for row in rows])
    assert (np.abs(counts - unadjusted) > 1.96 * np.sqrt(unadjusted)).mean() > 0.1
    wide, wider = shares_outside(rows)
    assert within_chance(wide, 0.05, trials * units), wide
    assert within_chance(wider, 0.004, trials * units), wider


def test_a_real_outlier_is_flagged_and_does_not_widen_the_funnel(con: duckdb.DuckDBPyConnection) -> None:
    counts, exposure = np.full((1, 40), 100), np.full(40, 5000)
    counts[0, ::2] += 8
    counts[0, 7] = 200
    rows = funnelled(con, counts, exposure)
    assert [i for i, row in enumerate(rows) if row[0] > row[6]] == [7]
    assert rows[0][2] == pytest.approx(1)


@pytest.mark.parametrize("p", [0.975, 0.999])
def test_limits_of_a_funnel_are_quantiles_of_poisson(con: duckdb.DuckDBPyConnection, p: float) -> None:
    lower, upper = (SQL.funnel_limit("e", "1.0", side, p) for side in SIDES)
    rows = con.execute(
        f"select e, {lower}, {upper} from (select (x / 20.0)::double as e from range(1, 4000) as r(x))"
    ).fetchall()
    for e, low, high in rows:
        assert stats.poisson.sf(math.floor(high), e) <= 1.02 * (1 - p), e
        assert low == 0 or stats.poisson.cdf(math.ceil(low) - 1, e) <= 1.02 * (1 - p), e
        assert high <= stats.poisson.ppf(p, e) + 2, e


def indices(con: duckdb.DuckDBPyConnection, groups: list[tuple[int, float, float]]) -> dict[str, Any]:
    """The indices of groups (population, rate, variance), most deprived first."""
    rows = " union all ".join(
        f"select 'x' as area, {i} as decile, {n} as people, {rate!r}::double as rate, {variance!r}::double as variance"
        for i, (n, rate, variance) in enumerate(groups)
    )
    cursor = con.execute(SQL.inequality(f"({rows})", ["area"], "decile", "people", "rate", "variance"))
    return dict(zip([d[0] for d in cursor.description or []], cursor.fetchone() or (), strict=True))


GROUPS = [(1200, 31.0, 25.8), (900, 28.0, 31.1), (1500, 22.0, 14.7), (1100, 19.0, 17.3), (2000, 12.5, 6.3)]


def by_least_squares(groups: list[tuple[int, float, float]]) -> tuple[Any, Any]:
    """Rates at both ends by weighted least squares, and their covariance, in matrices."""
    n, y, v = (np.array(column, dtype=float) for column in zip(*groups, strict=True))
    ridits = (np.cumsum(n) - n / 2) / n.sum()
    design = np.column_stack([np.ones(len(n)), ridits])
    solve = np.linalg.inv(design.T @ np.diag(n) @ design) @ design.T @ np.diag(n)
    ends = np.array([[1, 0], [1, 1]]) @ solve
    return ends @ y, ends @ np.diag(v) @ ends.T


def test_indices_of_inequality_are_those_of_weighted_least_squares(con: duckdb.DuckDBPyConnection) -> None:
    found = indices(con, GROUPS)
    (most, least), covariance = by_least_squares(GROUPS)
    assert found["index_groups"] == 5
    assert found["slope_index"] == pytest.approx(most - least, rel=1e-9)
    assert found["relative_index"] == pytest.approx(most / least, rel=1e-9)
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    z = stats.norm.ppf(0.975)
    assert (found["slope_index_lower"], found["slope_index_upper"]) == pytest.approx(
        (most - least - z * error, most - least + z * error), rel=1e-9
    )
    gradient = np.array([1 / most, -1 / least])
    log_error = math.sqrt(gradient @ covariance @ gradient)
    assert (found["relative_index_lower"], found["relative_index_upper"]) == pytest.approx(
        (most / least * math.exp(-z * log_error), most / least * math.exp(z * log_error)), rel=1e-9
    )


def test_the_intervals_of_the_indices_hold_the_truth_as_often_as_they_say(con: duckdb.DuckDBPyConnection) -> None:
    """Counts drawn around a known line: 95 % of the intervals hold its indices, within what 1,000 draws allow."""
    random = np.random.default_rng(20260131)
    people = np.array([5000, 4000, 6000, 4500, 5500])
    ridits = (np.cumsum(people) - people / 2) / people.sum()
    true = 0.03 - 0.02 * ridits
    held = np.zeros(2)
    for _ in range(1000):
        x = random.poisson(true * people)
        rates, variances = 1000 * x / people, 1e6 * x / people**2
        found = indices(con, [(int(n), float(r), float(v)) for n, r, v in zip(people, rates, variances, strict=True)])
        held += [
            found["slope_index_lower"] <= 20 <= found["slope_index_upper"],
            found["relative_index_lower"] <= 3 <= found["relative_index_upper"],
        ]
    assert (np.abs(held / 1000 - 0.95) < 0.03).all(), held


def test_equal_rates_have_no_slope(con: duckdb.DuckDBPyConnection) -> None:
    found = indices(con, [(1000, 20.0, 20.0), (500, 20.0, 40.0), (800, 20.0, 25.0)])
    assert (found["slope_index"], found["relative_index"]) == pytest.approx((0, 1), abs=1e-9)


def test_one_group_has_no_index_and_an_end_below_nothing_no_quotient(con: duckdb.DuckDBPyConnection) -> None:
    assert indices(con, [(1000, 20.0, 20.0), (0, 5.0, 1.0)])["slope_index"] is None
    steep = indices(con, [(1000, 40.0, 40.0), (500, 1.0, 2.0), (500, 0.0, 0.0)])
    assert steep["slope_index"] > 0
    assert (steep["relative_index"], steep["relative_index_lower"]) == (None, None)
