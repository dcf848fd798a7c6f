"""FHIR files as they really come, under the contract that is shipped: other releases, Bundles, deletions, errors.

Each file goes through the gate alone; what a deletion and an entry in error do to the log is tested on a home.
"""

import json
from pathlib import Path

import pytest

from ingestion import raw
from ingestion.contract import load_contract
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy.zone1 import blanked
from linkwork.settings import Settings
from tests.support.faults import fates, put, use_installed
from tests.support.fhir import (
    NHS,
    ODS,
    SDOH,
    about,
    action,
    activity,
    appointment,
    bundle,
    coded,
    deletion,
    ndjson,
    patient,
    plan,
    ref,
    request,
    resource,
    task,
)
from tests.support.gate import CATALOGUE, Staged, stage, tolerant
from tests.support.log import add_sender, ingest, make_home, rows

FEED = "fhir_r4_ndjson"
CONTRACT = load_contract(Settings.model_fields["contracts_dir"].default / f"{FEED}.yaml", CATALOGUE)
BARS = Path(__file__).resolve().parents[3] / "shared" / "data" / "fhir" / "bars-1.4.0"
TOLERANT = tolerant(CONTRACT)


def fate(tmp_path: Path, content: str | bytes) -> Staged:
    """The file through the gate; each of its records has one fate."""
    made = stage(tmp_path, TOLERANT, content)
    profile = made.profile
    if profile["refused"] is None:
        assert profile["records"] == profile["valid"] + profile["quarantined"] + profile["skipped"]
    return made


def refused(made: Staged) -> list[tuple[int, str]]:
    return [(line, rule) for line, rule, _ in made.refused_lines]


# --- F78: releases, extensions, contained resources, references ----------------------------------
OTHER_RELEASES = {
    "an STU3 type": resource("ReferralRequest", "x", status="active"),
    "an R5 type": resource("Transport", "x", status="in-progress"),
    "an STU3 profile": request(
        "x",
        meta={"lastUpdated": "2025-07-01T08:00:00Z", "profile": ["https://fhir.hl7.org.uk/STU3/StructureDefinition/X"]},
    ),
    "CareConnect": patient(
        "x",
        meta={
            "lastUpdated": "2025-07-01T08:00:00Z",
            "profile": ["https://x.y/StructureDefinition/CareConnect-Patient-1"],
        },
    ),
    "an R5 profile": task(
        "x",
        "r",
        "accepted",
        meta={"lastUpdated": "2025-07-01T08:00:00Z", "profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Task"]},
    ),
    "an R5 request": request("x", code={"concept": coded("871731000000106")}, category=[coded("x", system=SDOH)]),
    "an R5 reason": task("x", "r", "rejected", statusReason={"concept": {"text": "full"}}),
    "an R5 encounter": about("Encounter", "x", status="completed", actualPeriod={"start": "2025-06-01"}),
    "an R5 procedure": about(
        "Procedure", "x", status="completed", category=coded("stress", system=SDOH), occurrenceDateTime="2025"
    ),
    "an STU3 goal": about("Goal", "x", status="in-progress"),
    "an STU3 condition": about(
        "Condition", "x", code=coded("105531004"), assertedDate="2025-06-01", recordedDate="2025-06-01"
    ),
}


@pytest.mark.parametrize("what", OTHER_RELEASES)
def test_f78_another_release_is_told_and_refused(tmp_path, what):
    made = fate(tmp_path, ndjson(patient("p1"), OTHER_RELEASES[what]))
    (found,) = made.read("quarantine/*.parquet", "source_line, violations")
    assert found[0] == 2
    assert any(v.startswith(("fhir_release", "domain:status", "required:status")) for v in found[1]), found
    if "goal" not in what and "encounter" not in what:
        assert found[1][0].startswith("fhir_release")


def test_f78_r4_profiles_and_uk_core_are_read(tmp_path):
    profiles = [
        "http://hl7.org/fhir/4.0/StructureDefinition/Patient",
        "https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient",
    ]
    made = fate(tmp_path, ndjson(patient("p1", meta={"lastUpdated": "2025-07-01T08:00:00Z", "profile": profiles})))
    assert (made.profile["valid"], refused(made)) == (1, [])


def test_f78_what_must_not_be_ignored_is_refused_and_what_may_be_is(tmp_path):
    extension = {"url": "https://example.org/unheard-of", "valueString": "x"}
    made = fate(
        tmp_path,
        ndjson(
            request("r1", extension=[extension], contained=[patient("inside", "9990000026")]),
            request("r2", modifierExtension=[extension]),
            request("r3", requester=ref("Practitioner", "d") | {"modifierExtension": [extension]}),
            request("r4", implicitRules="https://example.org/rules"),
            request("r5", note=[{"text": 'he wrote {"modifierExtension": []}'}]),
            request("r6", subject={"reference": "#inside"}, contained=[patient("inside", "9990000026")]),
        ),
    )
    assert refused(made) == [
        (2, "modifier_extension"),
        (3, "modifier_extension"),
        (4, "implicit_rules"),
        (6, "no_identity"),
    ]
    assert made.read("records/*.parquet", "source_record_ref", "order by 1") == [("r1",), ("r5",)]


def test_f78_a_reference_to_what_is_not_there_is_kept(tmp_path):
    made = fate(
        tmp_path,
        ndjson(
            task("t1", "nowhere", "accepted"),
            appointment("a1", "fulfilled", basedOn=[ref("ServiceRequest", "nowhere")]),
        ),
    )
    (of_task,) = made.read("facts/referral/*.parquet", "distinct correlation_id")
    assert made.read("facts/appointment/*.parquet", "distinct correlation_id") == [of_task]
    assert of_task[0] is not None


def test_f78_references_come_in_every_form_the_standard_has(tmp_path):
    forms = ["Patient/p1", "Patient/p1/_history/3", "https://server.example/fhir/Patient/p1"]
    made = fate(tmp_path, ndjson(*(request(f"r{n}", subject={"reference": f}) for n, f in enumerate(forms))))
    assert len(made.read("records/*.parquet", "distinct subject_key, identity_quality")) == 1
    by_number = ndjson(request("r9", subject={"identifier": {"system": NHS, "value": "9990000018"}}))
    assert fate(tmp_path, by_number).read("records/*.parquet", "identity_quality") == [("nhs_number",)]
    group = fate(tmp_path, ndjson(request("r9", subject=ref("Group", "g"))))
    assert refused(group) == [(1, "no_identity")]


def test_f78_a_focus_can_be_another_senders_request(tmp_path):
    shared = {"identifier": {"value": "r1", "assigner": {"identifier": {"system": ODS, "value": "S1"}}}}
    theirs = task("t1", "local-copy", "accepted") | {"focus": ref("ServiceRequest", "local-copy") | shared}
    made = fate(tmp_path, ndjson(request("r1"), theirs))
    assert len(made.read("facts/referral/*.parquet", "distinct stream_id")) == 1  # the gate's sender is S1


def test_f78_a_resource_of_no_type_is_refused_and_one_that_is_not_read_is_counted(tmp_path):
    made = fate(tmp_path, ndjson(patient("p1"), {"id": "x"}, resource("Organization", "o"), resource("Location", "l")))
    assert refused(made) == [(2, "resource_type")]
    assert made.profile["skipped_as"] == {"other_resource": 2}


def test_f78_a_file_of_another_release_is_above_the_threshold_of_refusals(tmp_path):
    profile = stage(tmp_path, CONTRACT, ndjson(*(resource("ReferralRequest", str(n)) for n in range(9)))).profile
    assert profile["quarantined"] / profile["records"] > profile["refused_threshold"]


# --- F59, F74: what is neither NDJSON nor a Bundle -------------------------------------------------
@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('<Patient xmlns="http://hl7.org/fhir"/>', "The file is XML"),
        (b"\xef\xbb\xbf<!DOCTYPE x [<!ENTITY a 'b'>]><Patient/>", "The file is XML"),
        (json.dumps([patient("p1")]), "neither NDJSON"),
        (json.dumps(patient("p1"), indent=2), "neither NDJSON"),
        (ndjson(patient("p1")).encode("utf-16"), "The file is UTF-16"),
        (bundle(patient("p1"))[:-20], "brackets do not match"),
        (bundle(patient("p1"), kind="transaction-response"), "of no type that is read"),
        (bundle(patient("p1")) + "x", "brackets do not match"),
        (bundle(patient("p1"), indent=None) + ndjson(patient("p2")), "Document 2 of the file is not a Bundle"),
    ],
)
def test_f59_f74_other_forms_are_refused(tmp_path, content, why):
    assert why in (stage(tmp_path, CONTRACT, content).profile["refused"] or "")


# --- F79: bulk exports with errors and deletions ---------------------------------------------------
def test_f79_errors_of_an_export_are_refused_and_warnings_counted(tmp_path):
    def outcome(severity: str) -> dict:
        return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "exception"}]}

    made = fate(tmp_path, ndjson(outcome("error"), patient("p1"), outcome("warning"), outcome("fatal")))
    assert refused(made) == [(1, "operation_outcome"), (4, "operation_outcome")]
    assert made.profile["skipped_as"] == {"operation_outcome": 1}


@pytest.fixture
def home(tmp_path):
    settings = make_home(tmp_path)
    use_installed(settings, FEED)
    add_sender(settings, "S2", [FEED])
    return settings


def told(settings, name: str, content: str) -> None:
    put(settings, name, content, feed=FEED, sender="S2")
    ingest(settings)
    assert fates(settings)[name].status == "committed"
    assert verify(Store(settings.log_dir)).problems == []


def holds(settings) -> list[tuple[str, str]]:
    """The facts that hold, by the newest assertion of each."""
    return rows(
        settings,
        "events",
        "source_record_ref, event_type",
        """qualify revision_kind <> 'retraction' and
            row_number() over (partition by fact_id order by asserted_at desc) = 1 order by all""",
    )


LATER = "2025-07-02T08:00:00Z"


def test_f79_a_deletion_takes_back_what_the_resource_said(home):
    told(home, "1.ndjson", ndjson(request("r1"), appointment("a1", "fulfilled"), appointment("a2", "noshow")))
    deleted = bundle(deletion("ServiceRequest", "r1"), kind="transaction", indent=None, timestamp=LATER)
    told(
        home,
        "2.ndjson",
        deleted + bundle(deletion("Appointment", "a1"), kind="transaction", indent=None, timestamp=LATER),
    )
    assert holds(home) == [("a2", "appointment.booked"), ("a2", "appointment.missed")]


def test_f79_a_deletion_without_its_time_or_resource_is_refused(tmp_path):
    made = fate(
        tmp_path,
        bundle(deletion("Task", "t1"), kind="transaction")
        + bundle({"request": {"method": "DELETE", "url": "Task?identifier=x"}}, kind="transaction", timestamp=LATER),
    )
    assert [rule for _, rule in refused(made)] == ["required", "deletion"]


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (request("r1"), {"status": "entered-in-error"}, [("r1", "referral.entered_in_error")]),
        (request("r1"), {"status": "revoked"}, [("r1", "referral.cancelled"), ("r1", "referral.received")]),
        (task("t1", "r1", "accepted"), {"status": "entered-in-error"}, []),
        (action("a1", "completed"), {"status": "entered-in-error"}, []),
        (plan("c1", activity("completed")), {"status": "entered-in-error"}, []),
        (plan("c1", activity("completed")), {"activity": [activity("entered-in-error")]}, [("c1", "plan.agreed")]),
        (appointment("a1", "noshow"), {"status": "entered-in-error"}, []),
        (
            appointment("a1", "noshow"),
            {"status": "cancelled"},
            [("a1", "appointment.booked"), ("a1", "appointment.cancelled")],
        ),
        (
            about(
                "Goal",
                "g1",
                lifecycleStatus="active",
                startDate="2025-05-01",
                category=[coded("stress", system=SDOH)],
            ),
            {"lifecycleStatus": "entered-in-error"},
            [],
        ),
        (
            about("Condition", "c1", code=coded("105531004"), recordedDate="2025-05-01"),
            {"verificationStatus": coded("entered-in-error", system="x")},
            [],
        ),
        (
            about(
                "Observation",
                "o1",
                status="final",
                code=coded("44261-6", system="http://loinc.org"),
                effectiveDateTime="2025-05-01",
                valueInteger=7,
            ),
            {"status": "entered-in-error", "valueInteger": 70},  # which is why
            [],
        ),
    ],
    ids=lambda v: v.get("resourceType") if isinstance(v, dict) and "resourceType" in v else None,
)
def test_f78_entered_in_error_is_not_cancelled(home, before, after, left):
    told(home, "1.ndjson", ndjson(before))
    assert holds(home) != left
    told(home, "2.ndjson", ndjson(before | after | {"meta": {"lastUpdated": LATER}}))
    assert holds(home) == left


def test_f55_a_small_file_needs_little_memory_whatever_it_holds(home):
    home.worker_memory = 3 << 29  # half of what it is
    for n in range(3):
        kinds = [request(f"r{n}"), task(f"t{n}", f"r{n}", "accepted"), plan(f"c{n}", activity("completed"))]
        told(home, f"{n}.ndjson", ndjson(*kinds, appointment(f"a{n}", "noshow")))


def test_the_order_of_delivery_does_not_matter(home):
    newer = ndjson(task("t1", "r1", "completed", meta={"lastUpdated": LATER}))
    told(home, "1.ndjson", newer)
    told(home, "2.ndjson", ndjson(task("t1", "r1", "rejected")))
    assert ("t1", "referral.rejected") not in holds(home)
    assert fates(home)["2.ndjson"].duplicate == 1


# --- F80: pages ------------------------------------------------------------------------------------
def page(number: int, following: int | None) -> str:
    links = [{"relation": "self", "url": f"https://x.y/?page={number}"}]
    links += [{"relation": "next", "url": f"https://x.y/?page={following}"}] if following else []
    return bundle(patient(f"p{number}"), kind="searchset", indent=None, link=links)


def test_f80_a_set_of_pages_is_taken_whole_or_not_at_all(tmp_path):
    assert fate(tmp_path, page(1, 2) + page(2, 3) + page(3, None)).profile["valid"] == 3
    assert "another page follows" in fate(tmp_path, page(1, 2) + page(2, 3)).profile["refused"]


# --- Bundles ---------------------------------------------------------------------------------------
def test_entries_stand_on_their_lines_and_a_broken_one_costs_itself_only(tmp_path):
    content = bundle(request("r1"), request("r2", status="paused"), request("r3"))
    broken = content.replace('"id": "r3"', '"id": "r3",, "x": 1')
    made = fate(tmp_path, broken)
    (first,), *_ = made.read("records/*.parquet", "line_no", "order by 1")
    assert first == 5
    found = refused(made)
    assert [rule for _, rule in found] == ["domain", "json"]
    texts = raw.records(broken.encode(), CONTRACT.file, [line for line, _ in found])
    assert '"paused"' in texts[found[0][0]] and '"r3"' not in texts[found[0][0]]
    assert '"r3"' in texts[found[1][0]]


def test_addresses_within_a_bundle_are_resolved(tmp_path):
    first, second = "urn:uuid:11111111-1111-4111-8111-111111111111", "urn:uuid:22222222-2222-4222-8222-222222222222"
    person = {k: v for k, v in patient("x", "9990000018").items() if k != "id"}
    asked = request("x", subject={"reference": first})
    asked.pop("id")
    entries = [{"fullUrl": second, "resource": asked}, {"fullUrl": first, "resource": person}]
    made = fate(tmp_path, bundle(*entries, kind="message"))
    assert (made.profile["valid"], refused(made)) == (2, [])
    assert len(made.read("records/*.parquet", "distinct subject_key")) == 1
    assert made.read("records/*.parquet", "source_record_ref", "where source_record_ref is not null") == [(second[9:],)]


def test_a_resource_without_a_time_has_that_of_its_bundle(tmp_path):
    asked = request("r1")
    asked.pop("meta")
    assert fate(tmp_path, bundle(asked, timestamp=LATER)).profile["newest_asserted_at"].startswith("2025-07-02T08:00")
    assert refused(fate(tmp_path, ndjson(asked))) == [(1, "required")]


def test_a_person_is_taken_out_of_a_bundle_and_the_rest_can_still_be_read(tmp_path):
    content = bundle(request("r1"), patient("p9", "9990000026"), request("r2")).encode()
    rest, count = blanked(content, set(), lambda record: b"9990000026" in record)
    assert (count, rest.count(b"\n"), b"9990000026" in rest) == (1, content.count(b"\n"), False)
    made = fate(tmp_path, rest)
    assert (made.profile["records"], made.profile["valid"], made.profile["skipped_as"]) == (3, 2, {"blank": 1})


def test_entries_without_a_resource_are_counted(tmp_path):
    made = fate(tmp_path, bundle(request("r1"), {"request": {"method": "GET", "url": "Patient"}}, kind="batch"))
    assert made.profile["skipped_as"] == {"no_resource": 1}


@pytest.mark.skipif(not BARS.is_dir(), reason="the BaRS examples are not beside the project")
def test_examples_of_bars_are_read_or_refused_with_a_reason(tmp_path):
    """Messages of a national standard that nobody here wrote; they carry placeholders that are no JSON or no codes."""
    seen = []
    for number, path in enumerate(sorted(BARS.rglob("*.json"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = fate(folder, path.read_bytes())
        seen.append((path.name, made.profile))
    booking = next(p for name, p in seen if name == "Booking (POST).json")
    assert booking["refused"] is None
    assert booking["facts"].get("appointment.booked") == 1
    assert booking["facts"].get("person.described") == 1
    assert sum(p["records"] for _, p in seen) > 50
