"""The statistics of the marts against published values and the libraries that statisticians use."""

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
