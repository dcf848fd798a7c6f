"""Times to an event in SQL against statsmodels, scipy and lifelines, and where the answer is known by hand."""

import random
from collections import Counter

import numpy as np
import pytest
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight

from linkwork.engine import connect
from tests.support.macros import Macros

SQL = Macros("statistics", "cross_db")
CENSORED, EVENT, COMPETING = 0, 1, 2
People = list[tuple[int, int]]  # time, and what ended it
LIFELINES = {  # estimate, lower, upper
    1: (0.125, 0.006593325017326, 0.422705832523969),
    5: (0.270833333333333, 0.038460710713807, 0.592321804148353),
    21: (0.489583333333333, 0.099914240498144, 0.801361201238669),
}


def counted(people: People) -> str:
    """The people of one group as rows of counts."""
    found = Counter(people)
    rows = [
        f"('g', {time}, {found[time, EVENT]}, {found[time, COMPETING]}, {found[time, CENSORED]})"
        for time in sorted({time for time, _ in people})
    ]
    return f"(values {', '.join(rows)}) as counts(grp, time, events, competing, censored)"


def asked(macro: str, people: People, *horizons: int) -> list[dict[str, float]]:
    sql = getattr(SQL, macro)(counted(people), ["grp"], list(horizons))
    with connect() as con:
        cursor = con.execute(f"select * from ({sql}) order by horizon")
        return [dict(zip([d[0] for d in cursor.description], row, strict=True)) for row in cursor.fetchall()]


def cohort(seed: int, size: int, *, ties: bool) -> People:
    draw = random.Random(seed)  # noqa: S311 (nothing secret)
    times = [draw.randrange(30) for _ in range(size)] if ties else draw.sample(range(1, 10 * size), size)
    return [(time, draw.choices([CENSORED, EVENT, COMPETING], [2, 5, 3])[0]) for time in times]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_cumulative_incidence_is_that_of_statsmodels(seed: int, *, ties: bool) -> None:
    people = [*cohort(seed, 200, ties=ties), (9999, CENSORED)]
    times, ended = (np.array(column) for column in zip(*people, strict=True))
    curve = CumIncidenceRight(times, ended)
    at = list(range(3, len(curve.times) - 1, 5))
    horizons = [int(curve.times[n]) for n in at]
    for n, row in zip(at, asked("aalen_johansen", people, *horizons), strict=True):
        f, se = curve.cinc[0][n], curve.cinc_se[0][n]
        assert row["estimate"] == pytest.approx(f, abs=1e-9)
        limits = [f ** np.exp(sign * 1.959963984540054 * se / (f * np.log(f))) for sign in (-1, 1)]
        assert [row["lower"], row["upper"]] == pytest.approx(sorted(limits), abs=1e-9)


def test_cumulative_incidence_is_that_of_lifelines() -> None:
    """What version 0.30.0 of it says of eight people (its limits are the same ones)."""
    people = list(zip([1, 2, 3, 5, 8, 13, 21, 22], [1, 0, 2, 1, 2, 0, 1, 2], strict=True))
    for row in asked("aalen_johansen", people, *LIFELINES):
        assert (row["estimate"], row["lower"], row["upper"]) == pytest.approx(LIFELINES[row["horizon"]], abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_survival_is_that_of_scipy(seed: int) -> None:
    people = [(time, EVENT if ended == EVENT else CENSORED) for time, ended in cohort(seed, 200, ties=True)]
    seen = stats.CensoredData.right_censored([t for t, _ in people], [ended == CENSORED for _, ended in people])
    curve = stats.ecdf(seen).sf
    interval = curve.confidence_interval(method="log-log")
    for row in asked("kaplan_meier", people, 1, 5, 10, 20, 28):
        at = row["horizon"]
        assert row["estimate"] == pytest.approx(float(curve.evaluate(at)), abs=1e-9)
        assert row["lower"] == pytest.approx(float(interval.low.evaluate(at)), abs=1e-9)
        assert row["upper"] == pytest.approx(float(interval.high.evaluate(at)), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_with_ties_event_and_competing_event_and_neither_are_everybody(seed: int) -> None:
    people = cohort(seed, 200, ties=True)
    swapped = [(time, {EVENT: COMPETING, COMPETING: EVENT}.get(ended, ended)) for time, ended in people]
    either = [(time, EVENT if ended else CENSORED) for time, ended in people]
    horizons = [0, 3, 10, 25]
    three = [
        asked("aalen_johansen", people, *horizons),
        asked("aalen_johansen", swapped, *horizons),
        asked("kaplan_meier", either, *horizons),
    ]
    for rows in zip(*three, strict=True):
        assert sum(row["estimate"] for row in rows) == pytest.approx(1, abs=1e-9)


def test_with_everybody_followed_it_is_the_share() -> None:
    (row,) = asked("aalen_johansen", [(1, EVENT)] * 7 + [(2, COMPETING)] * 5 + [(9, CENSORED)] * 8, 4)
    assert (row["n_start"], row["at_risk"], row["events"], row["competing"], row["censored"]) == (20, 8, 7, 5, 0)
    assert row["estimate"] == pytest.approx(7 / 20)
    (km,) = asked("kaplan_meier", [(1, EVENT)] * 7 + [(9, CENSORED)] * 13, 4)
    assert km["estimate"] == pytest.approx(13 / 20)


def test_a_competing_event_is_not_a_censoring() -> None:
    """Of ten, five end otherwise on day 1 and five have the event on day 2: half, where 1 - Kaplan-Meier says all."""
    people = [(1, COMPETING)] * 5 + [(2, EVENT)] * 5
    (row,) = asked("aalen_johansen", people, 2)
    (naive,) = asked("kaplan_meier", [(t, EVENT if e == EVENT else CENSORED) for t, e in people], 2)
    assert (row["estimate"], 1 - naive["estimate"]) == (0.5, 1.0)


def test_nothing_is_said_of_a_time_to_which_nobody_was_followed() -> None:
    cut_short, finished = asked("aalen_johansen", [(1, EVENT), (3, CENSORED)], 3, 4)
    assert (cut_short["estimate"], finished["estimate"], finished["at_risk"]) == (0.5, None, 0)
    (known,) = asked("aalen_johansen", [(1, EVENT), (3, COMPETING)], 99)
    assert (known["estimate"], known["at_risk"]) == (0.5, 0)


def test_there_are_no_limits_around_nobody_and_everybody() -> None:
    first, last = asked("aalen_johansen", [(2, EVENT)] * 3, 1, 2)
    assert (first["estimate"], first["lower"], first["upper"]) == (0.0, None, None)
    assert (last["estimate"], last["lower"], last["upper"]) == (1.0, None, None)
