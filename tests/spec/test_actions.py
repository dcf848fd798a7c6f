"""Actions of a plan: what was agreed with the person, by when, and how it stands; what was done is apart."""

from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Service LA was last heard of on 20 June. A record is an action by its own id; `slot` are further events about it.
EVENTS = """
person | record | event             | on         | says
eve | E1    | referral.received | 2025-03-01 | provider_code=LA; at=Z97601; route=gp
fay | F1    | referral.received | 2025-03-01 | provider_code=LA; at=Z97601; route=self
fay | F1    | referral.closed   | 2025-05-01 | provider_code=LA; at=Z97601; reason=completed
eve | P     | person.described  | 2025-01-01 | at=Z97601; sex=female; long_term_conditions=DEP,DM
eve | done  | action.set     | 2025-03-10 | referral=E1; provider_code=LA; at=Z97601; action_what=welfare_benefits; action_who=person; action_planned_on=2025-04-01; action_confidence=7
eve | done  | action.updated | 2025-03-24 | referral=E1; provider_code=LA; at=Z97601; action_status=in_progress
eve | done  | action.updated | 2025-04-20 | referral=E1; provider_code=LA; at=Z97601; action_status=done; slot=2; action_confidence=9
eve | late  | action.set     | 2025-03-10 | referral=E1; provider_code=LA; at=Z97601; action_planned_on=2025-06-19; action_who=link_worker
eve | due   | action.set     | 2025-03-10 | referral=E1; provider_code=LA; at=Z97601; action_planned_on=2025-06-20
eve | moved | action.set     | 2025-03-10 | referral=E1; provider_code=LA; at=Z97601; action_planned_on=2025-04-01
eve | moved | action.updated | 2025-03-30 | referral=E1; provider_code=LA; at=Z97601; action_planned_on=2025-08-01; action_status=in_progress
eve | no    | action.set     | 2025-03-10 | referral=E1; provider_code=LA; at=Z97601; action_planned_on=2025-04-01
eve | no    | action.updated | 2025-03-10 | referral=E1; provider_code=LA; at=Z97601; action_status=refused
eve | undo  | action.set     | 2025-03-10 | referral=E1; provider_code=LA; at=Z97601
eve | undo  | action.updated | 2025-04-10 | referral=E1; provider_code=LA; at=Z97601; action_status=done
eve | undo  | action.updated | 2025-04-12 | referral=E1; provider_code=LA; at=Z97601; action_status=in_progress; slot=2
eve | named | action.updated | 2025-04-12 | referral=E1; provider_code=LA; at=Z97601; action_status=done
fay | past  | action.set     | 2025-03-10 | referral=F1; provider_code=LA; at=Z97601; action_planned_on=2025-04-30
fay | left  | action.set     | 2025-03-10 | referral=F1; provider_code=LA; at=Z97601; action_planned_on=2025-05-30
eve | help  | support.given  | 2025-03-12 | referral=E1; provider_code=LA; at=Z97601; support_kind=form; minutes=30
eve | held  | contact.held   | 2025-06-20 | referral=E1; provider_code=LA; at=Z97601
eve | next  | action.set     | 2026-02-20 | referral=E1; provider_code=LA; at=Z97601
"""  # noqa: E501


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97601", pcn="U97601", icb="QV4")


def step(marts: Scenario, record: str, *event: str) -> dict[str, Any]:
    return marts.row("select * from fct_plan_steps where step_id = $id", id=text_id(marts.scope, record, *event))


def agreed(marts: Scenario, record: str) -> dict[str, Any]:
    return step(marts, record, "action.set")


def cell(marts: Scenario, action: str, kind: str = "all", period: str = "2025-03-01") -> dict[str, Any]:
    return marts.row(
        """select * from rpt_plans where period_type = 'month' and period_start = $period::date and breakdown = 'none'
        and area_code = 'Z97601' and step = $action and kind = $kind""",
        period=period,
        action=action,
        kind=kind,
    )


def test_an_action_stands_where_the_last_word_about_it_says(marts: Scenario) -> None:
    assert agreed(marts, "done")["kind"] == "done"
    assert agreed(marts, "no")["kind"] == "refused", "agreed and refused on one day"
    assert agreed(marts, "undo")["kind"] == "open", "what was done turned out not to be"


def test_an_action_is_overdue_once_its_day_has_passed_where_its_service_was_last_heard_of(marts: Scenario) -> None:
    assert (agreed(marts, "late")["kind"], agreed(marts, "due")["kind"]) == ("overdue", "open")
    assert (agreed(marts, "moved")["kind"], agreed(marts, "moved")["planned_on"]) == ("open", date(2025, 8, 1))


def test_the_end_of_a_referral_leaves_its_actions_open_or_overdue(marts: Scenario) -> None:
    assert (agreed(marts, "past")["kind"], agreed(marts, "left")["kind"]) == ("overdue", "left_open")


def test_an_update_that_names_no_action_tells_of_none(marts: Scenario) -> None:
    assert step(marts, "named", "action.updated")["kind"] == "done"
    assert cell(marts, "action_set", "done")["steps"] == 1, "of the one that was named alone"


def test_who_does_what_by_when_and_how_confident_is_kept(marts: Scenario) -> None:
    found = agreed(marts, "done")
    assert (found["action_what"], found["action_who"]) == ("welfare_benefits", "person")
    assert (found["planned_on"], found["confidence"]) == (date(2025, 4, 1), 7)
    assert step(marts, "done", "2")["confidence"] == 9


def test_actions_agreed_add_up_by_how_they_stand(marts: Scenario) -> None:
    whole = cell(marts, "action_set")
    assert (whole["steps"], whole["people"], whole["referrals"]) == (8, 2, 2)
    stands = {"done": 1, "refused": 1, "overdue": 2, "open": 3, "left_open": 1}
    assert {kind: cell(marts, "action_set", kind)["steps"] for kind in stands} == stands
    assert cell(marts, "action_set", "overdue")["share"] == pytest.approx(2 / 8)


def test_an_action_agreed_is_no_action_done(marts: Scenario) -> None:
    assert cell(marts, "action")["steps"] == 1, "the help alone"
    assert not agreed(marts, "done")["is_action"]


def test_e27_an_action_to_come_is_not_counted(marts: Scenario) -> None:
    assert (
        marts.rows("select * from fct_plan_steps where step_id = $id", id=text_id(marts.scope, "next", "action.set"))
        == []
    )
