"""Instruments: what their files say is what the marts score by, and what the gate judges by."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion import conditions
from ingestion.measure_seeds import SEEDS_DIR, seeds
from ingestion.measures import INSTRUMENTS_DIR, instruments
from linkwork import engine
from linkwork.errors import BadDataError
from tests.support.gate import contract

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "codes" / "swemwbs_raw_to_metric.csv"
NAMES = {one.instrument for one in instruments()}
BY_NAME = {one.instrument: one for one in instruments()}
TABLE = BY_NAME["SWEMWBS"].table


def test_the_seeds_are_those_of_the_files():
    """Run `python -m ingestion.measure_seeds` after a change of ingestion/instruments."""
    assert {path.stem: path.read_text() for path in SEEDS_DIR.glob("*.csv")} == seeds()


def test_every_instrument_of_the_issue_is_there():
    assert {"SWEMWBS", "WEMWBS", "ONS4", "PHQ-9", "GAD-7", "PAM-13", "UCLA-3", "MYCaW", "EQ-5D-5L", "EQ-VAS"} <= NAMES
    assert {"ONS-loneliness", "Well-being-Star", "weight", "BMI", "HbA1c", "activity-minutes"} <= NAMES
    assert {"blood-pressure-systolic", "blood-pressure-diastolic"} <= NAMES


@pytest.mark.parametrize(("raw", "metric"), [(7, "7.00"), (8, "9.51"), (21, "19.25"), (29, "26.02"), (35, "35.00")])
def test_raw_sums_of_swemwbs_become_metric_scores(raw, metric):
    assert Decimal(str(TABLE[raw])) == Decimal(metric)


def test_the_same_gain_of_the_sum_is_not_the_same_gain_of_the_score():
    gains = [Decimal(str(TABLE[to])) - Decimal(str(TABLE[of])) for of, to in ((14, 17), (30, 33))]
    assert gains == [Decimal("1.56"), Decimal("3.67")]


def test_no_sum_lies_outside_the_table():
    assert sorted(TABLE) == list(range(7, 36))
    assert list(TABLE.values()) == sorted(set(TABLE.values()))


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published table is not beside this checkout")
def test_the_table_is_the_published_one():
    with PUBLISHED.open() as file:
        published = {int(row["raw"]): Decimal(row["metric"]) for row in csv.DictReader(file)}
    assert {raw: Decimal(str(score)) for raw, score in TABLE.items()} == published


def test_bands_of_ons4_run_the_other_way_for_anxiety():
    bands = {result.name: result.bands for result in BY_NAME["ONS4"].results}
    assert bands["satisfaction"] == {"low": 0, "medium": 5, "high": 7, "very_high": 9}
    assert bands["satisfaction"] == bands["worthwhile"] == bands["happiness"]
    assert bands["anxiety"] == {"very_low": 0, "low": 2, "medium": 4, "high": 6}
    assert BY_NAME["ONS4"].score.rule == "none"


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("swemwbs", "18: 17.43, ", "", "misses a sum"),
        ("phq-9", "highest: 27", "highest: 28", "the sum of its items lies in (0, 27)"),
        ("phq-9", "moderate: 10", "moderate: 4", "bands rise"),
        ("ons4", "item: 4", "item: 5", "an item that the instrument has not"),
        ("ons4", "{rule: none}", "{rule: none, lowest: 0}", "a score has lowest, highest"),
        ("phq-9", "rule: sum", "rule: sum, whole: true", "whole is said of a score as sent"),
        ("weight", "quantity:", "score: {rule: none}\nquantity:", "a score or a quantity"),
        ("weight", "quantity:", "limits: 3\nquantity:", "limits: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_instrument_is_refused_by_name(tmp_path, name, old, new, why):
    text = (INSTRUMENTS_DIR / f"{name}.yaml").read_text()
    assert old in text
    (tmp_path / f"{name}.yaml").write_text(text.replace(old, new))
    with pytest.raises(BadDataError) as caught:
        instruments(tmp_path)
    assert caught.value.where.endswith(f"{name}.yaml")
    assert why in caught.value.why


def test_two_files_of_one_instrument_are_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text((INSTRUMENTS_DIR / "bmi.yaml").read_text())
    with pytest.raises(BadDataError, match="two files describe one instrument"):
        instruments(tmp_path)


def test_no_file_holds_the_wording_of_an_item():
    """Names, limits and sources only: a sentence that asks a person something would be wording."""
    for path in INSTRUMENTS_DIR.glob("*.yaml"):
        text = path.read_text().lower()
        assert "?" not in text, path.name
        assert not any(word in text.split() for word in ("i've", "i", "you", "your", "been", "feeling")), path.name


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ({"instrument_items": ["i", "a"]}, "'UCLA-3' as i, ['1', '2', '3'] as a", True),
        ({"instrument_items": ["i", "a"]}, "'ucla-3' as i, ['1', '2', '4'] as a", False),
        ({"instrument_items": ["i", "a"]}, "'UCLA-3' as i, ['1', null] as a", True),
        ({"instrument_items": ["i", "a"]}, "'UCLA-3' as i, null::varchar[] as a", True),
        ({"instrument_items": ["i", "a"]}, "null as i, ['99'] as a", True),
        ({"instrument_score": ["i", "a"]}, "'PHQ-9' as i, 27::decimal(9,3) as a", True),
        ({"instrument_score": ["i", "a"]}, "'PHQ-9' as i, 27.001::decimal(9,3) as a", False),
        ({"instrument_score": ["i", "a"]}, "'PHQ-9' as i, 4.5::decimal(9,3) as a", False),
        ({"instrument_score": ["i", "a"]}, "'WEMWBS' as i, 50.25::decimal(9,3) as a", False),
        ({"instrument_score": ["i", "a"]}, "'EQ-VAS' as i, 70.5::decimal(9,3) as a", False),
        ({"instrument_score": ["i", "a"]}, "'EQ-VAS' as i, 70::decimal(9,3) as a", True),
        ({"instrument_score": ["i", "a"]}, "'PAM-13' as i, 47.1::decimal(9,3) as a", True),
        ({"instrument_score": ["i", "a"]}, "'SWEMWBS' as i, 29::decimal(9,3) as a", True),
        ({"instrument_score": ["i", "a"]}, "'SWEMWBS' as i, 26.02::decimal(9,3) as a", True),
        ({"instrument_score": ["i", "a"]}, "'SWEMWBS' as i, 25.99::decimal(9,3) as a", False),
        ({"instrument_score": ["i", "a"]}, "'ONS4' as i, 30::decimal(9,3) as a", True),
        ({"instrument_unit": ["i", "a", "u"]}, "'weight' as i, 80::decimal(9,3) as a, 'kg' as u", True),
        ({"instrument_unit": ["i", "a", "u"]}, "'weight' as i, 80::decimal(9,3) as a, null as u", False),
        ({"instrument_unit": ["i", "a", "u"]}, "'weight' as i, null::decimal(9,3) as a, null as u", True),
        ({"instrument_value": ["i", "a", "u"]}, "'weight' as i, 1102::decimal(9,3) as a, '[lb_av]' as u", True),
        ({"instrument_value": ["i", "a", "u"]}, "'weight' as i, 1103::decimal(9,3) as a, '[lb_av]' as u", False),
        ({"instrument_value": ["i", "a", "u"]}, "'HbA1c' as i, 3::decimal(9,3) as a, '%' as u", False),
        ({"matches": {"i": "[0-9]+"}}, "'12' as i", True),
        ({"matches": {"i": "[0-9]+"}}, "'12a' as i", False),
        ({"matches": {"i": "[0-9]+"}}, "null as i", False),
    ],
)
def test_a_condition_judges_a_record_by_its_instrument(condition, values, holds):
    with engine.connect() as con:
        assert con.execute(f"select {conditions.to_sql(condition)} from (select {values})").fetchone() == (holds,)


@pytest.mark.parametrize(
    "condition",
    [
        "{instrument_items: [a]}",
        "{instrument_score: {a: 1}}",
        "{instrument_unit: [a, a]}",
        "{instrument_value: [a, a, nothing]}",
        '{matches: {a: "(?=a)"}}',
        "{matches: {a: 7}}",
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_with_the_contract(condition):
    rules = f"rules: [{{name: r, require: {condition}, field: a, sentence: s}}]"
    with pytest.raises(ValueError):
        contract("{name: a}", more=rules)


def test_only_a_list_has_elements_to_keep():
    with pytest.raises(ValueError, match="only a list"):
        contract("{name: a, emptyElements: keep}")
