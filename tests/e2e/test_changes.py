"""A practice that changes its system: what became of its records, good and bad, against what the truth says."""

import csv
from collections import Counter
from collections.abc import Callable

import pytest

from simulator.senders.faults import OF_LINES
from tests.support import injected
from tests.support.delivery import take
from tests.support.installation import Installation

MIGRATED = "Z90004"
FEED = "gp_appointments_tpp_csv"  # in which most kinds of faults can be


@pytest.fixture(scope="module")
def changed(install: Callable[[str], Installation]) -> Installation:
    made = install("changed")
    said = ["--preset", "pcn", "--people", "1500", "--seed", "7", "--mess", "1", "--feeds", f"{MIGRATED}={FEED}"]
    made.run("simulate", *said, "--out", "region")
    made.run("reference", "load", "--all", "region/reference")
    take(made, "region/landing")
    return made


def of_new_system(made: Installation) -> tuple[str, list[dict[str, str]]]:
    """The newest file of the practice, which the new system sent, and the faults in it."""
    files = [
        load["file_name"] for load in made.json("load", "list") if (load["feed"], load["sender"]) == (FEED, MIGRATED)
    ]
    newest = max(name for name in files if "_again" not in name and "_resent" not in name)
    with (made.folder / "region" / "truth" / "practices.csv").open(encoding="utf-8") as file:
        (since,) = (row["next_system_from"] for row in csv.DictReader(file) if row["practice_code"] == MIGRATED)
    assert newest.partition("_")[2] > since
    return newest, [
        fault for fault in injected.noted(made, "region") if (fault["sender"], fault["file"]) == (MIGRATED, newest)
    ]


def test_every_fault_in_a_region_that_changes_meets_its_fate(changed: Installation):
    assert injected.unmet(changed, "region") == []


def test_what_the_new_system_sends_again_is_skipped_with_its_faults_and_the_rest_is_not(changed: Installation):
    newest, faults = of_new_system(changed)
    skipped = {fault["kind"] for fault in faults if fault["expected_fate"] == "skipped"}
    assert {"invalid_nhs_number", "unknown_word", "impossible_date", "skipped_hour", "repeated_hour"} <= skipped
    assert "duplicate_line" in skipped
    assert skipped & OF_LINES <= {"blank_line"}
    (load,) = (
        load for load in changed.json("load", "list") if (load["sender"], load["file_name"]) == (MIGRATED, newest)
    )
    fates = Counter(fault["expected_fate"] for fault in faults)
    assert fates["quarantined"] > 0
    assert (load["quarantined"], load["duplicate"]) == (fates["quarantined"], fates["duplicate"])
    assert load["skipped"] > load["accepted"] > 0
