"""Every figure of every reporting mart is defined, in agreement with its dbt file, and the page says the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from linkwork.errors import BadDataError
from linkwork.release import definitions, definitions_page
from linkwork.release.definitions import Definitions, Described
from linkwork.settings import PROJECT_ROOT

MARTS = definitions.described(PROJECT_ROOT / "dbt_project" / "models" / "marts")
DEFINED = definitions.read()


def test_every_figure_of_every_reporting_mart_is_defined() -> None:
    assert len(MARTS) >= 7
    assert definitions.faults(MARTS, DEFINED) == []


def test_the_page_is_what_the_definitions_say() -> None:
    page = (PROJECT_ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    assert page == definitions_page.page(DEFINED), "run `linkwork docs measures`"


@pytest.fixture
def uptake() -> dict[str, Any]:
    """A copy of one mart's definitions, to be spoilt."""
    content: dict[str, Any] = yaml.safe_load((definitions.FOLDER / "rpt_uptake.yaml").read_text())
    return content


def found(content: dict[str, Any]) -> str:
    mart = {"rpt_uptake": MARTS["rpt_uptake"]}
    return "; ".join(definitions.faults(mart, {"rpt_uptake": Definitions.model_validate(content)}))


def one(content: dict[str, Any], column: str) -> dict[str, Any]:
    measure: dict[str, Any] = next(m for m in content["measures"] if m["column"] == column)
    return measure


def test_the_definitions_as_they_are_have_no_fault(uptake: dict[str, Any]) -> None:
    assert found(uptake) == ""


def test_a_mart_without_definitions_is_named_with_what_to_do() -> None:
    (fault,) = definitions.faults({"rpt_uptake": MARTS["rpt_uptake"]}, {})
    assert fault.startswith("rpt_uptake has figures that nobody defined (stage_order, referrals, people")
    assert "`linkwork docs measures --draft rpt_uptake`" in fault


def test_definitions_without_a_mart_are_named() -> None:
    assert definitions.faults({}, {"rpt_uptake": DEFINED["rpt_uptake"]}) == [
        "rpt_uptake is defined, but there is no such mart: remove its file"
    ]


@pytest.mark.parametrize("column", ["candidates", "conversion", "stage_order"])
def test_a_figure_that_is_left_out_is_named(uptake: dict[str, Any], column: str) -> None:
    uptake["not_measures"] = [c for c in uptake["not_measures"] if c != column]
    uptake["measures"] = [m for m in uptake["measures"] if m["column"] != column]
    assert f"nobody defined {column}" in found(uptake)


def test_an_interval_that_is_left_out_is_named(uptake: dict[str, Any]) -> None:
    del one(uptake, "conversion")["interval"]
    assert "nobody defined conversion_lower, conversion_upper" in found(uptake)
    assert "the interval of conversion is not" in found(uptake)


def test_a_column_that_is_not_there_is_named(uptake: dict[str, Any]) -> None:
    one(uptake, "people")["numerator"] = "distinct people of `refferals`"
    one(uptake, "candidates")["column"] = "candidate"
    assert "people speaks of refferals, which is no column" in found(uptake)
    assert "there is no column candidate" in found(uptake)


def test_another_class_or_other_parts_than_disclosure_control_has_are_named(uptake: dict[str, Any]) -> None:
    one(uptake, "candidates")["disclosure"] = "count"
    one(uptake, "conversion")["denominator"] = "`candidates`"
    assert "candidates is `count` here, and `restricted`" in found(uptake)
    assert "the denominator of conversion is `followed`" in found(uptake)


def test_a_draft_has_every_figure_and_does_not_pass_for_a_definition() -> None:
    for name, mart in MARTS.items():
        drafted = Definitions.model_validate(yaml.safe_load(definitions_page.draft(name, mart)))
        faults = definitions.faults({name: mart}, {name: drafted})
        assert any("still say TODO" in fault for fault in faults), name
        assert not any("nobody defined" in fault or "meta.linkwork" in fault for fault in faults), faults


def test_what_is_relative_needs_a_denominator_and_nothing_is_defined_twice(
    tmp_path: Path, uptake: dict[str, Any]
) -> None:
    del one(uptake, "conversion")["denominator"]
    file = tmp_path / "rpt_uptake.yaml"
    file.write_text(yaml.safe_dump(uptake))
    with pytest.raises(BadDataError, match="needs `denominator`"):
        definitions.read(tmp_path)
    one(uptake, "conversion")["denominator"] = "`followed`"
    uptake["not_measures"].append("people")
    file.write_text(yaml.safe_dump(uptake))
    with pytest.raises(BadDataError, match="people is there twice"):
        definitions.read(tmp_path)


def test_a_release_has_the_labels_of_the_columns_it_has() -> None:
    shown = definitions.labels(DEFINED, [("rpt_uptake", ["people", "conversion"]), ("rpt_uptake", ["people"])])
    assert [(label.mart, label.measure) for label in shown] == [("rpt_uptake", "people"), ("rpt_uptake", "conversion")]
    (conversion,) = (label for label in shown if label.measure == "conversion")
    assert (conversion.denominator, conversion.lower) == ("`followed`", "conversion_lower")
    assert "opted out" in conversion.exclusions
    assert "not complete" in conversion.exclusions


def test_numbers_are_known_by_their_type() -> None:
    kinds = ["varchar", "date", "boolean", "bigint", "decimal(18,3)", "DOUBLE", "timestamp with time zone"]
    mart = Described({kind: kind for kind in kinds}, {}, MARTS["rpt_uptake"].meta)
    assert definitions.numbers(mart) == ["bigint", "decimal(18,3)", "DOUBLE"]
