"""Who stands in several groups or areas in one period counts once in each, and once where these are one."""

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Ann has two referrals by different routes, and moves in May; Bob stays as he is.
EVENTS = """
person | record | event                | on         | says
ann | rga    | registration.started | 2010-01-01 | at=Z97811
ann | rgb    | registration.started | 2025-05-01 | at=Z97812
bob | rgc    | registration.started | 2010-01-01 | at=Z97811
ann | A1     | referral.received    | 2025-03-03 | provider_code=LSG; route=gp
ann | A2     | referral.received    | 2025-03-04 | provider_code=LSG; route=self
bob | B1     | referral.received    | 2025-03-05 | provider_code=LSG; route=gp
ann | g1     | goal.set             | 2025-03-10 | referral=A1; provider_code=LSG
ann | g2     | goal.set             | 2025-03-12 | referral=A2; provider_code=LSG
ann | g3     | goal.set             | 2025-06-12 | referral=A2; provider_code=LSG
bob | g4     | goal.set             | 2025-03-12 | referral=B1; provider_code=LSG
bob | g5     | goal.set             | 2025-03-13 | referral=B1; provider_code=LSG
ann | u1     | activity.attended    | 2025-03-20 | referral=A1; provider_code=GSG; asset_id=sg-walk
ann | u2     | activity.attended    | 2025-03-27 | referral=A2; provider_code=GSG; asset_id=sg-walk
ann | u3     | activity.attended    | 2025-06-26 | referral=A2; provider_code=GSG; asset_id=sg-walk
bob | u4     | activity.attended    | 2025-03-20 | referral=B1; provider_code=GSG; asset_id=sg-walk"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for practice in ("Z97811", "Z97812"):
        warehouse.practice(practice, pcn="U97811", icb="QSG")


def found(marts: Scenario, mart: str, figures: str, place: str, period: str = "year") -> tuple[int, ...]:
    """Figures of all goals set, or of all activity, in 2025 or in March of it."""
    level, area, breakdown, group = place.split()
    kind = "step = 'goal_set' and kind = 'all'" if mart == "rpt_plans" else "category = 'all'"
    row = marts.row(
        f"""select {figures} from {mart} where {kind} and period_type = $period
        and period_start = if($period = 'month', date '2025-03-01', date '2025-01-01') and area_level = $level
        and area_code = $area and breakdown = $breakdown and breakdown_group = $group""",
        period=period,
        level=level,
        area=area,
        breakdown=breakdown,
        group=group,
    )
    return tuple(row.values())


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("pcn U97811 none all", (5, 2, 3)),
        ("pcn U97811 route gp", (3, 2, 2)),
        ("pcn U97811 route self", (2, 1, 1)),
        ("practice Z97811 none all", (4, 2, 3)),
        ("practice Z97812 none all", (1, 1, 1)),
        ("practice Z97811 route self", (1, 1, 1)),
        ("service LSG none all", (5, 2, 3)),
    ],
)
def test_steps_people_and_referrals_of_a_year(marts: Scenario, place: str, expected: tuple[int, ...]) -> None:
    assert found(marts, "rpt_plans", "steps, people, referrals", place) == expected


def test_a_month_has_those_who_had_two_routes_in_it_once(marts: Scenario) -> None:
    assert found(marts, "rpt_plans", "steps, people, referrals", "pcn U97811 none all", "month") == (4, 2, 3)
    assert found(marts, "rpt_plans", "steps, people, referrals", "pcn U97811 route self", "month") == (1, 1, 1)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("pcn U97811 none all", (4, 2)),
        ("pcn U97811 route gp", (2, 2)),
        ("pcn U97811 route self", (2, 1)),
        ("practice Z97812 none all", (1, 1)),
    ],
)
def test_attendances_and_people_of_a_year(marts: Scenario, place: str, expected: tuple[int, ...]) -> None:
    assert found(marts, "rpt_activity_people", "attended, people", place) == expected
