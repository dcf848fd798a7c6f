"""What is dated long after a person's death is kept, and listed by who stated it."""

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Ann died on 31 March 2025: up to 30 April an entry may be late.
EVENTS = """
person | record | event                | on         | says
ann    | r      | registration.started | 2010-01-01 | at=Z97631
ann    | r      | registration.ended   | 2025-03-31 | at=Z97631; end_reason=deceased
ann    | R1     | referral.received    | 2025-03-01 | provider_code=DA; at=Z97631; route=gp
ann    | c1     | contact.held         | 2025-04-30 | provider_code=DA; at=Z97631; referral=R1
ann    | c2     | contact.held         | 2025-05-01 | provider_code=DA; at=Z97631; referral=R1; source_system=cases
ann    | c3     | contact.missed       | 2025-06-01 | provider_code=DA; at=Z97631; referral=R1
ann    | R1     | referral.closed      | 2025-06-02 | provider_code=DA; reason=deceased
ann    | a1     | appointment.attended | 2025-05-10 | at=Z97631
ann    | a2     | appointment.missed   | 2025-05-11 | at=Z97631
ann    | w1     | activity.attended    | 2025-07-01 | provider_code=DG; at=Z97631; referral=R1; asset_id=walks
ann    | w2     | activity.attended    | 2026-07-01 | provider_code=DG; at=Z97631; referral=R1; asset_id=walks
bob    | b      | registration.started | 2010-01-01 | at=Z97631
bob    | b      | registration.ended   | 2025-03-31 | at=Z97631; end_reason=moved_away
bob    | b1     | appointment.attended | 2025-08-10 | at=Z97631
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97631", pcn="U97631", icb="QV7")


def test_e22_what_is_dated_long_after_a_death_is_listed_by_who_stated_it(marts: Scenario) -> None:
    """Not what came soon after, nor what may well come late (a closure, a slot nobody used), nor what is to come."""
    rows = marts.rows(
        """select stated_by, source_system, event_type, days_after_death from fct_after_death
        where stated_by in ('DA', 'DG', 'Z97631') order by 1"""
    )
    assert [tuple(row.values()) for row in rows] == [
        ("DA", "cases", "contact.held", 31),
        ("DG", "test", "activity.attended", 92),
        ("Z97631", "test", "appointment.attended", 40),
    ]


def test_e22_what_is_listed_is_kept(marts: Scenario) -> None:
    assert marts.referral("R1")["contacts_held"] == 2
