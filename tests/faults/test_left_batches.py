"""A batch whose process was killed is let go of, whoever has the number of that process by now."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from ingestion import intake, pipeline
from linkwork import locked
from linkwork.files import write_json
from linkwork.identity import identity, is_running
from tests.support.crash import ingest_all, run
from tests.support.faults import good, lines, put
from tests.support.log import make_home


@pytest.fixture
def home(tmp_path):
    settings = make_home(tmp_path)
    put(settings, "f.csv", lines(good("a")))
    return settings


def batch_of(home):
    (folder,) = home.staging_dir.glob("[!.]*/")
    return folder


def claim(folder, **changed):
    """Say otherwise who works on a batch; None leaves a word out."""
    batch = json.loads((folder / "batch.json").read_text())
    owner = {name: value for name, value in (batch["owner"] | changed).items() if value is not None}
    write_json(folder / "batch.json", batch | {"owner": owner})


def open_as_process(settings):
    """The job of a child."""
    pipeline.open_batch(settings)


def test_a_batch_of_a_killed_process_is_discarded_although_its_number_is_in_use_again(home):
    assert run(open_as_process, home.home.parent, fail_at="batch-opened:kill") == -signal.SIGKILL
    left = batch_of(home)
    claim(left, pid=os.getpid())  # as in a container, where every job has the same
    pipeline.open_batch(home)
    assert not left.exists()


def test_what_a_killed_process_had_unpacked_is_removed_although_its_number_is_in_use_again(home):
    assert run(ingest_all, home.home.parent, fail_at="file-read:kill") == -signal.SIGKILL
    (left,) = (home.home / "restricted" / "spill").iterdir()
    prefix, _, own = left.name.split("-")
    left.rename(left.with_name(f"{prefix}-{os.getpid()}-{own}"))
    pipeline.open_batch(home)
    assert not list(left.parent.iterdir())


def test_what_a_process_at_work_has_unpacked_stays(home):
    spill = home.home / "restricted" / "spill"
    folder, lock = locked.make(spill, intake.SPILL)  # as the gate does for each of its workers
    pipeline.open_batch(home)
    assert list(spill.iterdir()) == [folder]
    os.close(lock)  # as the system does for a process that ends, however it ends
    pipeline.open_batch(home)
    assert not list(spill.iterdir())


@pytest.mark.parametrize(("changed", "is_kept"), [
    ({}, True),  # it is this process
    ({"started": 1}, False),
    ({"boot": "of another day"}, False),
    ({"started": None, "boot": None}, True),  # as earlier versions wrote it: the number decides
    ({"started": None, "boot": None, "pid": 2**22 + 1}, False),  # more than there can be
])  # fmt: skip
def test_only_the_process_that_opened_a_batch_keeps_it(home, changed, is_kept):
    pipeline.open_batch(home)
    left = batch_of(home)
    claim(left, **changed)
    pipeline.open_batch(home)
    assert left.exists() is is_kept


@pytest.mark.parametrize("name", ["plain", "a b", ") S 1 (", "((", "\xe9) 2"])
def test_a_process_is_known_by_its_start_whatever_it_is_called(tmp_path, name):
    program = tmp_path / name
    program.symlink_to(shutil.which("sleep"))
    child = subprocess.Popen([program, "60"])
    try:
        told = identity(child.pid)
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - told["started"] / os.sysconf("SC_CLK_TCK")
        assert 0 <= age < 30
        assert is_running(told)
    finally:
        child.kill()
        child.wait()
    assert not is_running(told)
