"""Changes beside the events, killed on the way: the row in `log/operations` is there exactly when the change is."""

import json
import shutil
import signal

import pytest

from ingestion import pipeline
from linkwork import built, engine, locked, publication, reference, warehouse
from linkwork.errors import UsageError
from linkwork.log import changes
from linkwork.log.changes import Outcome, change
from linkwork.log.failpoints import CHANGE_POINTS
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import holds
from linkwork.reference import check
from tests.support.kills import EARLIER
from tests.support.log import at, csv_text, day, deliver, ingest, make_home, rows
from tests.support.people import copy_of

ORGANISATIONS = (
    "practice_code,practice_name,pcn_code,pcn_name,icb_code,icb_name,valid_from,valid_to\nZ90001,One,,,,,,\n"
)
META = {"tiers": ["restricted"], "key": ["referral_key"]}
NODE = {
    "resource_type": "model", "name": "fct_example", "schema": "marts", "alias": "fct_example",
    "description": "One row per referral.", "columns": {}, "config": {"meta": {"linkwork": META}},
}  # fmt: skip


def build(home, figure, known_at=None, reference_data="1"):
    """A warehouse as a build leaves it, of one mart and one watched figure, which is its position too."""
    file = built.warehouse_file(home, known_at)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with engine.connect(file) as con:
        con.execute(
            f"""create schema log; create schema marts;
            create table marts.fct_example as select md5(i::varchar)::blob as referral_key from range({figure}) as r(i);
            create table log.pinned as select {figure} as position, timestamptz '2025-07-01 06:00:00+00' as known_at,
                date '2025-06-30' as cut_off, timestamptz '2025-07-01 06:00:00+00' as permissions_as_of;
            create table log.state as select {figure}::bigint as position, 0::bigint as removals,
                null::varchar as code_maps, '{reference_data}' as reference, '1' as code_version;
            create table fct_exclusions as select 0 as people_since;
            create table rpt_referral_reasons as select '2026-1' as mapping_version;
            create table trace__figures as select 'rpt_uptake' as mart, 'referred' as item, 'people' as figure,
                date '2025-01-01' as period_start, 'icb' as area_level, 'QZZ' as area_code, {figure} as figure_value"""
        )
    target = built.target_dir(home, known_at)
    target.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").write_text(json.dumps({"nodes": {"model.linkwork.fct_example": NODE}}))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A log with a refused record and a hold, and two builds that nobody published."""
    home = make_home(tmp_path_factory.mktemp("changes") / "whole")
    records = [{"id": "a", "received": day(1), "at": at(1)}, {"id": "b", "received": "2025-02-30", "at": at(1)}]
    deliver(home, "1.csv", csv_text(records))
    ingest(home)
    (home.home.parent / "organisations.csv").write_text(ORGANISATIONS)
    with change(home.log_dir, "legal-hold placed") as made:
        hold = {"hold_id": "a hold", "action": "placed", "tombstone": b"\xff", "recorded_at": "2025-01-01 00:00:00+00"}
        made.announce("a hold", Outcome("placed", rows={"holds": [hold]}))
    build(home, 3)
    build(home, 2, EARLIER)
    return home


@pytest.fixture
def home(made, tmp_path):
    return copy_of(made, tmp_path / "copy")


def current(home):
    return home.releases_dir / "current"


def releases(home):
    return {path.name for path in home.releases_dir.glob("[!.]*-*")}


# Each command: the row it leaves (command, target, outcome, reason), and how its change is seen.
COMMANDS = {
    "sender add": (
        ("sender add", "S9", "feeds test_state; a system", None),
        lambda home: "S9" in {row["code"] for row in reference.rows(home.reference_dir, "senders")},
    ),
    "reference load": (
        ("reference load", "organisations", "1 rows", None),
        lambda home: len(reference.versions(home.reference_dir, "organisations")) == 1,
    ),
    "reference check": (
        ("reference check", "baseline", "0 hits known", "reported to the publisher"),
        lambda home: check.recorded(home.reference_dir).exists(),
    ),
    "quarantine export": (
        ("quarantine export", "S1", "1 refused records", None),
        lambda home: (home.home.parent / "refused.csv").exists(),
    ),
    "legal-hold place": (
        ("legal-hold placed", None, "placed", "a complaint"),
        lambda home: len(holds.standing(home.log_dir)) == 3,
    ),
    "legal-hold lift": (
        ("legal-hold lifted", "a hold", "lifted", "it was settled"),
        lambda home: holds.standing(home.log_dir) == [],
    ),
    "publish": (
        ("publish", None, "a new release, is current", None),
        lambda home: current(home).exists(),
    ),
    "publish known at": (
        ("publish", None, "a new release, is not current", None),
        lambda home: len(releases(home)) == 1,
    ),
}  # fmt: skip
HOLDS = ("legal-hold place", "legal-hold lift")  # all there is of a hold is in the note itself
CUT_OFF = "; cut off, and the file is not there"  # whether it was taken away again nobody can tell


def said(home, since=0):
    return rows(home, "operations", "command, target, outcome, reason", "order by recorded_at")[since:]


def left(home):
    return list(home.log_dir.glob(f"{changes.CHANGING}*"))


@pytest.mark.parametrize("point", CHANGE_POINTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_leaves_its_row_exactly_when_its_change_is_there(home, kill, command, point):
    (name, target, outcome, reason), is_there = COMMANDS[command]
    before = len(said(home))
    assert kill(home, command, f"{point}:kill") == -signal.SIGKILL
    assert len(said(home)) == before + (point == "change-recorded")
    assert len(left(home)) == 1

    ingest(home)

    done = point != "change-announced" or command in HOLDS
    assert is_there(home) == done
    if not done and command == "quarantine export":
        done, outcome = True, outcome + CUT_OFF
    found = said(home, before)
    assert [(row[0], row[2], row[3]) for row in found] == [(name, outcome, reason)] * done
    assert all(target in (None, row[1]) for row in found)
    assert left(home) == []
    assert verify(Store(home.log_dir)).problems == []
    ingest(home)
    assert said(home, before) == found, "said once"


def test_an_export_that_is_killed_before_its_file_has_a_name_leaves_nothing_in_that_folder(home, kill):
    folder = home.home.parent
    before = set(folder.iterdir())
    assert kill(home, "quarantine export", "change-announced:kill") == -signal.SIGKILL
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_not_killed_leaves_one_row_and_no_note(home, kill, command):
    (name, _, outcome, reason), is_there = COMMANDS[command]
    before = len(said(home))
    assert kill(home, command, "") == 0
    assert is_there(home)
    assert [(row[0], row[2], row[3]) for row in said(home, before)] == [(name, outcome, reason)]
    assert left(home) == []


@pytest.mark.parametrize("command", ["sender add", "reference load", "publish"])
def test_what_is_there_already_is_no_change(home, kill, command):
    assert kill(home, command, "") == 0
    before = said(home)
    assert kill(home, command, "change-announced:kill") == 0, "nothing is announced"
    assert said(home) == before


def test_a_release_that_is_placed_and_not_switched_to_is_not_current_and_then_is(home, kill):
    assert kill(home, "publish", "release-placed:kill") == -signal.SIGKILL
    (placed,) = releases(home)
    assert not current(home).exists()
    before = len(said(home))
    assert kill(home, "publish", "") == 0
    assert (releases(home), current(home).readlink().name) == ({placed}, placed)
    assert [row[:3] for row in said(home, before)] == [
        ("publish", placed, "a new release, is not current"),
        ("publish", placed, "is current"),
    ]
    assert rows(home, "releases", "release_id") == [(placed,)]


@pytest.mark.parametrize("point", CHANGE_POINTS)
def test_a_release_is_kept_for_later_builds_exactly_when_it_became_current(home, kill, point, monkeypatch):
    """The next build is compared with a release whose command was killed right after it had become current."""
    assert kill(home, "publish", f"{point}:kill") == -signal.SIGKILL
    compared = []

    def look(_settings, building, *_):
        with engine.connect(building, read_only=True) as con:
            compared.append(con.execute("select release_id from log.earlier_release").fetchall())
            compared.append(con.execute("select figure_value from log.earlier_figures").fetchall())
        raise InterruptedError

    monkeypatch.setattr(warehouse, "run_dbt", look)
    with pytest.raises(InterruptedError):
        warehouse.build(home)
    became_current = point != "change-announced"
    assert compared == ([[(current(home).readlink().name,)], [(3,)]] if became_current else [[], []])


def test_a_build_is_in_no_release_until_one_of_its_state_is_current(home, kill):
    assert publication.is_behind(home)
    assert kill(home, "publish", "") == 0
    assert not publication.is_behind(home)
    build(home, 3, reference_data="2")
    assert publication.is_behind(home)
    assert kill(home, "publish", "") == 0
    assert not publication.is_behind(home), "the same release says the same of other reference data"
    build(home, 4)
    assert publication.is_behind(home)
    assert kill(home, "publish", "release-placed:kill") == -signal.SIGKILL
    assert publication.is_behind(home), "the release is there, and not current"
    assert kill(home, "publish", "") == 0
    assert not publication.is_behind(home)
    shutil.rmtree(current(home).resolve())
    assert publication.is_behind(home)
    with engine.connect(home.warehouse_file) as con:
        con.execute("drop table log.state")
    assert not publication.is_behind(home), "an earlier version built it, and none can publish it"
    home.warehouse_file.unlink()
    assert not publication.is_behind(home)


def test_one_that_was_made_current_by_an_earlier_version_is_kept_by_the_next_publication(home, kill):
    assert kill(home, "publish", "") == 0
    for table in ("releases", "figures"):
        for path in sorted((home.log_dir / table).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
    before = said(home)
    assert kill(home, "publish", "") == 0
    assert rows(home, "releases", "release_id") == [(current(home).readlink().name,)]
    assert said(home) == before


def test_a_change_that_fails_leaves_no_row_and_one_that_was_there_does(home, tmp_path):
    before = len(said(home))
    for is_made in (False, True):
        with pytest.raises(OSError, match="full"), change(home.log_dir, "sender add") as made:
            made.announce("S9", Outcome("added", tmp_path / "there"))
            if is_made:
                (tmp_path / "there").touch()
            raise OSError("full")
    assert said(home, before) == [("sender add", "S9", "added", None)]
    assert left(home) == []


def test_a_row_that_cannot_be_written_is_written_by_whoever_comes_next(home, monkeypatch):
    before = len(said(home))
    with monkeypatch.context() as patch:
        patch.setenv("LINKWORK_FAIL_AT", "operations-committing:ENOSPC")
        with pytest.raises(OSError, match="No space left"):
            holds.lift(home.log_dir, "a hold", "it was settled")
    assert len(said(home)) == before
    with pytest.raises(UsageError, match="no such legal hold"):
        holds.lift(home.log_dir, "a hold", "it was settled")
    assert [row[0] for row in said(home, before)] == ["legal-hold lifted"]


def test_the_change_of_a_command_that_is_at_work_is_left_to_it(home, tmp_path):
    before = len(said(home))
    with change(home.log_dir, "sender add") as made:
        made.announce("S9", Outcome("added", tmp_path / "there"))
        pipeline.open_batch(home)
        assert len(said(home)) == before
        assert list(locked.left(home.log_dir, changes.CHANGING)) == []
        (tmp_path / "there").touch()
    assert said(home, before) == [("sender add", "S9", "added", None)]


def test_a_home_that_was_moved_knows_its_changes(made, home, kill, tmp_path):
    before = len(said(home))
    assert kill(home, "sender add", "change-made:kill") == -signal.SIGKILL
    moved = copy_of(home, tmp_path / "moved")
    ingest(moved)
    assert len(said(moved)) == before + 1
