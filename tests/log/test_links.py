"""A record goes on under the number its person keeps, as long as a link says that the two numbers are one person's."""

import pytest

from tests.support.faults import use_installed
from tests.support.log import add_sender, at, csv_text, day, deliver, effective, ingest, rows

RETIRED, KEPT, OTHER = "9990000018", "9990000026", "9990000034"
HEADER = "link_id,retired_nhs_number,kept_nhs_number,status,effective_on,recorded_at"


@pytest.fixture
def linked(home):
    """A record of somebody whose number was retired, and the feed that says so."""
    use_installed(home, "person_links_csv")
    add_sender(home, "REGION", ["person_links_csv"])
    state(home, "1.csv", RETIRED, day(1), 1)
    link(home, "link_1.csv", "merged", 2)
    return home


def state(home, name, nhs, received, when):
    row = {"id": "a", "nhs_number": nhs, "received": received, "closed": "", "at": at(when)}
    deliver(home, name, csv_text([row]))
    return ingest(home)


def link(home, name, status, when, retired=RETIRED, kept=KEPT):
    line = f"L1,{retired},{kept},{status},{day(when)},{at(when)}"
    deliver(home, name, f"{HEADER}\n{line}\n", feed="person_links_csv", sender="REGION")
    return ingest(home)


def test_a_record_goes_on_under_the_number_that_is_kept(linked):
    assert state(linked, "2.csv", KEPT, day(5), 5)["events"] == 1
    assert effective(linked)[("a", "received")] == day(5)
    assert rows(linked, "quarantine", "rule") == []


def test_and_under_the_number_that_was_retired_too(linked):
    state(linked, "2.csv", KEPT, day(5), 5)
    assert state(linked, "3.csv", RETIRED, day(6), 6)["events"] == 1
    assert rows(linked, "quarantine", "rule") == []


def test_a_third_person_is_another_person_still(linked):
    state(linked, "2.csv", OTHER, day(5), 5)
    assert effective(linked)[("a", "received")] == day(1)
    assert rows(linked, "quarantine", "rule") == [("other_person",)]


def test_once_the_link_is_taken_back_the_other_number_is_another_person(linked):
    link(linked, "link_2.csv", "unmerged", 4)
    state(linked, "2.csv", KEPT, day(5), 5)
    assert effective(linked)[("a", "received")] == day(1)
    assert rows(linked, "quarantine", "rule") == [("other_person",)]


def test_a_chain_of_links_is_one_person(linked):
    deliver(
        linked,
        "link_2.csv",
        f"{HEADER}\nL2,{KEPT},{OTHER},merged,{day(3)},{at(3)}\n",
        feed="person_links_csv",
        sender="REGION",
    )
    ingest(linked)
    assert state(linked, "2.csv", OTHER, day(5), 5)["events"] == 1
    assert effective(linked)[("a", "received")] == day(5)
