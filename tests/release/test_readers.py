"""Readers and crashes: a whole release or the one before, and nothing left behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linkwork.engine import connect
from linkwork.release.building import building_dir, remove_leftovers
from linkwork.release.verify import verify_release

Row = Callable[..., dict[str, Any]]
PUBLISHES = 50

PUBLISH_CHILD = """
import sys
from datetime import date
from pathlib import Path
from linkwork.release.publish import publish
from linkwork.settings import Settings
home, warehouse, manifest = map(Path, sys.argv[1:])
publish(Settings(home=home, test_numbers="allow"), warehouse=warehouse, dbt_manifest=manifest, known_at=None,
        position=101, cut_off=date(2025, 6, 30), pinned_known_at=None)
"""


def test_f15_a_reader_sees_one_whole_release_during_fifty_publishes(region: Any, example_row: Row) -> None:
    region.example([example_row()])
    region.publish(position=0)
    current = region.settings.releases_dir / "current"
    stop, seen, faults = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            try:
                listed = {p.name for p in (current / "open").iterdir()}
                assert listed == {"manifest.json", "marts.duckdb", "rpt_example.parquet"}
                seen.append(verify_release(current.resolve()).position)
            except Exception as error:
                faults.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for position in range(1, PUBLISHES + 1):
            region.publish(position=position)
    finally:
        stop.set()
        reader.join()
    assert faults == []
    assert seen == sorted(seen)
    assert len(set(seen)) > 1
    assert verify_release(current.resolve()).position == PUBLISHES


def test_f14_an_open_transaction_keeps_its_release_and_delays_nobody(region: Any, example_row: Row) -> None:
    region.example([example_row(people=500)])
    first = region.publish(position=100)
    con = connect(first.path / "open" / "marts.duckdb", read_only=True)
    con.execute("begin")
    assert con.execute("select people from rpt_example").fetchone() == (500,)
    region.example([example_row(people=900)])
    second = region.publish(position=101)
    assert con.execute("select people from rpt_example").fetchone() == (500,)
    con.close()
    later = connect(region.settings.releases_dir / "current" / "open" / "marts.duckdb", read_only=True)
    assert later.execute("select people, release_id from rpt_example, release").fetchone() == (
        900,
        second.release_id,
    )
    later.close()


@pytest.mark.parametrize("point", ["release-built", "release-placed"])
def test_f03_f04_a_killed_publish_leaves_the_old_release_and_a_retry_finishes(
    region: Any, example_row: Row, point: str
) -> None:
    region.example([example_row()])
    releases = region.settings.releases_dir
    old = region.publish(position=100)
    region.example([example_row(people=500)])
    died = subprocess.run(
        [
            sys.executable,
            "-c",
            PUBLISH_CHILD,
            str(region.settings.home),
            str(region.warehouse),
            str(region.manifest),
        ],
        env={**os.environ, "LINKWORK_FAIL_AT": f"{point}:kill"},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert (releases / "current").readlink() == Path(old.release_id)
    assert verify_release(old.path).position == 100
    left = [p for p in releases.iterdir() if p.name.startswith(".building-")]
    assert len(left) == (1 if point == "release-built" else 0)

    retried = region.publish(position=101, pinned_known_at=None)
    assert (retried.created, retried.current) == (point == "release-built", True)
    assert sorted(p.name for p in releases.iterdir()) == sorted([old.release_id, retried.release_id, "current"])
    assert verify_release(retried.path).position == 101


def test_what_dead_builders_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    dead = tmp_path / f".building-{os.getpid()}-0badcafe"  # a process id used again does not protect it
    (dead / "open").mkdir(parents=True)
    (dead / "open" / "half.parquet").write_bytes(b"PAR1")
    with building_dir(tmp_path) as living:
        (living / "open").mkdir()
        assert remove_leftovers(tmp_path) == [dead.name]
        assert (living / "open").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_two_publishers_at_once_make_one_release(region: Any, example_row: Row) -> None:
    region.example([example_row()])
    gate = threading.Barrier(2, timeout=60)
    results = []

    def run() -> None:
        results.append(region.publish(check=lambda _folder: gate.wait() and None))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(r.created for r in results) == [False, True]
    assert len({r.release_id for r in results}) == 1
    assert all(r.current for r in results)
    assert verify_release(results[0].path).position == 100
