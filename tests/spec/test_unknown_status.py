"""Slots of which nobody says what became: in no figure of GP contacts, and in the bounds beside them."""

from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Ann and bob were referred on 2 June 2025. Of their slots within four weeks the outcome is missing before it once with
# each, and after it on three days: one with a nurse, on a day of a known contact with a GP; one with a GP, on a day of
# a known contact with a nurse; one of a link worker, which would be none. Bob's slot of the 20th is still only booked.
EVENTS = """
person | record | event                      | on         | says
ann    | A-r    | registration.started       | 2010-01-01 | at=Z97851
bob    | B-r    | registration.started       | 2010-01-01 | at=Z97851
cat    | C-r    | registration.started       | 2010-01-01 | at=Z97851
ann    | A1     | referral.received          | 2025-06-02 | at=Z97851; route=gp; decided_on=2025-06-02
bob    | B1     | referral.received          | 2025-06-02 | at=Z97851; route=gp; decided_on=2025-06-02
ann    | A-1    | appointment.attended       | 2025-05-20 | at=Z97851
ann    | A-2    | appointment.status_unknown | 2025-05-21 | at=Z97851
ann    | A-3    | appointment.attended       | 2025-06-10 | at=Z97851
ann    | A-4    | appointment.status_unknown | 2025-06-10 | at=Z97851; hcp_type=Other Practice staff
ann    | A-5    | appointment.attended       | 2025-06-11 | at=Z97851; hcp_type=Other Practice staff
ann    | A-6    | appointment.status_unknown | 2025-06-11 | at=Z97851
ann    | A-7    | appointment.status_unknown | 2025-06-12 | at=Z97851; national_category=Social Prescribing Service
ann    | A-8    | appointment.missed         | 2025-06-13 | at=Z97851
bob    | B-1    | appointment.status_unknown | 2025-05-22 | at=Z97851; hcp_type=Other Practice staff
bob    | B-2    | appointment.booked         | 2025-06-20 | at=Z97851
bob    | B-3    | appointment.booked         | 2026-02-20 | at=Z97851
cat    | C-1    | appointment.attended       | 2025-01-02 | at=Z97851
cat    | C-2    | appointment.attended       | 2026-01-31 | at=Z97851
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97851", pcn="U97851", icb="QUS")


def reattended(marts: Scenario, measure: str) -> dict[str, Any]:
    return marts.row(
        """select * from rpt_gp_reattendance where period_type = 'month' and area_level = 'pcn' and area_code = 'U97851'
        and breakdown = 'none' and window_days = 28 and measure = $measure""",
        measure=measure,
    )


@pytest.mark.parametrize(
    ("measure", "least", "most"),
    [("gp_contacts", (1, 1, 1), (2, 3, 2)), ("all_clinician_contacts", (1, 2, 1), (3, 3, 2))],
)
def test_e28_contacts_around_a_referral_have_bounds(
    marts: Scenario, measure: str, least: tuple[int, ...], most: tuple[int, ...]
) -> None:
    row = reattended(marts, measure)
    figures = ("contacts_before", "contacts_after", "people_reattended")
    assert tuple(row[name] for name in figures) == least
    assert tuple(row[f"{name}_most"] for name in figures) == most


def test_e28_so_have_rates_and_the_ratio(marts: Scenario) -> None:
    row = reattended(marts, "gp_contacts")
    years = 56 / 365.25  # two people of 28 days, on either side
    assert (row["rate_before"], row["rate_before_most"]) == (pytest.approx(1 / years), pytest.approx(2 / years))
    assert (row["rate_after"], row["rate_after_most"]) == (pytest.approx(1 / years), pytest.approx(3 / years))
    ratios = (row["rate_ratio_least"], row["rate_ratio"], row["rate_ratio_most"])
    assert ratios == (pytest.approx(1 / 2), pytest.approx(1), pytest.approx(3))
    assert (row["reattended_share"], row["reattended_share_most"]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("measure", "least", "most", "people"),
    [("gp_contacts", 2, 5, 1), ("all_clinician_contacts", 3, 6, 1)],
)
def test_e28_demand_on_a_practice_has_bounds(marts: Scenario, measure: str, least: int, most: int, people: int) -> None:
    """In the second quarter; what is to come in February 2026 is in neither."""
    row = marts.row(
        """select * from rpt_practice_demand where practice_code = 'Z97851' and quarter_start = $start
        and measure = $measure""",
        start=date(2025, 4, 1),
        measure=measure,
    )
    assert (row["contacts"], row["contacts_most"], row["people"]) == (least, most, people)
    assert row["rate_most"] == pytest.approx(row["rate"] * most / least)


def test_e28_nothing_is_said_of_a_quarter_that_nobody_observed(marts: Scenario) -> None:
    rows = marts.rows(
        """select contacts, contacts_most, rate_most from rpt_practice_demand
        where days_observed = 0 and practice_code <> 'UNKNOWN'"""
    )
    assert rows and all(set(row.values()) == {None} for row in rows)


def test_e28_known_contacts_are_the_same_with_and_without_the_bounds(marts: Scenario) -> None:
    known = "select person_id, contact_on, stated_practice_code, has_gp, slots from {} order by all"
    assert marts.rows(known.format("fct_gp_contacts")) == marts.rows(known.format("fct_contact_days where is_contact"))
    assert marts.row("select count(*) filter (not is_contact) > 0 as possible from fct_contact_days")["possible"]
