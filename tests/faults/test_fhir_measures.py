"""Measures from FHIR: the limits of each instrument, bounds that are no values, answers that keep their question."""

from typing import Any

import pytest

from ingestion.contract import load_contract
from linkwork.settings import Settings
from tests.support.fhir import about, ndjson
from tests.support.gate import CATALOGUE, Staged, stage, tolerant

CONTRACT = tolerant(load_contract(Settings.model_fields["contracts_dir"].default / "fhir_r4_ndjson.yaml", CATALOGUE))
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def observed(code: str, status: str = "final", **value: Any) -> dict[str, Any]:
    coding = {"coding": [{"system": LOINC, "code": code}]}
    return about("Observation", "o1", status=status, code=coding, effectiveDateTime="2025-06-02", **value)


def quantity(value: float, unit: str | None = None, **more: Any) -> dict[str, Any]:
    units = {"system": UCUM, "code": unit} if unit else {}
    return {"valueQuantity": {"value": value, **units, **more}}


def answered(questionnaire: str, *answers: int | None, status: str = "completed") -> dict[str, Any]:
    """A response of which each item has an answer, or none."""
    items = [
        {"linkId": str(n)} | ({"answer": [{"valueInteger": answer}]} if answer is not None else {})
        for n, answer in enumerate(answers, start=1)
    ]
    address = f"https://example.org/Questionnaire/{questionnaire}"
    return about(
        "QuestionnaireResponse", "q1", status=status, questionnaire=address, authored="2025-06-02", item=items or None
    )


def staged(tmp_path, resource: dict[str, Any]) -> Staged:
    made = stage(tmp_path, CONTRACT, ndjson(resource))
    assert made.profile["refused"] is None
    return made


@pytest.mark.parametrize(("resource", "rule"), [
    (observed("44261-6", valueInteger=28), "score_of_instrument"),
    (observed("29463-7", **quantity(820, "kg")), "plausible_value"),
    (observed("29463-7", **quantity(82)), "unit_of_quantity"),
    (observed("59261-8", **quantity(20, "mmol/mol", comparator="<")), "exact_value"),
    (answered("SWEMWBS", 6, 3, 3, 3, 3, 3, 3), "items_of_instrument"),
    (answered("ONS4", 8, 7, 2), "every_item"),
    (answered("ONS4"), "answers"),
    (answered("ONS4", None, None, None, None), "answers"),
    (answered("ONS4", 8, 7, 2, 5, 1), "items_of_instrument"),
])  # fmt: skip
def test_a_measure_that_cannot_be_is_quarantined(tmp_path, resource, rule):
    assert [found for _, found, _ in staged(tmp_path, resource).refused_lines] == [rule]


@pytest.mark.parametrize(("resource", "said"), [
    (observed("44261-6", valueInteger=27), ("PHQ-9", 27, None, None)),
    (observed("29463-7", **quantity(82, "kg")), ("weight", None, 82, None)),
    (answered("SWEMWBS", 5, 3, 3, 3, 3, 3, 3), ("SWEMWBS", None, None, [5, 3, 3, 3, 3, 3, 3])),
    (answered("ONS4", 8, None, 7, 2), ("ONS4", None, None, [8, None, 7, 2])),
])  # fmt: skip
def test_a_measure_that_can_be_is_taken_and_an_item_without_an_answer_keeps_its_place(tmp_path, resource, said):
    made = staged(tmp_path, resource)
    assert made.refused_lines == []
    columns = ("instrument", "score", "value", "items")
    query = ", ".join(f"engagement_{column}" for column in columns)
    assert made.read("facts/engagement/*.parquet", query) == [said]


@pytest.mark.parametrize("status", ["preliminary", "cancelled", "entered-in-error"])
def test_only_a_final_observation_must_hold_a_measure(tmp_path, status):
    made = staged(tmp_path, observed("44261-6", status, valueInteger=28))
    assert (made.refused_lines, made.profile["valid"]) == ([], 1)


@pytest.mark.parametrize("status", ["in-progress", "stopped", "entered-in-error"])
def test_only_a_completed_response_must_have_every_answer(tmp_path, status):
    made = staged(tmp_path, answered("ONS4", 8, 7, status=status))
    assert (made.refused_lines, made.profile["valid"]) == ([], 1)
