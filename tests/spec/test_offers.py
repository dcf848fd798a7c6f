"""What a practice codes about an offer: the code of a referral means acceptance, counts once, and makes no referral."""

from datetime import date

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

EVENTS = """
person | record | event                      | on         | says
ann    | S1     | referral.received          | 2024-02-12 | at=Z90111; route=gp; reasons=LOCAL:DEBT; provider_code=ZSP11
ann    | C1     | referral.accepted_at_offer | 2024-02-10 | at=Z90111; code=871731000000106; source_system=offers-one
ann    | C2     | referral.accepted_at_offer | 2024-03-10 | at=Z90111; code=871731000000106; source_system=offers-one
ann    | C3     | referral.accepted_at_offer | 2024-09-10 | at=Z90111; code=871731000000106; source_system=offers-one
bob    | C4     | referral.accepted_at_offer | 2024-02-10 | at=Z90111; code=871731000000106; source_system=offers-one
cat    | C5     | referral.declined_at_offer | 2024-02-10 | at=Z90112; code=871711000000103; source_system=offers-two
cat    | C6     | referral.accepted_at_offer | 2024-02-20 | at=Z90112; code=871731000000106; source_system=offers-two
dan    | C7     | referral.offered           | 2024-02-10 | at=Z90112; code=871691000000100; source_system=offers-two
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for code in ("Z90111", "Z90112"):
        warehouse.practice(code, pcn="U99111", icb="QR2")


def test_a_service_referral_with_a_code_is_one_referral(marts: Scenario) -> None:
    """The code is evidence apart; so is a code without any referral of a service."""
    people = {text_id(marts.scope, name): name for name in ("ann", "bob", "cat", "dan")}
    rows = marts.rows(
        "select referral_id, person_id from fct_referrals where person_id in $people", people=list(people)
    )
    assert [(row["referral_id"], people[row["person_id"]]) for row in rows] == [(text_id(marts.scope, "S1"), "ann")]
    waiting = marts.rows("select * from fct_pending_references where referral_id = $id", id=text_id(marts.scope, "C1"))
    assert waiting == []


def test_e07_acceptances_count_once_in_an_episode_by_practice_and_supplier(marts: Scenario) -> None:
    rows = marts.rows("""
        select practice_code, source_system, period_start, accepted, accepted_codes, accepted_repeats,
            offered, declined, people, repeat_share, is_over_counted
        from rpt_referral_offers where practice_code in ('Z90111', 'Z90112') order by 1
    """)
    assert [tuple(row.values()) for row in rows] == [
        ("Z90111", "offers-one", date(2024, 1, 1), 3, 4, 1, 0, 0, 2, 0.25, True),
        ("Z90112", "offers-two", date(2024, 1, 1), 1, 1, 0, 1, 1, 2, 0.0, False),
    ]


def test_e07_a_referral_again_after_the_gap_is_another_episode(marts: Scenario) -> None:
    rows = marts.rows(
        "select stated_on, episode, is_repeat from fct_referral_offers where person_id = $id order by 1",
        id=text_id(marts.scope, "ann"),
    )
    assert [tuple(row.values()) for row in rows] == [
        (date(2024, 2, 10), 1, False),
        (date(2024, 3, 10), 1, True),
        (date(2024, 9, 10), 2, False),
    ]


def test_who_declines_and_then_accepts_has_accepted(marts: Scenario) -> None:
    rows = marts.rows(
        "select meaning, episode_outcome from fct_referral_offers where person_id = $id order by stated_on",
        id=text_id(marts.scope, "cat"),
    )
    assert [tuple(row.values()) for row in rows] == [("declined", "accepted"), ("accepted", "accepted")]
