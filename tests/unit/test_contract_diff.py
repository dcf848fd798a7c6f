"""Each difference between two versions of a contract is safe or breaking, and says why."""

import pytest
import yaml

from ingestion.contract import Contract
from ingestion.contract_diff import differences, must_grow

BASE = """
apiVersion: v3.0.2
kind: DataContract
id: t
name: t
version: 1.2.0
status: active
description: {purpose: A feed.}
schema:
  - name: t
    properties:
      - {name: id, required: true, grammar: "[0-9]+", maxLength: 20}
      - {name: day, source: Day, logicalType: date, format: "%Y-%m-%d", required: true}
      - {name: status, values: {A: attended, C: cancelled}}
      - {name: weight, logicalType: decimal, minimum: 20, maximum: 300, unit: kg}
      - {name: local, zone: 1, grammar: "[a-z]+"}
      - name: old
        datedValues: {by: day, versions: [{until: 2025-01-01, values: {x: y}}, {from: 2025-01-01, values: {x: z}}]}
file: {format: csv}
record: {kind: state, key: [id], order: arrival, subject: {local: local}}
skip: [{name: none, when: {absent: day}, sentence: s}]
rules: [{name: late, require: {not_before_date: {day: 2020-01-01}}, field: day, sentence: s}]
events:
  - {slot: s, type: appointment.attended, when: {in: {status: [attended]}}, occurred: day}
  - {slot: s, type: appointment.cancelled, when: {in: {status: [cancelled]}}, occurred: day}
"""
NEW = "\n      - "
RULES = "rules: [{name: late, require: {not_before_date: {day: 2020-01-01}}, field: day, sentence: s}]"
SAFE = {
    "nothing": ("x", "x"),
    "a description": ("purpose: A feed.", "purpose: Another."),
    "a team": ("status: active", "status: active\nteam: [{username: a, role: owner}]"),
    "an alias": ("source: Day", "source: Day, aliases: [Date]"),
    "another header, the old one kept": ("source: Day", "source: Date, aliases: [Day]"),
    "a code more": ("C: cancelled}", "C: cancelled, D: missed}"),
    "a wider grammar": ('"[0-9]+"', '"[0-9]+|[A-Z]+"'),
    "no grammar": (', grammar: "[0-9]+"', ""),
    "a longer text": ("maxLength: 20", "maxLength: 30"),
    "a wider range": ("maximum: 300", "maximum: 400"),
    "a form of dates more": ('format: "%Y-%m-%d"', 'format: ["%Y-%m-%d", "%d/%m/%Y"]'),
    "an optional field": (f"{NEW}{{name: local", f"{NEW}{{name: more, optionalColumn: true}}{NEW}{{name: local"),
    "no longer required": ("format: \"%Y-%m-%d\", required: true", 'format: "%Y-%m-%d"'),
    "unknown columns are let be": ("{format: csv}", "{format: csv, unknownColumns: ignore}"),
    "a higher tolerance": ("{format: csv}", "{format: csv, refusedThreshold: 0.1}"),
    "a rule less": (RULES, ""),
    "only a warning": ("field: day, sentence: s}]", "field: day, sentence: s, severity: warning}]"),
    "an event of known fields": (
        "events:",
        "events:\n  - {slot: r, type: appointment.booked, occurred: day, when: {in: {status: [attended]}}}",
    ),
}  # fmt: skip
FALLING_BACK = (
    (f"{NEW}{{name: local", f"{NEW}{{name: whose, optionalColumn: true, addedIn: 1.3.0}}{NEW}{{name: local"),
    ("provider: sender", "provider: whose, providerOrSender: true"),
)
BREAKING = {
    "another feed": ("\nname: t\n", "\nname: u\n"),
    "a field less": (f'{NEW}{{name: weight, logicalType: decimal, minimum: 20, maximum: 300, unit: kg}}', ""),
    "a field renamed": ("{name: weight", "{name: mass, source: weight"),
    "a header not read any more": ("source: Day", "source: Date"),
    "a narrower grammar": ('"[0-9]+"', '"[0-9]{3}"'),
    "a grammar where there was none": ("{name: weight,", "{name: weight, grammar: '[0-9]',"),
    "a shorter text": ("maxLength: 20", "maxLength: 10"),
    "a narrower range": ("minimum: 20", "minimum: 30"),
    "another unit": ("unit: kg", "unit: lb"),
    "another zone": ('zone: 1, grammar: "[a-z]+"', 'grammar: "[a-z]+"'),
    "another type": ("{name: weight, logicalType: decimal", "{name: weight, logicalType: integer"),
    "another form of dates": ('"%Y-%m-%d"', '"%d/%m/%Y"'),
    "a code less": ("A: attended, C: cancelled", "A: attended"),
    "another meaning of a code": ("C: cancelled", "C: missed"),
    "another meaning from a day on": ("values: {x: z}", "values: {x: w}"),
    "a meaning from another day on": ("2025-01-01", "2025-02-01"),
    "a field that must be there": (f"{NEW}{{name: local", f"{NEW}{{name: more, required: true}}{NEW}{{name: local"),
    "a column that must be there": (f"{NEW}{{name: local", f"{NEW}{{name: more}}{NEW}{{name: local"),
    "now required": ("{name: weight,", "{name: weight, required: true,"),
    "another key": ("key: [id]", "key: [id, day]"),
    "another person": ("subject: {local: local}", "subject: {local: local, optional: true}"),
    "another order": ("order: arrival", "assertedAt: day"),
    "another delimiter": ("{format: csv}", "{format: csv, delimiter: ';'}"),
    "another encoding": ("{format: csv}", "{format: csv, encoding: cp1252}"),
    "another null token": ("{format: csv}", "{format: csv, nullTokens: ['', N/A]}"),
    "a footer": ("{format: csv}", "{format: csv, footer: {pattern: END}}"),
    "a lower tolerance": ("{format: csv}", "{format: csv, refusedThreshold: 0.01}"),
    "other rows out of scope": ("{absent: day}", "{absent: status}"),
    "a stricter rule": ("2020-01-01", "2021-01-01"),
    "a rule more": ("rules: [", "rules: [{name: m, require: {present: status}, field: status, sentence: s}, "),
    "other events": ("type: appointment.cancelled", "type: appointment.missed"),
    "an event of a field no event held": (
        "events:",
        "events:\n  - {slot: r, type: appointment.booked, occurred: day, when: {present: weight}}",
    ),
}  # fmt: skip


def read(text: str) -> Contract:
    return Contract.model_validate(yaml.safe_load(text))


def changed(old: str, new: str) -> str:
    assert old in BASE
    text = BASE.replace(old, new)
    return _last(text) if "slot: r" in text else text


def _last(text: str) -> str:
    """The new event behind the others: their order decides within a slot."""
    head, _, events = text.partition("events:\n")
    first, *rest = events.splitlines(keepends=True)
    return f"{head}events:\n{''.join(rest)}{first}"


@pytest.mark.parametrize("what", SAFE)
def test_a_safe_change_needs_no_major_version(what):
    before, now = read(BASE), read(changed(*SAFE[what]) if what != "nothing" else BASE)
    found = differences(before, now)
    assert {d.kind for d in found} == ({"safe"} if what != "nothing" else set())
    assert all(d.why for d in found)
    later = now.model_copy(update={"version": "1.3.0"})
    assert must_grow(before, later, found) is None


@pytest.mark.parametrize(("or_sender", "kinds"), [(True, {"safe"}), (False, {"safe", "breaking"})])
def test_a_provider_that_came_later_is_safe_where_the_sender_stands_in(or_sender, kinds):
    before = BASE.replace("order: arrival", "order: arrival, provider: sender")
    now = before
    for old, new in FALLING_BACK:
        now = now.replace(old, new)
    if not or_sender:
        now = now.replace(", providerOrSender: true", "")
    assert {d.kind for d in differences(read(before), read(now))} == kinds


@pytest.mark.parametrize("what", BREAKING)
def test_a_breaking_change_needs_a_major_version(what):
    before, now = read(BASE), read(changed(*BREAKING[what]))
    found = differences(before, now)
    assert "breaking" in {d.kind for d in found}
    assert must_grow(before, now.model_copy(update={"version": "1.9.9"}), found)
    assert must_grow(before, now.model_copy(update={"version": "2.0.0"}), found) is None


def test_a_change_under_the_same_version_is_named():
    before, now = read(BASE), read(changed(*SAFE["an alias"]))
    assert must_grow(before, now, differences(before, now)) == "what changed needs a version above 1.2.0, not 1.2.0"


def test_a_field_added_to_events_needs_to_say_since_when():
    more = f"{NEW}{{name: more, optionalColumn: true ADDED}}{NEW}{{name: local"
    text = changed(f"{NEW}{{name: local", more)
    text = text.replace("cancelled]}}, occurred: day}", "cancelled]}}, occurred: day, payload: {hcp_type: more}}")
    kinds = {
        added: {d.kind for d in differences(read(BASE), read(text.replace(" ADDED", added)))}
        for added in ("", ", addedIn: 1.3.0")
    }
    assert kinds == {"": {"breaking"}, ", addedIn: 1.3.0": {"safe"}}


def test_parts_are_compared_by_name():
    single = yaml.safe_load(BASE)
    own = {word: single.pop(word) for word in ("record", "skip", "rules", "events")}
    one = {**single["schema"][0], **own}
    only, both, three = (
        Contract.model_validate({**single, "schema": [{**one, "name": name} for name in names]})
        for names in ("t", "tu", "tuv")
    )
    # The key of a record holds its kind where there are several, so that those of a single one become others.
    assert [(d.kind, d.why) for d in differences(only, both)] == [("breaking", "the keys of records gain their kind")]
    assert [d.kind for d in differences(both, three)] == ["safe"]
    assert [(d.kind, d.place) for d in differences(both, only)] == [("breaking", "schema.u")]


@pytest.mark.parametrize(("unmapped", "kind"), [("refuse", "safe"), ("keep", "breaking"), ("'null'", "breaking")])
@pytest.mark.parametrize(("field", "more"), [
    ("values: {A: attended, C: cancelled}", "values: {A: attended, C: cancelled, D: missed}"),
    ("values: {x: z}}]}", "values: {x: z, w: z}}]}"),
])  # fmt: skip
def test_a_code_more_is_safe_only_where_a_record_with_it_was_refused(unmapped, kind, field, more):
    base = BASE.replace("{name: status,", f"{{name: status, unmapped: {unmapped},")
    base = base.replace("- name: old\n", f"- name: old\n        unmapped: {unmapped}\n")
    assert {d.kind for d in differences(read(base), read(base.replace(field, more)))} == {kind}


def test_since_when_a_field_is_there_is_part_of_what_a_record_is():
    text = BASE.replace("{name: local", "{name: whose, optionalColumn: true, addedIn: 1.1.0}\n      - {name: local")
    (found,) = differences(read(text), read(text.replace(", addedIn: 1.1.0", "")))
    assert (found.kind, found.place) == ("breaking", "properties.whose.addedIn")


def test_another_type_of_resource_takes_other_records():
    single = yaml.safe_load(BASE)
    (part,) = single["schema"]
    one, other = (
        Contract.model_validate({**single, "schema": [{**part, "resourceType": kind}]}) for kind in ("Task", "Goal")
    )
    assert [(d.kind, d.place, d.what) for d in differences(one, other)] == [
        ("breaking", "resourceType", "Task became Goal")
    ]
