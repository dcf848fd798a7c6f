"""Known breaks in comparability: rows that cross one say so (edge cases by number)."""

from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Practice Z96501 changes its system in July 2024. Ann's referral is ten weeks after the beginning of the pandemic.
EVENTS = """
person | record | event                | on         | says
ann    | A-r    | registration.started | 2010-01-01 | at=Z96501
ann    | A1     | referral.received    | 2020-05-10 | at=Z96501; route=gp; provider_code=S1; decided_on=2020-05-10
ann    | A2     | referral.received    | 2024-05-15 | at=Z96501; route=gp; provider_code=S1; reasons=LOCAL:DEBT
ann    | A3     | referral.received    | 2024-08-15 | at=Z96501; route=gp; provider_code=S1; reasons=LOCAL:DEBT
ann    | A-a    | appointment.attended | 2024-02-01 | at=Z96501
ann    | A-b    | appointment.attended | 2025-12-20 | at=Z96501
bob    | B-r    | registration.started | 2010-01-01 | at=Z96502
bob    | B1     | referral.received    | 2024-08-15 | at=Z96502; route=gp; provider_code=S1
"""
SWITCH = "supplier_switch_2024-07-01"


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for code in ("Z96501", "Z96502"):
        warehouse.practice(code, pcn="U96501", icb="QG1")
    sender = {"code": "Z96501", "name": "Source", "kind": "practice", "feeds": ["gp_appointments_csv"]}
    warehouse.senders.append({**sender, "source_system": "TPP", "valid_to": date(2024, 6, 30)})
    warehouse.senders.append({**sender, "source_system": "EMIS", "valid_from": date(2024, 7, 1)})
    entry = {"code_use": "need", "code_system": "LOCAL", "code": "LOCAL:Z965", "category": "housing"}
    entry |= {"status": "current", "mapping_version": "QG-1", "valid_from": date(2024, 8, 20)}
    warehouse.reference.setdefault("code_maps", []).append(entry)


def crossed(marts: Scenario, mart: str, start: str, area: str, condition: str = "true") -> set[Any]:
    """What the rows of a month, quarter or year of an area say, all alike."""
    rows = marts.rows(
        f"""select distinct comparability_breaks as breaks from {mart}
        where period_start = date '{start}' and area_code = '{area}' and {condition}"""
    )
    return {row["breaks"] for row in rows}


def test_a_period_says_which_breaks_it_crosses(marts: Scenario) -> None:
    quarter = "period_type = 'quarter'"
    assert crossed(marts, "rpt_uptake", "2020-04-01", "U96501", quarter) == {None}
    assert crossed(marts, "rpt_uptake", "2020-01-01", "U96501", "period_type = 'year'") == {"pandemic_2020"}
    assert crossed(marts, "rpt_equity", "2020-01-01", "U96501", "period_type = 'year'") == {"pandemic_2020"}


def test_a_window_crosses_a_break_that_the_period_does_not(marts: Scenario) -> None:
    """Referred in May 2020: 28 days before the month begin after the break, 90 days before it do not."""
    month = "period_type = 'month' and window_days = {}"
    assert crossed(marts, "rpt_gp_reattendance", "2020-05-01", "U96501", month.format(28)) == {None}
    assert crossed(marts, "rpt_gp_reattendance", "2020-05-01", "U96501", month.format(90)) == {"pandemic_2020"}


def test_e15_a_practice_that_changed_its_system_is_flagged_for_a_year(marts: Scenario) -> None:
    rows = marts.rows(
        """select quarter_start, comparability_breaks as breaks from rpt_practice_demand
        where practice_code = 'Z96501' and measure = 'gp_contacts' and quarter_start >= date '2024-04-01'
        order by quarter_start"""
    )
    said = {row["quarter_start"]: row["breaks"] for row in rows}
    assert said[date(2024, 4, 1)] is None
    flagged = [date(2024, 7, 1), date(2024, 10, 1), date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1)]
    assert [day for day, breaks in said.items() if breaks == SWITCH] == flagged
    assert said[date(2025, 10, 1)] is None


@pytest.mark.parametrize("mart", ["rpt_uptake", "rpt_connections"])
def test_e15_the_change_of_one_practice_is_not_its_neighbours(marts: Scenario, mart: str) -> None:
    month = "period_type = 'month'"
    assert crossed(marts, mart, "2024-08-01", "Z96501", month) == {SWITCH}
    assert crossed(marts, mart, "2024-08-01", "Z96502", month) == {None}


def test_the_source_of_list_sizes_matters_to_rates_over_lists_only(marts: Scenario) -> None:
    month = "period_type = 'month'"
    assert crossed(marts, "rpt_connections", "2024-05-01", "Z96501", month) == {"list_source_2024"}
    assert crossed(marts, "rpt_uptake", "2024-05-01", "Z96501", month) == {None}


def test_e38_a_change_of_the_mapping_matters_to_reasons_only(marts: Scenario) -> None:
    month = "period_type = 'month'"
    assert crossed(marts, "rpt_referral_reasons", "2024-08-01", "U96501", month) == {"code_set_2024-08-20"}
    assert crossed(marts, "rpt_referral_reasons", "2024-08-01", "Z96501", month) == {f"{SWITCH}, code_set_2024-08-20"}
    assert crossed(marts, "rpt_uptake", "2024-08-01", "U96501", month) == {None}


def test_the_breaks_are_listed_with_who_says_so(marts: Scenario) -> None:
    row = marts.row("select * from dim_comparability_breaks where practice_code = 'Z96501'")
    assert (row["break_on"], row["last_on"], row["kind"]) == (date(2024, 7, 1), date(2025, 7, 1), "supplier_switch")
    assert row["title"] == "The practice changes its system from TPP to EMIS"
    published = marts.rows(
        "select break_id from dim_comparability_breaks where practice_code = 'ALL' order by break_on"
    )
    assert {"pandemic_2020", "list_source_2024", "boards_2026"} <= {row["break_id"] for row in published}
