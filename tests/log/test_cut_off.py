"""A commit of Delta that the power cut off is named, taken away and made again; one that was finished stays."""

import signal

import pytest

from ingestion.upkeep import repair
from linkwork.errors import BadDataError
from linkwork.log import cut_off
from linkwork.log.failpoints import REPAIR_POINTS, TABLES
from linkwork.log.repair import ASIDE, NOTE
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.cli import commands
from tests.support.crash import assert_nothing_is_left, content, copy_of, ingest_all, run
from tests.support.log import at, csv_text, day, deliver, ingest, make_home, rows

NUMBER = "9990000018"
# How much of a commit's bytes the power left.
LEFT = {
    "nothing": lambda text: b"",
    "half": lambda text: text[: len(text) // 2],
    "zeros": lambda text: bytes(len(text)),
}


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """A home whose log has one commit, and a second file to take."""
    home = make_home(tmp_path_factory.mktemp("waiting"))
    deliver(home, "1.csv", csv_text([{"id": "a", "nhs_number": NUMBER, "received": day(1), "at": at(1)}]))
    ingest(home)
    second = [{"id": id, "nhs_number": NUMBER, "received": day(2), "at": at(2)} for id in "ab"]
    deliver(home, "2.csv", csv_text([*second, {"id": "c", "received": "never", "at": at(2)}]))
    return home


@pytest.fixture(scope="module")
def expected(waiting, tmp_path_factory):
    home = copy_of(waiting, tmp_path_factory.mktemp("clean"))
    ingest(home)
    return content(home)


def cut(home, table, left):
    """Leave only a part of the newest commit of a table; returns its path."""
    (commit,) = sorted((home.log_dir / table / "_delta_log").glob("*.json"))[-1:]
    commit.write_bytes(LEFT[left](commit.read_bytes()))
    return commit


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("table", TABLES)
def test_the_power_cuts_a_commit_off_before_it_is_durable(waiting, expected, tmp_path, table, left):
    home = copy_of(waiting, tmp_path)
    assert run(ingest_all, tmp_path, fail_at=f"{table}-committed:kill") == -signal.SIGKILL
    torn = cut(home, table, left)
    if left != "nothing":  # Delta takes an empty commit for one that did nothing, which is as well
        with pytest.raises(BadDataError, match=f"{torn.name} is not whole. run `linkwork log repair`"):
            ingest(home)
    assert repair(home) == {"removed": [str(torn.relative_to(home.log_dir))], "problems": []}
    ingest(home)
    assert {**content(home), "operations": None} == {**expected, "operations": None}
    assert rows(home, "operations", "outcome", "where command = 'log repair'") == [
        (f"removed {torn.relative_to(home.log_dir)}",)
    ]
    assert_nothing_is_left(home)


def test_an_empty_commit_does_not_need_to_be_repaired(waiting, expected, tmp_path):
    home = copy_of(waiting, tmp_path)
    assert run(ingest_all, tmp_path, fail_at="events-committed:kill") == -signal.SIGKILL
    cut(home, "events", "nothing")
    ingest(home)
    assert content(home) == expected
    assert verify(Store(home.log_dir)).problems == []


@pytest.mark.parametrize("left", ["half", "gone"])
def test_a_finished_commit_that_is_damaged_is_not_taken_for_one_that_never_happened(waiting, tmp_path, left):
    home = copy_of(waiting, tmp_path)
    ingest(home)
    before = set(home.log_dir.rglob("*.parquet"))
    (commit,) = sorted((home.log_dir / "events" / "_delta_log").glob("*.json"))[-1:]
    whole = commit.read_bytes()
    if left == "gone":
        commit.unlink()
    else:
        cut(home, "events", left)
    with pytest.raises(BadDataError, match="the register has followed it"):
        repair(home)
    deliver(home, "3.csv", csv_text([{"id": "d", "nhs_number": NUMBER, "received": day(3), "at": at(3)}]))
    with pytest.raises(BadDataError):
        ingest(home)
    assert set(home.log_dir.rglob("*.parquet")) == before
    commit.write_bytes(whole)
    ingest(home)
    assert verify(Store(home.log_dir)).problems == []


def test_verify_names_what_is_cut_off_and_what_is_gone(waiting, tmp_path):
    home = copy_of(waiting, tmp_path)
    ingest(home)
    torn = cut(home, "quarantine", "nothing")
    assert f"{torn} is not whole; `linkwork log repair` removes it" in verify(Store(home.log_dir)).problems
    events = sorted((home.log_dir / "events" / "_delta_log").glob("*.json"))[-1]
    events.unlink()
    gone = "a commit of events is gone that the register has followed; put it back from a copy"
    assert gone in verify(Store(home.log_dir)).problems


def test_a_lost_row_of_the_ledger_is_told_after_a_repair(waiting, tmp_path):
    home = copy_of(waiting, tmp_path)
    ingest(home)
    cut(home, "loads", "half")
    done = repair(home)
    assert len(done["removed"]) == 1
    assert [problem for problem in done["problems"] if "other events than its ledger row says" in problem]


def test_a_checkpoint_that_is_cut_off_goes_and_the_commits_before_it_are_read(waiting, tmp_path):
    home = copy_of(waiting, tmp_path)
    ingest(home)
    Store(home.log_dir).events.table.create_checkpoint()
    log = home.log_dir / "events" / "_delta_log"
    (checkpoint,) = log.glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(BadDataError, match=r"checkpoint\.parquet, _last_checkpoint is not whole"):
        Store(home.log_dir).refresh()
    assert repair(home)["problems"] == []
    assert not cut_off.parts(log)
    assert rows(home, "events", "count(*)") == [(3,)]


def test_a_killed_repair_is_repeated(waiting, expected, tmp_path):
    home = copy_of(waiting, tmp_path)
    assert run(ingest_all, tmp_path, fail_at="events-committed:kill") == -signal.SIGKILL
    torn = cut(home, "events", "half")
    for point in (REPAIR_POINTS[0], "operations-durable"):  # at the other it is done but for its note
        assert run(repair_all, tmp_path, fail_at=f"{point}:kill") == -signal.SIGKILL
    assert repair(home) == {"removed": [str(torn.relative_to(home.log_dir))], "problems": []}
    assert repair(home) == {"removed": [], "problems": []}
    ingest(home)
    assert {**content(home), "operations": None} == {**expected, "operations": None}
    assert len(rows(home, "operations", "1", "where command = 'log repair'")) == 1


@pytest.mark.parametrize("point", [*REPAIR_POINTS, "operations-durable"])
def test_a_killed_repair_that_is_not_repeated_is_put_on_record_by_the_next_command(
    waiting, tmp_path, monkeypatch, point
):
    home = copy_of(waiting, tmp_path)
    assert run(ingest_all, tmp_path, fail_at="events-committed:kill") == -signal.SIGKILL
    torn = cut(home, "events", "half")
    monkeypatch.setenv("LINKWORK_ACTOR", "who repaired")
    assert run(repair_all, tmp_path, fail_at=f"{point}:kill") == -signal.SIGKILL
    monkeypatch.setenv("LINKWORK_ACTOR", "who came next")
    ingest(home)
    said = rows(home, "operations", "outcome, actor", "where command = 'log repair'")
    assert said == [(f"removed {torn.relative_to(home.log_dir)}", "who repaired")]
    assert not (home.log_dir / ASIDE).exists()
    assert repair(home) == {"removed": [], "problems": []}


def test_what_an_earlier_version_put_aside_is_put_on_record(waiting, tmp_path, monkeypatch):
    """It left no note of who did so."""
    home = copy_of(waiting, tmp_path)
    assert run(ingest_all, tmp_path, fail_at="events-committed:kill") == -signal.SIGKILL
    torn = cut(home, "events", "half")
    assert run(repair_all, tmp_path, fail_at=f"{REPAIR_POINTS[0]}:kill") == -signal.SIGKILL
    (home.log_dir / ASIDE / NOTE).unlink()
    monkeypatch.setenv("LINKWORK_ACTOR", "who came next")
    ingest(home)
    said = rows(home, "operations", "outcome, actor", "where command = 'log repair'")
    assert said == [(f"removed {torn.relative_to(home.log_dir)}", "who came next")]
    assert not (home.log_dir / ASIDE).exists()


def test_the_command_says_what_it_did(waiting, tmp_path, monkeypatch, capfd):
    home = copy_of(waiting, tmp_path)
    linkwork = commands(home, monkeypatch, capfd)
    done = linkwork("log", "repair")
    assert (done.code, done.out) == (0, "removed: nothing\n")
    ingest(home)
    torn = cut(home, "operations", "half")
    assert linkwork("log", "verify").code == 65
    done = linkwork("log", "repair")
    assert (done.code, done.out) == (0, f"removed: {torn.relative_to(home.log_dir)}\n")
    assert linkwork("log", "verify").code == 0


def repair_all(settings):
    repair(settings)
