"""F103: an erasure that is cut off anywhere ends, once resumed, like one that never was."""

import signal

import pytest

from ingestion import erase
from linkwork import warehouse
from linkwork.errors import BusyError
from linkwork.log.failpoints import ERASURE_POINTS, TABLE_STEPS, TABLES
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import orders
from tests.support.log import ingest, rows
from tests.support.people import ANNA, copy_of, events, in_few_files, received, search

# The points that an erasure passes, in the order in which it first does.
WRITING = [f"{table}-{step}" for table in ("events", "register", "loads", "quarantine", "operations")
           for step in TABLE_STEPS[:3]]  # fmt: skip
COMMITTING = [f"{table}-{step}" for table in TABLES for step in ("committing", "committed")]
BEFORE = ["erasure-sealed", "erasure-tombstones", "erasure-zone1"]
AFTER = [point for point in ERASURE_POINTS if point not in BEFORE]
IN_TURN = [*BEFORE, "in-step", *WRITING, "plan-written", *COMMITTING, "carried-out", *AFTER]
# A table that was committed is not committed again: what comes after has to be the first cut.
ALONE = ["erasure-tombstones", "plan-written", *(f"{table}-durable" for table in TABLES), "erasure-scrub"]


@pytest.fixture(scope="module")
def populated(tmp_path_factory):
    return in_few_files(tmp_path_factory.mktemp("few") / "whole")


@pytest.fixture
def people(populated, tmp_path):
    return copy_of(populated, tmp_path / "copy")


def outcome(home):
    """Everything an erasure leaves, but for ids and times of its own."""
    return {
        "events": events(home),
        "register": rows(home, "register", "record_key, subject_key, asserted_at, row_hash", "order by all"),
        "loads": rows(home, "loads", "load_id, file_name, status, events", "order by all"),
        "quarantine": rows(home, "quarantine", "load_id, file_name, source_line, rule", "order by all"),
        "tombstones": rows(home, "tombstones", "kind, tombstone", "order by all"),
        "receipts": rows(
            home,
            "erasures",
            "reason, pseudonyms, events, register_rows, raw_records, files_removed, unlinked_senders, not_cleaned",
        ),
        "operations": rows(home, "operations", "command, target, reason", "where command = 'erase'"),
        "received": received(home),
        "files": sorted(
            str(p.relative_to(home.home))
            for name in ("landing", "quality", "airflow", "staging", "releases", "warehouse", "restricted")
            for p in (home.home / name).rglob("*")
            if p.is_file()
        ),
        "found": (search(home).hits, search(home).unreadable),
        "problems": verify(Store(home.log_dir)).problems,
        "orders": orders.unfinished(home),
    }


@pytest.fixture(scope="module")
def expected(populated, tmp_path_factory):
    home = copy_of(populated, tmp_path_factory.mktemp("whole") / "copy")
    erase.erase_person(home, [ANNA], [], "asked for")
    found = outcome(home)
    assert (found["found"], found["problems"], found["orders"]) == (([], []), [], [])
    return found


@pytest.mark.parametrize("point", ALONE)
def test_killed_once_and_resumed(people, kill, expected, point):
    assert kill(people, "erase", f"{point}:kill") == -signal.SIGKILL
    with pytest.raises(BusyError, match="an erasure is not finished"):
        warehouse.build(people)
    assert len(erase.resume(people)) == 1
    assert outcome(people) == expected


def test_f103_killed_at_every_point_in_turn(people, kill, expected):
    """Resumed and killed again, again and again: each time a little further on."""
    command = "erase"
    for point in IN_TURN:
        assert kill(people, command, f"{point}:kill") == -signal.SIGKILL, point
        command = "resume"
    assert len(erase.resume(people)) == 1
    assert outcome(people) == expected


def test_the_disk_is_full_and_then_is_not(people, kill, expected):
    assert kill(people, "erase", "events-written:ENOSPC") == 1
    assert len(erase.resume(people)) == 1
    assert outcome(people) == expected


def test_killed_while_its_order_is_sealed_again(people, kill, expected):
    assert kill(people, "erase", "sealing:kill:2") == -signal.SIGKILL
    assert list(orders.folder(people).glob(".*")), "the kill must leave a half order"
    assert len(erase.resume(people)) == 1
    assert outcome(people) == expected


def test_the_next_ingest_resumes_it(people, kill, expected):
    assert kill(people, "erase", "events-committed:kill") == -signal.SIGKILL
    for waiting in people.landing_dir.rglob("*.csv"):
        waiting.unlink()
    ingest(people)
    found = outcome(people)
    assert found["orders"] == []
    assert found["events"] == expected["events"]
    assert (found["found"], found["problems"], found["operations"]) == (([], []), [], expected["operations"])
