"""Intervals in SQL against golden values of their formulas (95 %)."""

import pytest

from linkwork.engine import connect
from linkwork.release.intervals import interval_limit

WILSON = [
    (0, 20, 0.0, 16.1125),
    (7, 20, 18.1192, 56.7146),
    (38, 100, 29.0976, 47.7902),
    (900, 1000, 87.9848, 91.7091),
    (20, 20, 83.8875, 100.0),
]
POISSON = [(0, 0.0, 3.6889), (10, 4.7874, 18.3915), (25, 16.1743, 36.9065), (50, 37.1081, 65.9202)]
POISSON += [(244, 214.3411, 276.6150)]


def limits(kind: str, x: int | None, n: int | None, per: float) -> tuple[float | None, float | None]:
    lower, upper = (interval_limit(kind, side, "x", "n", per) for side in ("lower", "upper"))  # type: ignore[arg-type]
    found = (
        connect().execute(f"select {lower}, {upper} from (select ?::bigint as x, ?::bigint as n)", [x, n]).fetchone()
    )
    assert found is not None
    return found[0], found[1]


@pytest.mark.parametrize(("x", "n", "lower", "upper"), WILSON)
def test_wilson(x: int, n: int, lower: float, upper: float) -> None:
    assert limits("proportion", x, n, 100) == pytest.approx((lower, upper), abs=5e-5)


@pytest.mark.parametrize(("x", "lower", "upper"), POISSON)
def test_poisson(x: int, lower: float, upper: float) -> None:
    assert limits("rate", x, 1, 1) == pytest.approx((lower, upper), abs=5e-5)
    assert limits("rate", x, 500, 1000) == pytest.approx((2 * lower, 2 * upper), abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "x", "n"),
    [
        ("proportion", None, 20),
        ("proportion", 5, None),
        ("proportion", 0, 0),
        ("proportion", 21, 20),
        ("rate", None, 20),
        ("rate", 10, 0),
        ("rate", 5, 20),  # below 10 Byar's approximation is not used, and a shown count is never there
    ],
)
def test_no_interval_where_no_formula_holds(kind: str, x: int | None, n: int | None) -> None:
    assert limits(kind, x, n, 1) == (None, None)
