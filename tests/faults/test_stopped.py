"""A command that is told to stop (Ctrl-C, SIGTERM as a container gets it): it says so, and leaves nothing at work."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.support.cli import environment
from tests.support.faults import good, lines, put
from tests.support.installation import LINKWORK
from tests.support.log import ingest, make_home

PATIENCE = 120.0  # seconds, of a machine that is busy
SIGNALS = [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
# A query that does not end by itself, in the wrapper that every command has.
QUERY = """
import sys, threading, os
from linkwork import cli, engine
from linkwork.cli.output import command

@cli.app.command("count")
@command
def count(as_json: bool = False) -> None:
    with engine.connect(threads=1) as con:  # with more, it looks for signals when one of them has ended its part
        threading.Timer(0.5, os.kill, (os.getpid(), int(os.environ["NUMBER"]))).start()
        con.execute("select sum(hash(i)) from range(1000000000000) as r(i)").fetchall()

sys.argv = ["linkwork", "count", "--as-json"]
cli.main()
"""


@pytest.fixture
def home(tmp_path):
    settings = make_home(tmp_path)
    put(settings, "f.csv", lines(good("a")))
    return settings


def until(condition, child):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


@pytest.mark.parametrize("reading", [True, False], ids=["reading", "starting"])
@pytest.mark.parametrize(("number", "name", "code"), SIGNALS)
def test_an_ingest_that_is_stopped_says_so_and_leaves_nothing_unpacked(home, number, name, code, reading):
    spill, begun = home.home / "restricted" / "spill", home.home.parent / "begun"
    failing = {"LINKWORK_FAIL_AT": "file-read:hang", "LINKWORK_FAIL_ONCE": str(begun)}
    with subprocess.Popen(
        [LINKWORK, "ingest", "--json"], env=os.environ | environment(home) | failing,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as job:  # fmt: skip
        try:
            until(begun.exists if reading else lambda: spill.exists() and any(spill.iterdir()), job)
            children = psutil.Process(job.pid).children(recursive=True)
            job.send_signal(number)
            out, err = job.communicate(timeout=PATIENCE)
        finally:
            job.kill()
    assert job.returncode == code
    assert f"error: stopped by {name}. run the same command again" in err
    assert json.loads(out)["error"]["what"] == f"stopped by {name}"
    assert list(spill.iterdir()) == []
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
    assert ingest(home)["files"]["committed"] == 1
    assert list(home.staging_dir.glob("[!.]*")) == []


@pytest.mark.parametrize(("number", "name", "code"), SIGNALS)
def test_a_query_that_is_stopped_is_no_internal_error(number, name, code):
    """DuckDB ends it with an error of its own."""
    done = subprocess.run(
        [sys.executable, "-c", QUERY], env=os.environ | {"NUMBER": str(int(number))}, capture_output=True, text=True,
        check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert (done.returncode, done.stderr[:30]) == (code, f"error: stopped by {name}. run the same"[:30])
    assert json.loads(done.stdout)["error"]["what"] == f"stopped by {name}"
