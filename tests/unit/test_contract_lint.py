"""What `contract check` finds: each with its place, why, and what to do; the installed contracts have no error."""

import pytest

from ingestion.contract_lint import Finding, findings
from linkwork.settings import Settings
from tests.support.gate import CATALOGUE

INSTALLED = sorted((Settings.model_fields["contracts_dir"].default).glob("*.yaml"))
GOOD = """
apiVersion: v3.0.2
kind: DataContract
id: t
name: t
version: 1.1.0
status: active
description: {purpose: A feed.}
schema:
  - name: t
    properties:
      - {name: id, required: true, grammar: "[0-9]+"}
      - {name: at, logicalType: date, format: "%Y-%m-%d", required: true}
      - {name: status, required: true, values: {A: attended, C: cancelled}}
      - {name: person, zone: 1, required: true, grammar: "[a-z]+"}
file: {format: csv}
record: {kind: state, key: [id], assertedAt: at, subject: {local: person}}
events:
  - {slot: s, type: appointment.attended, when: {in: {status: [attended]}}, occurred: at}
  - {slot: s, type: appointment.cancelled, when: {in: {status: [cancelled]}}, occurred: at}
"""
FIELD = "\n      - {name: person,"


def found(tmp_path, text: str) -> list[Finding]:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    return findings(path, CATALOGUE)


@pytest.mark.parametrize("path", INSTALLED, ids=lambda p: p.stem)
def test_no_installed_contract_has_an_error(path):
    assert [f for f in findings(path, CATALOGUE) if f.severity == "error"] == []


def test_a_good_contract_has_nothing(tmp_path):
    assert found(tmp_path, GOOD) == []


ERRORS = {
    "form": ("{format: csv}", "{format: csv, sniff: true}", "file.sniff", "Extra inputs"),
    "identifier": ("{name: status,", '{name: "status; drop",', "schema.0.properties.2.name", "match pattern"),
    "catalogue": ("appointment.cancelled", "appointment.eaten", "events", "not in the event catalogue"),
    "a field of zone 1 in an event": (
        "occurred: at}\n  - {slot: s, type: appointment.c",
        "occurred: at, payload: {hcp_type: person}}\n  - {slot: s, type: appointment.c",
        "events",
        "person is identifiable",
    ),
    "RE2": ('"[0-9]+"', '"(?=a)a"', "schema.0.properties.0", "regular expression"),
    "undecided": ("kind: state", "kind: DECIDE", "contract", "still to be decided: record.kind"),
    "unreachable": ("when: {in: {status: [attended]}}, ", "", "events.s.appointment.cancelled", "takes all of its"),
    "never true": ("status: [attended]", "status: [Attended]", "events.s.appointment.attended", "never is Attended"),
    "no event": (GOOD[GOOD.index("events:") :], "events: []\n", "events", "no record becomes an event"),
    "no order": ("assertedAt: at, ", "", "record", "nothing orders the records"),
    "key not required": ('{name: id, required: true', "{name: id", "properties.id", "part of the key and not required"),
    "time not required": ('"%Y-%m-%d", required: true', '"%Y-%m-%d"', "properties.at", "assertedAt is not required"),
    "looks identifying": (FIELD, f"\n      - {{name: home_postcode, maxLength: 8}}{FIELD}", "properties.home_postcode",
                          "identifies a person"),
    "looks identifying by its header": (FIELD, f"\n      - {{name: x, source: Surname, maxLength: 8}}{FIELD}",
                                        "properties.x", "identifies a person"),
    "examples": ("{name: person,", "{name: person, examples: [jane],", "properties.person", "examples of what"),
    "another key": ("{name: at,", "{name: at, primaryKey: true,", "record.key", "differs from the properties"),
    "added later than now": ("{name: status,", "{name: status, addedIn: 2.0.0,", "properties.status", "is later than"),
    "delimiter": ("{format: csv}", "{format: csv, delimiter: '::'}", "file.delimiter", "one character each"),
    "footer of no CSV": ("{format: csv}", "{format: jsonl, footer: {pattern: x}}", "file", "are of CSV files"),
    "hostile header": ("{name: status,", '{name: status, source: "a\\nb",', "properties.status", "no header or path"),
    "alias of another": ("{name: status,", "{name: status, aliases: [id],", "properties.status", "another field"),
}  # fmt: skip
WARNINGS = {
    "arrival": ("assertedAt: at", "order: arrival", "record.order", "in the order of arrival"),
    "prose": (FIELD, f"\n      - {{name: words, required: true}}{FIELD}", "properties.words", "any text leaves zone 1"),
    "unused": (FIELD, f"\n      - {{name: spare, maxLength: 9}}{FIELD}", "properties.spare", "nothing uses it"),
    "anything goes": ('"[0-9]+"', '".*"', "properties.id", "lets everything through"),
    "draft": ("status: active", "status: draft", "status", "the contract is draft"),
    "no purpose": ("{purpose: A feed.}", "{}", "description.purpose", "what the feed is for"),
    "no threshold": ("{format: csv}", "{format: csv, refusedThreshold: 1}", "file.refusedThreshold", "whatever share"),
}


@pytest.mark.parametrize(("severity", "what"), [("error", w) for w in ERRORS] + [("warning", w) for w in WARNINGS])
def test_a_fault_is_found_at_its_place_with_why_and_what_to_do(tmp_path, severity, what):
    old, new, place, why = (ERRORS if severity == "error" else WARNINGS)[what]
    assert old in GOOD
    made = found(tmp_path, GOOD.replace(old, new, 1))
    assert [f.place for f in made if f.severity == severity and why in f.why] == [place]
    assert all(f.do and f.file == str(tmp_path / "t.yaml") for f in made)
    assert severity == "error" or {f.severity for f in made} == {"warning"}


def test_somebody_who_looked_can_say_that_a_field_identifies_nobody(tmp_path):
    field = "\n      - {name: postcode_sector, maxLength: 8, tags: [not-identifying]}"
    assert [f.severity for f in found(tmp_path, GOOD.replace(FIELD, field + FIELD, 1))] == ["warning"]


def test_what_a_path_leaves_of_a_text_is_no_prose_and_a_precision_is_used(tmp_path):
    read = '\n      - {name: exact, source: "$.a|precision or $.b|precision"}\n      - {name: said, source: "$.a|tail"}'
    text = GOOD.replace(FIELD, read + FIELD, 1).replace("{format: csv}", "{format: fhir}", 1)
    text = text.replace("  - name: t", "  - name: t\n    resourceType: Goal", 1)
    for name in ("id", "at", "status", "person"):
        text = text.replace(f"- {{name: {name},", f"- {{name: {name}, source: $.{name},", 1)
    text = text.replace("occurred: at}", "occurred: at, precision: exact}")
    assert {(f.place, f.why) for f in found(tmp_path, text)} == {
        ("properties.said", "any text leaves zone 1 in it"),
        ("properties.said", "nothing uses it"),
    }


def test_an_anchor_bomb_is_one_finding(tmp_path):
    layers = ["&l0 {a: b}"] + [f"&l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]
    bomb = "bomb:\n" + "\n".join(f"  - {layer}" for layer in layers) + "\n" + GOOD
    (one,) = found(tmp_path, bomb)
    assert "counting those its anchors repeat" in one.why


def test_a_part_is_named_in_the_place(tmp_path):
    several = """
apiVersion: v3.0.2
kind: DataContract
id: t
name: t
version: 1.0.0
status: active
description: {purpose: A feed.}
file: {format: csv}
schema:
"""
    for name, required in (("a", "true"), ("b", "false")):
        several += f"""
  - name: {name}
    properties:
      - {{name: id, required: {required}, grammar: "[0-9]+"}}
      - {{name: at, logicalType: date, format: "%Y-%m-%d", required: true}}
    record: {{kind: event, key: [id], assertedAt: at, subject: {{optional: true}}}}
    events: [{{slot: s, type: appointment.attended, occurred: at}}]
"""
    assert [f.place for f in found(tmp_path, several)] == ["schema.b.properties.id"]
