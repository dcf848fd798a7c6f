"""Patterns of contracts, and characters that are wildcards elsewhere."""

import pytest
from pydantic import ValidationError

from tests.support.gate import contract, stage


def test_f64_a_pattern_that_would_take_for_ever_elsewhere_is_matched_at_once(tmp_path):
    """`(a+)+` backtracks without end in most engines; the gate's takes time in proportion to the text."""
    one = contract(
        "{name: id}", '{name: code, grammar: "(a+)+", maxLength: 100000}', file="{format: csv, refusedThreshold: 1}"
    )
    found = stage(tmp_path, one, f"id,code\n1,{'a' * 50_000}!\n2,{'a' * 50_000}\n")
    assert found.refused_lines == [(2, "grammar", "code")]
    assert found.profile["valid"] == 1


@pytest.mark.parametrize("pattern", ["(?=a)a", "(a)\\\\1", "(?<!a)b"])
def test_f64_what_needs_backtracking_is_no_pattern(pattern):
    with pytest.raises((ValidationError, ValueError)):
        contract("{name: id}", f'{{name: code, grammar: "{pattern}"}}')


def test_f64_wildcards_of_sql_are_characters(tmp_path):
    one = contract(
        "{name: id}",
        '{name: code, values: {"%": any, "_": one, "a.c": dot}}',
        file="{format: csv, refusedThreshold: 1}",
    )
    found = stage(tmp_path, one, "id,code\n1,%\n2,abc\n3,_\n4,x\n5,a.c\n")
    assert found.refused_lines == [(3, "domain", "code"), (5, "domain", "code")]
