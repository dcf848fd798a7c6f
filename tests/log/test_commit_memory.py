"""A file that is much larger than memory is committed: nothing in the commit holds more than a block of it."""

import json
import subprocess
import sys

import pytest

from linkwork import engine
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.log import SENDER, make_home, rows

RECORDS = 220_000
MOST_MIB = 700  # the interpreter and its libraries are about 200

INGEST = """
import json, sys
from pathlib import Path
from linkwork.settings import Settings
from tests.support.log import ingest
ingest(Settings(**json.loads(sys.argv[1])))
# The kernel's mark of this process alone; `getrusage` would count what its parent held when it was started.
status = Path("/proc/self/status").read_text()
print(int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024)
"""


def deliver(home, name, at, changed):
    """A file of `RECORDS` referrals; of those whose number is divisible by `changed` the day of closing differs."""
    path = home.landing_dir / "test_state" / SENDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with engine.connect() as con:
        con.execute(
            f"""copy (
                select 'r' || n as id, null as nhs_number, '2025-01-01' as received,
                    if(n % {changed} = 0, '2025-03-02', '2025-03-01') as closed, '{at}' as at
                from range({RECORDS}) as r (n)
            ) to {engine.text(path)} (format csv, header)"""
        )


def ingest_apart(home):
    """Ingest in a process of its own; returns the most memory it held, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", INGEST, home.model_dump_json(exclude_unset=True)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_home(tmp_path_factory.mktemp("large"), memory_limit="200MB")


def test_a_file_of_new_records_takes_a_block_of_memory(home):
    deliver(home, "first.csv", "2025-06-01T00:00:00Z", changed=2)
    assert ingest_apart(home) < MOST_MIB
    assert rows(home, "loads", "records, accepted, events") == [(RECORDS, RECORDS, 2 * RECORDS)]
    positions = "count(distinct global_position), min(global_position), max(global_position)"
    assert rows(home, "events", positions) == [(2 * RECORDS, 1, 2 * RECORDS)]
    assert rows(home, "register", "count(*), count(distinct record_key)") == [(RECORDS, RECORDS)]


def test_a_file_of_changed_and_unchanged_records_does_too(home):
    deliver(home, "second.csv", "2025-06-02T00:00:00Z", changed=3)
    assert ingest_apart(home) < MOST_MIB
    changed = sum((n % 2 == 0) != (n % 3 == 0) for n in range(RECORDS))
    assert rows(home, "loads", "accepted, duplicate, events", "where file_name = 'second.csv'") == [
        (changed, RECORDS - changed, changed)
    ]
    assert verify(Store(home.log_dir)).problems == []
