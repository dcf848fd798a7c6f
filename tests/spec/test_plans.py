"""Plans: what was agreed and set, whether it was reviewed, and what was done for it."""

from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Service LP is known until June, LQ until January. A goal of which set and reviewed are one record is reviewed by name.
EVENTS = """
person | record | event             | on         | says
ann | A1    | referral.received | 2025-03-01 | provider_code=LP; at=Z97503; route=gp
bob | B1    | referral.received | 2025-03-01 | provider_code=LP; at=Z97503; route=gp
cat | C1    | referral.received | 2025-03-01 | provider_code=LQ; at=Z97503; route=self
ann | P     | person.described  | 2025-01-01 | at=Z97503; sex=female; long_term_conditions=DEP,DM
ann | a-p   | plan.agreed       | 2025-03-10 | referral=A1; provider_code=LP; at=Z97503
ann | a-g1  | goal.set          | 2025-03-10 | referral=A1; provider_code=LP; at=Z97503; goal_status=set
ann | a-g2  | goal.set          | 2025-03-10 | referral=A1; provider_code=LP; at=Z97503; goal_status=set
ann | a-g1  | goal.reviewed     | 2025-05-10 | referral=A1; provider_code=LP; at=Z97503; goal_status=achieved
ann | a-pr  | plan.reviewed     | 2025-05-10 | referral=A1; provider_code=LP; at=Z97503
ann | a-s1  | signpost.made     | 2025-03-11 | referral=A1; provider_code=LP; at=Z97503; asset_id=tp-choir
ann | a-s2  | signpost.made     | 2025-03-12 | referral=A1; provider_code=LP; at=Z97503; asset_id=tp-walks
ann | a-h1  | support.given     | 2025-03-12 | referral=A1; provider_code=LP; at=Z97503; support_kind=form; minutes=30
bob | b-h1  | support.given     | 2025-03-12 | referral=B1; provider_code=LP; at=Z97503; support_kind=form; minutes=15
bob | b-h2  | support.given     | 2025-03-13 | referral=B1; provider_code=LP; at=Z97503; support_kind=lift
dee | d-h   | support.given     | 2025-03-14 | provider_code=LP; at=V81999; minutes=10
ann | a-r   | activity.referred | 2025-03-15 | referral=A1; provider_code=GP1; at=Z97503; asset_id=tp-choir
ann | a-a   | activity.attended | 2025-03-20 | referral=A1; provider_code=GP1; at=Z97503; asset_id=tp-choir
bob | b-p   | plan.agreed       | 2025-03-10 | referral=B1; provider_code=LP; at=Z97503
bob | b-g   | goal.set          | 2025-03-10 | referral=B1; provider_code=LP; at=Z97503; goal_status=set
bob | b-gr  | goal.reviewed     | 2025-06-20 | referral=B1; provider_code=LP; at=Z97503; goal_status=in_progress
cat | c-p   | plan.agreed       | 2025-03-10 | referral=C1; provider_code=LQ; at=Z97503
cat | c-g   | goal.set          | 2025-03-10 | referral=C1; provider_code=LQ; at=Z97503; goal_status=set
cat | c-p2  | plan.agreed       | 2025-12-10 | referral=C1; provider_code=LQ; at=Z97503
cat | c-c   | contact.missed    | 2026-01-20 | referral=C1; provider_code=LQ; at=Z97503
cat | c-p3  | plan.agreed       | 2026-02-20 | referral=C1; provider_code=LQ; at=Z97503
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97503", pcn="U97503", icb="QV3")


def kind_of(marts: Scenario, record: str, event: str) -> str | None:
    row = marts.row("select kind from fct_plan_steps where step_id = $id", id=text_id(marts.scope, record, event))
    kind: str | None = row["kind"]
    return kind


def cell(
    marts: Scenario, step: str, kind: str = "all", area: str = "Z97503", period: str = "2025-03-01", group: str = "all"
) -> dict[str, Any]:
    return marts.row(
        """select * from rpt_plans where period_type = 'month' and period_start = $period::date
        and area_code = $area and step = $step and kind = $kind and breakdown_group = $group
        and breakdown = if($group = 'all', 'none', 'ltc_group')""",
        period=period,
        area=area,
        step=step,
        kind=kind,
        group=group,
    )


def test_goals_set_reviewed_and_achieved_are_apart(marts: Scenario) -> None:
    found = cell(marts, "goal_set")
    assert (found["steps"], found["people"], found["referrals"]) == (4, 3, 3)
    assert cell(marts, "goal_reviewed", "achieved", period="2025-05-01")["steps"] == 1
    assert cell(marts, "goal_reviewed", "in_progress", period="2025-06-01")["steps"] == 1
    assert cell(marts, "goal_reviewed", period="2025-05-01")["share"] == pytest.approx(1)


def test_a_review_tells_of_the_goal_of_its_own_record_alone(marts: Scenario) -> None:
    assert kind_of(marts, "a-g1", "goal.set") == "achieved"
    assert kind_of(marts, "a-g2", "goal.set") == "review_open", "another goal's review is none of this one"
    assert kind_of(marts, "b-g", "goal.set") == "reviewed_unnamed", "which goal it was of, nobody says"


def test_a_missing_review_is_judged_by_what_the_service_has_reported(marts: Scenario) -> None:
    """Both were agreed on one day; only of LQ, known until January, is it known that no review came."""
    assert kind_of(marts, "a-p", "plan.agreed") == "reviewed"
    assert kind_of(marts, "b-p", "plan.agreed") == "review_open"
    assert kind_of(marts, "c-p", "plan.agreed") == kind_of(marts, "c-g", "goal.set") == "review_missing"
    assert kind_of(marts, "c-p2", "plan.agreed") == "review_open"
    assert cell(marts, "plan_agreed", "review_missing")["share"] == pytest.approx(1 / 3)


def test_hands_on_help_has_kinds_and_minutes(marts: Scenario) -> None:
    whole, form = cell(marts, "support_given"), cell(marts, "support_given", "form")
    assert (whole["steps"], whole["people"], whole["minutes"]) == (3, 2, 45)
    assert (form["steps"], form["people"], form["share"]) == (2, 2, pytest.approx(2 / 3))


def test_actions_are_signposts_help_and_referrals_to_activities(marts: Scenario) -> None:
    """An attendance is no action of the plan; people and steps are apart."""
    found = cell(marts, "action")
    assert (found["steps"], found["people"], found["referrals"]) == (6, 2, 2)
    kinds = [cell(marts, "action", kind)["steps"] for kind in ("signpost_made", "support_given", "activity_referred")]
    assert kinds == [2, 3, 1]


def test_a_service_has_the_steps_it_took_and_the_referrals_to_groups_that_it_made(marts: Scenario) -> None:
    assert cell(marts, "activity_referred", area="LP")["steps"] == 1
    assert marts.rows("select * from rpt_plans where area_level = 'service' and area_code = 'GP1'") == []
    assert (cell(marts, "plan_agreed", area="LP")["steps"], cell(marts, "plan_agreed", area="LQ")["steps"]) == (2, 1)


def test_e08_a_step_without_a_practice_or_referral_is_kept(marts: Scenario) -> None:
    row = marts.row("select * from fct_plan_steps where step_id = $id", id=text_id(marts.scope, "d-h", "support.given"))
    assert (row["practice_code"], row["steps_without_referral"], row["kind"]) == ("UNKNOWN", 1, "not_stated")
    whole = marts.row("select count(*) as n from fct_plan_steps")["n"]
    rows = marts.rows(
        """select distinct sum(steps)::bigint as n from rpt_plans where period_type = 'year' and kind = 'all'
        and step <> 'action' group by area_level, breakdown"""
    )
    assert [row["n"] for row in rows] == [whole]


def test_e27_a_step_to_come_is_not_counted(marts: Scenario) -> None:
    query = "select * from fct_plan_steps where step_id = $id"
    assert marts.rows(query, id=text_id(marts.scope, "c-p3", "plan.agreed")) == []


def test_long_term_conditions_are_a_cut_of_plans(marts: Scenario) -> None:
    assert cell(marts, "goal_set", group="both")["steps"] == 2
    assert cell(marts, "goal_set", group="unknown")["people"] == 2
    of_two = """select steps from rpt_plans where period_type = 'month' and period_start = date '2025-03-01'
        and area_code = 'Z97503' and step = 'goal_set' and kind = 'all' and breakdown = 'ltc_count_band'
        and breakdown_group = '2'"""
    assert marts.row(of_two) == {"steps": 2}
