"""What a FHIR resource says of its own standing: marked as restricted, or with a number that nobody has verified."""

from pathlib import Path
from typing import Any

import pytest

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


def number(value: str, use: str | None = None, verified: str | None = None) -> dict[str, Any]:
    status = [{"url": "x", "valueCodeableConcept": {"coding": [{"code": verified}]}}] if verified else None
    made = {"system": NHS, "value": value, "use": use, "extension": status}
    return {name: said for name, said in made.items() if said}


def merged_into(tmp_path: Path, *people: dict[str, Any]) -> dict[int, str]:
    """The pseudonym to which each line's person is linked by a number."""
    made = stage(tmp_path, CONTRACT, ndjson(*people))
    assert made.refused_lines == []
    return dict(
        made.read("facts/person/*.parquet", "record_no, person_merged_into", "where event_type = 'person.merged'")
    )


OLD, NEW = "9990000026", "9990000018"


@pytest.mark.parametrize("use", ["official", "usual", "secondary", None])
def test_e16_of_two_numbers_the_one_in_use_is_the_persons(tmp_path, use):
    held = patient("p1", identifier=[number(OLD, "old"), number(NEW, use)])
    linked = merged_into(tmp_path, held, patient("p2", NEW), patient("p3", OLD))
    assert linked[1] == linked[2] != linked[3]


def test_e16_a_number_that_is_only_old_links_nobody(tmp_path):
    held = patient("p1", identifier=[number(OLD, "old")])
    assert set(merged_into(tmp_path, held, patient("p2", NEW))) == {2}


@pytest.mark.parametrize("another", [number(OLD, "old", "04"), number(OLD, "usual", "04")])
def test_e17_the_verification_is_that_of_the_same_number(tmp_path, another):
    held = patient("p1", identifier=[another, number(NEW, "official")])
    unverified = patient("p2", identifier=[number(OLD, "usual", "01"), number(NEW, "official", "04")])
    assert set(merged_into(tmp_path, held, unverified)) == {1}


def test_e17_a_verification_without_a_number_is_of_none(tmp_path):
    temporary = {"system": NHS, "use": "temp", "extension": number(NEW, verified="01")["extension"]}
    official = {"system": NHS, "use": "official", "extension": number(NEW, verified="04")["extension"]}
    unverified = patient("p1", identifier=[temporary, number(OLD, verified="04")])
    fine = patient("p2", identifier=[official, number(OLD)])
    assert set(merged_into(tmp_path, unverified, fine)) == {2}


def holds(made: Staged, text: str) -> bool:
    """Whether any file outside zone 1 has the text."""
    return any(text.encode() in path.read_bytes() for path in made.folder.rglob("*") if path.is_file())


def test_e17_a_number_that_nobody_has_verified_links_nobody(tmp_path):
    held = [number(NEW, verified="01"), number(OLD, verified="04"), number(OLD, verified="05")]
    linked = merged_into(tmp_path, *(patient(f"p{n}", identifier=[one]) for n, one in enumerate(held)))
    assert set(linked) == {1}
