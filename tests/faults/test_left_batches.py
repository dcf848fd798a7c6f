"""A batch whose process was killed is let go of, and none of one that works: whatever either knows of the other."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from ingestion import batches, intake, pipeline
from linkwork import locked
from linkwork.files import write_json
from tests.support.cli import environment
from tests.support.crash import ingest_all, run
from tests.support.faults import good, lines, put
from tests.support.log import make_home

# A namespace of process numbers of its own, as a container has; the host's name is shared with this process.
APART = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"]
WORK = """
import sys
from ingestion import pipeline
from linkwork.settings import Settings
pipeline.open_batch(Settings())
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path):
    settings = make_home(tmp_path)
    put(settings, "f.csv", lines(good("a")))
    return settings


@pytest.fixture
def container(home):
    """A process of a container that shares the home: it has opened a batch and goes on until its input ends."""
    if shutil.which("unshare") is None or subprocess.run([*APART, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may make no namespace of process numbers")
    with subprocess.Popen(
        [*APART, sys.executable, "-c", WORK],
        env={**os.environ, **environment(home)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout.readline() == "begun\n"
        yield child
        child.kill()


def batch_of(home):
    (folder,) = home.staging_dir.glob("[!.]*/")
    return folder


def claim(folder, **changed):
    """Say otherwise who works on a batch."""
    batch = json.loads((folder / "batch.json").read_text())
    write_json(folder / "batch.json", batch | {"owner": batch["owner"] | changed})


@contextmanager
def _opened(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_as_process(settings):
    """The job of a child."""
    pipeline.open_batch(settings)


def test_f17_a_batch_of_another_container_at_work_stays_although_no_process_here_has_its_number(home, container):
    theirs = batch_of(home)
    pipeline.open_batch(home)
    assert theirs.exists()
    container.communicate()
    pipeline.open_batch(home)
    assert not theirs.exists()


def test_a_batch_of_another_container_that_was_killed_is_discarded_at_once(home, container):
    theirs = batch_of(home)
    container.kill()
    with _opened(theirs / batches.AT_WORK) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # it ends after the process that we started, which started it
    pipeline.open_batch(home)
    assert not theirs.exists()


@pytest.mark.parametrize("said", [{"pid": os.getpid()}, {"host": "another"}])
def test_a_batch_of_a_killed_process_is_discarded_whatever_it_said_of_itself(home, said):
    assert run(open_as_process, home.home.parent, fail_at="batch-opened:kill") == -signal.SIGKILL
    left = batch_of(home)
    claim(left, **said)  # in a container every job may have the same number, and each another host
    pipeline.open_batch(home)
    assert not left.exists()


def test_a_batch_of_this_process_stays(home):
    pipeline.open_batch(home)
    ours = batch_of(home)
    claim(ours, pid=2**22 + 1)  # more than there can be
    pipeline.open_batch(home)
    assert ours.exists()


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
