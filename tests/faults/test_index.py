"""Every row of the list of faults has a test named after it, or says why it has none."""

import pytest

from tests.support.fault_rows import Row, named_tests, numbers_in, rows

FIRST, LAST = 1, 124
REASONS = ("later", "not applicable")


def test_the_list_has_every_row_once_and_in_order():
    assert [row.number for row in rows()] == list(range(FIRST, LAST + 1))
    assert [row.number for row in rows() if not row.scenario or not row.outcome] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"F{row.number:02d}")
def test_a_row_has_a_test_or_a_reason(row: Row):
    found = named_tests().get(row.number, [])
    if not row.without:
        assert found, f"no test is named after F{row.number:02d}"
    else:
        assert row.why in REASONS, row.without
        assert len(row.reason) > 20, f"F{row.number:02d} does not say why it has no test"
        assert found == [], f"F{row.number:02d} has a test now; take its reason out"


def test_no_test_is_named_after_a_row_that_does_not_exist():
    assert {n for n in named_tests() if not FIRST <= n <= LAST} == set()


def test_names_are_read_as_they_are_meant():
    assert numbers_in("test_f20_f22_columns") == {20, 22}
    assert numbers_in("test_f70_to_f73_a_file") == {70, 71, 72, 73}
    assert numbers_in("test_a_killed_run_f105") == {105}
    assert numbers_in("test_of_24_files") == numbers_in("test_fine_f2_x") == set()
