"""The current footprint: a history by the map of today, beside that of its day (edge cases by number)."""

from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Practice Z96601 changed its network in June and its board with it; Z96602 was taken over by Z96603 in April; Z96604
# closed in April and nobody took it over; Z96603 has been in its network all the time.
EVENTS = """
person | record | event             | on         | says
ann    | A1     | referral.received | 2025-02-03 | at=Z96601; route=gp; provider_code=S1
ann    | A1     | referral.accepted | 2025-02-04 | provider_code=S1
ann    | A2     | referral.received | 2025-07-01 | at=Z96601; route=gp; provider_code=S1
bob    | B1     | referral.received | 2025-02-03 | at=Z96602; route=gp; provider_code=S1
cat    | C1     | referral.received | 2025-02-03 | at=Z96604; route=self; provider_code=S1
dan    | D1     | referral.received | 2025-02-03 | at=Z96603; route=gp; provider_code=S1
eve    | E1     | referral.received | 2025-02-03 | at=V81999; route=self; provider_code=S1
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z96601", pcn="U96601", icb="QH1", valid_to=date(2025, 5, 31))
    warehouse.practice("Z96601", pcn="U96602", icb="QH2", valid_from=date(2025, 6, 1))
    warehouse.practice("Z96602", pcn="U96601", icb="QH1", valid_to=date(2025, 3, 31))
    warehouse.practice("Z96603", pcn="U96603", icb="QH2")
    warehouse.practice("Z96604", pcn="U96604", icb="QH1", valid_to=date(2025, 3, 31))
    succession = {"predecessor_code": "Z96602", "successor_code": "Z96603", "effective_on": date(2025, 4, 1)}
    warehouse.reference.setdefault("practice_successions", []).append(succession)


def both(marts: Scenario, area: str, *, stage: str = "referred", start: str = "2025-01-01") -> tuple[int, int]:
    """Referrals of a quarter in an area as at their day, and by the map of today."""
    rows: list[dict[str, Any]] = marts.rows(
        f"""select referrals_as_at, referrals_current from rpt_current_footprint where period_type = 'quarter'
        and period_start = date '{start}' and area_code = '{area}' and breakdown = 'none' and stage = '{stage}'
        and area_level = '{"pcn" if area.startswith("U") else "icb"}'"""
    )
    return (rows[0]["referrals_as_at"], rows[0]["referrals_current"]) if rows else (0, 0)


def test_e13_a_practice_that_changed_its_network_counts_in_both_by_the_view(marts: Scenario) -> None:
    """Ann's in February is of the old network as at its day, and of the new one by the map of today."""
    assert both(marts, "U96601") == (2, 0)
    assert both(marts, "U96602") == (0, 1)
    assert both(marts, "U96602", start="2025-07-01") == (1, 1)
    assert both(marts, "U96602", stage="accepted") == (0, 1)


def test_e14_boards_follow_the_practice(marts: Scenario) -> None:
    assert both(marts, "QH1") == (3, 0)
    assert both(marts, "QH2") == (1, 3)


def test_e12_a_practice_that_was_taken_over_stands_under_its_successor(marts: Scenario) -> None:
    assert both(marts, "U96603") == (1, 2)


def test_e12_a_practice_that_closed_without_one_stands_under_unknown(marts: Scenario) -> None:
    standing = marts.row("select standing, current_pcn_code from dim_current_footprint where practice_code = 'Z96604'")
    assert tuple(standing.values()) == ("closed", "UNKNOWN")
    assert both(marts, "U96604") == (1, 0)


def test_e08_an_unknown_practice_is_unknown_in_both(marts: Scenario) -> None:
    rows = marts.rows(
        """select sum(referrals_as_at) as as_at, sum(referrals_current) as current from trace__rpt_current_footprint
        where referral_id = (select referral_id from fct_referrals where practice_code = 'UNKNOWN' limit 1)
        and area_code = 'UNKNOWN'"""
    )
    assert rows[0]["as_at"] == rows[0]["current"] > 0


@pytest.mark.parametrize("level", ["pcn", "icb"])
def test_the_totals_of_both_footprints_are_those_of_uptake(marts: Scenario, level: str) -> None:
    keys = "period_type, period_start, breakdown, breakdown_group, stage"
    breakdowns = "breakdown <> 'connector_model'"  # which the footprint has not
    stages = "stage in ('referred', 'accepted', 'contacted', 'completed')"
    asked = f"""select {keys}, sum({{}})::bigint as n from {{}} where area_level = '{level}' and {breakdowns}
        and {stages} group by all having sum({{}}) > 0 order by all"""
    uptake = marts.rows(asked.format("referrals", "rpt_uptake", "referrals"))
    assert len(uptake) > 50
    for figure in ("referrals_as_at", "referrals_current"):
        assert marts.rows(asked.format(figure, "rpt_current_footprint", figure)) == uptake


def test_area_by_area_the_view_of_the_day_is_that_of_uptake(marts: Scenario) -> None:
    differing = marts.row(
        """select count(*) as n from rpt_current_footprint as footprint inner join rpt_uptake as uptake
        using (period_type, period_start, area_level, area_code, breakdown, breakdown_group, stage)
        where footprint.referrals_as_at <> uptake.referrals or footprint.people_as_at <> uptake.people"""
    )
    assert differing["n"] == 0


def test_the_trace_of_a_figure_adds_up_to_it(marts: Scenario) -> None:
    asked = """select period_type, area_code, breakdown, breakdown_group, stage,
        sum(referrals_as_at)::bigint as as_at, sum(referrals_current)::bigint as current
        from {} group by all order by all"""
    assert marts.rows(asked.format("rpt_current_footprint")) == marts.rows(asked.format("trace__rpt_current_footprint"))
