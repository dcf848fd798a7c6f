"""Referral reasons: many for one referral, counted in two ways, placed where the person belonged that day."""

from datetime import date

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

EVENTS = """
person | record | event             | on         | says
ann    | A1     | referral.received | 2024-02-10 | at=Z90101; route=gp; reasons=LOCAL:DEBT,267076002
ann    | A2     | referral.received | 2024-02-20 | at=Z90101; route=self; reasons=LOCAL:DEBT
bob    | B1     | referral.received | 2024-02-29 | at=Z90101; route=gp; reasons=our own words
cat    | C1     | referral.received | 2024-03-01 | at=Z90101; route=gp
dan    | D1     | referral.received | 2024-02-10 | at=Z99999; route=gp; reasons=LOCAL:ARTS
fay    | F1     | referral.received | 2024-05-10 | at=Z90104; source_system=coding-one; reasons=LOCAL:DEBT,words
gil    | G1     | referral.received | 2024-05-11 | at=Z90104; source_system=coding-one; reasons=our own words
gil    | G2     | referral.received | 2024-05-12 | at=Z90104; source_system=coding-one
hal    | H1     | referral.received | 2024-05-13 | at=Z90104; source_system=coding-two
eve    | E-reg  | registration.started | 2010-01-01 | at=Z90102
eve    | E-reg  | registration.ended   | 2024-06-30 | at=Z90102
eve    | E-reg2 | registration.started | 2024-07-01 | at=Z90103
eve    | E1     | referral.received | 2024-06-30 | at=Z90103; route=gp; reasons=LOCAL:ARTS
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z90101", pcn="U99101", icb="QR1")
    warehouse.practice("Z90104", pcn="U99104", icb="QR1")
    warehouse.practice("Z90102", pcn="U99102", icb="QR1", valid_from=date(2015, 4, 1), valid_to=date(2024, 7, 1))
    warehouse.practice("Z90102", pcn="U99109", icb="QR1", valid_from=date(2024, 7, 1))
    warehouse.practice("Z90103", pcn="U99103", icb="QR1")


def figures(marts: Scenario, counting: str, **where: str) -> dict[str, tuple[int, int]]:
    """Reason category → (referrals, people) of February 2024 at practice Z90101."""
    chosen = {"breakdown": "none", "breakdown_group": "all", **where}
    rows = marts.rows(
        """
        select reason_category, referrals, people from rpt_referral_reasons
        where period_type = 'month' and period_start = date '2024-02-01' and area_level = 'practice'
            and area_code = 'Z90101' and counting = $counting
            and breakdown = $breakdown and breakdown_group = $breakdown_group
        """,
        counting=counting,
        **chosen,
    )
    return {row["reason_category"]: (row["referrals"], row["people"]) for row in rows}


def test_e09_any_reason_counts_a_referral_in_each_of_its_categories(marts: Scenario) -> None:
    assert figures(marts, "any") == {
        "all": (3, 2),
        "money_benefits": (2, 1),
        "social_connection": (1, 1),
        "uncoded": (1, 1),
    }


def test_e09_primary_reason_counts_a_referral_once(marts: Scenario) -> None:
    assert figures(marts, "primary") == {"all": (3, 2), "money_benefits": (2, 1), "uncoded": (1, 1)}


def test_a_breakdown_splits_the_same_referrals(marts: Scenario) -> None:
    assert figures(marts, "any", breakdown="route", breakdown_group="self") == {
        "all": (1, 1),
        "money_benefits": (1, 1),
    }


def test_periods_are_those_of_the_day_of_receipt(marts: Scenario) -> None:
    rows = marts.rows("""
        select period_type, period_start, period_end, referrals from rpt_referral_reasons
        where area_level = 'pcn' and area_code = 'U99101' and breakdown = 'none' and reason_category = 'all'
            and counting = 'any'
        order by period_type, period_start
    """)
    assert [tuple(row.values()) for row in rows] == [
        ("month", date(2024, 2, 1), date(2024, 2, 29), 3),
        ("month", date(2024, 3, 1), date(2024, 3, 31), 1),
        ("quarter", date(2024, 1, 1), date(2024, 3, 31), 4),
        ("year", date(2024, 1, 1), date(2024, 12, 31), 4),
    ]


def test_e10_a_referral_without_reasons_is_uncoded(marts: Scenario) -> None:
    assert marts.referral("C1")["primary_reason_category"] == "uncoded"


def test_a_practice_that_reference_data_does_not_know_is_kept_as_unknown(marts: Scenario) -> None:
    referral = marts.referral("D1")
    assert (referral["practice_code"], referral["pcn_code"], referral["icb_code"]) == ("UNKNOWN",) * 3


def test_e11_practice_and_network_are_those_of_the_day_of_receipt(marts: Scenario) -> None:
    """Eve moved on 1 July, when her old practice changed network; the service now states the new practice."""
    referral = marts.referral("E1")
    assert (referral["practice_code"], referral["pcn_code"], referral["practice_basis"]) == (
        "Z90102",
        "U99102",
        "registration",
    )


def test_shares_are_of_all_referrals_of_the_group(marts: Scenario) -> None:
    row = marts.row("""
        select share, referrals_all, share_lower, share_upper from rpt_referral_reasons
        where period_type = 'month' and period_start = date '2024-02-01' and area_level = 'practice'
            and area_code = 'Z90101' and breakdown = 'none' and counting = 'any'
            and reason_category = 'money_benefits'
    """)
    assert row["referrals_all"] == 3
    assert row["share"] == pytest.approx(2 / 3)
    assert 0 < row["share_lower"] < row["share"] < row["share_upper"] < 1


def test_e10_how_much_is_coded_is_told_by_supplier(marts: Scenario) -> None:
    rows = marts.rows("""
        select area_code, referrals, people, coded, uncoded, unclassified, without_reason, uncoded_share,
            uncoded_share_lower, uncoded_share_upper, mapping_version is not null as has_version
        from rpt_reason_coding where period_type = 'month' and area_level = 'supplier' and breakdown = 'none'
            and area_code in ('coding-one', 'coding-two') order by area_code
    """)
    one, two = ([*row.values()] for row in rows)
    assert one[:7] == ["coding-one", 3, 2, 1, 2, 1, 1]
    assert one[7] == pytest.approx(2 / 3)
    assert one[8] < one[7] < one[9]
    assert two[:8] == ["coding-two", 1, 1, 0, 1, 0, 1, 1.0]
    assert one[10]


def test_uncoded_referrals_are_those_of_no_other_category(marts: Scenario) -> None:
    """Of every board and period, whoever's scenario it is of."""
    differing = marts.rows("""
        with reasons as (
            select icb_code, date_trunc('year', received_on) as year, referral_id,
                bool_and(reason_category = 'uncoded') as is_uncoded
            from fct_referral_reasons group by all
        )
        select * from (
            select icb_code, year, count(*) filter (is_uncoded) as n from reasons group by all
        ) as counted inner join rpt_reason_coding as mart on mart.area_level = 'icb' and mart.area_code = icb_code
            and mart.period_type = 'year' and mart.period_start = year and mart.breakdown = 'none'
        where n <> uncoded
    """)
    assert differing == []
