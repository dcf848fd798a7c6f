"""Goals from FHIR: which are goals of social prescribing, when they were set, and how they stand or ended."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingestion.contract import Contract, load_contract
from linkwork import engine
from linkwork.settings import Settings
from tests.support.fhir import SDOH, about, bundle, coded, deletion, ndjson, ref
from tests.support.gate import CATALOGUE, Staged, stage, tolerant

SHIPPED = Settings.model_fields["contracts_dir"].default / "fhir_r4_ndjson.yaml"
KINDS = "http://terminology.hl7.org/CodeSystem/goal-category"  # the example that FHIR gives, of a clinician's words
ACHIEVEMENT = "http://terminology.hl7.org/CodeSystem/goal-achievement"
OWN = "https://service.example/goal-kinds"
SAID = date(2025, 7, 1)
SET = ("goal.set", date(2025, 5, 1), "set")


def of_goals(path: Path) -> Contract:
    """What a contract says of goals, by itself: the other resources of a file are none of it, and cost time."""
    (part,) = (p for p in load_contract(path, CATALOGUE).parts if p.objects[0].resourceType == "Goal")
    return tolerant(part).model_copy(update={"others": ()})


CONTRACT = of_goals(SHIPPED)


def goal(identity: str, status: str = "active", **elements: Any) -> dict[str, Any]:
    """A Goal of a category of social care."""
    usual = {
        "lifecycleStatus": status,
        "category": [coded("social-connection", system=SDOH)],
        "startDate": "2025-05-01",
    }
    made = about("Goal", identity, **(usual | elements))
    return {name: value for name, value in made.items() if value is not None}


def staged(tmp_path: Path, *resources: dict[str, Any], contract: Contract = CONTRACT) -> Staged:
    made = stage(tmp_path, contract, ndjson(*resources))
    assert made.profile["refused"] is None
    return made


def said(made: Staged) -> dict[str, list[tuple[Any, ...]]]:
    """Of each goal, by its id, what was said of it, in the order of its slots: reviewed, set."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    query = f"""select source_record_ref, event_type, occurred_on, engagement_goal_status
        from read_parquet('{made.folder}/facts/engagement/*.parquet') as f
        join read_parquet('{made.folder}/records/*.parquet') as r using (record_no) order by record_no, slot"""
    with engine.connect() as con:
        for identity, *fact in con.execute(query).fetchall():
            found.setdefault(identity, []).append(tuple(fact))
    return found


def achieved(code: str) -> dict[str, Any]:
    return coded(code, system=ACHIEVEMENT)


def test_only_goals_of_social_care_count_and_the_others_are_counted_as_skipped(tmp_path):
    made = staged(
        tmp_path,
        goal("by-category"),
        goal("by-a-second", category=[coded("dietary", system=KINDS), coded("stress", system=SDOH)]),
        goal("by-request", category=None, addresses=[ref("Condition", "c1"), ref("ServiceRequest", "r1")]),
        goal("of-a-clinician", category=[coded("dietary", system=KINDS)], addresses=[ref("Condition", "c1")]),
        goal("of-no-kind", category=None),
        goal("like-a-code", category=[coded("social-connection", system=KINDS)]),
        goal("of-words", category=[{"text": "social-connection"}]),
    )
    assert list(said(made)) == ["by-category", "by-a-second", "by-request"]
    assert made.profile["skipped_as"] == {"not_social_care": 4}


def test_a_goal_that_is_taken_back_is_not_skipped_for_want_of_a_category(tmp_path):
    voided = goal("voided", "entered-in-error", category=None)
    assert staged(tmp_path, voided).profile["valid"] == 1
    deleted = bundle(deletion("Goal", "deleted"), kind="transaction", timestamp="2025-07-02T08:00:00Z")
    assert stage(tmp_path, CONTRACT, deleted).profile["valid"] == 1


@pytest.mark.parametrize(
    ("also", "count"),
    [
        (f"system={OWN}", ["of-theirs", "by-another-word"]),
        ("code=wellbeing", ["of-theirs"]),
    ],
)
def test_a_region_says_in_its_contract_which_categories_count(tmp_path, also, count):
    """One line of a copy of the contract; nothing else tells which goals are of social prescribing."""
    shipped = f'{{name: category, source: "$.category[*].coding[system={SDOH}].code"'
    text = SHIPPED.read_text()
    assert text.count(shipped) == 1
    copy = tmp_path / "copy.yaml"
    copy.write_text(text.replace(shipped, f'{shipped[:-1]} or $.category[*].coding[{also}].code"'))
    made = staged(
        tmp_path,
        goal("of-theirs", category=[coded("dietary", system=KINDS), coded("wellbeing", system=OWN)]),
        goal("by-another-word", category=[coded("hope", system=OWN)]),
        goal("of-a-clinician", category=[coded("dietary", system=KINDS)]),
        contract=of_goals(copy),
    )
    assert list(said(made)) == count


def test_a_goal_is_set_once_it_was_accepted_and_the_standard_lists_no_other_status(tmp_path):
    statuses = {
        "proposed": None, "planned": None, "rejected": None, "entered-in-error": None,
        "accepted": [SET], "active": [SET], "on-hold": [SET],
        "completed": [("goal.reviewed", SAID, None), SET],
        "cancelled": [("goal.reviewed", SAID, "abandoned"), SET],
    }  # fmt: skip
    made = staged(tmp_path, *(goal(status, status) for status in statuses))
    assert made.profile["valid"] == len(statuses)
    assert said(made) == {status: facts for status, facts in statuses.items() if facts}
    assert set(CONTRACT.field("status").values or ()) == set(statuses)


# What is achieved of a goal that is sought, and of one that is sought no longer; None where that says nothing.
ACHIEVED = {
    "in-progress": ("in_progress", None), "improving": ("in_progress", None), "worsening": ("in_progress", None),
    "no-change": ("in_progress", None), "achieved": ("achieved", "achieved"), "sustaining": ("achieved", "achieved"),
    "not-achieved": ("in_progress", "abandoned"), "no-progress": ("in_progress", "abandoned"),
    "not-attainable": ("abandoned", "abandoned"),
}  # fmt: skip


def test_how_a_goal_stands_depends_on_whether_it_is_still_sought(tmp_path):
    made = staged(
        tmp_path,
        *(goal(f"{c}-now", achievementStatus=achieved(c), statusDate="2025-06-10") for c in ACHIEVED),
        *(goal(f"{c}-past", "completed", achievementStatus=achieved(c), statusDate="2025-06-10") for c in ACHIEVED),
    )
    reviews = {name: facts[0] for name, facts in said(made).items()}
    for code, (now, past) in ACHIEVED.items():
        assert reviews[f"{code}-now"] == ("goal.reviewed", date(2025, 6, 10), now), code
        assert reviews[f"{code}-past"] == ("goal.reviewed", date(2025, 6, 10), past), code


def test_the_days_of_a_goal(tmp_path):
    made = staged(
        tmp_path,
        goal("no-start", startDate=None, statusDate="2025-06"),
        goal("no-review", achievementStatus=achieved("improving")),
        goal("undated-end", "cancelled"),
        goal("undated", startDate=None),
        goal("undated-plan", "planned", startDate=None),
    )
    assert said(made) == {
        "no-start": [("goal.set", date(2025, 6, 1), "set")],
        "no-review": [SET],  # nobody says since when it improves, so it was not reviewed on any day
        "undated-end": [("goal.reviewed", SAID, "abandoned"), SET],
    }
    assert made.refused_lines == [(4, "dated", "set_on")]
