"""What a contract can say of a field beyond its type: forms of times, dated code maps, conversions, tombstones."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import yaml
from pydantic import ValidationError

from ingestion.contract import Contract
from ingestion.properties import Property, precision
from tests.support.gate import contract, judged, stage

LONDON = "timezone: Europe/London"
TPP = f'{{name: f, logicalType: timestamp, format: "%d %b %Y %H:%M:%S", {LONDON}, unknownTime: midnight}}'
SEVERAL = (
    '{name: f, logicalType: timestamp, format: ["%Y-%m-%dT%H:%M:%S%z", "%d/%m/%Y %H:%M", "%Y-%m-%d", "%Y-%m"], '
    f"{LONDON}}}"
)
LOCAL = f'{{name: f, logicalType: timestamp, format: "%Y-%m-%d %H:%M:%S", {LONDON}}}'
AMOUNT = "{name: f, logicalType: decimal, convert: [pound, thousands]}"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("prop", "text", "value"),
    [
        (TPP, "29 Sep 2011 14:53:28", utc(2011, 9, 29, 13, 53, 28)),
        (TPP, "01 Jul 2025 00:00:00", utc(2025, 7, 1)),  # an unknown time of day: the day, not shifted into June
        (TPP, "01 Jul 2025 00:00:01", utc(2025, 6, 30, 23, 0, 1)),
        (SEVERAL, "2025-07-01T09:00:00+01:00", utc(2025, 7, 1, 8)),
        (SEVERAL, "2025-07-01T09:00:00Z", utc(2025, 7, 1, 9)),
        (SEVERAL, "2025-07-01T00:30:00-0530", utc(2025, 7, 1, 6)),
        (SEVERAL, "01/07/2025 09:00", utc(2025, 7, 1, 8)),
        (SEVERAL, "2025-07-01", utc(2025, 7, 1)),
        (SEVERAL, "2025-07", utc(2025, 7, 1)),
        (LOCAL, "2025-10-26 01:30:00", utc(2025, 10, 26, 1, 30)),
        (LOCAL[:-1] + ", ambiguousTime: earlier}", "2025-10-26 01:30:00", utc(2025, 10, 26, 0, 30)),
        (LOCAL[:-1] + ", ambiguousTime: earlier}", "2025-10-26 02:00:00", utc(2025, 10, 26, 2)),
        ('{name: f, logicalType: date, format: ["%d-%b-%Y", "%Y-%m-%d %H:%M:%S"]}', "05-Jan-2024", date(2024, 1, 5)),
        (
            '{name: f, logicalType: date, format: ["%d-%b-%Y", "%Y-%m-%d %H:%M:%S"]}',
            "2024-01-05 23:30:00",
            date(2024, 1, 5),
        ),
        (AMOUNT, "£1,234.50", Decimal("1234.500")),
        (AMOUNT, "-£12", Decimal("-12.000")),
        (AMOUNT, "1234", Decimal("1234.000")),
        ("{name: f, convert: [trim, upper]}", "  z90001 ", "Z90001"),
        ("{name: f, convert: [trim]}", "   ", None),
        ("{name: f, nullTokens: [N/A, '-']}", "N/A", None),
        ("{name: f, logicalType: boolean, values: {'TRUE': true, 'FALSE': false}}", "FALSE", "false"),
        ("{name: f, logicalType: number, logicalTypeOptions: {minimum: 20, maximum: 300}}", "70.5", Decimal("70.5")),
        ("{name: f, logicalType: array, grammar: '[A-Z]'}", "A;B", ["A", "B"]),
    ],
)
def test_what_the_contract_declares_is_taken(prop, text, value):
    found, broken = judged(prop, text)
    assert broken == []
    assert (str(found).lower() if isinstance(found, bool) else found) == value


@pytest.mark.parametrize(
    ("prop", "text", "rules"),
    [
        (TPP, "9 Sep 2011 14:53:28", ["timestamp"]),
        (TPP, "2011-09-29 14:53:28", ["timestamp"]),
        (TPP, "30 Mar 2025 01:30:00", ["nonexistent_time"]),
        (SEVERAL, "2025-07-01T09:00:00", ["timestamp"]),
        (SEVERAL, "2025-07-01T09:00:00+25:00", ["timestamp"]),
        (SEVERAL, "2025-02-30T09:00:00Z", ["timestamp"]),
        (SEVERAL, "07/2025", ["timestamp"]),
        (LOCAL[:-1] + ", ambiguousTime: refuse}", "2025-10-26 01:30:00", ["ambiguous_time"]),
        (AMOUNT, "1,23", ["decimal"]),
        (AMOUNT, "12,34.5", ["decimal"]),
        (AMOUNT, "$12", ["decimal"]),
        ("{name: f, logicalType: decimal, minimum: 20, maximum: 300}", "19.999", ["range"]),
        ("{name: f, logicalType: integer, minimum: 0, maximum: 9}", "10", ["range"]),
        ('{name: f, values: {"871711000000103": offered}}', "8.71711E+14", ["scientific_notation", "domain"]),
    ],
)
def test_anything_else_breaks_a_rule(prop, text, rules):
    assert judged(prop, text)[1] == rules


@pytest.mark.parametrize(
    ("prop", "reason"),
    [
        ({"name": "f", "logicalType": "date", "format": "%U-%m-%d"}, "which the gate does not know"),
        ({"name": "f", "logicalType": "date", "format": "%y-%m-%d"}, "needs yearsFrom"),
        ({"name": "f", "logicalType": "date", "format": "%Y-%m-%d", "yearsFrom": 2000}, "needs yearsFrom"),
        (
            {"name": "f", "logicalType": "timestamp", "format": "%Y-%m-%d %I:%M", "timezone": "UTC"},
            "an hour of twelve needs its half of the day",
        ),
        ({"name": "f", "logicalType": "date", "format": "%Y-%d"}, "lacks a part"),
        ({"name": "f", "logicalType": "timestamp", "format": "%Y-%m-%d %H", "timezone": "UTC"}, "without its minutes"),
        ({"name": "f", "logicalType": "timestamp", "format": ["%Y-%m-%d"]}, "needs its timezone"),
        ({"name": "f", "logicalType": "date", "format": "%Y-%m-%dT%H:%M%z"}, "a date has no offset"),
        ({"name": "f", "unknownTime": "midnight"}, "only a timestamp"),
        ({"name": "f", "values": {}}, "lists none"),
        ({"name": "f", "minimum": 1}, "for integers and decimals"),
        ({"name": "f", "logicalTypeOptions": {"format": "email"}}, "is not supported"),
        ({"name": "f", "grammar": "a", "logicalTypeOptions": {"pattern": "b"}}, "differ"),
        ({"name": "f", "logicalType": "boolean"}, "boolean needs its values"),
    ],
)
def test_a_property_that_contradicts_itself_is_refused(prop, reason):
    with pytest.raises(ValidationError, match=reason):
        Property.model_validate(prop)


def test_a_format_says_how_exact_it_is():
    exact = {
        "%Y": "year",
        "%m/%Y": "month",
        "%d %B %Y": "day",
        "%Y-%m-%dT%H:%M": "minute",
        "%Y-%m-%d %H:%M:%S": "second",
    }
    assert {f: precision(f) for f in exact} == exact


@pytest.mark.parametrize("name", ["names", "first", "broken"])
def test_a_field_may_have_a_name_that_the_gate_uses_for_its_checks(tmp_path, name):
    described = contract("{name: id}", f"{{name: {name}, grammar: '[a-z]+'}}")
    made = stage(tmp_path, described, f"id,{name}\na,b\nc,D1\n")
    assert made.profile["valid"] == 1
    assert made.refused_lines == [(3, "grammar", name)]


def test_e33_an_unknown_time_is_exact_to_the_day_and_in_order_with_a_known_one(tmp_path):
    described = contract(
        "{name: id}",
        TPP.replace("name: f", "name: slot_start"),
        TPP.replace("name: f", "name: booked_at"),
        events="[{slot: a, type: registration.started, occurred: slot_start}]",
        more="rules: [{name: order, require: {not_before: [slot_start, booked_at]}, field: booked_at, sentence: s}]",
    )
    made = stage(
        tmp_path,
        described,
        "id,slot_start,booked_at\n"
        "a,01 Jul 2025 00:00:00,01 Jul 2025 14:00:00\n"
        "b,01 Jul 2025 09:00:00,01 Jul 2025 00:00:00\n"
        "c,01 Jul 2025 00:00:00,02 Jul 2025 00:00:00\n"
        "d,01 Jul 2025 09:00:00,01 Jul 2025 14:00:00\n",
    )
    assert made.refused_lines == [(4, "order", "booked_at"), (5, "order", "booked_at")]
    found = made.read(
        "facts/registration/*.parquet", "occurred_at, occurred_on, occurred_precision", "order by record_no"
    )
    assert found == [
        (utc(2025, 7, 1), date(2025, 7, 1), "day"),
        (utc(2025, 7, 1, 8), date(2025, 7, 1), "second"),
    ]


def test_e36_a_partial_date_keeps_how_exact_it_is(tmp_path):
    described = contract(
        "{name: id}",
        '{name: on_day, logicalType: date, format: ["%Y-%m-%d", "%Y-%m", "%Y"]}',
        events="[{slot: a, type: registration.started, occurred: on_day}]",
    )
    made = stage(tmp_path, described, "id,on_day\na,2025-07-09\nb,2025-07\nc,2025\n")
    found = made.read("facts/registration/*.parquet", "occurred_on, occurred_precision", "order by record_no")
    assert found == [(date(2025, 7, 9), "day"), (date(2025, 7, 1), "month"), (date(2025, 1, 1), "year")]


DATED = """{name: status, required: true, datedValues: {by: on_day, versions: [
    {until: 2025-04-01, values: {C: missed, A: attended}},
    {from: 2025-04-01, values: {C: cancelled, A: attended, X: missed}}]}}"""


def test_e38_a_vocabulary_whose_meaning_changes_at_a_date(tmp_path):
    described = contract(
        "{name: id}",
        '{name: on_day, logicalType: date, format: "%Y-%m-%d"}',
        DATED.replace("\n", " "),
        events="""
  - {slot: a, type: appointment.missed, when: {in: {status: [missed]}}, occurred: on_day}
  - {slot: a, type: appointment.cancelled, when: {in: {status: [cancelled]}}, occurred: on_day}
  - {slot: a, type: appointment.attended, when: {in: {status: [attended]}}, occurred: on_day}""",
    )
    lines = ["a,2025-03-31,C", "b,2025-04-01,C", "c,2025-03-31,X", "d,2025-04-01,X", "e,,C", "f,2025-05-01,A"]
    made = stage(tmp_path, described, "id,on_day,status\n" + "\n".join(lines) + "\n")
    found = made.read("facts/appointment/*.parquet", "record_no, event_type", "order by 1")
    assert found == [
        (1, "appointment.missed"),
        (2, "appointment.cancelled"),
        (4, "appointment.missed"),
        (6, "appointment.attended"),
    ]
    assert made.refused_lines == [(4, "domain", "status"), (6, "undated_code", "status")]


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        ("[{values: {a: b}}, {from: 2025-01-01, values: {a: c}}]", "overlap"),
        ("[{until: 2025-02-01, values: {a: b}}, {from: 2025-01-01, values: {a: c}}]", "overlap"),
        ("[{from: 2025-02-01, until: 2025-01-01, values: {a: b}}]", "before it begins"),
    ],
)
def test_code_maps_that_overlap_are_refused(versions, reason):
    with pytest.raises(ValidationError, match=reason):
        contract(
            '{name: on_day, logicalType: date, format: "%Y-%m-%d"}',
            f"{{name: f, datedValues: {{by: on_day, versions: {versions}}}}}",
        )


def test_a_code_map_is_dated_by_a_date():
    with pytest.raises(ValidationError, match="which is no date"):
        contract("{name: id}", "{name: f, datedValues: {by: id, versions: [{values: {a: b}}]}}")


HEAD = """
apiVersion: v3.0.2
kind: DataContract
id: t
name: t
version: 1.0.0
status: active
description: {}
"""


def test_a_deleted_row_with_empty_columns_says_that_every_slot_is_empty(tmp_path):
    described = Contract.model_validate(
        yaml.safe_load(
            HEAD
            + """
schema:
  - name: t
    properties:
      - {name: id, required: true}
      - {name: on_day, logicalType: date, format: "%Y-%m-%d", required: true}
      - {name: is_deleted, logicalType: boolean, values: {"TRUE": true, "FALSE": false}}
      - {name: at, logicalType: timestamp, format: "%Y-%m-%dT%H:%M:%SZ", timezone: UTC, required: true}
file: {format: csv}
record: {kind: state, key: [id], assertedAt: at, tombstone: {is_deleted: ["TRUE"]}, subject: {optional: true}}
events: [{slot: a, type: registration.started, occurred: on_day}]
"""
        )
    )
    content = (
        "id,on_day,is_deleted,at\n"
        "a,2025-01-01,FALSE,2025-07-01T00:00:00Z\nb,,TRUE,2025-07-01T00:00:00Z\nc,,FALSE,2025-07-01T00:00:00Z\n"
        ",,TRUE,2025-07-01T00:00:00Z\n"
    )
    made = stage(tmp_path, described, content)
    assert made.profile["valid"] == 2  # the row and the tombstone
    assert made.refused_lines == [(4, "required", "on_day"), (5, "required", "id")]
    assert made.read("facts/registration/*.parquet", "record_no") == [(1,)]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("{kind: state, key: [id], subject: {optional: true}}", "nothing orders the records"),
        ("{kind: state, key: [id], order: arrival, assertedAt: at, subject: {}}", "contradict each other"),
        ("{kind: state, key: [id], order: arrival, treatAsRevision: id, subject: {}}", "needs assertedAt"),
        ("{kind: state, key: [id], assertedAt: at, treatAsRevision: id, subject: {}}", "must be an integer"),
        ("{kind: state, key: [id], assertedAt: id, subject: {}}", "id is no time"),
        ("{kind: event, key: [id], assertedAt: at, tombstone: {id: [x]}, subject: {}}", "only a state"),
        ("{kind: state, key: [], assertedAt: at, subject: {}}", "at least 1 item"),
    ],
)
def test_an_order_that_cannot_be_is_refused(record, reason):
    text = f"""{HEAD}
schema:
  - name: t
    properties:
      - {{name: id}}
      - {{name: at, logicalType: timestamp, format: "%Y-%m-%d %H:%M:%S", timezone: UTC}}
file: {{format: csv}}
record: {record}
events: []
"""
    with pytest.raises(ValidationError, match=reason):
        Contract.model_validate(yaml.safe_load(text))
