"""Contracts: the installed ones load; a wrong one is refused with its file and the reason."""

from pathlib import Path

import pytest

from ingestion.contract import load_contract, load_contracts
from linkwork.errors import BadDataError
from linkwork.settings import Settings
from tests.support.gate import CATALOGUE

INSTALLED = sorted((Settings.model_fields["contracts_dir"].default).glob("*.yaml"))
GOOD = """
apiVersion: v3.0.2
kind: DataContract
id: t
name: t
version: 1.0.0
status: active
description: {}
schema:
  - name: t
    properties:
      - {name: id, required: true}
      - {name: who, logicalType: nhs_number, zone: 1}
      - {name: name, logicalType: free_text, zone: 1}
      - {name: worker, logicalType: staff, zone: 1}
      - {name: on_day, logicalType: date, format: "%Y-%m-%d"}
      - {name: kind}
      - {name: born, logicalType: date, format: "%Y-%m-%d", zone: 1}
file: {format: csv}
record: {kind: state, key: [id], assertedAt: arrival, subject: {nhs_number: who}}
rules:
  - {name: later, require: {not_before_date: {on_day: 2020-01-01}}, field: on_day, sentence: Too early.}
events:
  - {slot: s, type: referral.received, occurred: on_day, payload: {referrer_key: worker}}
"""


def loaded(tmp_path: Path, text: str):
    path = tmp_path / "t.yaml"
    path.write_text(text)
    return load_contract(path, CATALOGUE)


@pytest.mark.parametrize("path", INSTALLED, ids=lambda p: p.stem)
def test_every_installed_contract_loads_under_its_file_name(path):
    contract = load_contract(path, CATALOGUE)
    assert contract.name == path.stem
    assert contract.events


def test_the_feeds_of_the_first_version_are_installed():
    found = load_contracts(INSTALLED[0].parent, CATALOGUE)
    assert {
        "gp_appointments_csv", "registrations_csv", "referrals_csv", "link_worker_jsonl", "activity_csv",
        "person_links_csv", "opt_outs_csv"
    } <= set(found)  # fmt: skip


def test_the_example_is_right(tmp_path):
    assert loaded(tmp_path, GOOD).slots == ["s"]


WRONG = {
    "unknown event": ("referral.received", "referral.teleported", "referral.teleported is not in the event catalogue"),
    "payload column": ("referrer_key: worker", "shoe_size: kind", "referral.received has no column shoe_size"),
    "NHS number in an event": ("referrer_key: worker", "referrer_role: who", "who is identifiable"),
    "staff id in words": ("referrer_key: worker", "referrer_role: worker", "worker is identifiable"),
    "free text in an event": ("referrer_key: worker", "referrer_role: name", "name is identifiable"),
    "identifiable date of an event": ("occurred: on_day", "occurred: born", "born is identifiable"),
    "day of birth in an event": ("referrer_key: worker", "decided_on: born", "born is identifiable"),
    "unknown field": ("occurred: on_day", "occurred: another_day", "used but not a property: another_day"),
    "rule on an unknown field": ("on_day: 2020-01-01", "other: 2020-01-01", "used but not a property: other"),
    "key that is no field": ("key: [id]", "key: [ident]", "used but not a property: ident"),
    "two fields of one name": ("{name: kind}", "{name: id}", "two properties have the same name"),
    "hostile field": ("{name: kind}", '{name: "kind\\"; drop table x; --"}', "String should match pattern"),
    "hostile feed": ("\nname: t\n", '\nname: "../../x"\n', "name: String should match pattern"),
    "hostile slot": ("slot: s", 'slot: "s\' or 1=1"', "slot: String should match pattern"),
    "SQL as a condition": ("{not_before_date: {on_day: 2020-01-01}}", '{sql: "select 1"}', "unknown condition sql"),
    "key the form does not know": ("{format: csv}", "{format: csv, sniff: true}", "Extra inputs are not permitted"),
    "format": ("{format: csv}", "{format: pickle}", "Input should be"),
    "date without its format": (', format: "%Y-%m-%d"', "", "a date or timestamp needs its format"),
    "time without its zone": ("logicalType: date", "logicalType: timestamp", "a timestamp needs its timezone"),
    "number of a person outside zone 1": ("nhs_number, zone: 1", "nhs_number, zone: 2", "nhs_number is zone 1"),
    "threshold": ("{format: csv}", "{format: csv, refusedThreshold: 7}", "less than or equal to 1"),
    "version": ("1.0.0", "one", "version: String should match pattern"),
    "two categories in one slot": (
        "events:",
        "events:\n  - {slot: s, type: registration.started, occurred: on_day}",
        "slot s has events of two categories",
    ),
    "no YAML": ("apiVersion", "\t: [", "scanning"),
    "Python object": ("id: t\n", "id: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
    "grammar that RE2 does not know": ("{name: kind}", '{name: kind, grammar: "(?=a)a"}', "regular expression"),
    "grammar with a back reference": ("{name: kind}", "{name: kind, grammar: '(a)\\1'}", "regular expression"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_contract_is_refused_with_file_and_reason(tmp_path, what):
    old, new, reason = WRONG[what]
    assert old in GOOD
    with pytest.raises(BadDataError, match="a contract is wrong") as raised:
        loaded(tmp_path, GOOD.replace(old, new, 1))
    assert raised.value.where == str(tmp_path / "t.yaml")
    assert reason in raised.value.why


@pytest.mark.parametrize("text", ["", "[]", "just words", "{}"])
def test_a_file_that_is_no_contract_is_refused(tmp_path, text):
    with pytest.raises(BadDataError, match="a contract is wrong"):
        loaded(tmp_path, text)


@pytest.mark.parametrize("place", ["description: {}", "require: {not_before_date: {on_day: 2020-01-01}}"])
def test_anchors_that_multiply_are_refused_at_once(tmp_path, place):
    layers = ["&l0 {present: id}"] + [f"&l{n} {{all: [{', '.join([f'*l{n - 1}'] * 10)}]}}" for n in range(1, 12)]
    bomb = "bomb:\n" + "\n".join(f"  - {layer}" for layer in layers) + "\n"
    key = place.split(":")[0]
    with pytest.raises(BadDataError, match="values, counting those its anchors repeat"):
        loaded(tmp_path, bomb + GOOD.replace(place, f"{key}: *l11"))


def test_anchors_that_hold_themselves_are_refused(tmp_path):
    with pytest.raises(BadDataError, match="values, counting those its anchors repeat"):
        loaded(tmp_path, GOOD.replace("description: {}", "description: &a [*a]"))


def test_an_identifiable_reference_is_refused(tmp_path):
    with pytest.raises(BadDataError, match="who is identifiable and would stand in the log"):
        loaded(tmp_path, GOOD.replace("key: [id],", "key: [id], reference: who,"))


def test_two_contracts_for_one_feed_are_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(GOOD)
    with pytest.raises(BadDataError, match="two contracts describe one feed") as raised:
        load_contracts(tmp_path, CATALOGUE)
    assert raised.value.where == str(tmp_path / "b.yaml")
