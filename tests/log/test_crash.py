"""Killed at any step of the commit order, the next run completes it: nothing lost, nothing doubled."""

import os
import signal
import subprocess
import sys

import pytest

from linkwork.log.failpoints import POINTS
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.log import at, csv_text, day, deliver, effective, ingest, make_home, rows

COMMIT_POINTS = [p for p in POINTS if not p.startswith("release")]
SCRIPT = """
import sys
from pathlib import Path
from linkwork.settings import Settings
from tests.support.log import ingest
folder = Path(sys.argv[1])
ingest(Settings(home=folder / "data", keys_dir=folder / "keys", contracts_dir=folder / "contracts",
                test_numbers="allow"))
"""


def files(settings):
    deliver(settings, "1.csv", csv_text([{"id": "a", "received": day(1), "at": at(1)}]))
    deliver(settings, "2.csv", csv_text([{"id": "a", "received": day(2), "at": at(2)}, {"id": "b", "at": "x"}]))


def content(settings):
    columns = "global_position, event_type, revision_kind, occurred_on, asserted_at, source_line"
    return (
        rows(settings, "events", columns, "order by 1"),
        rows(settings, "loads", "file_name, status, records, accepted, quarantined, events", "order by 1"),
        rows(settings, "quarantine", "file_name, source_line, rule", "order by all"),
        rows(settings, "register", "asserted_at, contested, len(facts)", "order by all"),
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    settings = make_home(tmp_path_factory.mktemp("clean"))
    files(settings)
    ingest(settings)
    return content(settings)


@pytest.mark.parametrize("how", ["kill", "ENOSPC"])
@pytest.mark.parametrize("point", COMMIT_POINTS)
def test_the_next_run_completes_what_was_cut_off(tmp_path, expected, point, how):
    settings = make_home(tmp_path)
    files(settings)
    env = {**os.environ, "LINKWORK_FAIL_AT": f"{point}:{how}"}
    ended = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], env=env, capture_output=True, check=False)
    assert ended.returncode == (-signal.SIGKILL if how == "kill" else 1), ended.stderr.decode()[-500:]
    ingest(settings)
    assert content(settings) == expected
    assert effective(settings) == {("a", "received"): day(2)}
    assert verify(Store(settings.log_dir)).problems == []
    assert not any(settings.staging_dir.glob("[!.]*"))
    assert not any(settings.landing_dir.rglob("*.csv"))
    on_disk = {p.relative_to(settings.log_dir / "events") for p in (settings.log_dir / "events").rglob("[!.]*.parquet")}
    active = {f.path for f in Store(settings.log_dir).refresh().events.files()}
    assert {str(p) for p in on_disk if "_delta_log" not in str(p)} == active
