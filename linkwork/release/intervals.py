"""95 % confidence intervals as SQL over rounded counts: Wilson (proportions), exact Poisson and Byar (rates).

Formulas as in Public Health England's technical guide; a count of 0 has a closed exact Poisson limit, so no
chi-squared table is needed, and under every policy a shown count is either 0 or at least 10.
"""

import math
from typing import Literal

Z = 1.959963984540054  # 97.5th percentile of the standard normal distribution
EXACT_UPPER_OF_ZERO = -math.log(0.025)  # chi-squared(0.975, 2) / 2
BYAR_FROM = 10  # below it Byar's approximation is not used

Side = Literal["lower", "upper"]


def interval_limit(
    kind: Literal["proportion", "rate"], side: Side, numerator: str, denominator: str, per: float
) -> str:
    """SQL for one limit of `per` x numerator / denominator. NULL where a part is NULL or no formula holds."""
    limit = _wilson if kind == "proportion" else _poisson
    return limit(side, f"cast({numerator} as double)", f"cast({denominator} as double)", per)


def _wilson(side: Side, x: str, n: str, per: float) -> str:
    sign = "-" if side == "lower" else "+"
    root = f"sqrt(greatest({Z * Z} + 4 * {x} * (1 - {x} / {n}), 0))"  # nothing below 0 by floating point
    limit = f"(2 * {x} + {Z * Z} {sign} {Z} * {root}) / (2 * ({n} + {Z * Z}))"
    return f"case when {n} > 0 and {x} <= {n} then {per!r} * greatest(0, least(1, {limit})) end"


def _poisson(side: Side, x: str, n: str, per: float) -> str:
    if side == "lower":
        zero, byar = "0", f"{x} * power(1 - 1 / (9 * {x}) - {Z} / (3 * sqrt({x})), 3)"
    else:
        zero = repr(EXACT_UPPER_OF_ZERO)
        byar = f"({x} + 1) * power(1 - 1 / (9 * ({x} + 1)) + {Z} / (3 * sqrt({x} + 1)), 3)"
    count = f"case when {x} = 0 then {zero} when {x} >= {BYAR_FROM} then {byar} end"
    return f"case when {n} > 0 then {per!r} * ({count}) / {n} end"
