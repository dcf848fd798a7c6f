"""A file that breaks the process that reads it is refused with the reason; the others go on."""

import os
import signal
from pathlib import Path

import pytest

from ingestion import pipeline, stopped, workers
from linkwork.log import failpoints
from tests.support.faults import Fate, fates, good, lines
from tests.support.log import add_sender, deliver, ingest, pass_all, rows

STOPPED = "Reading the file was stopped, twice: "


@pytest.fixture
def failing(monkeypatch):
    """A fail point in every worker, and in no other process: what does harm is not to meet the test itself."""

    monkeypatch.setattr(failpoints, "_reached", {})

    def at(where: str, **more: str) -> None:
        for name, value in {"LINKWORK_FAIL_AT": where, **more}.items():
            monkeypatch.setenv(name, value)

    return at


def why(home) -> str:
    """Why the one file was refused."""
    return str(fates(home)["f.csv"].detail)


def three(home) -> dict[str, Fate]:
    """The fates of three files."""
    for name in "abc":
        deliver(home, f"{name}.csv", lines(good(name)))
    ingest(home)
    return fates(home)


def test_f55_a_file_that_crashes_its_reader_is_refused_by_name_of_the_signal(home, failing):
    failing("file-read:crash")
    deliver(home, "f.csv", lines(good("a")))
    assert ingest(home)["files"] == {"committed": 0, "noop": 0, "held": 0, "refused": 1}
    assert why(home).startswith(STOPPED + "it ended with signal SIGSEGV")
    assert why(home).endswith("Keep the file and report it: what it holds breaks the reader.")
    assert (home.landing_dir / "test_state" / "S1" / "f.csv").exists()


@pytest.mark.parametrize("harm", ["crash", "memory"])
def test_f18_f55_a_worker_that_dies_once_costs_neither_its_file_nor_another(home, failing, tmp_path, harm):
    failing(f"file-read:{harm}", LINKWORK_FAIL_FILE="b.csv", LINKWORK_FAIL_ONCE=str(tmp_path / "happened"))
    home.worker_memory = 600 << 20
    found = three(home)
    assert (tmp_path / "happened").exists()
    assert {name: fate.status for name, fate in found.items()} == dict.fromkeys(
        ["a.csv", "b.csv", "c.csv"], "committed"
    )
    assert sorted(rows(home, "events", "source_record_ref")) == [("a",), ("b",), ("c",)]


def test_f18_a_file_that_needs_more_memory_than_a_worker_has_is_refused(home, failing):
    failing("file-read:memory")
    home.worker_memory = 600 << 20
    deliver(home, "f.csv", lines(good("a")))
    ingest(home)
    assert why(home) == (
        STOPPED + "memory cap 600 MiB. Set LINKWORK_WORKER_MEMORY higher, or ask the sender for the file in parts."
    )
    assert not list((home.home / "restricted" / "spill").iterdir())


def test_f57_a_file_that_takes_too_long_to_read_is_refused(home, failing, monkeypatch):
    failing("file-read:spin")
    monkeypatch.setattr(workers, "PATIENCE", 1000)  # it is the processor's time that ends it
    home.worker_seconds = 1
    deliver(home, "f.csv", lines(good("a")))
    ingest(home)
    assert why(home).startswith(STOPPED + "it used up its processor time. ")
    assert "LINKWORK_WORKER_SECONDS" in why(home)


def test_f57_a_reader_that_waits_for_ever_is_ended(home, failing, monkeypatch):
    failing("file-read:hang")
    monkeypatch.setattr(workers, "PATIENCE", 3)
    home.worker_seconds = 1
    deliver(home, "f.csv", lines(good("a")))
    ingest(home)
    assert why(home).startswith(STOPPED + "no end after 3 seconds. ")
    assert "LINKWORK_WORKER_SECONDS" in why(home)


CAP = 600 << 20


@pytest.mark.parametrize(
    ("code", "taken", "says", "advice"),
    [
        (-signal.SIGKILL, 90 << 20,
         "it was killed, as the system does where memory runs out (it had taken 90 of 600 MiB)", "LINKWORK_THREADS"),
        (-signal.SIGABRT, 590 << 20, "it ended with signal SIGABRT near its memory cap (it had taken 590 of 600 MiB)",
         "LINKWORK_WORKER_MEMORY"),
        (-signal.SIGABRT, 90 << 20, "it ended with signal SIGABRT (it had taken 90 of 600 MiB)", "report it"),
        (1, 599 << 20, "it ended with code 1 near its memory cap (it had taken 599 of 600 MiB)",
         "LINKWORK_WORKER_MEMORY"),
        (3, 0, "it ended with code 3", "report it"),
        (-signal.SIGXCPU, 0, "it used up its processor time", "LINKWORK_WORKER_SECONDS"),
    ],
)  # fmt: skip
def test_every_way_to_die_has_a_reason_and_what_to_do(code, taken, says, advice):
    died = stopped.by_death(code, taken, CAP)
    sentence = died.sentence(died)
    assert sentence.startswith(STOPPED + says + ". ")
    assert advice in sentence.removeprefix(STOPPED + says)


def test_two_reasons_are_both_told():
    sentence = stopped.by_clock(9).sentence(stopped.by_memory(CAP))
    assert sentence.startswith(STOPPED + "first memory cap 600 MiB, then no end after 9 seconds. ")


def test_what_a_worker_takes_of_its_memory_is_seen(home, failing, monkeypatch):
    failing("file-read:hang")
    monkeypatch.setattr(workers, "PATIENCE", 3)
    home.worker_seconds = 1
    seen = []
    measured = stopped.memory_taken
    monkeypatch.setattr(stopped, "memory_taken", lambda pid, cap: seen.append(measured(pid, cap)) or seen[-1])
    deliver(home, "f.csv", lines(good("a")))
    ingest(home)
    assert 0 < max(seen) < 400 << 20  # nothing is reserved by the gigabyte
    assert "ARROW_DEFAULT_MEMORY_POOL" not in os.environ
    assert stopped.memory_taken(None, CAP) == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_f18_a_file_that_breaks_every_worker_does_not_hold_up_the_rest(home, failing, threads):
    failing("file-read:crash", LINKWORK_FAIL_FILE="fatal.csv")
    home.threads = threads
    add_sender(home, "S2", ["test_state"])
    for number in range(6):
        deliver(home, f"{number}.csv", lines(good(f"r{number}")), sender="S1" if number % 2 else "S2")
    deliver(home, "fatal.csv", lines(good("fatal")), sender="S2")
    batch = pipeline.open_batch(home)
    staged = pipeline.stage_senders(home, batch["batch_id"], batch["senders"])
    assert [(s["sender"], s["files"], s["records"], s["refused"]) for s in staged] == [("S1", 3, 3, 0), ("S2", 4, 3, 1)]
    pass_all(home, batch["batch_id"])
    assert pipeline.commit_batch(home, batch["batch_id"])["files"]["refused"] == 1
    assert sorted(ref for (ref,) in rows(home, "events", "source_record_ref")) == [f"r{n}" for n in range(6)]
    assert str(fates(home)["fatal.csv"].detail).startswith(STOPPED + "it ended with signal SIGSEGV")


def test_errors_that_are_no_fault_of_a_file_come_back_as_they_are(home, failing):
    failing("file-read:EIO")
    deliver(home, "f.csv", lines(good("a")))
    with pytest.raises(OSError, match="file-read") as raised:
        ingest(home)
    assert raised.value.errno == 5


def test_no_worker_outlives_its_job(home, failing):
    before = children()
    failing("file-read:EIO")
    for name in "abcdef":
        deliver(home, f"{name}.csv", lines(good(name)))
    with pytest.raises(OSError, match="file-read"):
        ingest(home)
    assert children() == before


def children() -> set[int]:
    """Processes that were started for this one: their parent is it, or its server."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found.add((int(fields[1]), int(stat.parent.name)))
    server = {pid for parent, pid in found if parent == os.getpid()}
    return {pid for parent, pid in found if parent in server}
