"""Attributes as at the day of the event: practice, network, deprivation, age, conditions (edge cases by number)."""

from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Ann moves from one practice to another between two referrals; each practice says where she lived with it.
# Bob is registered and described by nobody on the day; Cat's practice states no registers at all.
# Dan is on four.
EVENTS = """
person | record | event                | on         | says
ann    | A-r1   | registration.started | 2010-01-01 | at=Z96101
ann    | A-r1   | registration.ended   | 2025-05-31 | at=Z96101; end_reason=moved_away
ann    | A-r2   | registration.started | 2025-06-01 | at=Z96102
ann    | A-p1   | person.described     | 2025-05-01 | at=Z96101; sex=female; birth_month=1975-06-01; ethnic_category=M; lsoa_code=E01996101; lsoa_vintage=2011; long_term_conditions=DM
ann    | A-p2   | person.described     | 2025-12-01 | at=Z96102; sex=female; birth_month=1975-06-01; ethnic_category=M; lsoa_code=E01996101; lsoa_vintage=2021; long_term_conditions=DM,DEP
ann    | A1     | referral.received    | 2025-05-31 | at=Z96102; route=gp
ann    | A-c1   | contact.held         | 2025-05-31 | referral=A1
ann    | A-c2   | contact.held         | 2025-06-01 | referral=A1
ann    | A-m    | measure.recorded     | 2025-06-01 | referral=A1; instrument=ONS4; items=7,7,7,3
ann    | A-a    | activity.attended    | 2025-06-02 | referral=A1; called=arts
ann    | A2     | referral.received    | 2025-06-01 | route=self
bob    | B1     | referral.received    | 2025-06-01 | at=V81999; route=self
cat    | C-r    | registration.started | 2010-01-01 | at=Z96103
cat    | C-p    | person.described     | 2025-05-01 | at=Z96103; sex=male
cat    | C1     | referral.received    | 2025-06-01 | route=gp
dan    | D-r    | registration.started | 2010-01-01 | at=Z96101
dan    | D-p    | person.described     | 2025-05-01 | at=Z96101; long_term_conditions=AST,CHD,COPD,DM
dan    | D1     | referral.received    | 2025-06-01 | route=gp
"""  # noqa: E501 - a line is a description


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for n in (1, 3):
        warehouse.practice(f"Z9610{n}", pcn="U96101", icb="QA9")
    warehouse.practice("Z96102", pcn="U96101", icb="QA9", valid_to=date(2025, 5, 31))
    warehouse.practice("Z96102", pcn="U96102", icb="QA9", valid_from=date(2025, 6, 1))
    for edition, census, decile in (("2019", "11", 1), ("2025", "21", 4)):
        area = {f"lsoa{census}_code": "E01996101", "imd_rank": decile * 3000, "imd_decile": decile}
        warehouse.reference.setdefault(f"imd{edition}", []).append(area)


CUTS = ["practice_code", "pcn_code", "sex", "age_band", "ethnic_category", "ethnic_group", "imd_decile"]
CUTS += ["imd_quintile", "ltc_count", "ltc_group", "ltc_count_band"]
# Offers, plans, children and outcome bands have nothing of these people: their own tests hold it of them.
REPORTING = ["activity_people", "caseload", "connections", "current_footprint", "equity", "gp_reattendance", "outcomes"]
REPORTING += ["reason_coding", "referral_reasons", "uptake", "uptake_times"]
BEFORE = ("Z96101", "U96101", "female", "35-49", "M", "black", 1, "1", 1, "physical", "1")
AFTER = ("Z96102", "U96102", "female", "50-64", "M", "black", 4, "2", 2, "both", "2")


def cuts(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column] for column in CUTS)


def test_e11_a_referral_stays_with_the_practice_of_its_day(marts: Scenario) -> None:
    first, second = marts.referral("A1"), marts.referral("A2")
    assert (first["practice_basis"], first["description_basis"], cuts(first)) == (
        "registration",
        "registered_practice",
        BEFORE,
    )
    assert (first["age_at_referral"], first["imd_version"]) == (49, 2019)
    assert cuts(second) == AFTER
    assert (second["age_at_referral"], second["imd_version"]) == (50, 2025)


def test_what_follows_a_referral_has_the_attributes_of_its_own_day(marts: Scenario) -> None:
    person = text_id(marts.scope, "ann")
    contacts = marts.rows("select * from fct_contacts where person_id = $person order by contact_on", person=person)
    assert [cuts(row) for row in contacts] == [BEFORE, AFTER]
    for mart in ("fct_activities", "fct_measures"):
        row = marts.row(f"select * from {mart} where person_id = $person", person=person)
        assert (cuts(row), row["route"]) == (AFTER, "gp")
    figures = marts.rows("select * from fct_measure_results where person_id = $person", person=person)
    assert {cuts(row) for row in figures} == {AFTER}


def test_e08_nobody_is_dropped_for_want_of_a_practice(marts: Scenario) -> None:
    row = marts.referral("B1")
    assert cuts(row) == (
        "UNKNOWN",
        "UNKNOWN",
        "not_known",
        "unknown",
        "99",
        "unknown",
        None,
        "unknown",
        None,
        "unknown",
        "unknown",
    )


def test_registers_that_a_practice_never_states_are_unknown_not_none(marts: Scenario) -> None:
    row = marts.referral("C1")
    assert (row["sex"], row["ltc_count"], row["ltc_group"]) == ("male", None, "unknown")
    assert row["ltc_count_band"] == "unknown"


def test_three_registers_and_more_are_one_band(marts: Scenario) -> None:
    row = marts.referral("D1")
    assert (row["ltc_count"], row["ltc_count_band"]) == (4, "3+")


@pytest.mark.parametrize("mart", REPORTING)
def test_long_term_conditions_and_their_count_are_a_cut_of_every_reporting_mart(marts: Scenario, mart: str) -> None:
    shown = {row["breakdown"] for row in marts.rows(f"select distinct breakdown from rpt_{mart}")}
    assert {"ltc_group", "ltc_count_band"} <= shown


@pytest.mark.parametrize(
    "breakdown",
    ["none", "route", "sex", "age_band", "ethnic_group", "imd_quintile", "ltc_group", "ltc_count_band"],
)
def test_every_breakdown_adds_up_to_all_referrals(marts: Scenario, breakdown: str) -> None:
    row = marts.row(
        """
        select sum(referrals) as referrals from rpt_uptake
        where period_type = 'year' and area_level = 'icb' and breakdown = $breakdown and stage = 'referred'
        """,
        breakdown=breakdown,
    )
    assert row == marts.row("select count(*) as referrals from fct_referrals")
