"""What a FHIR resource says of its own standing: marked as restricted, or with a number that nobody has verified."""

from typing import Any

from ingestion.contract import load_contract
from linkwork.settings import Settings
from tests.support.fhir import NHS, coded, ndjson, patient, request
from tests.support.gate import CATALOGUE, Staged, stage

CONTRACT = load_contract(Settings.model_fields["contracts_dir"].default / "fhir_r4_ndjson.yaml", CATALOGUE)
LABELS = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
SENSITIVE = "86041002"


def marked(*labels: str) -> dict[str, Any]:
    security = [{"system": LABELS, "code": label} for label in labels]
    return {"meta": {"lastUpdated": "2025-07-01T08:00:00Z", "security": security}}


def test_e24_a_record_that_is_marked_as_restricted_is_left_out_and_counted(tmp_path):
    code = {"reasonCode": [coded(SENSITIVE)]}
    lines = ndjson(request("open", **marked("N")), request("r", **marked("R"), **code), request("v", **marked("V")))
    made = stage(tmp_path, CONTRACT, lines)
    assert made.profile["skipped_as"] == {"restricted": 2}
    assert made.read("records/*.parquet", "source_record_ref", "where source_record_ref is not null") == [("open",)]
    assert not holds(made, SENSITIVE)


def test_e24_any_of_several_labels_makes_a_record_restricted(tmp_path):
    lines = ndjson(request("open", **marked("N")), request("r", **marked("N", "R")), request("v", **marked("N", "V")))
    assert stage(tmp_path, CONTRACT, lines).profile["skipped_as"] == {"restricted": 2}


def test_e16_of_two_numbers_the_one_in_use_is_the_persons(tmp_path):
    old, new = (
        {"system": NHS, "value": n, "use": use} for n, use in (("9990000026", "old"), ("9990000018", "official"))
    )
    lines = ndjson(patient("p1", identifier=[old, new]), patient("p2", "9990000018"), patient("p3", "9990000026"))
    made = stage(tmp_path, CONTRACT, lines)
    merged = "where event_type = 'person.merged' order by record_no"
    named = made.read("facts/person/*.parquet", "person_merged_into", merged)
    assert named[0] == named[1] != named[2]


def holds(made: Staged, text: str) -> bool:
    """Whether any file outside zone 1 has the text."""
    return any(text.encode() in path.read_bytes() for path in made.folder.rglob("*") if path.is_file())


def test_e17_a_number_that_nobody_has_verified_links_nobody(tmp_path):
    def numbered(identity: str, number: str, status: str) -> dict[str, Any]:
        verified = {"url": "x", "valueCodeableConcept": {"coding": [{"code": status}]}}
        return patient(identity, identifier=[{"system": NHS, "value": number, "extension": [verified]}])

    lines = ndjson(
        numbered("p1", "9990000018", "01"), numbered("p2", "9990000026", "04"), numbered("p3", "9990000026", "05")
    )
    made = stage(tmp_path, CONTRACT, lines)
    linked = made.read("facts/person/*.parquet", "record_no", "where event_type = 'person.merged'")
    assert (made.profile["valid"], linked) == (3, [(1,)])
