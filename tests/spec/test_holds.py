"""A referral that waits on hold: from when to when, in the state, the caseload and the waits alike."""

from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# May 2025 has bank holidays on the 5th and the 26th; the cut-off is 31 January 2026.
EVENTS = """
person | record | event                 | on         | says
ann    | A1     | referral.received     | 2025-05-01 | provider_code=HA; at=Z97611; route=gp
ann    | A1     | referral.accepted     | 2025-05-02 | provider_code=HA
ann    | A1     | referral.put_on_hold  | 2025-05-06 | provider_code=HA
ann    | A1     | referral.resumed      | 2025-05-16 | provider_code=HA
ann    | A-c    | contact.held          | 2025-05-20 | provider_code=HA; referral=A1
bob    | B1     | referral.received     | 2025-05-01 | provider_code=HA; at=Z97611; route=gp
bob    | B1     | referral.put_on_hold  | 2025-05-06 | provider_code=HA
bob    | B-c    | contact.attempted     | 2026-01-30 | provider_code=HA; referral=B1
cat    | C1     | referral.received     | 2025-05-01 | provider_code=HA; at=Z97611; route=gp
cat    | C1     | referral.put_on_hold  | 2025-05-06 | provider_code=HA
cat    | C1     | referral.accepted     | 2025-05-09 | provider_code=HA
dan    | D1     | referral.received     | 2025-05-01 | provider_code=HA; at=Z97611; route=gp
dan    | D1     | referral.put_on_hold  | 2025-05-06 | provider_code=HA
dan    | D1     | referral.closed       | 2025-06-10 | provider_code=HA; reason=moved_away
eve    | E1     | referral.received     | 2025-05-01 | provider_code=HA; at=Z97611; route=gp
eve    | E-c    | contact.held          | 2025-05-06 | provider_code=HA; referral=E1
eve    | E1     | referral.put_on_hold  | 2025-06-06 | provider_code=HA
eve    | E1     | referral.resumed      | 2025-07-01 | provider_code=HA
eve    | E1     | referral.resumed      | 2025-07-01 | provider_code=HA; kind=retraction; asserted=2025-07-09
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97611", pcn="U97611", icb="QV5")
    warehouse.bank_holidays("2025-05-05 2025-05-26 2025-12-25 2026-01-01")


def month(marts: Scenario, start: str) -> dict[str, Any]:
    return marts.row(
        """select open_at_end, on_hold_at_end from rpt_caseload where area_level = 'service' and area_code = 'HA'
        and breakdown = 'none' and period_start = $start::date""",
        start=start,
    )


@pytest.mark.parametrize(
    ("record", "state", "days"),
    [
        ("A1", "active", 10),  # resumed
        ("B1", "on_hold", None),  # it goes on
        ("C1", "active", 3),  # accepted
        ("D1", "closed", 35),
        ("E1", "on_hold", None),  # that it was resumed was taken back
    ],
)
def test_e44_a_hold_lasts_until_it_is_resumed_or_the_referral_moves_on(
    marts: Scenario, record: str, state: str, days: int | None
) -> None:
    found = marts.referral(record)
    assert (found["state"], found["days_on_hold"]) == (state, days)


def test_e44_the_days_on_hold_of_a_wait_stand_beside_its_days(marts: Scenario) -> None:
    waits = {
        record: tuple(
            marts.row(
                """select working_days, was_on_hold, working_days_on_hold from fct_referral_waits
                where endpoint = 'first_contact' and referral_id = $id""",
                id=marts.referral(record)["referral_id"],
            ).values()
        )
        for record in ("A1", "C1", "E1")
    }
    assert waits["A1"] == (12, True, 8)
    assert waits["C1"][1:] == (True, 3)
    assert waits["E1"] == (2, False, 0), "put on hold after the first contact"
    row = marts.row(
        """select on_hold, working_days_on_hold from rpt_uptake_times where period_type = 'month'
        and area_code = 'Z97611' and area_level = 'practice' and breakdown = 'none' and endpoint = 'closure'
        and horizon = 90"""
    )
    held = marts.row(
        """select sum(working_days_on_hold)::bigint as days from fct_referral_waits
        where endpoint = 'closure' and practice_code = 'Z97611'"""
    )
    assert (row["on_hold"], row["working_days_on_hold"]) == (5, held["days"])


def test_e44_the_caseload_says_who_of_it_is_on_hold(marts: Scenario) -> None:
    """In May bob and dan, in June bob and eve; at the end as many as stand on hold."""
    assert month(marts, "2025-05-01") == {"open_at_end": 5, "on_hold_at_end": 2}
    assert month(marts, "2025-06-01") == {"open_at_end": 4, "on_hold_at_end": 2}
    standing = marts.row("select count(*) as n from fct_referrals where state = 'on_hold' and service_code = 'HA'")["n"]
    assert month(marts, "2026-01-01")["on_hold_at_end"] == standing == 2
