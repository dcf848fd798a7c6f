"""Files that are held or refused as a whole: a named decision ends it, and a corrected contract takes them."""

import json
import signal

import pytest

from ingestion import held, pipeline
from linkwork.errors import UsageError
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.cli import commands
from tests.support.faults import fates, good, lines, put
from tests.support.log import CONTRACT, add_sender, effective, ingest, make_home, rows
from tests.support.people import copy_of

VERDICT = {"success": False, "failed": [{"description": "The file is 90 times as large as the one before."}]}
CONTENT = lines(good("a"), good("b"))


def judged(home, batch_id=None):
    """One batch in which whatever is named held*.csv fails at the boundary landed; with an id, a scheduler's."""
    batch = pipeline.open_batch(home, batch_id)
    for sender in batch["senders"]:
        pipeline.stage_sender(home, batch["batch_id"], sender)
    folder = home.staging_dir / batch["batch_id"]
    profiles = [json.loads(path.read_text()) for path in folder.glob("*/profile.json")]
    good_one = {"success": True, "failed": []}
    verdicts = {p["load_id"]: VERDICT if p["file_name"].startswith("held") else good_one for p in profiles}
    (folder / "verdicts.json").write_text(json.dumps({"verdicts": verdicts}))
    return pipeline.commit_batch(home, batch["batch_id"])


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("held") / "whole")
    put(home, "held.csv", CONTENT)
    assert judged(home)["files"]["held"] == 1
    return home


@pytest.fixture
def home(waiting, tmp_path):
    return copy_of(waiting, tmp_path / "copy")


@pytest.fixture
def linkwork(home, monkeypatch, capfd):
    return commands(home, monkeypatch, capfd)


def load_of(home, status="held"):
    return rows(home, "loads", "load_id", f"where file_name = 'held.csv' and status = '{status}'")[0][0]


@pytest.mark.parametrize("by", ["load id", "name"])
@pytest.mark.parametrize("batch_id", [None, "scheduled__1"])
def test_a_released_file_is_taken_by_the_next_run_with_verdict_and_reason(home, by, batch_id, monkeypatch):
    monkeypatch.setenv("LINKWORK_ACTOR", "a data engineer")
    held.release(home, load_of(home) if by == "load id" else "held.csv", "the practice took over another's list")
    assert judged(home, batch_id)["files"] == {"committed": 1, "noop": 0, "held": 0, "refused": 0}
    found = fates(home)["held.csv"]
    assert (found.status, found.events) == ("committed", 2)
    assert found.detail.startswith("Released by a data engineer on 20")
    assert found.detail.endswith(
        "the practice took over another's list. It was held: The file is 90 times as large as the one before."
    )
    assert rows(home, "operations", "command, reason, actor", "where command = 'load release'") == [
        ("load release", "the practice took over another's list", "a data engineer")
    ]
    assert not list(home.landing_dir.rglob("*.csv"))
    assert verify(Store(home.log_dir)).problems == []


def test_a_release_is_of_what_the_file_holds(home):
    held.release(home, "held.csv", "looked at")
    put(home, "held.csv", lines(good("c")))
    assert judged(home)["files"]["held"] == 1
    assert effective(home) == {}


def test_without_a_verdict_a_released_file_is_not_taken(home):
    held.release(home, "held.csv", "looked at")
    batch = pipeline.open_batch(home)
    pipeline.stage_sender(home, batch["batch_id"], "S1")
    assert pipeline.commit_batch(home, batch["batch_id"])["files"]["held"] == 1


def test_a_file_refused_by_name_is_never_taken_and_says_why(home, monkeypatch):
    monkeypatch.setenv("LINKWORK_ACTOR", "a data engineer")
    done = held.refuse(home, "held.csv", "a test of the supplier")
    assert rows(home, "loads", "status", f"where load_id = '{done['load_id']}'") == [("refused",)]
    for _ in range(2):
        assert judged(home)["files"] == {"committed": 0, "noop": 1, "held": 0, "refused": 0}
    put(home, "again.csv", CONTENT)  # the same bytes under another name
    assert judged(home)["files"]["noop"] == 2
    found = fates(home)["again.csv"]
    assert (found.status, found.events) == ("noop", 0)
    assert "by a data engineer on 20" in found.detail
    assert found.detail.endswith(": a test of the supplier.")
    assert (home.landing_dir / "test_state" / "S1" / "held.csv").exists()  # nobody has a copy of it
    assert effective(home) == {}


def test_a_file_whose_events_are_in_the_log_is_not_refused_by_name(home, monkeypatch):
    held.release(home, "held.csv", "looked at")
    with monkeypatch.context() as patch:
        patch.setenv("LINKWORK_FAIL_AT", "events-durable:EIO")
        with pytest.raises(OSError, match="Input/output"):
            judged(home)
    with pytest.raises(UsageError, match="events are in the log"):
        held.refuse(home, "held.csv", "a test of the supplier")
    ingest(home)
    assert fates(home)["held.csv"].events == 2


@pytest.mark.parametrize(("point", "decided"), [
    ("operations-placed", False), ("operations-committed", True), ("file-decided", True), ("loads-placed", True),
])  # fmt: skip
def test_a_release_that_was_killed_is_there_or_not_and_the_next_run_goes_by_it(home, kill, point, decided):
    assert kill(home, "release", f"{point}:kill") == -signal.SIGKILL
    assert judged(home)["files"]["committed"] == decided
    assert len(rows(home, "operations", "1", "where command = 'load release'")) == decided
    assert verify(Store(home.log_dir)).problems == []


def test_a_commit_of_a_released_file_that_was_killed_is_finished(home, waiting, tmp_path):
    held.release(home, "held.csv", "looked at")
    pipeline.open_batch(home, "b1")
    pipeline.stage_sender(home, "b1", "S1")  # killed here: the next run stages it again, and takes it
    assert judged(home)["files"]["committed"] == 1


def test_the_commands_say_what_they_did_and_what_is_wrong(home, linkwork):
    assert linkwork("load", "release", "nothing.csv", "--reason", "why").code == 64
    assert linkwork("load", "release", "held.csv", "--reason", " ").code == 64
    assert "NHS number" in linkwork("load", "release", "held.csv", "--reason", "for 9990000018").err
    ended = linkwork("load", "release", "held.csv", "--reason", "looked at", "--json")
    assert (ended.code, ended.json["outcome"]) == (0, "the next run takes it")
    assert "held.csv is refused" in linkwork("load", "refuse", load_of(home), "--reason", "on second thoughts").out
    assert judged(home)["files"]["noop"] == 1


def test_two_files_of_one_name_are_decided_by_load_id(home):
    add_sender(home, "S2", ["test_state"])
    put(home, "held.csv", lines(good("z")), sender="S2")
    judged(home)
    with pytest.raises(UsageError, match="2 files have that name"):
        held.release(home, "held.csv", "looked at")


# --- refused for what its contract says ----------------------------------------------------------------

OTHER_HEADER = CONTENT.replace("received,", "received_on,")


@pytest.mark.parametrize("read_only", [False, True])
def test_f100_a_file_that_was_refused_is_taken_once_its_contract_is_corrected(tmp_path, read_only, monkeypatch):
    home = make_home(tmp_path)
    put(home, "f.csv", OTHER_HEADER)
    if read_only:
        home.landing_dir.rename(tmp_path / "theirs")
        home = home.model_copy(update={"landing": tmp_path / "theirs"})
    ingest(home)
    assert fates(home)["f.csv"].status == "refused"
    assert "lacks received" in fates(home)["f.csv"].detail
    corrected = CONTRACT.replace("{name: received,", "{name: received, aliases: [received_on],")
    (home.contracts_dir / "test_state.yaml").write_text(corrected)
    assert ingest(home)["files"]["committed"] == 1
    assert (fates(home)["f.csv"].accepted, len(effective(home))) == (2, 2)
    assert len(list(home.landing_dir.rglob("*.csv"))) == read_only
    assert ingest(home)["events"] == 0
    assert verify(Store(home.log_dir)).problems == []
