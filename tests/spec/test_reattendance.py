"""GP reattendance: person-time before and after the day of the decision to refer."""

import math
from datetime import date, timedelta
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Each practice is observed from 1 January 2023 to 31 January 2026: `neighbour` is seen on both days.
REGISTERED = [
    ("ann", "Z90301", None, None),
    ("bob", "Z90301", None, None),
    ("dee", "Z90301", "2024-06-30", "deceased"),
    ("cat", "Z90302", None, None),
]
EVENTS = """
person | record | event                 | on         | says
ann    | A1     | referral.received     | 2024-06-10 | at=Z90301; route=gp; decided_on=2024-06-03
ann    | A-0    | appointment.attended  | 2024-06-03 | at=Z90301
ann    | A-1    | appointment.attended  | 2024-06-03 | at=Z90301; hcp_type=Other Practice staff
ann    | A-2    | appointment.attended  | 2024-05-20 | at=Z90301
ann    | A-3    | appointment.attended  | 2024-06-20 | at=Z90301
ann    | A-4    | appointment.attended  | 2024-06-20 | at=Z90301
ann    | A-5    | appointment.attended  | 2024-06-21 | at=Z90301; hcp_type=Other Practice staff
ann    | A-6    | appointment.attended  | 2024-06-22 | at=Z90301; staff_role=R9815
ann    | A-7    | appointment.attended  | 2024-06-23 | at=Z90301; national_category=Social Prescribing Service
ann    | A-8    | appointment.missed    | 2024-06-24 | at=Z90301
ann    | A-9    | appointment.cancelled | 2024-06-25 | at=Z90301
ann    | A-10   | appointment.attended  | 2024-07-02 | at=Z90301
bob    | B1     | referral.received     | 2025-12-31 | at=Z90301; route=gp
bob    | B-1    | appointment.attended  | 2025-12-03 | at=Z90301
bob    | B-2    | appointment.attended  | 2026-02-05 | at=Z90301
dee    | D1     | referral.received     | 2024-06-20 | at=Z90301; route=self
dee    | D-1    | appointment.attended  | 2024-06-25 | at=Z90301
cat    | C1     | referral.received     | 2024-06-20 | at=Z90302; route=gp
cat    | C-1    | appointment.attended  | 2024-05-22 | at=Z90302
"""
SIMULATED = {"one": ([3, 0, 2], [1, 2]), "two": ([0, 1], [4]), "three": ([2], [0, 0, 1]), "four": ([1], [1])}


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for practice, pcn in (("Z90301", "U99301"), ("Z90302", "U99302"), ("Z90303", "U99303")):
        warehouse.practice(practice, pcn=pcn, icb="QA1")
        for n, day in enumerate(("2023-01-01", "2026-01-31")):
            record = f"{practice}-{n}"
            warehouse.event(scope, "neighbour", record, "appointment.missed", day, practice_code=practice)
    for person, practice, ended, reason in REGISTERED:
        record = f"reg-{person}"
        warehouse.event(scope, person, record, "registration.started", "2010-01-01", practice_code=practice)
        if ended:
            warehouse.event(
                scope,
                person,
                record,
                "registration.ended",
                ended,
                practice_code=practice,
                end_reason=str(reason),
            )
    _clustered(warehouse, scope)


def _clustered(warehouse: Warehouse, scope: str) -> None:
    """Four people at one practice with uneven contacts before and after 1 July 2024, within 90 days."""
    index = date(2024, 7, 1)
    said = {"practice_code": "Z90303", "route": "gp", "decided_on": str(index)}
    for person, (before, after) in SIMULATED.items():
        warehouse.event(scope, person, f"reg-{person}", "registration.started", "2010-01-01", practice_code="Z90303")
        warehouse.event(scope, person, f"ref-{person}", "referral.received", str(index), **said)
        for sign, counts in ((-1, before), (1, after)):
            days = [20 * (block + 1) + n for block, count in enumerate(counts) for n in range(count)]
            for day in days:
                on = str(index + timedelta(days=sign * day))
                record = f"{person}{sign * day}"
                warehouse.event(scope, person, record, "appointment.attended", on, practice_code="Z90303")


def followed(marts: Scenario, record: str, window: int = 28) -> dict[str, Any]:
    return marts.row(
        "select * from fct_reattendance where referral_id = $id and window_days = $window",
        id=text_id(marts.scope, record),
        window=window,
    )


def test_e27_e29_e31_the_index_day_link_workers_missed_and_cancelled_slots_count_nowhere(marts: Scenario) -> None:
    """Ann's GP decided on 3 June; two slots on 20 June are one contact; 2 July is the 29th day after."""
    row = followed(marts, "A1")
    assert (row["index_basis"], str(row["index_on"])) == ("stated", "2024-06-03")
    assert (row["gp_contacts_before"], row["gp_contacts_after"]) == (1, 1)
    assert (row["all_contacts_before"], row["all_contacts_after"]) == (1, 2)
    assert followed(marts, "A1", 90)["gp_contacts_after"] == 2


def test_without_a_stated_decision_the_last_gp_contact_of_28_days_is_the_index(marts: Scenario) -> None:
    """Bob was seen 28 days before receipt. After 31 January nobody watches: 59 days are followed of 90."""
    row = followed(marts, "B1", 90)
    assert (row["index_basis"], str(row["index_on"])) == ("inferred", "2025-12-03")
    assert (row["days_after"], row["gp_contacts_after"], row["is_followed_through"]) == (59, 0, False)
    assert followed(marts, "B1", 28)["is_followed_through"]


def test_e22_a_self_referral_starts_on_its_receipt_and_death_ends_follow_up(marts: Scenario) -> None:
    row = followed(marts, "D1")
    assert (row["index_basis"], str(row["index_on"])) == ("receipt", "2024-06-20")
    assert (row["days_before"], row["days_after"], row["gp_contacts_after"]) == (28, 10, 1)


def test_a_referral_without_any_index_is_left_out_and_counted(marts: Scenario) -> None:
    assert followed(marts, "C1")["inclusion"] == "no_index"
    row = marts.row("""
        select * from rpt_gp_reattendance
        where period_type = 'all' and area_level = 'pcn' and area_code = 'U99302' and breakdown = 'none'
            and window_days = 28 and measure = 'gp_contacts'
    """)
    assert (row["referrals"], row["excluded_no_index"], row["indexes"], row["people"]) == (1, 1, 0, 0)
    assert row["rate_ratio"] is None


def test_the_rate_ratio_s_interval_treats_each_person_as_a_cluster(marts: Scenario) -> None:
    """The same figures from the counts written above, worked out here person by person."""
    row = marts.row("""
        select * from rpt_gp_reattendance
        where period_type = 'quarter' and area_level = 'pcn' and area_code = 'U99303' and breakdown = 'none'
            and window_days = 90 and measure = 'gp_contacts'
    """)
    people = [(sum(before), 90, sum(after), 90) for before, after in SIMULATED.values()]
    before, days_before, after, days_after = (sum(column) for column in zip(*people, strict=True))
    assert (row["contacts_before"], row["person_days_before"]) == (before, days_before)
    assert (row["contacts_after"], row["person_days_after"]) == (after, days_after)
    ratio = (after / days_after) / (before / days_before)
    pulls = [a / after - ta / days_after - b / before + tb / days_before for b, tb, a, ta in people]
    error = math.sqrt(len(people) / (len(people) - 1) * sum(pull**2 for pull in pulls))
    assert row["rate_ratio"] == pytest.approx(ratio)
    assert row["rate_ratio_lower"] == pytest.approx(ratio * math.exp(-1.959964 * error), rel=1e-6)
    assert row["rate_ratio_upper"] == pytest.approx(ratio * math.exp(1.959964 * error), rel=1e-6)
    assert row["rate_before"] == pytest.approx(365.25 * before / days_before)


def test_every_figure_says_that_it_is_uncontrolled(marts: Scenario) -> None:
    rows = marts.rows("select distinct design, design_label from rpt_gp_reattendance")
    assert [row["design"] for row in rows] == ["uncontrolled_before_after"]
    assert "regression to the mean" in rows[0]["design_label"]


def test_referrals_are_indexes_and_exclusions(marts: Scenario) -> None:
    """And the total over all areas is every referral of fct_referrals."""
    summed = marts.row("""
        select sum(referrals) as referrals from rpt_gp_reattendance
        where period_type = 'all' and area_level = 'icb' and breakdown = 'none' and window_days = 365
            and measure = 'gp_contacts'
    """)
    counted = marts.row("select count(*) as referrals from fct_referrals")
    assert summed["referrals"] == counted["referrals"]
