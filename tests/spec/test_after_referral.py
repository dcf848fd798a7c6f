"""What real data have, where it meets activity, outcomes and plans: each test is named after its edge case."""

from typing import Any

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

SWEMWBS = "instrument=SWEMWBS; items=4,4,4,4,3,3,3"
# Ann has two services at once; Bob's referral was entered in error, Cat's was cancelled; Dan moves to another practice;
# Eve is known by two numbers; one attendance of Fay's is corrected, one is withdrawn; Gus dies; Hal is a child.
EVENTS = f"""
person | record | event | on | says
ann | A1 | referral.received | 2025-02-01 | provider_code=LX; at=Z97604; route=gp
ann | A2 | referral.received | 2025-02-02 | provider_code=LY; at=Z97604; route=self
ann | m1 | measure.recorded | 2025-02-10 | referral=A1; provider_code=LX; {SWEMWBS}
ann | m2 | measure.recorded | 2025-02-11 | referral=A2; provider_code=LY; {SWEMWBS}
ann | m3 | measure.recorded | 2025-05-10 | referral=A1; provider_code=LX; {SWEMWBS}
ann | m4 | measure.recorded | 2025-05-11 | referral=A2; provider_code=LY; {SWEMWBS}
bob | B1 | referral.received | 2025-02-01 | provider_code=LX; at=Z97604; route=gp
bob | B1 | referral.entered_in_error | 2025-02-20 |
bob | b1 | activity.attended | 2025-02-10 | referral=B1; provider_code=GX; at=Z97604; asset_id=tx-bowls
bob | b2 | measure.recorded | 2025-02-10 | referral=B1; provider_code=LX; {SWEMWBS}
bob | b3 | plan.agreed | 2025-02-10 | referral=B1; provider_code=LX; at=Z97604
cat | C1 | referral.received | 2025-02-01 | provider_code=LX; at=Z97604; route=gp
cat | C1 | referral.cancelled | 2025-02-20 | cancelled_by=requester
cat | c1 | activity.attended | 2025-02-10 | referral=C1; provider_code=GX; at=Z97604; asset_id=tx-bowls
cat | c2 | measure.recorded | 2025-02-10 | referral=C1; provider_code=LX; {SWEMWBS}
cat | c3 | plan.agreed | 2025-02-10 | referral=C1; provider_code=LX; at=Z97604
dan | D1 | referral.received | 2025-02-01 | provider_code=LX; route=gp
dan | dr1 | registration.started | 2010-01-01 | at=Z97604
dan | dr1 | registration.ended | 2025-03-31 | at=Z97604; end_reason=moved_away
dan | dr2 | registration.started | 2025-04-01 | at=Z97605
dan | d1 | measure.recorded | 2025-02-10 | referral=D1; provider_code=LX; {SWEMWBS}
dan | d2 | activity.attended | 2025-04-10 | referral=D1; provider_code=GX; at=Z97604; asset_id=tx-bowls
dan | d3 | goal.set | 2025-04-10 | referral=D1; provider_code=LX; at=Z97604
dan | d4 | measure.recorded | 2025-05-10 | referral=D1; provider_code=LX; {SWEMWBS}
eve-old | e0 | person.merged | 2024-01-01 | merged_into=eve
eve | e1 | activity.attended | 2025-06-10 | provider_code=GX; at=Z97604; asset_id=tx-choir
eve-old | e2 | activity.attended | 2025-06-10 | provider_code=GY; at=Z97604; asset_id=tx-choir
eve | e3 | activity.attended | 2025-06-17 | provider_code=GX; at=Z97604; asset_id=tx-choir
eve-old | e4 | activity.attended | 2025-06-24 | provider_code=GX; at=Z97604; asset_id=tx-choir
fay | f1 | activity.attended | 2025-07-10 | slot=event; provider_code=GX; at=Z97604; asset_id=hike
fay | f1 | activity.missed | 2025-07-10 | slot=event; kind=revision; asserted=2025-08-01;provider_code=GX; asset_id=hike
fay | f2 | activity.attended | 2025-07-17 | slot=event; provider_code=GX; at=Z97604; asset_id=hike
fay | f2 | activity.attended | 2025-07-17 | slot=event; kind=retraction; asserted=2025-08-01
fay | f3 | activity.attended | 2025-07-24 | slot=event; provider_code=GX; at=Z97604; asset_id=hike
gus | gr1 | registration.started | 2010-01-01 | at=Z97604
gus | gr1 | registration.ended | 2025-09-30 | at=Z97604; end_reason=deceased
gus | g1 | activity.attended | 2025-09-10 | provider_code=GX; at=Z97604; asset_id=tx-chess
gus | g2 | activity.cancelled | 2025-10-10 | provider_code=GX; at=Z97604; asset_id=tx-chess; cancelled_by=person
hal | h0 | person.described | 2025-01-01 | at=Z97604; birth_month=2012-06-01
hal | h1 | activity.attended | 2025-09-10 | provider_code=GX; at=Z97604; asset_id=tx-chess
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97604", pcn="U97604", icb="QV4")
    warehouse.practice("Z97605", pcn="U97605", icb="QV4")


def rows_of(marts: Scenario, table: str, person: str) -> list[dict[str, Any]]:
    return marts.rows(f"select * from {table} where person_id = $id", id=text_id(marts.scope, person))


def asset(marts: Scenario, asset_id: str, **wanted: str) -> dict[str, Any]:
    """The sums of an asset over its months and groups."""
    where = " ".join(f"and {column} = '{value}'" for column, value in wanted.items())
    return marts.row(
        f"""select sum(attended)::int as attended, sum(missed)::int as missed, sum(sessions)::int as sessions,
        sum(people)::int as people, sum(cancelled)::int as cancelled
        from rpt_activity where asset_id = $asset_id {where}""",
        asset_id=asset_id,
    )


def test_e02_two_services_at_once_are_two_episodes_of_one_person(marts: Scenario) -> None:
    pairs = [row for row in rows_of(marts, "fct_outcome_pairs", "ann") if row["paired"]]
    assert {row["service_code"]: str(row["baseline_on"]) for row in pairs} == {"LX": "2025-02-10", "LY": "2025-02-11"}
    row = marts.row(
        """select paired, people from rpt_outcomes where period_type = 'month' and period_start = date '2025-02-01'
        and area_code = 'Z97604' and breakdown = 'none' and instrument = 'SWEMWBS'"""
    )
    assert row == {"paired": 3, "people": 2}


def test_e05_a_referral_entered_in_error_has_no_outcome_and_a_cancelled_one_has(marts: Scenario) -> None:
    assert rows_of(marts, "fct_outcome_pairs", "bob") == []
    assert rows_of(marts, "fct_outcome_pairs", "cat") != []


def test_e05_what_others_recorded_of_it_stays_and_is_told_to_have_no_referral(marts: Scenario) -> None:
    """A group saw him come: that his referral was a mistake does not undo it."""
    assert [row["has_referral"] for row in rows_of(marts, "fct_plan_steps", "bob")] == [False]
    assert [row["has_referral"] for row in rows_of(marts, "fct_plan_steps", "cat")] == [True]
    assert [row["route"] for row in rows_of(marts, "fct_asset_uses", "bob")] == ["unknown"]


def test_e11_who_moves_is_counted_where_they_were_on_the_day(marts: Scenario) -> None:
    """The pair by the day of receipt, the attendance and the goal by their own day."""
    assert {row["practice_code"] for row in rows_of(marts, "fct_outcome_pairs", "dan")} == {"Z97604"}
    for table in ("fct_asset_uses", "fct_plan_steps"):
        assert {row["practice_code"] for row in rows_of(marts, table, "dan")} == {"Z97605"}
    states = [row["state"] for row in rows_of(marts, "fct_outcome_pairs", "dan") if row["instrument"] == "SWEMWBS"]
    assert states == ["paired"]


def test_e16_two_numbers_of_one_person_are_one_person_at_a_session(marts: Scenario) -> None:
    choir = asset(marts, "tx-choir", group_code="GX")
    assert (choir["attended"], choir["people"]) == (3, 1)
    assert {row["person_id"] for row in rows_of(marts, "fct_asset_uses", "eve")} == {text_id(marts.scope, "eve")}
    assert len(rows_of(marts, "fct_asset_uses", "eve")) == 4


def test_e20_a_corrected_attendance_counts_as_corrected_and_a_withdrawn_one_not_at_all(marts: Scenario) -> None:
    walks = asset(marts, "hike")
    assert (walks["attended"], walks["missed"], walks["sessions"]) == (1, 1, 2)


def test_e22_what_came_before_a_death_is_kept(marts: Scenario) -> None:
    found = {row["asset_use"]: row["practice_code"] for row in rows_of(marts, "fct_asset_uses", "gus")}
    assert found["attended"] == "Z97604"
    assert "cancelled" in found, "what is cancelled for somebody who died is no missed place"
    assert asset(marts, "tx-chess")["missed"] == 0


def test_e23_children_have_a_band_of_their_own(marts: Scenario) -> None:
    row = marts.row(
        """select people from rpt_activity_people where period_type = 'year' and area_code = 'Z97604'
        and breakdown = 'age_band' and breakdown_group = '0-17' and category = 'all'
        and period_start = date '2025-01-01'"""
    )
    assert row == {"people": 1}
