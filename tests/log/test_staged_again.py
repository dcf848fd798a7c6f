"""A scheduler's second attempt to stage a sender: nothing of the first is taken for what lies there by then."""

import shutil
import signal

import pytest

from ingestion import pipeline
from tests.support.crash import assert_nothing_is_left, content, copy_of, run
from tests.support.log import SENDER, add_sender, at, csv_text, day, deliver, ingest, make_home, pass_all, rows

BATCH, OTHER = "again", "S2"


def file_of(id):
    """A file of a record that is taken and one that is refused."""
    right = {"id": id, "nhs_number": "9990000018", "received": day(1), "at": at(1)}
    return csv_text([right, {**right, "id": f"{id}2", "received": "2025-02-30"}])


def arrive(settings):
    """A file that sorts before all others; received when another was, so that homes do not differ by that."""
    shutil.copystat(settings.landing_dir / "test_state" / SENDER / "10.csv", deliver(settings, "01.csv", file_of("c")))


def stage(settings, sender=SENDER):
    """The job of a child."""
    pipeline.stage_sender(settings, BATCH, sender)


def commit(settings):
    """The job of a child."""
    pipeline.commit_batch(settings, BATCH)


@pytest.fixture
def home(tmp_path):
    """A home with an opened batch, in which the first file of two senders has a copy and another file follows."""
    settings = make_home(tmp_path / "home", threads=1)
    add_sender(settings, OTHER, ["test_state"])
    for sender, ids in ((SENDER, "ab"), (OTHER, "xy")):
        more = "" if sender == SENDER else "_of_another"
        for name, id in zip(("04", "04_again", "10"), ids[0] + ids, strict=True):
            deliver(settings, f"{name}{more}.csv", file_of(id), sender=sender)
    pipeline.open_batch(settings, BATCH)
    return settings


@pytest.fixture
def expected(home, tmp_path):
    """What the log says where nothing was attempted twice; in both homes a file came that sorts before all others."""
    whole = copy_of(home, tmp_path / "whole")
    arrive(whole)
    ingest(whole)
    return content(whole)


@pytest.mark.parametrize("point", ["file-read:kill:2", "file-staged:kill:1", "file-staged:kill:2"])
def test_files_that_moved_in_the_list_since_a_killed_attempt_are_what_they_are(home, expected, point):
    stage(home, OTHER)
    assert run(stage, home.home.parent, fail_at=point) == -signal.SIGKILL
    arrive(home)
    stage(home)
    pass_all(home, BATCH)
    commit(home)
    assert content(home) == expected
    assert_nothing_is_left(home)


def test_a_verdict_on_the_first_attempt_is_none_on_the_second(home):
    stage(home)
    pass_all(home, BATCH)
    arrive(home)
    stage(home)
    commit(home)
    assert set(rows(home, "loads", "status, detail", "where file_name in ('01.csv', '10.csv')")) == {
        ("held", "The file was not judged.")
    }


@pytest.mark.parametrize("point", ["plan-written:kill", "events-committed:kill", "ledger-recorded:kill"])
def test_a_commit_that_was_cut_off_is_finished_although_its_files_are_staged_again(home, expected, point):
    arrive(home)
    for sender in (OTHER, SENDER):
        stage(home, sender)
    pass_all(home, BATCH)
    assert run(commit, home.home.parent, fail_at=point) == -signal.SIGKILL
    stage(home)
    if point.startswith("plan"):
        pass_all(home, BATCH)
    commit(home)
    ingest(home)  # the next run takes away copies that a finished commit leaves in the landing folder
    assert content(home) == expected
    assert_nothing_is_left(home)
