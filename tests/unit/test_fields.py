"""Every field is cast strictly: what is not of the stated form to the letter breaks a rule and has no value."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.support.gate import contract, judged, stage

TEXT = "{name: f, maxLength: 20}"
CODE = '{name: f, grammar: "[0-9]{3}"}'
WHOLE = "{name: f, logicalType: integer}"
AMOUNT = "{name: f, logicalType: decimal}"
DAY = '{name: f, logicalType: date, format: "%Y-%m-%d"}'
UTC_TIME = '{name: f, logicalType: timestamp, format: "%Y-%m-%dT%H:%M:%SZ", timezone: UTC}'
LOCAL_TIME = '{name: f, logicalType: timestamp, format: "%Y-%m-%d %H:%M:%S", timezone: Europe/London}'
CHOICE = '{name: f, values: {"1": one, "2": null, "3": three}}'
LIST = '{name: f, logicalType: list, grammar: "[A-Z]{2}"}'
SNOMED = '{name: f, grammar: "[0-9]{6,18}"}'
NUMBER = "{name: f, logicalType: nhs_number, zone: 1}"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("prop", "text", "value"),
    [
        (TEXT, "as it is  ", "as it is  "),
        (TEXT, None, None),
        (TEXT, "", None),
        (TEXT, "NULL", "NULL"),
        (TEXT, "N/A", "N/A"),
        (TEXT, "'; drop table x; --", "'; drop table x; --"),
        (TEXT, "Zoë 🙂\ttab\nline", "Zoë 🙂\ttab\nline"),
        (CODE, "007", "007"),
        (WHOLE, "7", 7),
        (WHOLE, "-12", -12),
        (WHOLE, "999999999", 999_999_999),
        (AMOUNT, "1.7", Decimal("1.700")),
        (AMOUNT, "-0.125", Decimal("-0.125")),
        (AMOUNT, "82.50000", Decimal("82.500")),
        (DAY, "2024-02-29", date(2024, 2, 29)),
        (DAY, "2025-07-01", date(2025, 7, 1)),
        (DAY[:-1] + ", coarsen: month}", "1950-05-17", date(1950, 5, 1)),
        (DAY[:-1] + ", coarsen: year}", "1950-05-17", date(1950, 1, 1)),
        (UTC_TIME, "2025-07-01T00:30:00Z", utc(2025, 7, 1, 0, 30)),
        (LOCAL_TIME, "2025-07-01 00:00:00", utc(2025, 6, 30, 23)),
        (LOCAL_TIME, "2025-01-15 09:30:00", utc(2025, 1, 15, 9, 30)),
        (CHOICE, "1", "one"),
        (CHOICE, "2", None),
        (LIST, "DM;CHD"[:5], ["DM", "CH"]),
        (LIST, ";", None),
        (SNOMED, "871711000000103", "871711000000103"),
    ],
)
def test_what_has_the_stated_form_is_taken(prop, text, value):
    assert judged(prop, text) == (value, [])


@pytest.mark.parametrize(
    ("prop", "text", "rules"),
    [
        (TEXT, "x" * 21, ["length"]),
        (TEXT, "a\x00b", ["control_character"]),
        (TEXT, "a\x1fb", ["control_character"]),
        (TEXT, "a\x1b[31m", ["control_character"]),
        (CODE, "7", ["grammar"]),
        (CODE, "007 ", ["grammar"]),
        (CODE, "007\n", ["grammar"]),
        (WHOLE, "1.7", ["integer"]),
        (WHOLE, "1.0", ["integer"]),
        (WHOLE, "1e3", ["integer"]),
        (WHOLE, "1,234", ["integer"]),
        (WHOLE, "£12", ["integer"]),
        (WHOLE, " 7", ["integer"]),
        (WHOLE, "1234567890", ["integer"]),
        (WHOLE, "٣", ["integer"]),
        (AMOUNT, "12,50", ["decimal"]),
        (AMOUNT, "1.23456", ["decimal"]),
        (AMOUNT, "1.2345", ["decimal"]),
        (AMOUNT, "1.23450", ["decimal"]),
        (AMOUNT, "1234567", ["decimal"]),
        (AMOUNT, "NaN", ["decimal"]),
        (AMOUNT, ".5", ["decimal"]),
        (DAY, "2024-02-30", ["date"]),
        (DAY, "2023-02-29", ["date"]),
        (DAY, "2024-1-5", ["date"]),
        (DAY, "01/02/2024", ["date"]),
        (DAY, "2024-01-05 10:00:00", ["date"]),
        (DAY, "45292", ["spreadsheet_date", "date"]),
        (DAY, "2024-13-01", ["date"]),
        (UTC_TIME, "2025-07-01T00:30:00+01:00", ["timestamp"]),
        (UTC_TIME, "2025-07-01T00:30:00", ["timestamp"]),
        (UTC_TIME, "2025-07-01T25:00:00Z", ["timestamp"]),
        (UTC_TIME, "2025-07-01", ["timestamp"]),
        (LOCAL_TIME, "2025-07-01 00:30:00+00", ["timestamp"]),
        (CHOICE, "4", ["domain"]),
        (CHOICE, " 1", ["domain"]),
        (LIST, "DM;chd", ["grammar"]),
        (SNOMED, "8.7171E+14", ["scientific_notation", "grammar"]),
        (SNOMED, "8,71711e+14", ["scientific_notation", "grammar"]),
        ("{name: f, required: true}", "", ["required"]),
        ("{name: f, required: true}", None, ["required"]),
        ("{name: f, logicalType: free_text, zone: 1, required: true}", None, ["required"]),
    ],
)
def test_anything_else_breaks_a_rule(prop, text, rules):
    assert judged(prop, text)[1] == rules


@pytest.mark.parametrize("prop", [WHOLE, AMOUNT, DAY, UTC_TIME, LOCAL_TIME])
@pytest.mark.parametrize("text", ["1.7x", "2024-02-30", "2025-07-01T00:30:00+01:00", "'; drop table x"])
def test_what_breaks_a_rule_has_no_value(prop, text):
    value, rules = judged(prop, text)
    assert value is None
    assert rules


WORDS = '{name: f, logicalType: list, grammar: "[A-Za-z:]{2,9}"}'
ANSWERS = '{name: f, logicalType: list, emptyElements: keep, grammar: "[0-9]{1,2}"}'
JSON_LISTS = [
    (WORDS, '["debt","LOCAL:a"]', ["debt", "LOCAL:a"]),
    (WORDS, '["debt",null,""]', ["debt"]),
    (WORDS, "[]", None),
    (WORDS, "debt", ["debt"]),
    (ANSWERS, '[5,null,"7"]', ["5", None, "7"]),
    (ANSWERS, "[null,null]", None),
]
NO_JSON_LISTS = [
    (WORDS, '["no debt"]'),  # with its space taken out it would be another word
    (WORDS, '["debt,LOCAL:a"]'),
    (WORDS, '["debt "]'),
    (WORDS, '["[debt]"]'),
    (WORDS, '["null",["debt"]]'),
    (WORDS, '["debt"'),
    (ANSWERS, "5,6,7"),
    (ANSWERS, '["5,6",7]'),
    (ANSWERS, '["1 2",7]'),
    (ANSWERS, "[[5],6]"),
    (ANSWERS, "[5.0]"),
]


@pytest.mark.parametrize(("prop", "text", "value"), JSON_LISTS)
def test_f71_the_elements_of_a_json_list_are_what_was_sent(prop, text, value):
    assert judged(prop, text, file="{format: jsonl}") == (value, [])


@pytest.mark.parametrize(("prop", "text"), NO_JSON_LISTS)
def test_f71_an_element_of_a_json_list_is_neither_repaired_nor_divided(prop, text):
    assert judged(prop, text, file="{format: jsonl}")[1] == ["grammar"]


def test_e34_a_local_time_that_the_clocks_skipped_is_refused():
    assert judged(LOCAL_TIME, "2025-03-30 01:30:00")[1] == ["nonexistent_time"]
    assert judged(LOCAL_TIME, "2025-03-30 00:59:59") == (utc(2025, 3, 30, 0, 59, 59), [])
    assert judged(LOCAL_TIME, "2025-03-30 02:00:00") == (utc(2025, 3, 30, 1), [])


def test_e34_a_local_time_that_happens_twice_is_the_second_in_winter_time():
    # Nothing in the file says which of the two is meant; every reading takes the later one, so no order is invented.
    for minute in (0, 30, 59):
        assert judged(LOCAL_TIME, f"2025-10-26 01:{minute:02d}:00") == (utc(2025, 10, 26, 1, minute), [])
    assert judged(LOCAL_TIME, "2025-10-26 00:59:59") == (utc(2025, 10, 25, 23, 59, 59), [])
    assert judged(LOCAL_TIME, "2025-10-26 02:00:00") == (utc(2025, 10, 26, 2), [])


# The first valid numbers of the range that is never issued; the stem 999000000 would need a check digit of 10.
@pytest.mark.parametrize("number", ["9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069"])
def test_a_number_of_the_test_range_is_valid_and_taken_only_where_allowed(number):
    assert judged(NUMBER, number) == (number, [])
    assert judged(NUMBER, number, test_numbers_allowed=False)[1] == ["test_number"]


@pytest.mark.parametrize("printed", ["999 000 0018", "999-000-0018", " 9990000018 ", "9 9 9 0 0 0 0 0 1 8"])
def test_spaces_and_hyphens_of_print_are_taken_away(printed):
    assert judged(NUMBER, printed) == ("9990000018", [])


@pytest.mark.parametrize("last", range(10))
def test_a_check_digit_of_ten_makes_every_number_of_the_stem_invalid(last):
    assert judged(NUMBER, f"999000000{last}")[1] == ["nhs_number"]


@pytest.mark.parametrize("last", [d for d in range(10) if d != 8])
def test_only_one_check_digit_holds(last):
    assert judged(NUMBER, f"999000001{last}")[1] == ["nhs_number"]


@pytest.mark.parametrize(
    "text", ["999000001", "99900000180", "999000001X", "\uff19\uff19\uff190000018", "999.000.0018", "1"]
)
def test_what_is_not_ten_digits_is_no_number(text):
    assert "nhs_number" in judged(NUMBER, text)[1]


def test_an_empty_number_is_missing_not_wrong():
    assert judged(NUMBER, "") == (None, [])


def test_null_tokens_are_the_contracts_own():
    declared = '{format: csv, nullTokens: ["", "NULL", "-"]}'
    for text in ("", "NULL", "-"):
        assert judged(WHOLE, text, file=declared) == (None, [])
    assert judged(WHOLE, "N/A", file=declared)[1] == ["integer"]
    assert judged(WHOLE, "NULL")[1] == ["integer"]


def test_e39_a_value_the_contract_does_not_list_follows_its_policy():
    assert judged("{name: f, values: {a: A}, unmapped: keep}", "b") == ("b", [])
    assert judged('{name: f, values: {a: A}, unmapped: "null"}', "b") == (None, [])


def test_free_text_and_staff_do_not_pass_in_the_clear():
    assert judged("{name: f, logicalType: free_text, zone: 1}", "Jane called") == (None, [])
    key, rules = judged("{name: f, logicalType: staff, zone: 1}", "GP-7")
    assert (len(key), rules) == (16, [])
    assert b"GP" not in key
    assert judged("{name: f, logicalType: staff, zone: 1}", "GP-8")[0] != key


def test_the_day_of_an_event_is_the_local_day(tmp_path):
    described = contract(
        "{name: id}",
        '{name: moment, logicalType: timestamp, format: "%Y-%m-%d %H:%M:%S", timezone: Europe/London}',
        '{name: plain, logicalType: date, format: "%Y-%m-%d"}',
        events="""
  - {slot: a, type: registration.started, occurred: moment}
  - {slot: b, type: registration.ended, occurred: plain}""",
    )
    lines = ["a,2025-07-01 00:00:00,2025-07-01", "b,2025-06-30 23:59:59,2025-03-30", "c,2025-12-31 23:59:59,2025-10-26"]
    made = stage(tmp_path, described, "id,moment,plain\n" + "\n".join(lines) + "\n")
    found = made.read(
        "facts/registration/*.parquet", "occurred_at, occurred_on, occurred_precision", "order by slot, record_no"
    )
    assert found == [
        (utc(2025, 6, 30, 23), date(2025, 7, 1), "second"),
        (utc(2025, 6, 30, 22, 59, 59), date(2025, 6, 30), "second"),
        (utc(2025, 12, 31, 23, 59, 59), date(2025, 12, 31), "second"),
        (utc(2025, 7, 1), date(2025, 7, 1), "day"),
        (utc(2025, 3, 30), date(2025, 3, 30), "day"),
        (utc(2025, 10, 26), date(2025, 10, 26), "day"),
    ]
