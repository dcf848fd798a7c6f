"""Two writers, a lock left behind, files sent twice, and clocks that go back."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion import pipeline
from linkwork import engine
from linkwork.errors import EXIT_BUSY, BusyError
from linkwork.log import append
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import load_keys
from tests.support.faults import good, lines, taken
from tests.support.log import SENDER, deliver, ingest, pass_all, rows

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from linkwork.log.lock import writer_lock
with writer_lock(Path(sys.argv[1]), 5):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(home):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.log_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()


def test_f12_the_second_writer_is_told_who_holds_the_log_since_when(home, holder):
    deliver(home, "f.csv", lines(good("a")))
    with pytest.raises(BusyError) as raised:
        pipeline.open_batch(home.model_copy(update={"lock_timeout_seconds": 0.2}))
    assert raised.value.exit_code == EXIT_BUSY
    assert f"process {holder.pid} on {socket.gethostname()} has held it since 20" in raised.value.why
    assert raised.value.do == "try again later"
    holder.stdin.close()  # it lets go, and the writer that waits goes on
    assert ingest(home)["events"] == 1


def test_f13_a_lock_whose_holder_was_killed_holds_nobody_up(home, holder):
    holder.kill()
    holder.wait()
    assert json.loads((home.log_dir / "writer.lock").read_text())["pid"] == holder.pid
    with writer_lock(home.log_dir, 0):
        assert json.loads((home.log_dir / "writer.lock").read_text())["pid"] == os.getpid()


def test_f13_a_lock_file_that_says_nothing_holds_nobody_up(home):
    home.log_dir.mkdir(parents=True, exist_ok=True)
    (home.log_dir / "writer.lock").write_text("not json")
    assert taken(home, lines(good("a"))).events == 1


def test_f16_a_step_that_is_retried_after_success_adds_nothing(home):
    content = lines(good("a"), good("b"))
    taken(home, content)
    before = rows(home, "events", "*", "order by 1")
    deliver(home, "f.csv", content)
    assert ingest(home)["files"] == {"committed": 0, "noop": 1, "held": 0, "refused": 0}
    assert rows(home, "events", "*", "order by 1") == before


def test_f17_two_batches_that_overlap_take_a_file_once(home):
    deliver(home, "f.csv", lines(good("a"), good("b")))
    batches = [pipeline.open_batch(home, f"scheduled-{n}")["batch_id"] for n in (1, 2)]
    for batch in batches:  # both have read the file before either commits it
        pipeline.stage_sender(home, batch, SENDER)
        pass_all(home, batch)
    results = [pipeline.commit_batch(home, batch) for batch in batches]
    assert [r["files"]["committed"] for r in results] == [1, 0]
    assert [r["files"]["noop"] for r in results] == [0, 1]
    assert rows(home, "events", "count(*), max(global_position)") == [(2, 2)]
    assert verify(Store(home.log_dir)).problems == []


def commit_at(settings, name: str, now: datetime) -> None:
    deliver(settings, name, lines(good(name[0])))
    batch = pipeline.open_batch(settings)["batch_id"]
    pipeline.stage_sender(settings, batch, SENDER)
    folder = settings.staging_dir / batch
    profiles = [json.loads(p.read_text()) for p in folder.glob("*/profile.json")]
    store = Store(settings.log_dir).refresh()
    with writer_lock(settings.log_dir, 5), engine.connect() as con:
        hmac_sql.install(con, load_keys(settings))
        append.append(store, con, folder, [p for p in profiles if p["file_name"] == name], now=now)


@pytest.mark.parametrize(
    "step", [timedelta(hours=-1), timedelta(0), -(datetime(2025, 6, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC))]
)
def test_f19_a_clock_that_steps_back_does_not_reorder_the_log(home, step):
    start = datetime(2025, 6, 1, 12, tzinfo=UTC)
    for name, now in (("a.csv", start), ("b.csv", start + step), ("c.csv", start + step)):
        commit_at(home, name, now)
    found = rows(home, "events", "global_position, recorded_at", "order by 1")
    times = [recorded for _, recorded in found]
    assert times == sorted(set(times))
    assert times[0] == start
    assert times[1] == start + timedelta(microseconds=1)
    assert verify(Store(home.log_dir)).problems == []
    commit_at(home, "d.csv", start + timedelta(days=1))
    assert rows(home, "events", "max(recorded_at)") == [(start + timedelta(days=1),)]


def test_f92_the_same_bytes_under_another_name_do_nothing(home):
    content = lines(good("a"))
    taken(home, content, "one.csv")
    found = taken(home, content, "two.csv")
    assert (found.status, found.events) == ("noop", 0)
    assert found.detail == "The same bytes were loaded before."
    assert not list(home.landing_dir.rglob("*.csv"))


def test_f93_overlapping_extracts_add_only_what_is_new(home):
    taken(home, lines(good("a", 1), good("b", 1)), "1.csv")
    second = taken(home, lines(good("a", 2), good("b", 2), good("c", 2)), "2.csv")
    assert (second.accepted, second.duplicate, second.events) == (1, 2, 1)
    assert second.ids == ["c"]


def test_f94_changed_content_at_the_same_time_is_a_conflict_and_the_record_is_contested(home):
    taken(home, lines(good("a", 1, "2025-01-02")), "1.csv")
    second = taken(home, lines(good("a", 1, "2025-01-03")), "2.csv")
    assert (second.conflict, second.refused) == (1, [(2, "conflict")])
    assert rows(home, "events", "revision_kind", "order by global_position") == [("original",), ("contest",)]


def test_f95_a_correction_that_arrives_before_its_original_stays_the_newer_one(home):
    taken(home, lines(good("a", 2, "2025-01-09")), "correction.csv")
    late = taken(home, lines(good("a", 1, "2025-01-02")), "original.csv")
    assert (late.duplicate, late.events) == (1, 0)
    assert rows(home, "events", "occurred_on::varchar") == [("2025-01-09",)]


def test_f95_a_withdrawal_of_an_unknown_record_is_accepted_and_holds(home):
    first = taken(home, lines("a,,,,2025-06-05T02:00:00Z"), "withdrawal.csv")
    assert (first.accepted, first.events) == (1, 0)
    late = taken(home, lines(good("a", 1)), "original.csv")
    assert (late.duplicate, late.events) == (1, 0)
