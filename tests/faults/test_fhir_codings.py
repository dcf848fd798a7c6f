"""Of several codings of one concept, which mean the same, the one that the contract lists is read where it stands."""

from typing import Any

import pytest

from ingestion.contract import load_contract
from linkwork.settings import Settings
from tests.support.fhir import SCT, SOCIAL_PRESCRIBING, about, coded, ndjson, request
from tests.support.gate import CATALOGUE, Staged, stage, tolerant

CONTRACT = tolerant(load_contract(Settings.model_fields["contracts_dir"].default / "fhir_r4_ndjson.yaml", CATALOGUE))
LOINC = "http://loinc.org"
UNLISTED, LONELY, NO = "35489007", "267076002", "373067005"
OBSERVED = {"status": "final", "effectiveDateTime": "2025-05-01"}


def concept(*codings: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": f"of {code}"} for system, code in codings]}


def staged(tmp_path, resource: dict[str, Any]) -> Staged:
    made = stage(tmp_path, CONTRACT, ndjson(resource))
    assert made.refused_lines == []
    return made


def test_a_request_for_social_prescribing_may_have_another_code_before(tmp_path):
    made = staged(tmp_path, request("r1", code=coded(UNLISTED, SOCIAL_PRESCRIBING)))
    assert made.profile["skipped_as"] == {}


@pytest.mark.parametrize("resource", [
    about("Condition", "c1", recordedDate="2025-05-01", code=concept((SCT, UNLISTED), (SCT, LONELY))),
    about("Observation", "o1", **OBSERVED, code=concept((SCT, UNLISTED), (SCT, LONELY))),
    about("Observation", "o1", **OBSERVED, code=concept((SCT, UNLISTED)),
          valueCodeableConcept=concept((SCT, UNLISTED), (SCT, LONELY))),
])  # fmt: skip
def test_a_need_is_told_by_the_coding_that_is_one(tmp_path, resource):
    told = staged(tmp_path, resource).read("facts/need/*.parquet", "need_code, need_source_term")
    assert told == [(LONELY, f"of {LONELY}")]


def test_an_answer_that_is_no_need_is_none_by_the_code_of_its_question(tmp_path):
    answer = {"valueCodeableConcept": concept((SCT, NO)), "code": concept((SCT, LONELY))}
    made = staged(tmp_path, about("Observation", "o1", **OBSERVED, **answer))
    assert made.profile["skipped_as"] == {"not_read": 1}


def test_a_measure_is_told_by_either_of_its_codes(tmp_path):
    weight = {"value": 82, "system": "http://unitsofmeasure.org", "code": "kg"}
    code = concept((LOINC, "3141-9"), (SCT, "27113001"))
    resource = about("Observation", "o1", **OBSERVED, code=code, valueQuantity=weight)
    assert staged(tmp_path, resource).read("facts/engagement/*.parquet", "engagement_instrument") == [("weight",)]
