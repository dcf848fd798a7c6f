"""Practices: contacts per 1,000 registered around the roll-out, and the funnel of referrals (edge cases by number)."""

import math
from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Practice Z96401 has four people; its appointments are seen from January to the middle of September 2025. Its people
# are first referred by themselves in February and by the practice in May: that is the roll-out.
EVENTS = """
person | record | event                | on         | says
ann    | A-r    | registration.started | 2010-01-01 | at=Z96401
bob    | B-r    | registration.started | 2010-01-01 | at=Z96401
cat    | C-r    | registration.started | 2010-01-01 | at=Z96401
dan    | D-r    | registration.started | 2025-06-20 | at=Z96401
ann    | A-1    | appointment.attended | 2025-01-01 | at=Z96401
ann    | A-2    | appointment.attended | 2025-01-01 | at=Z96401; hcp_type=Other Practice staff
ann    | A-3    | appointment.attended | 2025-02-03 | at=Z96401; performer_code=Z96499
ann    | A-4    | appointment.attended | 2025-02-04 | at=Z96401; hcp_type=Other Practice staff
bob    | B-1    | appointment.attended | 2025-03-31 | at=Z96401
bob    | B-2    | appointment.missed   | 2025-03-20 | at=Z96401
cat    | C-1    | appointment.attended | 2025-03-20 | at=Z96401; national_category=Social Prescribing Service
cat    | C-2    | appointment.attended | 2025-03-21 | at=Z96401; context_type=Care Related Activity
bob    | B-3    | appointment.attended | 2025-04-01 | at=Z96401
cat    | C-3    | appointment.attended | 2025-09-15 | at=Z96401
eve    | E-1    | appointment.attended | 2025-03-03 | at=V81999
ann    | A1     | referral.received    | 2025-02-01 | at=Z96401; route=self; provider_code=S1
bob    | B1     | referral.received    | 2025-05-01 | at=Z96401; route=gp; provider_code=S1
bob    | B2     | referral.received    | 2025-06-01 | at=Z96401; route=gp; provider_code=S2
fay    | F1     | referral.received    | 2025-02-01 | at=Z96404; route=self; provider_code=S1
"""
# Eight practices of 40 people, of whom 4 are referred; of the last 24 are.
FUNNEL = [(f"Z9641{n}", 40, 24 if n == 8 else 4) for n in range(1, 9)]


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z96401", pcn="U96401", icb="QF1")
    warehouse.practice("Z96404", pcn="U96401", icb="QF1")
    for practice, registered, referred in FUNNEL:
        warehouse.practice(practice, pcn="U96402", icb="QF2")
        for n in range(registered):
            person = f"{practice} {n}"
            warehouse.event(scope, person, f"{person} r", "registration.started", "2015-01-01", at=practice)
            if n < referred:
                warehouse.event(
                    scope, person, f"{person} R", "referral.received", "2025-07-07", at=practice, route="gp"
                )
    # Twelve contacts each: of twelve people, and of one.
    for practice, people in (("Z96402", 12), ("Z96403", 1)):
        warehouse.practice(practice, pcn="U96401", icb="QF1")
        for n in range(12):
            warehouse.event(
                scope, f"{practice} {n}", f"{practice} {n} r", "registration.started", "2015-01-01", at=practice
            )
            seen = f"{practice} {n % people}"
            on = date(2025, 1, 1 + 7 * n) if n < 4 else date(2025, 2 + n % 2, 1 + n)
            warehouse.event(scope, seen, f"{practice} {n} a", "appointment.attended", on.isoformat(), at=practice)
        warehouse.event(scope, seen, f"{practice} last", "appointment.attended", "2025-04-01", at=practice)


def quarter(
    marts: Scenario, practice: str = "Z96401", start: date = date(2025, 1, 1), measure: str = "gp_contacts"
) -> dict[str, Any]:
    return marts.row(
        """select * from rpt_practice_demand where practice_code = $practice and quarter_start = $start
        and measure = $measure""",
        practice=practice,
        start=start,
        measure=measure,
    )


def test_e29_e30_e31_what_is_a_contact(marts: Scenario) -> None:
    """One a day; no link-worker slot, no missed one, no activity that is not an encounter."""
    row = quarter(marts)
    assert (row["contacts"], row["people"], row["registered"]) == (3, 2, 3)
    assert quarter(marts, measure="all_clinician_contacts")["contacts"] == 4


def test_e32_a_contact_at_a_hub_is_of_the_registered_practice(marts: Scenario) -> None:
    contacts = marts.rows(
        "select * from fct_gp_contacts where practice_code = 'Z96401' and contact_on = date '2025-02-03'"
    )
    assert len(contacts) == 1
    assert marts.rows("select * from rpt_practice_demand where practice_code = 'Z96499'") == []


def test_e08_contacts_of_an_unknown_practice_are_kept_without_a_rate(marts: Scenario) -> None:
    row = quarter(marts, "UNKNOWN")
    assert row["contacts"] >= 1
    assert (row["rate"], row["quarters_since_rollout"]) == (None, None)


def test_the_rate_is_per_1000_registered_and_quarter_of_observed_days(marts: Scenario) -> None:
    row = quarter(marts)
    assert (row["days_observed"], row["days_in_quarter"]) == (90, 90)
    assert row["rate"] == pytest.approx(1000 * 3 / 3 * 91.3125 / 90)
    last = quarter(marts, start=date(2025, 7, 1))
    assert (last["days_observed"], last["registered"], last["contacts"]) == (77, 4, 1)
    assert last["rate"] == pytest.approx(1000 * 1 / 4 * 91.3125 / 77)
    assert quarter(marts, start=date(2025, 10, 1))["rate"] is None


def test_the_roll_out_is_the_practices_first_own_referral(marts: Scenario) -> None:
    quarters = [quarter(marts, start=date(2025, month, 1)) for month in (1, 4, 7)]
    assert [row["quarters_since_rollout"] for row in quarters] == [-1, 0, 1]
    assert {(row["rollout_on"], row["rollout_basis"]) for row in quarters} == {(date(2025, 5, 1), "gp_referral")}
    assert [row["referrals"] for row in quarters] == [1, 2, 0]
    other = quarter(marts, "Z96404")
    assert (other["rollout_on"], other["rollout_basis"]) == (date(2025, 2, 1), "any_referral")


def test_people_with_many_contacts_widen_the_interval(marts: Scenario) -> None:
    """Twelve contacts of one person say less than one each of twelve: wider by the root of twelve."""
    spread, one = quarter(marts, "Z96402"), quarter(marts, "Z96403")
    assert (spread["contacts"], spread["people"], one["contacts"], one["people"]) == (12, 12, 12, 1)
    assert spread["rate"] == one["rate"]
    width, wider = (row["rate_upper"] - row["rate"] for row in (spread, one))
    assert wider == pytest.approx(width * math.sqrt(12))
    assert quarter(marts)["rate_lower"] is None


def funnel(marts: Scenario, practice: str, period: str = "quarter", start: date = date(2025, 7, 1)) -> dict[str, Any]:
    return marts.row(
        """select * from rpt_practice_funnel where practice_code = $practice and period_type = $period
        and period_start = $start""",
        practice=practice,
        period=period,
        start=start,
    )


def test_a_practice_far_from_the_others_stands_outside_the_funnel(marts: Scenario) -> None:
    others = [funnel(marts, practice) for practice, _, _ in FUNNEL[:7]]
    outlier = funnel(marts, "Z96418")
    assert {row["standing"] for row in others} == {"within"}
    assert (outlier["standing"], outlier["rate"], outlier["peer_practices"]) == ("above_998", 600, 8)
    assert outlier["peer_rate"] == pytest.approx(1000 * 52 / 320)
    assert outlier["lower_998"] <= outlier["lower_95"] <= outlier["peer_rate"] <= outlier["upper_95"]


def test_the_funnel_of_a_year_is_of_its_mean_list(marts: Scenario) -> None:
    row = funnel(marts, "Z96418", "year", date(2025, 1, 1))
    assert (row["registered"], row["rate"], row["standing"]) == (40, 600, "above_998")


def test_e01_a_person_referred_twice_counts_once_in_a_funnel(marts: Scenario) -> None:
    row = funnel(marts, "Z96401", start=date(2025, 4, 1))
    assert (row["referrals"], row["people"], row["people_registered"]) == (2, 1, 1)


def test_who_cannot_be_compared_is_shown_as_such(marts: Scenario) -> None:
    for practice in ("UNKNOWN", "Z96404"):
        row = funnel(marts, practice, start=date(2025, 1, 1))
        assert (row["standing"], row["upper_95"], row["peer_practices"]) == ("not_compared", None, None)
    assert row["referrals"] == 1


def test_referrals_and_contacts_add_up_to_those_of_the_core(marts: Scenario) -> None:
    referrals = marts.row("select count(*) as n from fct_referrals")
    for query in (
        "select sum(referrals)::bigint as n from rpt_practice_funnel where period_type = 'year'",
        "select sum(referrals)::bigint as n from rpt_practice_demand where measure = 'gp_contacts'",
    ):
        assert marts.row(query) == referrals
    assert marts.row("select count(*) as n from fct_gp_contacts where has_gp and is_observed") == marts.row(
        "select sum(contacts)::bigint as n from rpt_practice_demand where measure = 'gp_contacts'"
    )


def test_the_trace_of_a_figure_adds_up_to_it(marts: Scenario) -> None:
    for figure in ("contacts", "contacts_most"):
        demand = f"select quarter_start, practice_code, measure, sum({figure})::bigint as n from {{}} group by all"
        whole = demand + f" having sum({figure}) > 0 order by all"
        assert marts.rows(whole.format("rpt_practice_demand")) == marts.rows(whole.format("trace__rpt_practice_demand"))
    funnels = """select period_type, period_start, practice_code, sum(people)::bigint as people,
        sum(people_registered)::bigint as known from {} group by all having sum(people) > 0 order by all"""
    assert marts.rows(funnels.format("rpt_practice_funnel")) == marts.rows(funnels.format("trace__practice_referrals"))
    slots = "select person_id, contact_on, stated_practice_code, sum({})::bigint as n from {} group by all order by all"
    assert marts.rows(slots.format("slots", "fct_gp_contacts")) == marts.rows(
        slots.format("1", "trace__fct_gp_contacts")
    )
    assert marts.rows(slots.format("slots + slots_unknown", "fct_contact_days")) == marts.rows(
        slots.format("1", "trace__fct_contact_days")
    )
