"""Writers that know nothing of each other, with the lock and without it, and readers beside a writer in mid-commit."""

import json
import os
import signal
import socket
import time
from datetime import UTC, datetime

import psutil
import pytest
from typer.testing import CliRunner

from ingestion import pipeline
from linkwork import cli, engine
from linkwork.errors import EXIT_BUSY, BusyError
from linkwork.log import append, table
from linkwork.log.commit import AlreadyThereError
from linkwork.log.known_at import opened
from linkwork.log.store import Store
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import load_keys
from tests.support.crash import FORKING, assert_nothing_is_left, copy_of, ingest_all, run, start
from tests.support.depth import deep
from tests.support.log import SENDER, at, csv_text, day, deliver, effective, ingest, make_home, pass_all, rows
from tests.support.marts import build_some

ROUNDS = deep(4, 20)
NUMBER = "9990000018"


def record(id, received, when):
    return {"id": id, "nhs_number": NUMBER, "received": day(received), "at": at(when)}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A home with one commit."""
    settings = make_home(tmp_path_factory.mktemp("begun"))
    deliver(settings, "0.csv", csv_text([record("a", 1, 1), {"id": "wrong", "received": "x", "at": at(1)}]))
    ingest(settings)
    return settings


# --- without the lock ----------------------------------------------------------------------------
def staged(settings, batch_id, name):
    """A batch of one file of the landing folder, ready to be committed."""
    pipeline.open_batch(settings, batch_id)
    pipeline.stage_sender(settings, batch_id, SENDER)
    pass_all(settings, batch_id)
    found = [json.loads(p.read_text()) for p in (settings.staging_dir / batch_id).glob("*/profile.json")]
    return [profile for profile in found if profile["file_name"] == name]


def append_together(settings, batch_id, loads, barrier, said):
    """The job of a child: commit without the writer lock, at the same moment as another; say how often it was lost."""
    attempts = 0

    def meet(point):
        nonlocal attempts
        if point == "events-committing":
            attempts += 1
            if attempts == 1:  # both have read the same snapshot
                barrier.wait(60)

    table.reached = meet
    with engine.connect(threads=1) as con:
        hmac_sql.install(con, load_keys(settings))
        store = Store(settings.log_dir)
        try:
            done = append.append(store, con, settings.staging_dir / batch_id, loads)
            said.put((batch_id, attempts - 1, done.plan["position_before"], done.plan["position"]))
        except AlreadyThereError:
            said.put((batch_id, attempts, None, None))


def collide(settings, names):
    """Two processes commit a file each at once. Of each: batch, attempts lost, position before and after, or None."""
    barrier, said = FORKING.Barrier(2), FORKING.SimpleQueue()
    batches = {f"writer-{n}": staged(settings, f"writer-{n}", name) for n, name in enumerate(names)}
    children = [
        start(append_together, settings.home.parent, batch_id, loads, barrier, said)
        for batch_id, loads in batches.items()
    ]
    for child in children:
        child.join(120)
        assert child.exitcode == 0, (settings.home.parent / "stderr.txt").read_text()
    return sorted((said.get() for _ in children), key=lambda one: (one[2] is None, one[2]))


def finish(settings):
    """What a scheduler does that lost the answers: it asks again."""
    for n in range(2):
        pipeline.commit_batch(settings, f"writer-{n}")


def test_two_files_at_once_are_both_committed_one_after_the_other(begun, tmp_path):
    lost = 0
    for n in range(ROUNDS):
        settings = copy_of(begun, tmp_path / str(n))
        # Both restate the same record: the one that loses must see what the other said, or it would decide wrongly.
        deliver(settings, "1.csv", csv_text([record("a", 2, 2), record("b", 2, 2)]))
        deliver(settings, "2.csv", csv_text([record("a", 3, 3), record("c", 3, 3)]))
        first, second = collide(settings, ["1.csv", "2.csv"])
        assert (first[2], second[2]) == (1, first[3])  # no gap, no overlap
        lost += first[1] + second[1]
        finish(settings)
        deliver(settings, "3.csv", csv_text([record("a", 4, 1), record("b", 2, 4), record("c", 5, 5)]))
        later = ingest(settings)
        assert later["events"] == 1  # superseded, confirmed, restated
        assert effective(settings) == {
            ("a", "received"): day(3),
            ("b", "received"): day(2),
            ("c", "received"): day(5),
        }
        assert rows(settings, "loads", "count(*), sum(events)", "where status = 'committed'") == [(4, second[3] + 1)]
        assert_nothing_is_left(settings)
    assert lost >= ROUNDS


def test_the_very_same_file_at_once_is_committed_once(begun, tmp_path):
    lost = 0
    for n in range(ROUNDS):
        settings = copy_of(begun, tmp_path / str(n))
        deliver(settings, "1.csv", csv_text([record("a", 2, 2), record("b", 2, 2)]))
        first, second = collide(settings, ["1.csv", "1.csv"])
        assert (first[2:], second[2:]) == ((1, 3), (None, None))
        lost += first[1] + second[1]
        finish(settings)
        deliver(settings, "2.csv", csv_text([record("a", 2, 3), record("b", 3, 3)]))
        assert ingest(settings)["events"] == 1  # confirmed, restated
        assert effective(settings) == {("a", "received"): day(2), ("b", "received"): day(3)}
        assert rows(settings, "loads", "count(*), sum(events)", "where status = 'committed'") == [(3, 4)]
        assert_nothing_is_left(settings)
    assert lost >= ROUNDS


# --- with the lock -------------------------------------------------------------------------------
def ingest_at_once(settings, barrier):
    """The job of a child: the whole job, begun together with another's."""
    barrier.wait(60)
    ingest(settings)


def test_two_jobs_at_once_lose_and_double_nothing(begun, tmp_path):
    for n in range(ROUNDS):
        settings = copy_of(begun, tmp_path / str(n))
        for name in range(1, 5):
            deliver(settings, f"{name}.csv", csv_text([record("a", name, name + 1), record(f"b{name}", name, 2)]))
        barrier = FORKING.Barrier(2)
        children = [start(ingest_at_once, settings.home.parent, barrier) for _ in range(2)]
        for child in children:
            child.join(120)
            assert child.exitcode == 0, (settings.home.parent / "stderr.txt").read_text()
        ingest(settings)
        found = rows(settings, "loads", "file_name, count(*) filter (status = 'committed')", "group by 1 order by 1")
        assert found == [(f"{name}.csv", 1) for name in range(5)]
        assert effective(settings) == {("a", "received"): day(4)} | {
            (f"b{name}", "received"): day(name) for name in range(1, 5)
        }
        assert rows(settings, "events", "count(*), max(global_position)") == [
            (8, 8)
        ]  # the first says of `a` what was known
        assert list(settings.landing_dir.rglob("*.csv")) == []
        assert_nothing_is_left(settings)


def stopped_at(settings, point):
    """A writer that stands still at a fail point, with the lock in its hands."""
    child = start(ingest_all, settings.home.parent, fail_at=f"{point}:stop")
    until = time.monotonic() + 60
    while psutil.Process(child.pid).status() != psutil.STATUS_STOPPED:
        assert child.is_alive(), (settings.home.parent / "stderr.txt").read_text()
        assert time.monotonic() < until, "it did not come to the point"
        time.sleep(0.02)
    return child


def go_on(child):
    os.kill(child.pid, signal.SIGCONT)
    child.join(60)
    assert child.exitcode == 0


@pytest.fixture
def at_work(begun, tmp_path):
    """A home with a file that waits, and the environment of its commands."""
    settings = copy_of(begun, tmp_path)
    deliver(
        settings, "1.csv", csv_text([record("a", 2, 2), record("b", 2, 2), {"id": "c", "received": "x", "at": at(2)}])
    )
    environment = {
        "LINKWORK_HOME": str(settings.home),
        "LINKWORK_KEYS_DIR": str(settings.keys_dir),
        "LINKWORK_CONTRACTS_DIR": str(settings.contracts_dir),
        "LINKWORK_TEST_NUMBERS": "allow",
        "LINKWORK_LOCK_TIMEOUT_SECONDS": "0.2",
    }
    return settings, environment


def test_a_second_ingest_says_who_holds_the_log_or_waits(at_work):
    settings, environment = at_work
    child = stopped_at(settings, "events-committing")
    try:
        busy = CliRunner().invoke(cli.load(), ["ingest", "--json"], env=environment)
        assert busy.exit_code == EXIT_BUSY
        why = json.loads(busy.stdout)["error"]["why"]
        assert f"process {child.pid} on {socket.gethostname()} has held it since 20" in why
        waiting = start(ingest_all, settings.home.parent)
        waiting.join(1)
        assert waiting.is_alive()
    finally:
        go_on(child)
    waiting.join(60)
    assert waiting.exitcode == 0
    assert rows(settings, "loads", "file_name, status", "order by 1") == [
        ("0.csv", "committed"),
        ("1.csv", "committed"),
    ]
    assert rows(settings, "events", "count(*)") == [(3,)]
    assert_nothing_is_left(settings)


def test_what_is_known_at_a_time_waits_for_the_commit_that_began_before_it(at_work):
    settings, _ = at_work
    settled = Store(settings.log_dir).settled_at()
    child = stopped_at(settings, "events-committing")
    try:
        with pytest.raises(BusyError, match="has held it since"):
            opened(settings.log_dir, datetime.now(UTC), 0.2)
        assert opened(settings.log_dir, settled, 0.2)[1] == settled  # long known
        assert opened(settings.log_dir, None, 0.2)[1] == settled
        asked = datetime.now(UTC)
    finally:
        go_on(child)
    store, settled = opened(settings.log_dir, asked, 0.2)
    assert (store.position(), settled) == (3, store.last_recorded_at())
    assert settled < asked


def test_what_is_known_at_a_time_is_not_told_while_a_commit_before_it_is_unfinished(at_work):
    settings, _ = at_work
    settled = Store(settings.log_dir).settled_at()
    assert run(ingest_all, settings.home.parent, fail_at="events-durable:kill") == -signal.SIGKILL
    with pytest.raises(BusyError, match="linkwork ingest"):
        opened(settings.log_dir, datetime.now(UTC), 0.2)
    assert opened(settings.log_dir, settled, 0.2)[1] == settled
    ingest(settings)
    assert opened(settings.log_dir, datetime.now(UTC), 0.2)[0].position() == 3


READERS = (["status"], ["log", "history"], ["quarantine", "list"], ["load", "list"])


def read(environment):
    """What every reader says, as JSON."""
    said = {}
    for command in READERS:
        done = CliRunner().invoke(cli.load(), [*command, "--json"], env=environment)
        assert done.exit_code == 0, (command, done.output)
        said[command[0]] = json.loads(done.stdout)
    return said


def test_readers_do_not_wait_for_a_writer_and_see_the_state_before(at_work):
    settings, environment = at_work
    before = read(environment)
    child = stopped_at(settings, "events-committing")
    try:
        assert read(environment) == before
    finally:
        go_on(child)


def test_a_build_in_the_middle_of_a_commit_reads_none_of_it(at_work):
    """Events without their ledger would give other marts than the same position gives later."""
    settings, _ = at_work
    child = stopped_at(settings, "quarantine-committing")
    try:
        assert Store(settings.log_dir).refresh().position() == 3  # the events are in the log
        assert build_some(settings, "fct_loads")["position"] == 1
        with engine.connect(settings.warehouse_file, read_only=True) as con:
            assert con.execute("select count(*) from log.events").fetchone() == (1,)
            assert con.execute("select file_name from log.loads").fetchall() == [("0.csv",)]
            assert con.execute("select file_name from log.quarantine").fetchall() == [("0.csv",)]
    finally:
        go_on(child)
