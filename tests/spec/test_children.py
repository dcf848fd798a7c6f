"""Children: referrals of people under 18 on the day of receipt, by stage of uptake and by reason."""

from typing import Any

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Ann is 17 in June and 18 in July 2025; bob is ten and referred twice; cat is grown up; nobody knows how old dan is.
EVENTS = """
person | record | event             | on         | says
ann    | A-p    | person.described  | 2024-12-01 | at=Z97871; birth_month=2007-07-01; sex=female
ann    | A1     | referral.received | 2025-06-30 | at=Z97871; route=gp; provider_code=CH; reasons=LOCAL:DEBT,LOCAL:ARTS
ann    | A1     | referral.accepted | 2025-07-01 | provider_code=CH
ann    | A2     | referral.received | 2025-07-01 | at=Z97871; route=gp; provider_code=CI; reasons=LOCAL:DEBT
bob    | B-p    | person.described  | 2024-12-01 | at=Z97871; birth_month=2015-01-01; sex=male
bob    | B1     | referral.received | 2025-02-01 | at=Z97871; route=gp; provider_code=CH; reasons=LOCAL:ARTS
bob    | B1     | referral.accepted | 2025-02-03 | provider_code=CH
bob    | B-c    | contact.held      | 2025-02-10 | provider_code=CH; referral=B1
bob    | B2     | referral.received | 2025-05-01 | at=Z97871; route=self; provider_code=CI
cat    | C-p    | person.described  | 2024-12-01 | at=Z97871; birth_month=1980-01-01; sex=female
cat    | C1     | referral.received | 2025-06-01 | at=Z97871; route=gp; provider_code=CH; reasons=LOCAL:ARTS
dan    | D1     | referral.received | 2025-06-01 | at=Z97871; route=gp; provider_code=CH; reasons=LOCAL:ARTS
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97871", pcn="U97871", icb="QCH")


def figures(marts: Scenario, kind: str, breakdown: str = "none", group: str = "all") -> dict[str, tuple[Any, ...]]:
    """Referrals, people and all referrals of the year by item."""
    rows = marts.rows(
        """select item, referrals, people, referrals_all from rpt_children where period_type = 'year'
        and area_level = 'practice' and area_code = 'Z97871' and item_kind = $kind and breakdown = $breakdown
        and breakdown_group = $grp""",
        kind=kind,
        breakdown=breakdown,
        grp=group,
    )
    return {row["item"]: (row["referrals"], row["people"], row["referrals_all"]) for row in rows}


def test_e23_the_age_is_that_of_the_day_and_nobody_s_is_guessed(marts: Scenario) -> None:
    stages = figures(marts, "stage")
    assert stages["referred"] == (3, 2, 3), "ann at 17, and bob twice"
    assert (stages["accepted"], stages["contacted"]) == ((2, 2, 3), (1, 1, 3))
    assert "completed" not in stages


def test_e23_a_child_counts_in_each_reason_or_in_the_first(marts: Scenario) -> None:
    every, first = figures(marts, "reason_any"), figures(marts, "reason_primary")
    assert sum(referrals for referrals, _, _ in every.values()) == 4
    assert sum(referrals for referrals, _, _ in first.values()) == 3
    assert every["uncoded"] == first["uncoded"] == (1, 1, 3)


def test_e23_children_are_broken_down_as_others_are(marts: Scenario) -> None:
    assert figures(marts, "stage", "sex", "female")["referred"] == (1, 1, 1)
    assert figures(marts, "stage", "route", "self")["referred"] == (1, 1, 1)
    assert figures(marts, "stage", "ltc_count_band", "unknown")["referred"] == figures(marts, "stage")["referred"]
    assert marts.row("select count(*) as n from rpt_children where breakdown = 'age_band'") == {"n": 0}


def test_e23_children_are_those_of_the_band_in_other_marts(marts: Scenario) -> None:
    """A test of every build holds it row for row; here that there is something to hold."""
    whole = """select sum({}.referrals)::bigint as n from {} where period_type = 'year' and area_level = 'icb'
        and breakdown = '{}' and breakdown_group = '{}' and {}"""
    uptake = marts.row(whole.format("rpt_uptake", "rpt_uptake", "age_band", "0-17", "stage = 'referred'"))
    children = marts.row(whole.format("rpt_children", "rpt_children", "none", "all", "item = 'referred'"))
    assert uptake == children
    assert children["n"] >= 3
