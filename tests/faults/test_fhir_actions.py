"""Actions of plans from FHIR: activities of a CarePlan, and Tasks that are based on a request."""

from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ingestion.contract import load_contract
from linkwork import engine
from linkwork.settings import Settings
from tests.support.fhir import SCT, SDOH, action, activity, coded, ndjson, plan, ref, task
from tests.support.gate import CATALOGUE, Staged, stage, tolerant

CONTRACT = load_contract(Settings.model_fields["contracts_dir"].default / "fhir_r4_ndjson.yaml", CATALOGUE)
TOLERANT = tolerant(CONTRACT)
UK_CORE = Path(__file__).resolve().parents[3] / "shared" / "data" / "fhir" / "ukcore"
ACTIONS = ", ".join(f"engagement_action_{c}" for c in ("what", "who", "planned_on", "status"))
REFUSED = coded("183944003")

# What a status says: the status of the action now; None where it stands as agreed, and nothing more is said.
OF_TASK = {
    "requested": None, "received": None, "accepted": None, "ready": None, "in-progress": "in_progress",
    "on-hold": "in_progress", "completed": "done", "rejected": "refused", "cancelled": "cancelled",
    "failed": "cancelled",
}  # fmt: skip
OF_ACTIVITY = {
    "not-started": None, "scheduled": None, "unknown": None, "in-progress": "in_progress", "on-hold": "in_progress",
    "completed": "done", "cancelled": "cancelled", "stopped": "cancelled",
}  # fmt: skip


def staged(tmp_path: Path, *resources: dict[str, Any]) -> Staged:
    made = stage(tmp_path, TOLERANT, ndjson(*resources))
    assert made.profile["refused"] is None
    return made


def facts(made: Staged, columns: str) -> list[tuple[Any, ...]]:
    return made.read("facts/engagement/*.parquet", columns, "order by record_no, slot")


def by_record(made: Staged, columns: str) -> dict[str, list[tuple[Any, ...]]]:
    """What is said of each resource, by its id."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    query = f"""select source_record_ref, {columns} from read_parquet('{made.folder}/facts/engagement/*.parquet') as f
        join read_parquet('{made.folder}/records/*.parquet') as r using (record_no) order by record_no, slot"""
    with engine.connect() as con:
        for identity, *said in con.execute(query).fetchall():
            found.setdefault(identity, []).append(tuple(said))
    return found


def test_a_task_that_is_based_on_a_request_is_an_action_that_stands_as_its_status_says(tmp_path):
    made = staged(tmp_path, *(action(status, status) for status in OF_TASK))
    assert by_record(made, "event_type, occurred_on, engagement_action_status") == {
        status: [
            ("action.set", date(2025, 5, 2), "planned"),
            *([("action.updated", date(2025, 5, 6), stands)] if stands else []),
        ]
        for status, stands in OF_TASK.items()
    }


def test_an_activity_of_a_plan_stands_as_its_status_says(tmp_path):
    made = staged(tmp_path, *(plan(status, activity(status)) for status in OF_ACTIVITY))
    assert by_record(made, "event_type, occurred_on, engagement_action_status") == {
        status: [
            ("action.set", date(2025, 5, 20), "planned"),
            *([("action.updated", date(2025, 7, 1), stands)] if stands else []),
            ("plan.agreed", date(2025, 5, 20), None),
        ]
        for status, stands in OF_ACTIVITY.items()
    }


def test_every_status_of_the_standard_is_in_one_of_the_tables():
    """Of both machines, as FHIR R4 lists them; a draft and an entry in error say nothing."""
    silent = {"draft", "entered-in-error"}
    listed = {part.objects[0].resourceType: part for part in CONTRACT.parts}
    assert set(listed["Task"].field("status").values or ()) == set(OF_TASK) | silent
    for n in range(1, 9):
        words = set(listed["CarePlan"].field(f"stands_{n}").values or ())
        assert words - {"183944003", "183956002", "true"} == set(OF_ACTIVITY) | {"entered-in-error"}


WRONG = {
    "status": action("a1", "finished"),
    "stands_2": plan("c1", activity("completed"), activity("finished")),
    "beyond": plan("c3", *[activity("scheduled")] * 9),
    "action_what": action("a2", "completed", code=coded("call the council about the flat")),
}


def test_what_no_action_can_be_is_quarantined_as_a_whole(tmp_path):
    made = staged(tmp_path, *WRONG.values(), action("a3", "ready"))
    refused = made.read("quarantine/*.parquet", "source_line, violations", "order by 1")
    assert [line for line, _ in refused] == [1, 2, 3, 4]
    for field, (_, violations) in zip(WRONG, refused, strict=True):
        assert any(field in violation for violation in violations), (field, violations)
    assert set(by_record(made, "event_type")) == {"a3"}


def test_what_who_and_by_when(tmp_path):
    due = {"period": {"end": "2025-06-30"}}
    made = staged(
        tmp_path,
        action("a1", "ready", owner=ref("Patient", "p1"), restriction=due),
        action("a2", "ready", owner=ref("Practitioner", "w"), performerType=[coded("R9815", system="x")]),
        action("a3", "ready", owner=ref("RelatedPerson", "w"), code=coded("form-filling", system="https://x.y")),
        plan(
            "c1",
            activity(
                "scheduled",
                code={"coding": [{"system": "https://x.y", "code": "walk"}, {"system": SCT, "code": "229065009"}]},
                performer=[ref("Practitioner", "w")],
                scheduledPeriod={"start": "2025-05-21", "end": "2025-06-21"},
            ),
            activity("completed", performer=[{"reference": "https://s.example/fhir/Patient/p1/_history/2"}]),
        ),
    )
    said = [row[1:] for row in facts(made, f"event_type, {ACTIONS}") if row[0] == "action.set"]
    assert said == [
        ("735984001", "person", date(2025, 6, 30), "planned"),
        ("735984001", "link_worker", None, "planned"),
        ("form-filling", "carer", None, "planned"),
        ("229065009", "professional", date(2025, 6, 21), "planned"),
        (None, "person", None, "planned"),
    ]


def test_a_refusal_is_told_by_its_reason(tmp_path):
    made = staged(
        tmp_path,
        action("a1", "cancelled", statusReason=REFUSED),
        action("a2", "entered-in-error", statusReason=REFUSED),
        plan("c1", activity("cancelled", statusReason=REFUSED), activity("entered-in-error", statusReason=REFUSED)),
    )
    told = facts(made, "event_type, engagement_action_status")
    assert [status for kind, status in told if kind == "action.updated"] == ["refused", "refused"]
    assert len([kind for kind, _ in told if kind == "action.set"]) == 2


def test_each_action_is_one_stream_and_belongs_to_the_referral(tmp_path):
    made = staged(
        tmp_path,
        action("a1", "completed"),
        action("a2", "ready"),
        plan("c1", activity("completed"), activity("in-progress")),
        plan("c2", activity("completed"), supportingInfo=None, activity=[
            activity("completed"), {"reference": ref("ServiceRequest", "r1")}]),
    )  # fmt: skip
    told = facts(made, "event_type, stream_id, correlation_id")
    streams = {stream for kind, stream, _ in told if kind.startswith("action.")}
    assert len(streams) == 5
    assert len({stream for _, stream, _ in told}) == 7, "and two plans"
    assert len({referral for *_, referral in told}) == 1
    assert {referral for *_, referral in told} != {None}


def test_what_is_in_error_or_a_draft_says_nothing(tmp_path):
    """A state that gives no facts: those of the version before are withdrawn."""
    made = staged(
        tmp_path,
        action("a1", "entered-in-error"),
        action("a2", "draft", statusReason=REFUSED),
        plan("c1", activity("completed"), status="entered-in-error"),
        plan("c2", activity("completed"), status="draft"),
        action("a3", "ready"),
    )
    assert (made.profile["valid"], made.profile["skipped"]) == (5, 0)
    assert set(by_record(made, "event_type")) == {"a3"}


def test_what_is_not_to_be_done_is_no_action(tmp_path):
    made = staged(
        tmp_path, plan("c1", activity("scheduled", doNotPerform=True), activity("scheduled", doNotPerform=False))
    )
    assert facts(made, "event_type, slot") == [("action.set", "action_2"), ("plan.agreed", "plan")]


def test_other_plans_and_tasks_are_skipped_and_counted(tmp_path):
    of_need = [coded("housing-instability", system=SDOH)]
    made = staged(
        tmp_path,
        plan("c1", activity("completed"), supportingInfo=None),
        plan("c2", activity("completed"), supportingInfo=None, category=of_need),
        plan("c3", activity("completed"), intent="proposal"),
        action("a1", "completed", basedOn=None),
        action("a2", "completed", basedOn=[ref("CarePlan", "c1")]),
    )
    assert made.profile["skipped_as"] == {"not_social_care": 1, "not_agreed": 1, "not_about_a_request": 2}
    assert facts(made, "event_type, engagement_action_status") == [
        ("action.set", "planned"), ("action.updated", "done"), ("plan.agreed", None)
    ]  # fmt: skip


def test_a_task_about_a_request_is_a_referral_and_no_action(tmp_path):
    made = staged(tmp_path, task("t1", "r1", "completed", basedOn=[ref("ServiceRequest", "r0")]), action("a1", "ready"))
    assert set(by_record(made, "event_type")) == {"a1"}
    assert {kind for (kind,) in made.read("facts/referral/*.parquet", "event_type")} == {
        "referral.received", "referral.accepted", "referral.closed"
    }  # fmt: skip


LISTS = {"identifier", "basedOn", "partOf", "category", "activity", "coding", "performer", "outcomeCodeableConcept"}


def from_xml(path: Path) -> dict[str, Any]:
    """A published example in XML, as the same resource in JSON: its values and objects."""

    def value(element: ElementTree.Element) -> Any:
        if not len(element):
            return element.get("value")
        made: dict[str, Any] = {}
        for child in element:
            name = child.tag.rpartition("}")[2]
            if name in LISTS:
                made.setdefault(name, []).append(value(child))
            elif name != "text" or child.get("value"):
                made[name] = value(child)
        return made

    root = ElementTree.parse(path).getroot()  # noqa: S314 - a published file that lies beside the project
    return {"resourceType": root.tag.rpartition("}")[2], "meta": {"lastUpdated": "2025-07-01T08:00:00Z"}, **value(root)}


@pytest.mark.skipif(not UK_CORE.is_dir(), reason="the UK Core examples are not beside the project")
def test_the_published_plan_is_read_once_it_names_a_referral(tmp_path):
    published = from_xml(UK_CORE / "UKCore-CarePlan-WellnessPlan-Example.xml")
    ours = published | {"id": "ours", "supportingInfo": [ref("ServiceRequest", "r1")]}
    made = staged(tmp_path, published, ours)
    assert made.profile["skipped_as"] == {"not_social_care": 1}
    assert facts(made, f"event_type, occurred_on, {ACTIONS}") == [
        ("action.set", date(2020, 2, 1), "27113001", "person", None, "planned"),
        ("action.updated", date(2025, 7, 1), None, None, None, "done"),
        ("plan.agreed", date(2020, 2, 1), None, None, None, None),
    ]
