"""The grammar of conditions: what it takes, what it refuses, and that its SQL is never null."""

from datetime import date

import pytest
from pydantic import TypeAdapter, ValidationError

from ingestion.conditions import Condition, Time, columns_of, to_sql
from linkwork import engine

accepts = TypeAdapter(Condition).validate_python

TIMES = {"first": Time(False, "'day'"), "second": Time(False, "'day'"), "seen": Time(True, "'second'")}

ROWS = """(values
    ('a', date '2025-03-30', date '2025-03-31', timestamptz '2025-06-30 23:30:00+00'),
    ('b', date '2025-03-31', date '2025-03-30', timestamptz '2025-07-01 22:59:59+00'),
    (null, null, date '2025-03-30', null)
) as t(code, first, second, seen)"""


def holds(condition):
    with engine.connect() as con:
        query = f"select {to_sql(accepts(condition), TIMES)} from {ROWS}"
        return [value for (value,) in con.execute(query).fetchall()]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"present": "code"}, [True, True, False]),
        ({"absent": "code"}, [False, False, True]),
        ({"in": {"code": ["a", "x"]}}, [True, False, False]),
        ({"not_in": {"code": ["a", "x"]}}, [False, True, True]),
        ({"in": {"code": ["it's", "a"]}}, [True, False, False]),
        ({"not_before": ["second", "first"]}, [True, False, True]),
        ({"not_before_date": {"first": date(2025, 3, 31)}}, [False, True, True]),
        ({"all": [{"present": "code"}, {"not_before": ["second", "first"]}]}, [True, False, False]),
        ({"any": [{"absent": "code"}, {"in": {"code": ["b"]}}]}, [False, True, True]),
        ({"not": {"in": {"code": ["a"]}}}, [False, True, True]),
        ({"not": {"not_before": ["second", "first"]}}, [False, True, False]),
    ],
)
def test_each_condition_says_true_or_false_of_every_row(condition, expected):
    assert holds(condition) == expected


def test_no_condition_holds_everywhere():
    assert to_sql(None) == "true"
    assert columns_of(None) == set()


def test_an_instant_is_compared_with_a_date_by_the_calendar_of_england():
    # 23:30 UTC on 30 June is half past midnight on 1 July in England.
    assert holds({"not_before_date": {"seen": date(2025, 7, 1)}}) == [True, True, True]
    assert holds({"not_before_date": {"seen": date(2025, 7, 2)}}) == [False, False, True]


def test_the_fields_of_a_nested_condition_are_all_found():
    nested = {"any": [{"not": {"present": "a"}}, {"all": [{"not_before": ["b", "c"]}, {"in": {"d": [1]}}]}]}
    assert columns_of(accepts(nested)) == {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"present": "a", "absent": "b"},
        {"equals": {"a": 1}},
        {"sql": "true"},
        {"present": 'a" or true --'},
        {"present": ["a"]},
        {"in": {"a": []}},
        {"in": {"a": "b"}},
        {"in": {"a": ["b"], "c": ["d"]}},
        {"not_before": ["a"]},
        {"not_before": ["a", "b", "c"]},
        {"not_before": "ab"},
        {"not_before_date": {"a": "2025-01-01'"}},
        {"not_before_date": {"a; drop": date(2025, 1, 1)}},
        {"all": []},
        {"any": {"present": "a"}},
        {"not": [{"present": "a"}]},
        "true",
        ["present", "a"],
    ],
)
def test_anything_else_is_refused(condition):
    with pytest.raises(ValidationError):
        accepts(condition)
