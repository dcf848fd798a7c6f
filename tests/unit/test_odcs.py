"""The standard's outer form: read as the standard has it, written to the letter, and the form for editors."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from ingestion import odcs
from ingestion.contract import Contract
from ingestion.contract_schema import json_schema
from linkwork.settings import Settings
from tests.support.gate import contract

INSTALLED = sorted((Settings.model_fields["contracts_dir"].default).glob("*.yaml"))
SCHEMA = Draft202012Validator(json_schema())
# What the export adds, which the contract as it is written here does not say twice.
ADDED = ("classification", "primaryKey", "primaryKeyPosition")


def content(path) -> dict:
    read: dict = yaml.safe_load(path.read_text())
    return read


def meaning(content: dict) -> list[dict]:
    """What the gate makes of a contract, without what only people read."""
    made = [part.model_dump(mode="json") for part in Contract.model_validate(content).parts]
    for part in made:
        for one in part["objects"]:
            for prop in one["properties"]:
                for word in ADDED:
                    prop.pop(word)
    return made


@pytest.mark.parametrize("path", INSTALLED, ids=lambda p: p.stem)
def test_a_contract_in_the_standards_form_means_the_same(path):
    exported = odcs.folded(content(path))
    assert meaning(exported) == meaning(content(path))
    assert set(exported) <= odcs.CONTRACT
    for one in exported["schema"]:
        assert set(one) <= odcs.OBJECT
        for prop in one["properties"]:
            assert set(prop) <= odcs.PROPERTY
            assert prop["logicalType"] in {"string", "date", "number", "integer", "object", "array", "boolean"}
    again = yaml.safe_load(yaml.safe_dump(exported, sort_keys=False))
    assert meaning(again) == meaning(content(path))


@pytest.mark.parametrize("path", INSTALLED, ids=lambda p: p.stem)
def test_the_form_for_editors_takes_every_contract(path):
    plain = json.loads(json.dumps(content(path), default=str))
    assert [e.message for e in SCHEMA.iter_errors(plain)] == []


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("file", {"format": "csv", "sniff": True}),
        ("version", "one"),
        ("status", "new"),
        ("rules", [{"require": "sql"}]),
    ],
)
def test_the_form_for_editors_names_what_is_wrong(word, value):
    plain = json.loads(json.dumps(content(INSTALLED[0]), default=str)) | {word: value}
    assert word in {e.json_path.split(".")[1].split("[")[0] for e in SCHEMA.iter_errors(plain)}


def test_the_form_for_editors_itself_is_right():
    Draft202012Validator.check_schema(json_schema())


def test_words_of_the_standard_are_read():
    made = contract(
        "{name: id, logicalType: string, logicalTypeOptions: {pattern: '[0-9]+', maxLength: 9}, primaryKey: true}",
        "{name: weight, logicalType: number, logicalTypeOptions: {minimum: 20, maximum: 300}, classification: secret}",
        more="team: [{username: a@b, role: owner}]\nslaProperties: [{property: frequency, value: 7, unit: d}]",
    )
    assert (made.field("id").grammar, made.field("id").maxLength) == ("[0-9]+", 9)
    assert (made.field("weight").logicalType, made.field("weight").minimum) == ("decimal", 20)
    assert (made.team[0].role, made.slaProperties[0].value) == ("owner", 7)


def test_what_is_said_twice_is_refused():
    text = content(INSTALLED[0])
    text["customProperties"] = [{"property": "linkwork", "value": {"file": {"format": "csv"}}}]
    with pytest.raises(ValueError, match="said inside and outside the custom property linkwork: file"):
        Contract.model_validate(text)


def test_custom_properties_of_others_are_kept():
    text = content(INSTALLED[0])
    text["customProperties"] = [{"property": "costCentre", "value": 7}]
    assert Contract.model_validate(text).customProperties == [{"property": "costCentre", "value": 7}]


def test_formats_are_written_as_the_standard_writes_them():
    assert odcs.jdk("%Y-%m-%dT%H:%M:%SZ") == "yyyy-MM-dd'T'HH:mm:ss'Z'"
    assert odcs.jdk("%d %b %Y") == "dd MMM yyyy"
