"""Every row of the lists of faults and of edge cases has a test named after it, or says why it has none."""

import pytest

from tests.support.edge_rows import EDGES
from tests.support.fault_rows import FAULTS
from tests.support.listed_rows import Listing, Row

LISTINGS = [(FAULTS, 124), (EDGES, 45)]
EACH = [
    pytest.param(listing, row, id=f"{listing.letter.upper()}{row.number:02d}")
    for listing, _ in LISTINGS
    for row in listing.rows()
]
REASONS = ("later", "not applicable")


@pytest.mark.parametrize(("listing", "last"), LISTINGS, ids=["faults", "edge cases"])
def test_the_list_has_every_row_once(listing: Listing, last: int):
    assert sorted(row.number for row in listing.rows()) == list(range(1, last + 1))
    assert [row.number for row in listing.rows() if not row.scenario or not row.outcome] == []


@pytest.mark.parametrize(("listing", "row"), EACH)
def test_a_row_has_a_test_or_a_reason(listing: Listing, row: Row):
    name = f"{listing.letter.upper()}{row.number:02d}"
    found = listing.named_tests().get(row.number, [])
    if not row.without:
        assert found, f"no test is named after {name}"
    else:
        assert row.why in REASONS, row.without
        assert len(row.reason) > 20, f"{name} does not say why it has no test"
        assert found == [], f"{name} has a test now; take its reason out"


@pytest.mark.parametrize(("listing", "last"), LISTINGS, ids=["faults", "edge cases"])
def test_no_test_is_named_after_a_row_that_does_not_exist(listing: Listing, last: int):
    assert {n for n in listing.named_tests() if not 1 <= n <= last} == set()


def test_names_are_read_as_they_are_meant():
    assert FAULTS.numbers_in("test_f20_f22_columns") == {20, 22}
    assert FAULTS.numbers_in("test_f70_to_f73_a_file") == {70, 71, 72, 73}
    assert FAULTS.numbers_in("test_a_killed_run_f105") == {105}
    assert FAULTS.numbers_in("test_of_24_files") == FAULTS.numbers_in("test_fine_f2_x") == set()
    assert EDGES.numbers_in("test_f88_e16_one_person") == {16}
    assert EDGES.numbers_in("test_e2e_the_end") == EDGES.numbers_in("test_the_e16th") == set()
