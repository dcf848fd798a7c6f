"""Killed, or failed by the disk, at any step: the next run completes it; nothing is lost, doubled or left over."""

import signal

import pytest

from linkwork.log.failpoints import POINTS, RECOVERY_POINTS, TABLES
from linkwork.log.store import Store
from linkwork.log.table import FIRST
from linkwork.log.verify import verify
from tests.support.crash import assert_nothing_is_left, content, copy_of, ingest_all, run
from tests.support.log import at, csv_text, day, deliver, ingest, make_home

NUMBER, OTHER = "9990000018", "9990000026"
FAILED = 1

# Right after these comes an fsync; everywhere else a write.
BEFORE_FSYNC = {f"{table}-{step}" for table in TABLES for step in ("written", "committed")}

# A sealed file is written by the gate, for what the register refused, and for the file as received.
TIMES = {"sealing": 3}
CASES = [f"{point}:{{}}:{nth}" for point in POINTS for nth in range(1, TIMES.get(point, 1) + 1)]

AFTER_EVENTS = [p for p in POINTS[POINTS.index("carried-out") :] if p not in ("ledger-recorded", "sealed")]

# Where a first run is killed, so that the next finds a commit to finish, or a batch and files to discard.
TO_FINISH, TO_DISCARD, TO_SWEEP = "events-committed:kill", "plan-written:kill", "loads-placed:kill"
RECOVERIES = [
    *((TO_FINISH, f"{table}-committed:kill") for table in TABLES[1:]),
    *((TO_FINISH, f"{point}:kill") for point in AFTER_EVENTS),
    (TO_FINISH, "recovering:kill"),
    (TO_DISCARD, "plan-discarded:kill"),
    (TO_DISCARD, "batch-done:kill"),
    (TO_SWEEP, "sweeping:kill"),
    (TO_SWEEP, "sweeping:EIO:2"),
]


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """A home whose log has one commit, and a file that has something of everything: it restates, contradicts, adds."""
    settings = make_home(tmp_path_factory.mktemp("waiting"))
    first = [{"id": i, "nhs_number": NUMBER, "received": day(1), "at": at(1)} for i in "abc"]
    deliver(settings, "1.csv", csv_text(first))
    ingest(settings)
    second = [
        {"id": "a", "nhs_number": NUMBER, "received": day(2), "closed": day(9), "at": at(2)},
        {"id": "b", "nhs_number": NUMBER, "received": day(3), "at": at(1)},
        {"id": "c", "nhs_number": OTHER, "received": day(4), "at": at(2)},
        {"id": "d", "nhs_number": OTHER, "received": "2025-02-30", "at": at(2)},
        {"id": "e", "nhs_number": OTHER, "received": day(5), "at": at(2)},
    ]
    deliver(settings, "2.csv", csv_text(second))
    return settings


@pytest.fixture(scope="module")
def expected(waiting, tmp_path_factory):
    settings = copy_of(waiting, tmp_path_factory.mktemp("clean"))
    ingest(settings)
    found = content(settings)
    assert [len(found[table]) for table in TABLES if table != "register"] == [7, 2, 3, 2]
    assert len({record_key for record_key, *_ in found["register"]}) == 4
    assert {name: len(kept) for name, kept in found["refused text"].items()} == {"2.csv": 3}
    assert (len(found["received"]), found["landing"]) == (2, [])
    return found


@pytest.mark.parametrize("case", CASES)
def test_f02_the_next_run_completes_what_a_kill_cut_off(waiting, expected, tmp_path, case):
    settings = copy_of(waiting, tmp_path)
    assert run(ingest_all, tmp_path, fail_at=case.format("kill")) == -signal.SIGKILL
    ingest(settings)
    assert content(settings) == expected
    assert_nothing_is_left(settings)


@pytest.mark.parametrize("case", CASES)
def test_f11_the_next_run_completes_what_a_failing_disk_cut_off(waiting, expected, tmp_path, case):
    settings = copy_of(waiting, tmp_path)
    error = "EIO" if case.split(":")[0] in BEFORE_FSYNC else "ENOSPC"
    assert run(ingest_all, tmp_path, fail_at=case.format(error)) == FAILED
    assert "OSError: [Errno" in (tmp_path / "stderr.txt").read_text()
    ingest(settings)
    assert content(settings) == expected
    assert_nothing_is_left(settings)


@pytest.mark.parametrize(("first", "second"), RECOVERIES)
def test_a_recovery_that_is_cut_off_is_completed_too(waiting, expected, tmp_path, first, second):
    settings = copy_of(waiting, tmp_path)
    assert run(ingest_all, tmp_path, fail_at=first) == -signal.SIGKILL
    assert run(ingest_all, tmp_path, fail_at=second) == (-signal.SIGKILL if ":kill" in second else FAILED)
    ingest(settings)
    assert content(settings) == expected
    assert_nothing_is_left(settings)


def test_every_recovery_point_is_tested():
    assert set(RECOVERY_POINTS) <= {second.split(":")[0] for _, second in RECOVERIES}


HALF = {"_commit_1b4e28ba.json.tmp": '{"protocol":{"minReader'}


@pytest.mark.parametrize("left", [{}, HALF, {FIRST: ""}], ids=["folder", "half-commit", "power-cut"])
@pytest.mark.parametrize("table", TABLES)
def test_f01_a_table_whose_creation_was_cut_off_is_created(tmp_path, table, left):
    settings = make_home(tmp_path)
    begun = settings.log_dir / table / "_delta_log"
    begun.mkdir(parents=True)
    for name, text in left.items():
        (begun / name).write_text(text)
    assert verify(Store(settings.log_dir)).problems == []
    deliver(settings, "1.csv", csv_text([{"id": "a", "nhs_number": NUMBER, "received": day(1), "at": at(1)}]))
    ingest(settings)
    assert (Store(settings.log_dir).position(), verify(Store(settings.log_dir)).problems) == (1, [])
