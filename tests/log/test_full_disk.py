"""No room in the middle of a real write: the message says so, and with room the next run completes."""

import os
import resource
import sys

import pytest
import typer

from linkwork.cli.output import command
from linkwork.errors import EXIT_BUSY
from linkwork.log import table
from linkwork.log.store import Store
from tests.support.crash import assert_nothing_is_left, content, copy_of, run
from tests.support.log import at, csv_text, day, deliver, ingest, make_home

NUMBER = "9990000018"
RECORDS = 3000
CHECKPOINT = 50  # delta-rs writes one with this many commits


@command
def ingest_command(settings):
    ingest(settings)


def ingest_with_small_files(settings, limit, since=""):
    """The job of a child: no file may grow beyond `limit` bytes, from the start or from the fail point `since` on.

    Writes then fail in the middle, whoever writes, as on a full disk.
    """

    def limited(point):
        if point == since:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    os.environ["LINKWORK_HOME"] = str(settings.home)
    table.reached = limited
    limited("")
    try:
        ingest_command(settings)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """A home whose log has a commit, and a second file with as many restated, contradicting and wrong records."""
    settings = make_home(tmp_path_factory.mktemp("waiting"))

    def record(n, **said):
        return {"id": f"r{n}", "nhs_number": NUMBER, "at": at(1), **said}

    deliver(settings, "1.csv", csv_text([record(n, received=day(1 + n % 28)) for n in range(RECORDS)]))
    ingest(settings)
    kinds = [
        {"received": day(30), "at": at(2)},
        {"received": day(31)},
        {"received": "2025-02-30", "at": at(2)},
    ]
    deliver(settings, "2.csv", csv_text([record(n, **kinds[n % 3]) for n in range(RECORDS)]))
    return settings


@pytest.fixture(scope="module")
def expected(waiting, tmp_path_factory):
    settings = copy_of(waiting, tmp_path_factory.mktemp("clean"))
    ingest(settings)
    return content(settings)


def cut_off(settings, *limits):
    """Run the child that meets these limits; how it ended and what it told a person."""
    ended = run(ingest_with_small_files, settings.home.parent, *limits)
    return ended, (settings.home.parent / "stderr.txt").read_text()


def assert_said(ended, said, settings):
    assert ended == EXIT_BUSY
    assert said.startswith(f"error: there is no room to write ({settings.home}")
    assert "bytes free. make room, then run the same command again" in said
    assert said.count("\n") == 1
    assert NUMBER not in said


# In the first block of the staged records and in the midst of them, of the refused text, of a segment.
@pytest.mark.parametrize("limit", [1000, 10_000, 64_000, 96_000])
def test_f07_the_next_run_with_room_completes_it(waiting, expected, tmp_path, limit):
    settings = copy_of(waiting, tmp_path)
    assert_said(*cut_off(settings, limit), settings)
    ingest(settings)
    assert content(settings) == expected
    assert_nothing_is_left(settings)


@pytest.mark.parametrize("table", ["events", "register", "quarantine"])
def test_f08_a_commit_that_found_no_room_is_completed(waiting, expected, tmp_path, table):
    settings = copy_of(waiting, tmp_path)
    assert_said(*cut_off(settings, 300, f"{table}-committing"), settings)
    ingest(settings)
    assert content(settings) == expected
    assert_nothing_is_left(settings)


def test_a_commit_whose_checkpoint_found_no_room_is_completed_not_repeated(waiting, expected, tmp_path):
    settings = copy_of(waiting, tmp_path)
    store = Store(settings.log_dir).refresh()
    while store.events.version < CHECKPOINT - 2:
        store.events.commit([], {"filler": store.events.version})
    assert_said(*cut_off(settings, 5000, "events-committing"), settings)
    assert store.refresh().events.version == CHECKPOINT - 1  # the commit itself had room
    ingest(settings)
    assert content(settings) == expected
    assert_nothing_is_left(settings)


def test_a_limit_that_is_not_reached_stops_nothing(waiting, expected, tmp_path):
    settings = copy_of(waiting, tmp_path)
    assert cut_off(settings, 2_000_000) == (0, "")
    assert content(settings) == expected
