"""Models and macros are written in SQL that DuckDB and Spark both understand, and mean the same by, but for cross_db.

Whether both engines then give the same rows is what `make test-spark` finds out; this needs no Spark.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkwork.settings import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_project"
CROSS_DB = PROJECT / "macros" / "cross_db"
# Each was tried on Spark 4.3 and is refused there. What both know is not here: `::`, `qualify`, `filter (where …)`,
# `group by all`, `bool_or`, `count_if`, `max_by`, `string_agg` without an order, `try_cast`, `median`, `listagg`.
REFUSED = {
    "functions of lists": r"\b(?:list_\w+|list|unnest|generate_series|array_to_string|string_split)\(",
    "structs": r"\bstruct_pack\(|\brow\(",
    "functions of time": r"\b(?:strftime|strptime|epoch(?:_\w+)?|isodow|timezone|to_days|week)\(|\bat time zone\b",
    "a part of a date as text": r"\b(?:date_diff|datediff|date_sub|date_add)\(\s*'",
    "patterns": r"\bregexp_(?:matches|full_match)\(|\bsimilar to\b|\bstarts_with\(",
    "aggregates": r"\b(?:arg_(?:max|min)\w*|quantile\w*)\(|\bstring_agg\([^()]*\border by\b",
    "types": r"\bas (?:varchar|text|timestamptz|timestamp with time zone|hugeint|u\w*int)\s*[),]",
    "columns by exception": r"\*\s*(?:exclude|replace)\b|\bcolumns\(|\bdistinct on\b|\bby name\b",
    "whole-number division": r"//",
    "functions of numbers": r"\b(?:gamma|lgamma|erf)\(|\btrunc\([^,()]*\)",
}
# Both engines take these, and mean something else.
OF_TWO_MEANINGS = {
    "log: to base 10 on DuckDB, natural on Spark; write ln or log10": r"\blog\(",
    "concat: a null is nothing on DuckDB, makes all null on Spark; write ||": r"\bconcat\(",
    "dayofweek: from 0 on DuckDB, from 1 on Spark; use the macro weekday": r"\bdayofweek\(",
    "size of a list that is null; use the macro list_length": r"\bsize\(",
    "an escape by backslash, which Spark takes for the beginning of an escape": r"escape '\\'",
}
RULES = REFUSED | OF_TWO_MEANINGS
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
MACRO_CALL = re.compile(r"\{\{-?\s*(?:linkwork\.)?\w+\(")


def sources() -> Iterator[Path]:
    for folder in ("models", "macros", "tests"):
        yield from (p for p in sorted((PROJECT / folder).rglob("*.sql")) if CROSS_DB not in p.parents)


def offences(sql: str) -> set[str]:
    code = MACRO_CALL.sub("", COMMENT.sub("", sql))
    return {name for name, pattern in RULES.items() if re.search(pattern, code, re.IGNORECASE)}


def test_models_and_macros_are_understood_by_both_engines() -> None:
    found = {str(p.relative_to(PROJECT)): offences(p.read_text()) for p in sources()}
    assert len(found) > 100
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("select unnest(items) from x", "functions of lists"),
        ("select list(a order by b) from x", "functions of lists"),
        ("select struct_pack(a := 1)", "structs"),
        ("select ts at time zone 'UTC' from x", "functions of time"),
        ("select date_diff('day', a, b) from x", "a part of a date as text"),
        ("select regexp_full_match(a, 'x') from x", "patterns"),
        ("select arg_max(a, b) from x", "aggregates"),
        ("select string_agg(a, ',' order by b) from x", "aggregates"),
        ("select cast(a as varchar) from x", "types"),
        ("select * exclude (a) from x", "columns by exception"),
        ("select a // 2 from x", "whole-number division"),
        ("select trunc(a) from x", "functions of numbers"),
    ],
)
def test_what_only_duckdb_knows_is_found(sql: str, rule: str) -> None:
    assert offences(sql) == {rule}


@pytest.mark.parametrize(
    "sql",
    [
        "select a::int, max_by(a, b), bool_or(a), count(*) filter (where a > 1) from x group by all",
        "select {{ list_length('items') }}, {{ days_between('a', 'b') }} from x -- unnest(items)",
        "select ln(a), log10(a), date_trunc('month', d), concat_ws(',', a, b), trunc(d, 'month') from x",
        "{#- list(a) -#} select cast(a as string), ref('stg_reference__list_sizes') from x qualify true",
    ],
)
def test_what_both_know_is_not(sql: str) -> None:
    assert offences(sql) == set()


def test_every_macro_of_cross_db_is_there_for_both() -> None:
    """But for what overrides dbt-spark's own macros, which DuckDB's adapter does better."""
    text = "".join(path.read_text() for path in CROSS_DB.glob("*.sql"))
    dispatched = set(re.findall(r"adapter\.dispatch\('(\w+)', 'linkwork'\)", text))
    assert dispatched
    for engine in ("duckdb", "spark"):
        assert dispatched <= set(re.findall(rf"macro {engine}__(\w+)\(", text)), engine
