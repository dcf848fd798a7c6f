"""The statistics of the marts against published values and the libraries that statisticians use."""

import math
from typing import Any

import duckdb
import pytest
from scipy import stats

from linkwork.engine import connect
from tests.support.macros import Macros

SQL = Macros("statistics", "cross_db")


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return connect()


def value(con: duckdb.DuckDBPyConnection, expression: str, **columns: Any) -> Any:
    """An expression over one row of the given columns."""
    row = ", ".join(f"${name} as {name}" for name in columns) or "1 as one"
    return con.execute(f"select {expression} from (select {row})", columns).fetchone()[0]  # type: ignore[index]


@pytest.mark.parametrize("p", [0.975, 0.999])
def test_quantiles_of_t(con: duckdb.DuckDBPyConnection, p: float) -> None:
    rows = con.execute(f"select df, {SQL.t_quantile(p, 'df')} from range(0, 3000) as r(df)").fetchall()
    assert rows[0] == (0, None)
    for df, t in rows[1:]:
        assert t == pytest.approx(stats.t.ppf(p, df), rel=1e-7), df


def test_an_unknown_quantile_of_t_is_refused() -> None:
    with pytest.raises(ValueError, match=r"p = 0\.975 and p = 0\.999, not 0\.9"):
        SQL.t_quantile(0.9, "df")


@pytest.mark.parametrize("n", [2, 3, 12, 31, 200])
def test_intervals_of_a_mean(con: duckdb.DuckDBPyConnection, n: int) -> None:
    values = [round(math.sin(k) * 5, 2) + 1.25 for k in range(n)]
    con.execute("create or replace table x as select unnest($1)::decimal(18, 4) as x", [values])
    sums = "(select count(*) as n, sum(x) as total, sum(x * x) as squares from x)"
    limits = ", ".join(SQL.t_interval("n", "total", "squares", bound) for bound in ("lower", "upper"))
    found = con.execute(f"select {SQL.mean_of('n', 'total')}, {limits} from {sums}").fetchone()
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found == pytest.approx((sum(values) / n, low, high), rel=1e-7)


def test_one_value_has_a_mean_and_no_interval(con: duckdb.DuckDBPyConnection) -> None:
    one = "(select 1 as n, 2.5::decimal(18, 4) as total, 6.25::decimal(28, 8) as squares)"
    limit, mean = SQL.t_interval("n", "total", "squares", "lower"), SQL.mean_of("n", "total")
    assert con.execute(f"select {mean}, {limit} from {one}").fetchone() == (2.5, None)
    assert con.execute(f"select {mean}, {limit} from (select 0 as n, null as total, null as squares)").fetchone() == (
        None,
        None,
    )
