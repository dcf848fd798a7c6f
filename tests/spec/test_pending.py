"""References to a referral that has not arrived: kept, listed by age, resolved by themselves when it comes."""

from datetime import date

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

EVENTS = """
person | record | event             | on         | says
ann    | C1     | contact.held      | 2026-01-28 | referral=missing; provider_code=ZSP71; asserted=2026-01-29
ann    | C2     | contact.missed    | 2026-01-30 | referral=missing; provider_code=ZSP71
       | V1     | activity.attended | 2026-01-27 | referral=missing; provider_code=ZSP70; asserted=2026-01-31
ann    | V2     | activity.attended | 2026-01-20 | referral=missing; provider_code=ZSP70
ann    | V2     | activity.attended | 2026-01-20 | referral=missing; kind=retraction; asserted=2026-01-21
bob    | C3     | contact.held      | 2025-11-02 | referral=old; provider_code=ZSP71
cat    | C4     | contact.held      | 2026-02-10 | referral=ahead; provider_code=ZSP71; asserted=2026-01-31
dan    | C5     | contact.held      | 2026-01-10 | referral=R1; provider_code=ZSP71
dan    | R1     | referral.received | 2026-01-12 | at=Z90701; route=gp
eve    | C6     | contact.held      | 2026-01-10 | referral=R2
eve    | R2     | referral.received | 2026-01-12 | at=Z90701; route=gp
eve    | R2     | referral.received | 2026-01-12 | at=Z90701; kind=retraction; asserted=2026-01-20
fay    | C7     | contact.held      | 2026-01-10 |
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z90701", pcn="U99701", icb="QP2")


def pending(marts: Scenario, referral: str) -> list[tuple[object, ...]]:
    rows = marts.rows(
        """
        select categories, provider_code, providers, facts, first_occurred_on, first_asserted_on, age_days, age_band
        from fct_pending_references where referral_id = $id
        """,
        id=text_id(marts.scope, referral),
    )
    return [tuple(row.values()) for row in rows]


def test_all_that_waits_for_one_referral_is_one_row(marts: Scenario) -> None:
    days = (date(2026, 1, 27), date(2026, 1, 29), 4, "0-6 days")
    assert pending(marts, "missing") == [("activity, engagement", "ZSP70", 2, 3, *days)]


def test_it_is_listed_by_its_age_at_the_cut_off(marts: Scenario) -> None:
    assert [row[-2:] for row in pending(marts, "old")] == [(90, "28-90 days")]
    assert [row[-2:] for row in pending(marts, "ahead")] == [(-10, "ahead")]


def test_the_fact_that_waits_is_kept_without_a_referral(marts: Scenario) -> None:
    row = marts.row("select has_referral from fct_contacts where contact_id = $id", id=fact(marts, "C3"))
    assert row == {"has_referral": False}


def test_when_the_referral_comes_it_is_found_whatever_came_first(marts: Scenario) -> None:
    assert pending(marts, "R1") == []
    row = marts.row("select has_referral from fct_contacts where contact_id = $id", id=fact(marts, "C5"))
    assert row == {"has_referral": True}
    assert str(marts.referral("R1")["first_contact_held_on"]) == "2026-01-10"


def test_a_referral_that_was_withdrawn_is_not_waited_for(marts: Scenario) -> None:
    assert pending(marts, "R2") == []


def test_nothing_waits_where_nothing_is_named(marts: Scenario) -> None:
    ids = [text_id(marts.scope, name) for name in ("missing", "old", "ahead")]
    rows = marts.rows("select referral_id from fct_pending_references where provider_code like 'ZSP7%' order by all")
    assert [row["referral_id"] for row in rows] == sorted(ids)


def fact(marts: Scenario, record: str) -> str:
    """The id of a contact's fact; the slot of an event type of its own is its name."""
    return text_id(marts.scope, record, "contact.held")
