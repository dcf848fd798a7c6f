"""The conditions a contract may state, and the SQL they become.

A condition is one of
    {present: field}                        {absent: field}
    {in: {field: [values]}}                 {not_in: {field: [values]}}
    {matches: {field: pattern}}             true where the whole text has the pattern's form (RE2)
    {not_before: [later, earlier]}          true where either is empty
    {not_before_date: {field: 1900-01-01}}  true where the field is empty
    {instrument_items: [instrument, items]}             true unless an answer is none the instrument has
    {instrument_all_items: [instrument, items]}         true unless items are left out, or there are more than it has
    {instrument_score: [instrument, score]}             true unless a score lies outside its instrument's limits
    {instrument_unit: [instrument, value, unit]}        true unless a quantity comes in a unit it is not measured in
    {instrument_value: [instrument, value, unit]}       true unless a quantity is not plausible
    {all: [conditions]}  {any: [conditions]}  {not: condition}
Fields are the contract's own names, values are bound as literals through the one quoting helper.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator

from ingestion import measures
from linkwork import engine

COARSE = ("'day'", "'month'", "'year'")
# The conditions that take several fields, and what each of these is.
FIELDS = {"not_before": ("later", "earlier"), **measures.CHECKS}
LEAVES = ("present", "absent", "in", "not_in", "matches", "not_before_date", *FIELDS)


class Time(NamedTuple):
    """How a field holds a date or time: with a zone or not, and the SQL of its precision."""

    zoned: bool
    precision: str


NO_TIMES: Mapping[str, Time] = {}


def _check(value: Any) -> Any:
    _visit(value)
    return value


Condition = Annotated[dict[str, Any], BeforeValidator(_check)]


def columns_of(condition: dict[str, Any] | None) -> set[str]:
    """The fields a condition speaks of."""
    return _visit(condition) if condition else set()


def to_sql(condition: dict[str, Any] | None, instants: Mapping[str, Time] = NO_TIMES) -> str:
    """A SQL boolean that is never null. `instants` are the contract's dates and times: those with a zone are compared
    with dates by the local calendar of England, and two are compared as exactly as the less exact of them is."""
    if condition is None:
        return "true"
    ((word, body),) = condition.items()
    if word in ("all", "any"):
        return "(" + (" and " if word == "all" else " or ").join(to_sql(c, instants) for c in body) + ")"
    if word == "not":
        return f"(not {to_sql(body, instants)})"
    if word in ("present", "absent"):
        return f"({engine.name(body)} is {'not ' if word == 'present' else ''}null)"
    if word == "not_before":
        later, earlier = (_as_exact_as(c, body, instants) for c in body)
        return f"coalesce({later} >= {earlier}, true)"
    if word in measures.CHECKS:
        return measures.condition(word, body)
    ((column, operand),) = body.items()
    if word == "not_before_date":
        return f"coalesce({local(column, instants)}::date >= {engine.text(operand)}::date, true)"
    if word == "matches":
        return f"coalesce(regexp_full_match({engine.name(column)}::varchar, {engine.text(operand)}), false)"
    values = ", ".join(engine.text(said(v)) for v in operand)
    found = f"coalesce({engine.name(column)}::varchar in ({values}), false)"
    return found if word == "in" else f"(not {found})"


def said(value: Any) -> str:
    """A listed value as a field holds it: YAML's `true` is the text that a boolean becomes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_exact_as(column: str, both: list[str], instants: Mapping[str, Time]) -> str:
    """A field's local time, cut down to the day, month or year where either of the two is no more exact than that."""
    value = local(column, instants)
    for exact in dict.fromkeys(instants[c].precision for c in both if c in instants):
        if exact in ("'second'", "'minute'"):
            continue
        part = (
            exact if exact in COARSE else f"case when {exact} in ({', '.join(COARSE)}) then {exact} else 'second' end"
        )
        value = f"date_trunc({part}, {value})"
    return value


def local(column: str, instants: Mapping[str, Time]) -> str:
    """SQL of a field's time as the clocks in England show it; a day, month or year is that of the text."""
    time = instants.get(column)
    if time is None or not time.zoned:
        return f"{engine.name(column)}::timestamp"
    london = f"({engine.name(column)} at time zone 'Europe/London')"
    if time.precision in ("'second'", "'minute'"):
        return london
    coarse = f"({engine.name(column)} at time zone 'UTC')"  # what has no time of day is never shifted
    return f"case when {time.precision} in ({', '.join(COARSE)}) then {coarse} else {london} end"


def _visit(condition: Any) -> set[str]:
    if not isinstance(condition, dict) or len(condition) != 1:
        raise ValueError("a condition has exactly one key")
    ((word, body),) = condition.items()
    if word in ("all", "any"):
        if not isinstance(body, list) or not body:
            raise ValueError(f"{word} takes a list of conditions")
        return set().union(*(_visit(c) for c in body))
    if word == "not":
        return _visit(body)
    if word not in LEAVES:
        raise ValueError(f"unknown condition {word}, known are {', '.join((*LEAVES, 'all', 'any', 'not'))}")
    if word in ("present", "absent"):
        return {_field(body)}
    if word in FIELDS:
        if not isinstance(body, list) or len(body) != len(FIELDS[word]):
            raise ValueError(f"{word} takes the fields {', '.join(FIELDS[word])}")
        return {_field(c) for c in body}
    if not isinstance(body, dict) or len(body) != 1:
        raise ValueError(f"{word} takes one field")
    ((column, operand),) = body.items()
    _check_operand(word, operand)
    return {_field(column)}


def _check_operand(word: str, operand: Any) -> None:
    if word == "not_before_date" and not isinstance(operand, date):
        raise ValueError("not_before_date takes a date")
    if word in ("in", "not_in") and (not isinstance(operand, list) or not operand):
        raise ValueError(f"{word} takes a list of values")
    if word == "matches":
        if not isinstance(operand, str):
            raise ValueError("matches takes a pattern")
        pc.match_substring_regex(pa.array([""]), operand)  # RE2, which knows no look-around and cannot be made slow


def _field(value: Any) -> str:
    if not isinstance(value, str) or not engine.IDENTIFIER.fullmatch(value):
        raise ValueError(f"not a field name: {value!r}")
    return value
