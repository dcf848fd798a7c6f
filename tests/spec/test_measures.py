"""Outcome measures: what a score means, which answers are reported by themselves, and what is not added up."""

from decimal import Decimal
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

EVENTS = """
person | record | event             | on         | says
ann    | R1     | referral.received | 2024-02-01 | at=Z90131; route=gp
ann    | happy  | measure.recorded  | 2024-02-10 | referral=R1; instrument=ONS4; items=5,7,9,6
ann    | part   | measure.recorded  | 2024-03-10 | referral=R1; instrument=ONS4; items=4,,,1
ann    | low    | measure.recorded  | 2024-02-10 | instrument=PHQ-9; items=1,1,1,1,1,1,1,1,2
ann    | tense  | measure.recorded  | 2024-02-10 | instrument=GAD-7; items=1,1,1,1,1,1,1
ann    | before | measure.recorded  | 2024-02-10 | instrument=MYCaW; items=5,,4
ann    | after  | measure.recorded  | 2024-05-10 | instrument=MYCaW; items=2,3,1
bob    | old    | measure.recorded  | 2024-02-10 | instrument=PAM-13; score=70.0; cut_point_version=47.0/55.1/67.0
bob    | new    | measure.recorded  | 2024-02-10 | instrument=PAM-13; score=70.0; cut_point_version=47.0/55.1/72.4
bob    | eq     | measure.recorded  | 2024-02-10 | instrument=EQ-5D-5L; items=1,1,2,2,3
bob    | eq-gap | measure.recorded  | 2024-02-10 | instrument=EQ-5D-5L; items=1,1,2,,3
bob    | alone  | measure.recorded  | 2024-02-10 | instrument=ONS-loneliness; items=1
bob    | star   | measure.recorded  | 2024-02-10 | instrument=Well-being-Star; items=1,2,3,4,5,1,2,3
bob    | pounds | measure.recorded  | 2024-02-10 | instrument=weight; value=200; unit=[lb_av]
"""
# What was sent, and what is made of it: raw score, score, its basis, whether it is valid, and the remark.
SENT: dict[str, tuple[str, tuple[float | None, float | None, str | None, bool, str | None]]] = {
    "golden": ("instrument=swemwbs; items=5,4,4,4,4,4,4; score=29", (29, 26.02, "items", True, None)),
    "a_gap": ("instrument=SWEMWBS; items=5,,4,4,4,4,4; score=25", (None, None, None, False, "incomplete")),
    "too_few": ("instrument=SWEMWBS; items=5,4", (None, None, None, False, "incomplete")),
    "as_metric": ("instrument=SWEMWBS; score=26.02", (29, 26.02, "sent", True, None)),
    "as_raw": ("instrument=SWEMWBS; score=29", (29, 26.02, "sent", True, None)),
    "metric_of_29_in_one_repository": ("instrument=SWEMWBS; score=25.99", (None, None, None, False, "no_such_score")),
    "raw_6": ("instrument=SWEMWBS; score=6", (None, None, None, False, "out_of_range")),
    "raw_36": ("instrument=SWEMWBS; score=36", (None, None, None, False, "out_of_range")),
    "wemwbs": ("instrument=WEMWBS; items=" + ",".join(["4"] * 14), (56, 56, "items", True, None)),
    "wemwbs_13": ("instrument=WEMWBS; items=" + ",".join(["4"] * 13), (None, None, None, False, "incomplete")),
    "disagrees": ("instrument=PHQ-9; items=1,1,1,1,1,1,1,1,1; score=10", (9, 9, "items", True, "score_disagrees")),
    "half": ("instrument=PHQ-9; score=4.5", (None, None, None, False, "no_such_score")),
    "half_disagrees": (
        "instrument=PHQ-9; items=1,1,1,1,1,1,1,1,1; score=4.5",
        (9, 9, "items", True, "score_disagrees"),
    ),
    "half_way": ("instrument=EQ-VAS; score=70.5", (None, None, None, False, "no_such_score")),
    "not_whole": ("instrument=PAM-13; score=47.1; cut_point_version=47.0/55.1/67.0", (47.1, 47.1, "sent", True, None)),
    "impossible": ("instrument=GAD-7; items=1,1,1,4,1,1,1", (None, None, None, False, "out_of_range")),
    "ucla": ("instrument=UCLA-3; items=3,2,3", (8, 8, "items", True, None)),
    "no_total": ("instrument=ONS4; items=7,7,7,2; score=23", (None, None, None, True, "no_total")),
    "unknown": ("instrument=HOME-MADE; items=7,7; score=14", (None, None, None, False, "unknown_instrument")),
    "no_version": ("instrument=PAM-13; score=70.0", (70, 70, "sent", True, "cut_points_unknown")),
    "no_unit": ("instrument=weight; value=80", (None, None, None, False, "unknown_unit")),
    "not_plausible": ("instrument=weight; value=80000; unit=kg", (None, None, None, False, "not_plausible")),
    "nothing": ("instrument=UCLA-3", (None, None, None, False, "empty")),
}


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    sent = "\n".join(f"cat | {name} | measure.recorded | 2024-02-10 | {said}" for name, (said, _) in SENT.items())
    warehouse.add(scope, "person | record | event | on | says\n" + sent)
    warehouse.reference["value_sets"] = [
        {"value_set": "Invented 2024", "instrument": "EQ-5D-5L", "profile": "11223", "value": Decimal("0.7125")}
    ]


def measure(marts: Scenario, record: str) -> dict[str, Any]:
    return marts.row(
        "select * from fct_measures where measure_id = $id", id=text_id(marts.scope, record, "measure.recorded")
    )


def results(marts: Scenario, record: str) -> dict[str, tuple[float, str | None]]:
    """Figure and band of each result of a measure."""
    rows = marts.rows(
        "select result, figure, band from fct_measure_results where measure_id = $id",
        id=text_id(marts.scope, record, "measure.recorded"),
    )
    return {row["result"]: (float(row["figure"]), row["band"]) for row in rows}


@pytest.mark.parametrize("record", SENT)
def test_a_score_follows_from_answers_or_is_taken_as_sent(marts: Scenario, record: str) -> None:
    found = measure(marts, record)
    raw, score = (None if found[c] is None else float(found[c]) for c in ("raw_score", "score"))
    assert (raw, score, found["score_basis"], found["is_valid"], found["remark"]) == SENT[record][1]


def test_ons4_has_four_figures_and_no_total(marts: Scenario) -> None:
    assert results(marts, "happy") == {
        "satisfaction": (5, "medium"),
        "worthwhile": (7, "high"),
        "happiness": (9, "very_high"),
        "anxiety": (6, "high"),
    }
    assert measure(marts, "happy")["score"] is None
    assert measure(marts, "happy")["referral_id"] == text_id(marts.scope, "R1")


def test_of_anxiety_less_is_better(marts: Scenario) -> None:
    rows = marts.rows("select distinct result, higher_is_better from fct_measure_results where instrument = 'ONS4'")
    better = {row["result"]: row["higher_is_better"] for row in rows}
    assert better == {"satisfaction": True, "worthwhile": True, "happiness": True, "anxiety": False}


def test_an_answer_that_stands_alone_needs_no_others(marts: Scenario) -> None:
    assert results(marts, "part") == {"satisfaction": (4, "low"), "anxiety": (1, "very_low")}
    assert measure(marts, "part")["remark"] == "incomplete"


@pytest.mark.parametrize(
    ("record", "score", "band", "is_case"), [("low", 10, "moderate", True), ("tense", 7, "mild", False)]
)
def test_scores_have_bands_and_caseness(marts: Scenario, record: str, score: int, band: str, is_case: bool) -> None:
    found = measure(marts, record)
    assert (found["score"], found["band"], found["is_case"]) == (score, band, is_case)


def test_a_concern_is_compared_with_the_same_concern(marts: Scenario) -> None:
    assert results(marts, "before") == {"concern_1": (5, None), "wellbeing": (4, None)}
    assert results(marts, "after") == {"concern_1": (2, None), "concern_2": (3, None), "wellbeing": (1, None)}
    assert measure(marts, "before")["is_valid"], "the second concern may be missing"


def test_a_level_of_activation_is_that_of_its_cut_points(marts: Scenario) -> None:
    assert (measure(marts, "old")["band"], measure(marts, "new")["band"]) == ("level_4", "level_3")
    assert measure(marts, "old")["raw_score"] == measure(marts, "new")["raw_score"] == 70


def test_a_profile_gets_the_value_of_a_set_that_was_loaded_and_named(marts: Scenario) -> None:
    assert measure(marts, "eq")["profile"] == "11223"
    assert measure(marts, "eq")["score"] is None
    assert results(marts, "eq") == {"value_set:Invented 2024": (0.7125, None)}
    assert measure(marts, "eq-gap")["profile"] is None
    assert results(marts, "eq-gap") == {}


def test_each_domain_of_the_star_is_a_figure(marts: Scenario) -> None:
    found = [results(marts, "star")[f"domain_{n}"][0] for n in range(1, 9)]
    assert found == [1, 2, 3, 4, 5, 1, 2, 3]


def test_the_direct_question_of_loneliness_keeps_its_answer(marts: Scenario) -> None:
    assert results(marts, "alone") == {"loneliness": (1, "often_or_always")}


def test_a_quantity_is_told_in_its_own_unit_and_as_sent(marts: Scenario) -> None:
    found = measure(marts, "pounds")
    assert (found["value_sent"], found["unit_sent"]) == (200, "[lb_av]")
    assert (found["value"], found["unit"]) == (Decimal("90.718"), "kg")
