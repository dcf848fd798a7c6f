"""Keys that are missing or broken, and commands whose output machines read, as real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from linkwork import engine
from linkwork.errors import EXIT_BAD_DATA, EXIT_BUSY, EXIT_DONE, EXIT_USAGE, BadDataError, UsageError
from linkwork.log.lock import writer_lock
from linkwork.privacy.keys import key_files
from tests.support.faults import good, lines, taken
from tests.support.log import deliver, ingest, rows

ROOT = Path(__file__).parents[2]


@pytest.fixture
def linkwork(home):
    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith("LINKWORK_")}
        env |= {
            "LINKWORK_HOME": str(home.home),
            "LINKWORK_KEYS_DIR": str(home.keys_dir),
            "LINKWORK_CONTRACTS_DIR": str(home.contracts_dir),
            "LINKWORK_TEST_NUMBERS": "allow",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-c", "from linkwork.cli import main; main()", *arguments]
        return subprocess.run(
            command, env=env | extra, cwd=home.home.parent, capture_output=True, text=True, check=False, timeout=120
        )

    return run


@pytest.mark.parametrize("purpose", ["pseudonym", "id", "zone1"])
def test_f105_a_missing_or_corrupt_key_is_named_and_nothing_is_changed(home, purpose):
    path = key_files(home)[purpose]
    before = path.read_text()
    deliver(home, "f.csv", lines(good("a")))
    path.unlink()
    with pytest.raises(UsageError) as missing:
        ingest(home)
    path.write_text(before[:-5])
    with pytest.raises(BadDataError) as corrupt:
        ingest(home)
    assert missing.value.where == corrupt.value.where == str(path)
    assert not home.log_dir.exists()
    path.write_text(before)
    assert ingest(home)["events"] == 1


def test_f105_another_pseudonym_key_is_refused_before_it_splits_people(home):
    taken(home, lines(good("a")))
    key_files(home)["pseudonym"].write_text("ab" * 32)
    deliver(home, "g.csv", lines(good("b")))
    with pytest.raises(UsageError, match="pseudonym key is not the one this log was written with"):
        ingest(home)
    assert rows(home, "events", "count(*)") == [(1,)]


def test_f105_f124_what_needs_no_key_works_without_and_prints_json_alone(home, linkwork):
    taken(home, lines(good("a"), good("!")))
    for path in key_files(home).values():
        path.unlink()
    for command in (["status"], ["log", "verify"]):
        done = linkwork(*command, "--json")
        assert (done.returncode, done.stderr) == (EXIT_DONE, ""), command
        assert json.loads(done.stdout)
    refused = linkwork("ingest", "--json")
    assert refused.returncode == EXIT_USAGE
    assert json.loads(refused.stdout)["error"]["where"] == str(key_files(home)["pseudonym"])


def test_f12_f124_a_busy_log_ends_with_75_and_says_who(home, linkwork):
    deliver(home, "f.csv", lines(good("a")))
    with writer_lock(home.log_dir, 1):
        done = linkwork("ingest", "--json", LINKWORK_LOCK_TIMEOUT_SECONDS="0.1")
    assert done.returncode == EXIT_BUSY
    assert f"process {os.getpid()} on " in json.loads(done.stdout)["error"]["why"]
    assert "try again later" in done.stderr


def test_f10_a_torn_segment_is_named_by_file(home, linkwork):
    taken(home, lines(good("a")))
    (segment,) = (home.log_dir / "events").rglob("category=*/*.parquet")
    segment.write_bytes(segment.read_bytes()[:-100] + bytes(100))
    done = linkwork("log", "verify", "--json")
    assert done.returncode == EXIT_BAD_DATA
    (problem,) = json.loads(done.stdout)["problems"]
    assert str(segment) in problem


def test_f65_a_query_reaches_the_marts_and_nothing_else(home, linkwork):
    folder = home.releases_dir / "1-abc" / "restricted"
    folder.mkdir(parents=True)
    with engine.connect(folder / "marts.duckdb") as con:
        con.execute("create table rpt_uptake as select 7 as referrals")
    (home.releases_dir / "current").symlink_to("1-abc")
    done = linkwork("sql", "select * from rpt_uptake", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (EXIT_DONE, [{"referrals": 7}])
    key = key_files(home)["pseudonym"]
    query = f"select * from read_text('{key}')"
    done = linkwork("sql", query)
    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert "the query is not allowed: it asks for a file or an extension. use SELECT" in done.stderr
    assert "query blocked" in done.stderr
    assert key.read_text().strip() not in done.stderr
    assert query not in done.stderr
