"""Uptake: enrolment, engagement, adherence; a conversion is stated only where the follow-up is complete."""

from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Five referrals to one practice's people: finished, on the way, rejected, declined, not yet answered.
EVENTS = """
person | record | event                       | on         | says
ann    | A1     | referral.received           | 2025-03-03 | at=Z90201; route=gp
ann    | A1     | referral.accepted           | 2025-03-05 |
ann    | A-c1   | contact.attempted           | 2025-03-06 | referral=A1
ann    | A-c2   | contact.held                | 2025-03-10 | referral=A1; minutes=30
ann    | A-p    | plan.agreed                 | 2025-03-10 | referral=A1
ann    | A-s    | signpost.made               | 2025-03-10 | referral=A1
ann    | A-a0   | activity.attended           | 2025-03-15 | referral=A1; role=carer
ann    | A-a1   | activity.attended           | 2025-03-20 | referral=A1; role=participant
ann    | A1     | referral.closed             | 2025-06-01 | reason=completed
bob    | B1     | referral.received           | 2025-03-04 | at=Z90201; route=gp
bob    | B1     | referral.accepted           | 2025-03-06 |
bob    | B-c1   | contact.held                | 2025-03-12 | referral=B1
cat    | C1     | referral.received           | 2025-03-04 | at=Z90201; route=gp
cat    | C1     | referral.rejected           | 2025-03-07 | reason=outside area
dan    | D1     | referral.received           | 2025-03-05 | at=Z90201; route=gp
dan    | D1     | referral.accepted           | 2025-03-07 |
dan    | D1     | referral.declined_by_person | 2025-03-20 | reason=not for me
eve    | E1     | referral.received           | 2025-03-30 | at=Z90201; route=gp
fay    | F-c1   | contact.held                | 2025-03-30 | referral=not yet arrived
"""

# What the edge cases of referrals are about; UD has no more to say after the first week of April.
EDGES = """
person | record | event                       | on         | says
jon    | J1     | referral.received           | 2025-03-03 | at=Z90205; provider_code=UB; connector_model=signposting
jon    | J1     | referral.closed             | 2025-03-20 | provider_code=UB; reason=no_response_timeout
kay    | K1     | referral.received           | 2025-03-03 | at=Z90205; provider_code=UB; connector_model=link_worker
kay    | K1     | referral.declined_by_person | 2025-03-20 | provider_code=UB; reason=unable_to_contact
lea    | L1     | referral.received           | 2025-03-03 | at=Z90205; provider_code=UB; connector_model=link_worker
lea    | L1     | referral.accepted           | 2025-03-05 | provider_code=UB
lea    | L-c1   | contact.held                | 2025-03-10 | provider_code=UB; referral=L1
lea    | L1     | referral.closed             | 2025-03-30 | provider_code=UB; reason=completed
mia    | M1     | referral.received           | 2025-03-03 | at=Z90206; route=gp; provider_code=UD
mia    | M1     | referral.rejected           | 2025-04-07 | provider_code=UD
ned    | N1     | referral.received           | 2025-01-06 | at=Z90207; route=gp; provider_code=UB
ned    | N1     | referral.closed             | 2025-01-20 | provider_code=UB; reason=completed
ned    | N2     | referral.received           | 2025-01-20 | at=Z90207; route=gp; provider_code=UB
ned    | N3     | referral.received           | 2025-02-20 | at=Z90207; route=gp; provider_code=UB
ned    | N4     | referral.received           | 2025-05-21 | at=Z90207; route=gp; provider_code=UB
ned    | N5     | referral.received           | 2025-02-01 | at=Z90207; route=gp; provider_code=UE
ola    | O0     | referral.declined_at_offer  | 2025-03-03 | at=Z90208; code=871711000000103
pam    | P1     | referral.received           | 2025-03-03 | at=Z90209; route=gp; provider_code=UB
pam    | P1     | referral.accepted           | 2025-03-05 | provider_code=UB
pam    | P-r    | registration.started        | 2010-01-01 | at=Z90209
pam    | P-r    | registration.ended          | 2025-03-09 | at=Z90209; end_reason=deceased
rob    | R1     | referral.received           | 2024-03-04 | at=Z90210; route=gp; provider_code=UB
rob    | R1     | referral.accepted           | 2024-03-05 | provider_code=UB
zed    | Z-c    | contact.held                | 2026-01-20 | provider_code=UB
zed    | Z-d    | contact.held                | 2026-01-20 | provider_code=UC
"""
REOPENED = """
person | record | event                       | on         | says
gil    | G1     | referral.received           | 2025-03-03 | at=Z90204; route=gp; provider_code=UA
gil    | G1     | referral.closed             | 2025-04-01 | provider_code=UA; reason=unable_to_contact
gil    | G1     | referral.reopened           | 2025-05-01 | provider_code=UA
hal    | H1     | referral.received           | 2025-03-03 | at=Z90204; route=gp; provider_code=UA
hal    | H1     | referral.accepted           | 2025-03-05 | provider_code=UA
hal    | H1     | referral.closed             | 2025-04-01 | provider_code=UA; reason=unable_to_contact
hal    | H1     | referral.reopened           | 2025-05-01 | provider_code=UA
hal    | H1     | referral.closed             | 2025-06-01 | provider_code=UA; reason=completed; slot=closed again
ivy    | I1     | referral.received           | 2025-03-03 | at=Z90204; route=gp; provider_code=UA
ivy    | I1     | referral.transferred        | 2025-03-20 | provider_code=UA
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.add(scope, REOPENED)
    warehouse.add(scope, EDGES)
    for code in range(4, 11):
        warehouse.practice(f"Z902{code:02}", pcn=f"U992{code:02}", icb="QU1")
    warehouse.practice("Z90201", pcn="U99201", icb="QU1")
    warehouse.practice("Z90202", pcn="U99202", icb="QU1")
    warehouse.practice("Z90203", pcn="U99203", icb="QU1")
    for practice, accepted, all_of_them in (("Z90202", 7, 20), ("Z90203", 38, 100)):
        for n in range(all_of_them):
            person = f"{practice}-{n}"
            warehouse.event(scope, person, person, "referral.received", "2025-03-01", at=practice, provider_code="UC")
            answer = "referral.accepted" if n < accepted else "referral.rejected"
            warehouse.event(scope, person, person, answer, "2025-03-08", provider_code="UC")


def stage(marts: Scenario, name: str, practice: str = "Z90201") -> dict[str, Any]:
    return marts.row(
        """
        select * from rpt_uptake
        where period_type = 'month' and area_level = 'practice' and area_code = $practice
            and breakdown = 'none' and stage = $stage
        """,
        practice=practice,
        stage=name,
    )


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("referred", (5, 5, 0, 5)),
        ("open", (1, 5, 0, 5)),
        ("rejected", (1, 5, 1, 4)),
        ("declined", (0, 5, 1, 4)),
        ("no_response", (0, 5, 1, 4)),
        ("accepted", (3, 5, 1, 4)),
        ("contacted", (2, 3, 0, 3)),
        ("plan_agreed", (1, 2, 1, 1)),
        ("onward", (1, 2, 1, 1)),
        ("activity_attended", (1, 1, 0, 1)),
        ("completed", (1, 3, 1, 2)),
    ],
)
def test_each_stage_has_its_own_denominator(marts: Scenario, name: str, figures: tuple[int, int, int, int]) -> None:
    """Figures are: reached the stage, could reach it, of these still open, of these resolved."""
    row = stage(marts, name)
    assert (row["referrals"], row["candidates"], row["candidates_open"], row["denominator"]) == figures


def test_a_conversion_waits_for_whoever_may_yet_reach_the_stage(marts: Scenario) -> None:
    """Eve has no answer; she and bob may yet be contacted or agree a plan. Nothing of that month is stated."""
    row = stage(marts, "accepted")
    assert (row["unresolved"], row["is_followed"], row["followed"], row["conversion"]) == (1, False, 0, None)
    assert [stage(marts, name)["unresolved"] for name in ("contacted", "plan_agreed", "completed")] == [1, 2, 2]
    settled = stage(marts, "accepted", "Z90202")
    assert (settled["unresolved"], settled["is_followed"], settled["followed"]) == (0, True, 20)
    assert settled["conversion"] == pytest.approx(7 / 20)


def test_a_conversion_waits_for_the_service_s_own_cut_off(marts: Scenario) -> None:
    """Mia was rejected, but her service's feed ends 35 days after the receipt: others of that month may be missing."""
    row = stage(marts, "rejected", "Z90206")
    assert (row["unresolved"], row["not_followed"], row["conversion"]) == (0, 1, None)
    referral = marts.referral("M1")
    assert (str(referral["followed_to"]), referral["is_followed"]) == ("2025-04-07", False)


def test_who_is_open_a_year_later_is_not_waited_for_and_has_not_come_that_far(marts: Scenario) -> None:
    row = stage(marts, "contacted", "Z90210")
    assert (row["candidates"], row["candidates_open"], row["denominator"], row["unresolved"]) == (1, 1, 0, 0)
    assert (row["is_followed"], row["followed"], row["conversion"]) == (True, 1, 0.0)


def test_e04_silence_is_no_refusal(marts: Scenario) -> None:
    """A time-out, however its source calls it: jon was closed by one, kay is said to have declined by one."""
    figures = [stage(marts, name, "Z90205")["referrals"] for name in ("declined", "no_response", "accepted")]
    assert figures == [0, 2, 1]
    assert [marts.referral(record)["state"] for record in ("J1", "K1")] == ["closed", "closed"]


def test_e06_who_declines_at_the_offer_is_no_referral(marts: Scenario) -> None:
    assert marts.rows("select 1 from rpt_uptake where area_code = 'Z90208'") == []
    offers = marts.row("select declined, accepted from rpt_referral_offers where practice_code = 'Z90208'")
    assert offers == {"declined": 1, "accepted": 0}


def test_e01_a_new_episode_begins_after_an_end_or_a_gap(marts: Scenario) -> None:
    """N2 comes when N1 has ended, N3 within 90 days of N2, N4 90 days after N3."""
    rows = [marts.referral(f"N{n}") for n in range(1, 5)]
    assert [(row["episode"], row["episode_sequence"]) for row in rows] == [(1, 1), (2, 1), (2, 2), (3, 1)]
    whole = marts.row(
        """select referrals, people from rpt_uptake where period_type = 'year' and area_level = 'practice'
        and area_code = 'Z90207' and breakdown = 'none' and stage = 'referred'"""
    )
    assert whole == {"referrals": 5, "people": 1}


def test_e02_two_services_at_a_time_are_two_episodes(marts: Scenario) -> None:
    assert (marts.referral("N5")["episode"], marts.referral("N5")["referral_sequence"]) == (1, 3)


def test_e22_who_has_died_will_not_reach_a_stage(marts: Scenario) -> None:
    row = stage(marts, "contacted", "Z90209")
    assert (row["referrals"], row["candidates"], row["denominator"], row["unresolved"]) == (0, 1, 1, 0)
    assert (row["is_followed"], row["conversion"]) == (True, 0.0)


def test_signposting_and_link_workers_are_told_apart(marts: Scenario) -> None:
    rows = marts.rows(
        """select breakdown_group, referrals from rpt_uptake where period_type = 'month' and area_level = 'practice'
        and area_code = 'Z90205' and breakdown = 'connector_model' and stage = 'referred' order by all"""
    )
    assert [tuple(row.values()) for row in rows] == [("link_worker", 2), ("signposting", 1)]


def test_every_referral_has_one_state_and_one_answer_to_the_offer(marts: Scenario) -> None:
    """In every row of the mart, whoever's scenario it is of; e45: an unplanned closure is an end like any other."""
    answers = ("open", "rejected", "declined", "no_response", "closed_unanswered", "accepted")
    differing = marts.rows(
        """select * from (
            select sum(referrals) filter (stage = 'referred') as referred,
                sum(referrals) filter (list_contains($answers, stage)) as answered
            from rpt_uptake group by period_type, period_start, area_level, area_code, breakdown, breakdown_group
        ) where referred <> answered""",
        answers=list(answers),
    )
    assert differing == []
    states = marts.row(
        "select count(*) as n, count(state) as stated, count(distinct referral_id) as own from fct_referrals"
    )
    assert states["n"] == states["stated"] == states["own"] > 100


def test_f98_e03_a_person_who_declines_after_acceptance_was_accepted(marts: Scenario) -> None:
    referral = marts.referral("D1")
    assert (referral["enrolment_outcome"], referral["state"]) == ("accepted", "declined")


def test_e26_a_carer_at_a_session_is_not_the_person_attending(marts: Scenario) -> None:
    referral = marts.referral("A1")
    assert (str(referral["first_activity_attended_on"]), referral["sessions_attended"]) == ("2025-03-20", 1)


def test_a_contact_whose_referral_has_not_arrived_is_kept(marts: Scenario) -> None:
    contact = marts.row(
        "select has_referral from fct_contacts where referral_id = $id", id=text_id(marts.scope, "not yet arrived")
    )
    assert contact == {"has_referral": False}


@pytest.mark.parametrize(
    ("practice", "name", "lower", "upper"),
    [
        ("Z90202", "accepted", 18.1192, 56.7146),  # 7 of 20
        ("Z90202", "declined", 0.0, 16.1125),  # 0 of 20
        ("Z90202", "referred", 83.8875, 100.0),  # 20 of 20
        ("Z90203", "accepted", 29.0976, 47.7902),  # 38 of 100
    ],
)
def test_intervals_are_wilson_s(marts: Scenario, practice: str, name: str, lower: float, upper: float) -> None:
    row = stage(marts, name, practice)
    assert 100 * row["conversion_lower"] == pytest.approx(lower, abs=5e-5)
    assert 100 * row["conversion_upper"] == pytest.approx(upper, abs=5e-5)


def test_a_referral_that_was_reopened_is_open_and_what_closed_it_is_taken_back(marts: Scenario) -> None:
    referral = marts.referral("G1")
    assert (referral["state"], referral["enrolment_outcome"], referral["is_ended"]) == ("waiting", "open", False)
    assert (referral["closed_on"], referral["closure_reason"]) == (None, None)
    assert str(referral["reopened_on"]) == "2025-05-01"


def test_a_referral_closed_after_it_was_reopened_is_closed_for_the_newer_reason(marts: Scenario) -> None:
    referral = marts.referral("H1")
    assert (referral["state"], referral["closure_reason"]) == ("closed", "completed")
    assert (str(referral["closed_on"]), str(referral["ended_on"])) == ("2025-06-01", "2025-06-01")


def test_a_referral_handed_to_nobody_known_is_transferred_and_not_open(marts: Scenario) -> None:
    referral = marts.referral("I1")
    assert (referral["state"], referral["enrolment_outcome"]) == ("transferred", "closed_unanswered")


def test_uptake_and_caseload_agree_on_who_is_open(marts: Scenario) -> None:
    """Every received referral of every scenario: open in uptake if and only if on a caseload at the cut-off."""
    rows = marts.rows(
        """
        with caseload as (
            select referral_id, sum(open_at_end) as open_now from fct_caseload
            where month_start = date '2026-01-01' group by referral_id
        )
        select referrals.referral_id, referrals.state, referrals.is_ended, coalesce(open_now, 0) as open_now
        from fct_referrals as referrals left join caseload on referrals.referral_id = caseload.referral_id
        """
    )
    assert {row["is_ended"] for row in rows} == {True, False}
    assert [row for row in rows if row["open_now"] != (0 if row["is_ended"] else 1)] == []
    months = marts.row(
        """select (select sum(open_at_end)::bigint from rpt_caseload where area_level = 'icb' and breakdown = 'none'
            and period_start = date '2026-01-01') as caseload,
        (select count(*) from fct_referrals where not is_ended) as uptake"""
    )
    assert months["caseload"] == months["uptake"]
