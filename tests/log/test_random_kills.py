"""Killed at any moment, again and again, and started again until it is done: the log of a run that was never killed."""

import random
import signal
import socket
import time
from multiprocessing import forkserver

import pytest

from linkwork import engine
from tests.support.crash import assert_nothing_is_left, content, copy_of, run, start
from tests.support.depth import deep
from tests.support.log import at, csv_text, day, deliver, ingest, make_home
from tests.support.marts import build_untested

KILLS = deep(25, 200)
FILES = 2
NUMBER, OTHER = "9990000018", "9990000026"


def ingest_one_by_one(settings):
    """The job of a child: each waiting file a batch of its own. Started again, it goes on where it was killed."""
    for path in [None, *sorted((settings.home.parent / "waiting").iterdir())]:
        if path is not None:
            path.rename(deliver(settings, path.name, ""))
        ingest(settings)


def rows_of(n):
    """What the nth file says: new records, one that is restated in every file, a contradiction and a wrong line."""
    return [
        {"id": f"new{n}", "nhs_number": NUMBER, "received": day(n), "at": at(n)},
        {"id": "same", "nhs_number": NUMBER, "received": day(1), "closed": day(9 + n), "at": at(n)},
        {"id": "clash", "nhs_number": NUMBER, "received": day(n), "at": at(1)},
        {"id": "clash" if n == FILES else f"other{n}", "nhs_number": OTHER, "received": day(n), "at": at(n)},
        {"id": "wrong", "received": "2025-02-30", "at": at(n)},
    ]


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    settings = make_home(tmp_path_factory.mktemp("waiting"))
    folder = settings.home.parent / "waiting"
    folder.mkdir()
    for n in range(1, FILES + 1):
        (folder / f"{n}.csv").write_text(csv_text(rows_of(n)))
    return settings


@pytest.fixture(scope="module")
def clean(waiting, tmp_path_factory):
    """A run that was never killed, and how many seconds it took."""
    settings = copy_of(waiting, tmp_path_factory.mktemp("clean"))
    run(ingest_nothing, settings.home.parent)  # the server starts
    began = time.monotonic()
    assert run(ingest_one_by_one, settings.home.parent) == 0
    return settings, time.monotonic() - began


def ingest_nothing(settings):
    """The job of a child that only starts."""


def marts(settings):
    """Every mart's rows but for the ids of loads, which tell one run from another."""
    built = build_untested(settings)
    with engine.connect(settings.warehouse_file, read_only=True) as con:
        found = con.execute(
            """select table_name, bool_or(column_name = 'load_id') from duckdb_columns()
            where schema_name = 'main' and regexp_matches(table_name, '^(dim|fct|rpt)_') group by all order by all"""
        ).fetchall()
        apart = {name: " exclude (load_id)" if has else "" for name, has in found}
        rows = {name: con.execute(f"select *{x} from {name} order by all").fetchall() for name, x in apart.items()}
    return built["position"], rows


def test_the_server_of_the_children_outlives_a_child_that_was_killed_while_it_asked(waiting):
    folder = waiting.home.parent
    assert run(ingest_nothing, folder) == 0
    server = forkserver._forkserver
    serving = server._forkserver_pid
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(server._forkserver_address)
    assert run(ingest_nothing, folder) == 0
    assert server._forkserver_pid == serving


def test_f01_killed_at_random_and_started_again_the_log_is_the_same(waiting, clean, tmp_path):
    settings, seconds = clean
    expected = content(settings)
    killed = 0
    for seed in range(10 * KILLS):
        chance = random.Random(seed)  # noqa: S311 - a repeatable choice
        folder = tmp_path / str(seed)
        cut_off = copy_of(waiting, folder)
        for _ in range(chance.choice((1, 1, 2))):
            began = time.monotonic()
            child = start(ingest_one_by_one, folder)
            child.join(chance.uniform(0, 1) * seconds)
            if not child.is_alive():  # the machine is less busy than it was: the next come earlier
                seconds = min(seconds, time.monotonic() - began)
            child.kill()
            child.join()
            assert child.exitcode in (0, -signal.SIGKILL), (seed, (folder / "stderr.txt").read_text())
            killed += child.exitcode != 0
        assert run(ingest_one_by_one, folder) == 0, (seed, (folder / "stderr.txt").read_text())
        assert content(cut_off) == expected, f"seed {seed}"
        assert_nothing_is_left(cut_off)
        if killed >= KILLS:
            break
    assert killed >= KILLS
    position, rows = marts(settings)
    assert position == expected["events"][-1][0]
    assert len(rows["fct_referrals"]) == 4
    assert (position, rows) == marts(cut_off)
