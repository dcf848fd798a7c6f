"""A warehouse whose build is killed, or that is found damaged: the last good one is served, a build makes it anew."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from linkwork import built, engine, publication, warehouse
from linkwork.errors import EXIT_BAD_DATA, EXIT_BUSY, EXIT_DONE, EXIT_INTERNAL
from linkwork.files import sha256_of
from linkwork.log.digest import digest
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.release.manifest import read_manifest
from linkwork.settings import Settings
from tests.support import damage
from tests.support.cli import commands, environment
from tests.support.installation import LINKWORK
from tests.support.marts import build
from tests.support.people import copy_of, in_few_files

PATIENCE = 300.0  # seconds, of a machine that is busy
HALF_WAY = 40  # models
TRACE = ("trace", "fct_referrals", "--where", "true", "--json")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a build and its release. Only to be copied or read."""
    home = in_few_files(tmp_path_factory.mktemp("published"))
    build(home)
    publication.publish(home)
    return home


@pytest.fixture
def home(published: Settings, tmp_path: Path) -> Settings:
    return copy_of(published, tmp_path / "copy")


@pytest.fixture
def linkwork(home, monkeypatch, capfd):
    """Run a command on that copy."""
    return commands(home, monkeypatch, capfd)


@contextmanager
def half_way(home: Settings) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A `linkwork build` and its dbt, stopped when it had made some of the models; both are gone at the end."""
    log = warehouse.dbt_dir(home) / "build.log"
    log.unlink(missing_ok=True)
    command, until = [LINKWORK, "build"], time.monotonic() + PATIENCE
    env = os.environ | environment(home)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as build:
        started: list[psutil.Process] = []
        try:
            while not log.exists() or log.read_text(errors="replace").count("OK created") < HALF_WAY:
                assert build.poll() is None, build.communicate()
                assert time.monotonic() < until, "dbt makes nothing"
                started = psutil.Process(build.pid).children()
                time.sleep(0.05)
            (dbt,) = started
            dbt.suspend()  # so that it is half-way for as long as a test looks at it
            yield build, dbt
        finally:
            for process in [build, *started]:
                if process.poll() is None if isinstance(process, subprocess.Popen) else process.is_running():
                    process.kill()


def kept(home: Settings) -> dict[str, str]:
    """What must stay as it was: the warehouse, what says of it what is in it, and the log."""
    described = built.target_dir(home) / "manifest.json"
    return {
        "warehouse": sha256_of(home.warehouse_file),
        "manifest": sha256_of(described),
        "log": digest(Store(home.log_dir)),
        "problems": str(verify(Store(home.log_dir)).problems),
    }


def half_made(home: Settings) -> set[str]:
    """What lies beside the warehouses but for what dbt parsed and said."""
    parsed = warehouse.dbt_dir(home).name
    return {path.name for path in warehouse.building_file(home).parent.iterdir() if path.name != parsed}


def assert_served(home: Settings, linkwork) -> None:
    assert linkwork("publish", "--json").json["created"] is False
    assert linkwork(*TRACE).json["cells"]["total"] > 0
    assert linkwork("sql", "select count(*) as n from fct_referrals", "--json").json[0]["n"] > 0


def test_f113_a_mart_that_lost_a_column_is_not_published(home: Settings, linkwork) -> None:
    before = (home.releases_dir / "current").readlink()
    with engine.connect(home.warehouse_file) as con:
        con.execute("alter table dim_areas rename column area_name to area_title")
    done = linkwork("publish")
    assert done.code == EXIT_BAD_DATA
    said = " ".join(done.err.split())
    assert "readers break" in said
    assert "dim_areas: restricted: area_name is gone" in said
    assert "raise `version` in its `meta.linkwork`" in said
    assert (home.releases_dir / "current").readlink() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_stopped_says_so_and_leaves_the_last_one(
    home: Settings, linkwork, number: signal.Signals
) -> None:
    before = kept(home)
    with half_way(home) as (build, dbt):
        build.send_signal(number)
        dbt.resume()
        _, err = build.communicate(timeout=PATIENCE)
        assert not dbt.is_running()
    assert build.returncode == 128 + number
    assert err.splitlines()[-1].startswith("error: stopped by ")
    assert kept(home) == before
    assert half_made(home) == set()
    assert_served(home, linkwork)


def test_f05_dbt_is_killed_half_way(home: Settings, linkwork) -> None:
    before = kept(home)
    with half_way(home) as (build, dbt):
        assert "warehouse.duckdb" in half_made(home)
        dbt.send_signal(signal.SIGKILL)
        _, said = build.communicate(timeout=PATIENCE)
    assert build.returncode == EXIT_INTERNAL
    assert "dbt was ended by signal 9" in said
    assert "the last good build is unchanged" in said
    assert half_made(home) == set()
    assert kept(home) == before
    assert_served(home, linkwork)


def test_f05_the_build_itself_is_killed_half_way_and_the_next_one_succeeds(home: Settings, linkwork) -> None:
    before = kept(home)
    with half_way(home) as (build, dbt):
        build.send_signal(signal.SIGKILL)
        assert build.wait(PATIENCE) == -signal.SIGKILL
        assert dbt.is_running()
        busy = linkwork("build")  # nobody writes beside the dbt that goes on
        assert (busy.code, str(build.pid) in busy.err) == (EXIT_BUSY, True)
        assert dbt.is_running()
        dbt.send_signal(signal.SIGKILL)
        dbt.wait(PATIENCE)
    assert "warehouse.duckdb" in half_made(home)
    building = warehouse.building_file(home)
    (building.parent / f"{building.name}.tmp").mkdir()  # what dbt's DuckDB could not hold in memory
    (building.parent / f"{building.name}.tmp" / "duckdb_temp_storage-0.tmp").write_bytes(b"a part of a table")
    (parsed,) = warehouse.dbt_dir(home).glob("partial_parse.*")
    os.truncate(parsed, parsed.stat().st_size // 2)  # as a kill at that moment leaves it
    assert kept(home) == before
    assert_served(home, linkwork)
    assert linkwork("build").code == EXIT_DONE
    assert half_made(home) == set()
    assert kept(home)["log"] == before["log"]
    assert_served(home, linkwork)  # the same marts: there is no new release


OPENS_NOT = (
    damage.empty,
    damage.no_database,
    damage.another_database,
    damage.cut_off,
    damage.flipped_in_the_header,
    damage.of_another_version,
    damage.changes_of_another,
    damage.garbage_as_changes,
)
OPENS = (damage.flipped_within("fct_referrals"),)


@pytest.mark.parametrize("harm", [*OPENS_NOT, *OPENS], ids=lambda harm: harm.__qualname__.split(".")[0])
def test_f06_f120_a_damaged_warehouse_is_named(home: Settings, linkwork, capfd, harm: damage.Damage) -> None:
    assert not warehouse.is_behind(home)
    harm(home.warehouse_file)
    for command in (["publish"], TRACE):
        ended = linkwork(*command, "--json")
        assert ended.code == EXIT_BAD_DATA, ended.err
        error = ended.json["error"]
        assert error["what"].startswith("the warehouse ")
        assert error["where"] == str(home.warehouse_file)
        assert len(error["why"]) > 10
        assert error["do"] == "run `linkwork build`, which makes it anew from the log"
    assert linkwork("status").code == EXIT_DONE
    assert linkwork("sql", "select 1 as n", "--json").json == [{"n": 1}]  # releases are apart
    capfd.readouterr()
    assert warehouse.is_behind(home) is (harm in OPENS_NOT)
    assert (str(home.warehouse_file) in "".join(capfd.readouterr())) is (harm in OPENS_NOT)  # loud


def test_f06_f120_a_build_says_so_and_makes_it_anew(home: Settings, linkwork) -> None:
    before, path = kept(home)["log"], home.warehouse_file
    damage.changes_of_another(path)
    with engine.connect(path, read_only=True) as con:  # what DuckDB makes of them by itself
        assert con.execute("select count(*) from left_over").fetchone() == (20_000,)
    damage.of_another_version(path)
    ended = linkwork("build")
    assert ended.code == EXIT_DONE, ended.err
    (warning,) = (line for line in ended.err.splitlines() if "warning" in line)
    assert "the warehouse is damaged" in warning
    assert f"{path.name}.wal" in warning
    assert str(path) in warning
    assert {found.name for found in path.parent.glob(f"{path.name}*")} == {path.name}
    assert_served(home, linkwork)
    assert not warehouse.is_behind(home)
    assert kept(home)["log"] == before


@pytest.mark.parametrize(
    "harm", [damage.empty, damage.cut_off, damage.flipped_in_the_header, damage.of_another_version]
)
def test_f06_f120_a_damaged_release_is_named(home: Settings, linkwork, harm: damage.Damage) -> None:
    path = home.releases_dir / "current" / "restricted" / "marts.duckdb"
    path.chmod(0o644)
    harm(path)
    ended = linkwork("sql", "select * from fct_referrals", "--json")
    assert ended.code == EXIT_BAD_DATA, ended.err
    error = ended.json["error"]
    assert error["what"].startswith("the file of the current release ")
    assert error["where"] == str(path)
    assert "run `linkwork publish`" in error["do"]


def test_f120_a_release_is_read_by_other_programs_and_versions(published: Settings) -> None:
    """Parquet by Arrow; and the catalogue's file is of the storage version that each DuckDB from 1.2 to 2.0 reads."""
    release = (published.releases_dir / "current").resolve()
    tables = read_manifest(release).tables
    assert len(tables) > 20
    for table in tables:
        assert pq.read_table(release / table.path).num_rows == table.rows, table.path
    for tier in ("open", "restricted"):
        assert damage.version_of(release / tier / "marts.duckdb") == damage.RELEASE_VERSION
