"""Which steps are shown, and what happens to those that would be mostly gaps."""

from collections.abc import Callable
from typing import Any

import pytest

from linkwork.engine import connect
from linkwork.release.disclosure import control
from linkwork.release.ladder import Cells, Step, choose
from linkwork.release.policy import load_policy

Row = Callable[..., dict[str, Any]]
POLICY = load_policy("nhs-hes")


def cells(suppressed: int, of: int = 100, all_suppressed: int | None = None) -> Cells:
    return Cells(of, suppressed, of, suppressed if all_suppressed is None else all_suppressed)


@pytest.mark.parametrize(
    ("split", "area", "period", "shown"),
    [
        ("", "icb", "month", True),
        ("", "pcn", "quarter", True),
        ("", "pcn", "month", False),
        ("", "practice", "month", True),
        ("reason", "icb", "month", True),
        ("reason", "pcn", "quarter", True),
        ("reason", "practice", "year", True),
        ("reason", "practice", "quarter", False),
        ("reason", "practice", "month", False),
        ("reason", "lsoa", "year", False),
        ("reason", "icb", "week", False),
        ("reason", "icb", "all", True),  # coarser than the ladder asks for
    ],
)
def test_steps_of_the_ladder(split: str, area: str, period: str, shown: bool) -> None:
    step = Step(split, area, period)
    assert choose("t", {step: cells(0)}, POLICY) == ([step] if shown else [], [])


def test_only_the_finest_step_that_passes_is_shown() -> None:
    """A year beside its four quarters would give a suppressed quarter away."""
    steps = {Step("", "pcn", period): cells(0) for period in ("quarter", "year", "all")}
    assert choose("t", steps, POLICY) == ([Step("", "pcn", "quarter")], [])


def test_the_tolerance_is_thirty_per_cent_of_the_cells_of_people() -> None:
    step = Step("reason", "icb", "month")
    assert choose("t", {step: cells(30)}, POLICY)[0] == [step]
    assert choose("t", {step: cells(31)}, POLICY)[0] == []


def test_at_least_half_of_all_controlled_cells_are_shown() -> None:
    step = Step("reason", "icb", "month")
    assert choose("t", {step: cells(10, all_suppressed=50)}, POLICY)[0] == [step]
    assert choose("t", {step: cells(10, all_suppressed=51)}, POLICY)[0] == []


def test_f110_a_step_over_the_tolerance_gives_way_to_the_coarser_period_that_passes() -> None:
    steps = {
        Step("reason", "pcn", "quarter"): cells(60),
        Step("reason", "pcn", "year"): cells(20),
        Step("reason", "icb", "month"): cells(5),
    }
    shown, withheld = choose("rpt_x", steps, POLICY)
    assert shown == [Step("reason", "pcn", "year"), Step("reason", "icb", "month")]
    assert [w.model_dump() for w in withheld] == [
        {
            "table": "rpt_x",
            "split": "reason",
            "area_level": "pcn",
            "period_type": "quarter",
            "suppressed_share": 0.6,
            "shown_share": 0.4,
            "coarser": "pcn:year",
        }
    ]


def test_the_coarser_area_is_named_when_no_period_of_the_area_passes() -> None:
    steps = {Step("reason", "practice", "year"): cells(60), Step("reason", "icb", "month"): cells(5)}
    shown, withheld = choose("rpt_x", steps, POLICY)
    assert shown == [Step("reason", "icb", "month")]
    assert withheld[0].coarser == "icb:month"


def test_each_split_is_judged_on_its_own() -> None:
    steps = {Step("reason", "pcn", "quarter"): cells(90), Step("route", "pcn", "quarter"): cells(0)}
    shown, withheld = choose("rpt_x", steps, POLICY)
    assert shown == [Step("route", "pcn", "quarter")]
    assert [(w.split, w.coarser) for w in withheld] == [("reason", None)]


def test_a_mart_without_a_step_that_passes_gives_an_empty_table(region: Any, example_row: Row) -> None:
    mart = region.example([example_row(people=3, referrals=4, completed=1)])
    con = connect(region.warehouse, read_only=True)
    table = control(con, mart, POLICY, None)
    assert con.execute(f"select count(*) from {table.relation}").fetchone() == (0,)
    con.close()
    assert region.open_rows(mart) == []


def test_shares_are_counted_over_the_step_of_the_mart(region: Any, example_row: Row) -> None:
    """Two of three areas are small: the step is withheld and says how much of it would have been hidden."""
    small = {"people": 5, "referrals": 6, "completed": 2}
    mart = region.example([example_row(), example_row(area="QAZ", **small), example_row(area="QBZ", **small)])
    published = region.publish()
    (withheld,) = published.withheld
    assert (withheld.table, withheld.split, withheld.coarser) == (mart.name, "none", None)
    assert (withheld.suppressed_share, withheld.shown_share) == (0.6667, 0.3333)
