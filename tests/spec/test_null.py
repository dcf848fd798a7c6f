"""A region where a referral changes nothing: the figures must not show a change.

People see their GP at rates of their own (mean 6.1 a year, spread as a gamma distribution of shape 1) and are
referred at one of these visits. Counting the referring visit makes the contacts seem to fall. With the index day
left out, the two sides are the same.
"""

import random
from datetime import date, timedelta
from typing import Any

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

FIRST, LAST = date(2022, 1, 1), date(2025, 12, 31)
PEOPLE, VISITS_A_YEAR, SHARE_REFERRED = 700, 6.1, 0.06


def scenario(warehouse: Warehouse, scope: str) -> None:
    draw = random.Random(20)  # noqa: S311 - a repeatable simulation
    warehouse.practice("Z90501", pcn="U99501", icb="QN1")
    for number in range(PEOPLE):
        person = f"person {number}"
        rate = draw.expovariate(1 / VISITS_A_YEAR) / 365.25
        day, visits = FIRST + timedelta(draw.expovariate(rate)), []
        while day <= LAST:
            visits.append(day)
            day += timedelta(max(1, round(draw.expovariate(rate))))
        middle = [visit for visit in visits if FIRST.year < visit.year < LAST.year]
        referred = [visit for visit in middle if draw.random() < SHARE_REFERRED]
        said = {"practice_code": "Z90501"}
        warehouse.event(scope, person, f"reg {number}", "registration.started", "2015-01-01", **said)
        for visit in visits:
            warehouse.event(scope, person, f"{number} {visit}", "appointment.attended", str(visit), **said)
        if referred:
            index = draw.choice(referred)
            received = str(index + timedelta(3))
            said |= {"route": "gp", "decided_on": str(index)}
            warehouse.event(scope, person, f"ref {number}", "referral.received", received, **said)


def figures(marts: Scenario, window: int) -> dict[str, Any]:
    return marts.row(
        """
        select * from rpt_gp_reattendance
        where period_type = 'all' and area_level = 'icb' and area_code = 'QN1' and breakdown = 'none'
            and measure = 'gp_contacts' and window_days = $window
        """,
        window=window,
    )


def test_without_an_effect_the_interval_holds_one(marts: Scenario) -> None:
    for window in (90, 180, 365):
        row = figures(marts, window)
        assert row["people"] > 150
        assert row["rate_ratio_lower"] < 1 < row["rate_ratio_upper"], window
        assert 0.85 < row["rate_ratio"] < 1.15, window


def test_counting_the_referring_visit_would_have_shown_a_fall(marts: Scenario) -> None:
    row = figures(marts, 90)
    assert row["contacts_after"] / (row["contacts_before"] + row["indexes"]) < 0.85
