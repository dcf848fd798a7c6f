"""Offers before uptake: who was offered social prescribing, how it ended, and that no offer is a referral."""

from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

EVENTS = """
person | record | event                      | on         | says
ann    | P      | person.described           | 2024-01-01 | at=Z97621; sex=female; birth_month=1950-03-01; long_term_conditions=DEP,DM
ann    | O1     | referral.offered           | 2025-03-03 | at=Z97621; code=871691000000100
ann    | O2     | referral.declined_at_offer | 2025-03-20 | at=Z97621; code=871711000000103
ann    | O3     | referral.accepted_at_offer | 2025-08-20 | at=Z97621; code=871731000000106
ann    | S1     | referral.received          | 2025-08-22 | at=Z97621; route=gp; provider_code=OA
bob    | O4     | referral.declined_at_offer | 2025-03-04 | at=Z97621; code=871711000000103
bob    | O5     | referral.accepted_at_offer | 2025-04-04 | at=Z97621; code=871731000000106
cat    | O6     | referral.offered           | 2025-03-05 | at=Z97621; code=871691000000100
dan    | O7     | referral.declined_at_offer | 2025-03-06 | at=Z97621; code=871711000000103
dan    | S2     | referral.received          | 2025-03-07 | at=Z97621; route=self; provider_code=OA
eve    | O8     | referral.declined_at_offer | 2025-03-06 | at=V81999; code=871711000000103
fay    | O9     | referral.offered           | 2026-02-06 | at=Z97621; code=871691000000100
"""  # noqa: E501


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97621", pcn="U97621", icb="QV6")


def offered(marts: Scenario, period: str, breakdown: str = "none", group: str = "all") -> dict[str, Any]:
    return marts.row(
        """select offers, people, accepted, declined_at_offer, not_answered, declined_share from rpt_offers
        where period_type = 'month' and period_start = $period::date and area_level = 'practice'
        and area_code = 'Z97621' and breakdown = $breakdown and breakdown_group = $group""",
        period=period,
        breakdown=breakdown,
        group=group,
    )


def test_an_offer_ends_accepted_declined_or_without_an_answer(marts: Scenario) -> None:
    """Ann declines in March and accepts in August, a new episode; bob declines and accepts in April."""
    found = offered(marts, "2025-03-01")
    assert (found["offers"], found["people"]) == (4, 4)
    assert (found["accepted"], found["declined_at_offer"], found["not_answered"]) == (1, 2, 1)
    assert found["declined_share"] == pytest.approx(2 / 3)
    assert offered(marts, "2025-08-01")["accepted"] == 1


def test_e06_declined_at_offer_is_in_no_denominator_of_referrals(marts: Scenario) -> None:
    """Dan declined at his practice and came by himself: the referral is of its own, the refusal stays one."""
    rows = marts.rows(
        """select stage, referrals, candidates from rpt_uptake where period_type = 'year' and breakdown = 'none'
        and area_code = 'Z97621' and stage in ('referred', 'declined') order by stage desc"""
    )
    assert [tuple(row.values()) for row in rows] == [("referred", 2, 2), ("declined", 0, 2)]
    year = marts.row(
        """select offers, people, declined_at_offer from rpt_offers where period_type = 'year' and breakdown = 'none'
        and area_code = 'Z97621'"""
    )
    assert tuple(year.values()) == (5, 4, 2)


def test_long_term_conditions_are_a_cut_of_offers(marts: Scenario) -> None:
    assert offered(marts, "2025-03-01", "ltc_group", "both")["declined_at_offer"] == 1
    assert offered(marts, "2025-03-01", "ltc_group", "unknown")["offers"] == 3
    assert offered(marts, "2025-03-01", "ltc_count_band", "2")["declined_at_offer"] == 1


def test_e27_an_offer_to_come_is_not_counted(marts: Scenario) -> None:
    days = marts.row("select max(offered_on) as day from fct_offers where practice_code = 'Z97621'")
    assert days["day"] == date(2025, 8, 20)
