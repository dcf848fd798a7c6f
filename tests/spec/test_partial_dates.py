"""A date known to the month or year only: it is counted in its month, and no wait begins or ends with it."""

from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import HOLIDAYS, Warehouse

# A month or year is kept as its first day.
EVENTS = """
person | record | event                | on         | says
ann    | A1     | referral.received    | 2025-05-01 | at=Z97841; route=self; provider_code=PD; occurred_precision=month
ann    | A-c    | contact.held         | 2025-05-13 | provider_code=PD; referral=A1
bob    | B1     | referral.received    | 2025-05-06 | at=Z97841; route=gp; provider_code=PD
bob    | B-c    | contact.held         | 2025-06-01 | provider_code=PD; referral=B1; occurred_precision=month
bob    | B1     | referral.closed      | 2025-06-20 | provider_code=PD; reason=completed
cat    | C1     | referral.received    | 2025-05-06 | at=Z97841; route=gp; provider_code=PD
cat    | C-c    | contact.held         | 2025-06-02 | provider_code=PD; referral=C1; occurred_precision=month
cat    | C-c2   | contact.held         | 2025-06-02 | provider_code=PD; referral=C1; occurred_precision=day
dan    | D1     | referral.received    | 2025-05-06 | at=Z97841; route=gp; provider_code=PD
dan    | D1     | referral.rejected    | 2025-05-01 | provider_code=PD; occurred_precision=month
eve    | E-r    | registration.started | 2010-01-01 | at=Z97841
eve    | E-r    | registration.ended   | 2025-01-01 | at=Z97841; end_reason=deceased; occurred_precision=year
eve    | E1     | referral.received    | 2025-05-06 | at=Z97841; route=gp; provider_code=PD
eve    | E-c    | contact.held         | 2025-07-01 | provider_code=PD; referral=E1
fay    | F1     | referral.received    | 2025-05-06 | at=Z97841; route=gp; provider_code=PD
fay    | F1     | referral.put_on_hold | 2025-06-01 | provider_code=PD; occurred_precision=month
fay    | F1     | referral.resumed     | 2025-06-24 | provider_code=PD
fay    | F-c    | contact.held         | 2025-07-02 | provider_code=PD; referral=F1
may    | M1     | referral.received    | 2025-05-06 | at=Z97841; route=gp; provider_code=PD
may    | M-c    | contact.held         | 2025-05-13 | provider_code=PD; referral=M1
may    | M-c2   | contact.held         | 2025-06-01 | provider_code=PD; referral=M1; occurred_precision=month
may    | M-a    | activity.attended    | 2025-06-01 | provider_code=PG; referral=M1; occurred_precision=month
pat    | P1     | referral.received    | 2025-01-01 | at=Z97842; route=gp; provider_code=PE; occurred_precision=year
zed    | Z-c    | contact.held         | 2026-01-30 | provider_code=PD
zed    | Z-e    | contact.held         | 2025-12-31 | provider_code=PE
zed    | Z-a    | activity.attended    | 2026-01-30 | provider_code=PG
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for code in ("Z97841", "Z97842"):
        warehouse.practice(code, pcn="U97841", icb="QPD")
    warehouse.bank_holidays(HOLIDAYS)


def wait(marts: Scenario, record: str, endpoint: str) -> tuple[Any, ...]:
    row = marts.row(
        """select outcome, ruled_out_by, is_dated, days, working_days from fct_referral_waits
        where endpoint = $endpoint and referral_id = $id""",
        endpoint=endpoint,
        id=marts.referral(record)["referral_id"],
    )
    return tuple(row.values())


@pytest.mark.parametrize(
    ("record", "endpoint", "expected"),
    [
        ("A1", "first_contact", ("event", None, False, None, None)),  # from some day of May
        ("B1", "first_contact", ("event", None, False, None, None)),  # to some day of June
        ("B1", "closure", ("event", None, True, 45, 32)),  # both known
        ("C1", "first_contact", ("event", None, True, 27, 18)),  # another record knows the day
        ("D1", "first_contact", ("competing", "rejected", False, None, None)),
        ("E1", "first_contact", ("competing", "died", False, None, None)),  # in the year, not before the receipt
        ("M1", "first_contact", ("event", None, True, 7, 5)),  # the later one is no matter
        ("M1", "first_activity", ("event", None, False, None, None)),
    ],
)
def test_e36_a_wait_that_begins_or_ends_in_a_month_or_year_has_no_length(
    marts: Scenario, record: str, endpoint: str, expected: tuple[Any, ...]
) -> None:
    assert wait(marts, record, endpoint) == expected


def test_e36_waits_of_known_and_of_unknown_length_add_up_to_the_referrals(marts: Scenario) -> None:
    row = marts.row(
        """select * from rpt_uptake_times where period_type = 'month' and area_level = 'practice'
        and area_code = 'Z97841' and breakdown = 'none' and endpoint = 'first_contact' and horizon = 5"""
    )
    assert (row["referrals"], row["n_start"], row["undated"], row["no_calendar"]) == (7, 3, 4, 0)
    assert (row["events"], row["estimate"]) == (1, pytest.approx(1 / 3))
    whole = marts.row(
        """select count(*) as n from rpt_uptake_times where referrals <> undated + no_calendar + n_start and n_start > 0
        or (n_start = 0 and referrals < undated + no_calendar)"""
    )
    assert whole["n"] == 0


def test_e36_a_hold_that_begins_in_some_month_has_no_length(marts: Scenario) -> None:
    referral = marts.referral("F1")
    assert (referral["is_hold_dated"], referral["days_on_hold"]) == (False, None)
    row = marts.row(
        """select working_days, was_on_hold, working_days_on_hold from fct_referral_waits
        where endpoint = 'first_contact' and referral_id = $id""",
        id=referral["referral_id"],
    )
    assert row == {"working_days": 40, "was_on_hold": True, "working_days_on_hold": None}
    counted = marts.row(
        """select on_hold, holds_undated, working_days_on_hold from rpt_uptake_times where period_type = 'month'
        and area_level = 'practice' and area_code = 'Z97841' and breakdown = 'none' and endpoint = 'first_contact'
        and horizon = 90"""
    )
    assert counted == {"on_hold": 1, "holds_undated": 1, "working_days_on_hold": 0}


def test_e36_no_window_of_reattendance_begins_with_such_a_receipt(marts: Scenario) -> None:
    """Of a self-referral the receipt is the index; of May it is none."""
    row = marts.row(
        "select distinct inclusion, index_on from fct_reattendance where referral_id = $id",
        id=marts.referral("A1")["referral_id"],
    )
    assert row == {"inclusion": "no_index", "index_on": None}


def test_e36_a_referral_is_followed_from_the_last_day_on_which_it_may_have_come(marts: Scenario) -> None:
    """Some day of 2025, and its service was last heard of at the end of it."""
    row = marts.referral("P1")
    assert (row["is_received_dated"], str(row["received_on"]), row["is_followed"]) == (False, "2025-01-01", False)
