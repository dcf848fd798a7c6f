"""From files to releases with one person erased in between; and a log that is copied, compacted and folded anew."""

import json
import shutil
from types import SimpleNamespace

import pytest

from ingestion import erase, upkeep
from linkwork import engine, publication, warehouse
from linkwork.errors import EXIT_BUSY, EXIT_USAGE, BadDataError
from linkwork.privacy.keys import load_keys
from linkwork.privacy.scan import Needles, scan
from linkwork.release.building import current_release
from linkwork.settings import Settings
from tests.support.cli import commands
from tests.support.log import rows
from tests.support.marts import build, build_untested
from tests.support.people import ANNA, BEN, CLEO, everywhere, pseudonyms


def restricted(home, release):
    """The bytes of each file of a release's restricted tier."""
    folder = home.releases_dir / release / "restricted"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def marts(home, release):
    """The rows of each restricted mart, and its columns."""
    found = {}
    with engine.connect() as con:
        for path in sorted((home.releases_dir / release / "restricted").glob("*.parquet")):
            cursor = con.execute(f"select * from read_parquet({engine.text(path)})")
            columns = [d[0] for d in cursor.description]
            found[path.stem] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return found


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A home with two releases and a build for an earlier day, before the erasure, after it, and published again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publication, "_check", lambda *_: None)  # the suite has its own tests
        home = everywhere(tmp_path_factory.mktemp("story") / "installation")
        people = {number: {key.hex() for key in pseudonyms(home, number)} for number in (ANNA, BEN, CLEO)}
        build_untested(home)
        first = publication.publish(home)["release_id"]
        before = SimpleNamespace(marts=marts(home, first), files=restricted(home, first))
        backup = home.home.parent.parent / "backup"
        for name in ("log", "reference"):
            shutil.copytree(home.home / name, backup / name)
        other = publication.publish(home.model_copy(update={"disclosure_policy": "opensafely"}))["release_id"]
        shutil.copy(home.warehouse_file, home.warehouse_file.with_name("known-at-20250601T000000000000Z.duckdb"))
        receipt = erase.erase_person(home, [ANNA], [], "asked for")
        after = SimpleNamespace(
            warehouses=[p.name for p in home.warehouse_file.parent.glob("*.duckdb")],
            open={r: (home.releases_dir / r / "open" / "marts.duckdb").exists() for r in (first, other)},
            restricted=[r for r in (first, other) if (home.releases_dir / r / "restricted").exists()],
            redactions={
                r: json.loads((home.releases_dir / r / "redactions.json").read_text())["redactions"]
                for r in (first, other)
            },
            current=current_release(home.releases_dir),
        )
        built = build(home)
        published = publication.publish(home)
        yield SimpleNamespace(
            home=home, people=people, first=first, other=other, before=before, backup=backup, receipt=receipt,
            after=after, built=built, published=published,
        )  # fmt: skip


def test_restricted_tiers_are_removed_with_a_note_and_open_tiers_stay(story):
    assert story.after.restricted == []
    assert all(story.after.open.values())
    for notes in story.after.redactions.values():
        (note,) = notes
        assert (note["tier"], note["because"]) == ("restricted", f"erasure {story.receipt['erasure_id']}")
    assert story.receipt["releases_redacted"] == 2


def test_every_warehouse_is_removed(story):
    assert story.after.warehouses == []


def test_a_new_release_becomes_current_though_the_position_is_the_same(story):
    assert story.after.current == story.other
    assert (story.published["created"], story.published["current"]) == (True, True)
    assert current_release(story.home.releases_dir) == story.published["release_id"]
    assert story.published["release_id"].split("-")[0] == story.first.split("-")[0] == str(story.built["position"])


def test_each_release_left_one_operation(story):
    found = rows(story.home, "operations", "target", "where command = 'publish' order by recorded_at")
    assert found == [(story.first,), (story.other,), (story.published["release_id"],)]


def test_no_byte_of_anything_holds_her_after_all_that(story):
    keys = load_keys(story.home)
    needles = Needles.of([ANNA], [bytes.fromhex(key) for key in story.people[ANNA]])
    found = scan(story.home.home, needles, keys.zone1)
    assert (found.hits, found.unreadable) == ([], [])


def test_rebuilt_marts_differ_by_her_rows_only(story):
    after = marts(story.home, story.published["release_id"])
    assert set(after) == set(story.before.marts)
    gone = 0
    for table, was in story.before.marts.items():
        if was and "person_id" in was[0]:
            text = [str(row) for row in after[table]]
            missing = [row for row in was if str(row) not in text]
            assert len(was) - len(missing) == len(after[table]), table
            for row in missing:
                assert row["person_id"] not in story.people[BEN] | story.people[CLEO], table
            gone += len(missing)
        elif table.startswith("dim_"):
            assert after[table] == was, table
    assert gone > 5


def test_ledger_figures_stay_as_they_were(story):
    after = marts(story.home, story.published["release_id"])["fct_loads"]
    counts = ("load_id", "status", "records", "accepted", "duplicate", "quarantined", "skipped")
    was = [tuple(row[c] for c in counts) for row in story.before.marts["fct_loads"]]
    assert [tuple(row[c] for c in counts) for row in after] == was


def test_a_query_on_a_redacted_release_says_what_to_do(story, monkeypatch, capfd):
    releases = story.home.releases_dir
    linkwork = commands(story.home, monkeypatch, capfd)
    newest = (releases / "current").readlink()
    (releases / "current").unlink()
    (releases / "current").symlink_to(story.first)
    try:
        refused = linkwork("sql", "select 1")
        assert refused.code == EXIT_USAGE
        assert "linkwork build" in refused.err
        assert linkwork("sql", "select 1 as n", "--tier", "open", "--json").json == [{"n": 1}]
    finally:
        (releases / "current").unlink()
        (releases / "current").symlink_to(newest)
    assert linkwork("sql", "select 1 as n", "--json").json == [{"n": 1}]


def test_an_unfinished_erasure_keeps_builds_from_starting(story, monkeypatch, capfd):
    order = story.home.home / "restricted" / "erasures" / "cut-off"
    order.write_bytes(b"")
    try:
        refused = commands(story.home, monkeypatch, capfd)("build")
        assert refused.code == EXIT_BUSY
        assert "erase --resume" in refused.err
    finally:
        order.unlink()


def test_a_copied_and_compacted_log_folds_to_the_same_release_byte_for_byte(story, tmp_path, monkeypatch):
    """All a new home needs is the log, the reference data and the keys; one command brings the warehouse back."""
    monkeypatch.setattr(publication, "_check", lambda *_: None)
    home = Settings(home=tmp_path / "data", keys_dir=story.home.keys_dir, test_numbers="allow",
                    contracts_dir=story.home.contracts_dir, landing=None)  # fmt: skip
    for name in ("log", "reference"):
        shutil.copytree(story.backup / name, home.home / name)
    upkeep.compact(home)
    build_untested(home, full=True)
    assert publication.publish(home)["release_id"] == story.first
    assert restricted(home, story.first) == story.before.files


def test_a_damaged_log_is_not_replayed(story):
    segment = next((story.home.log_dir / "events").rglob("[!.]*.parquet"))
    good = segment.read_bytes()
    was = story.home.warehouse_file.read_bytes()
    try:
        segment.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        with pytest.raises(BadDataError, match=segment.name):
            warehouse.build(story.home, full=True)
    finally:
        segment.write_bytes(good)
    assert story.home.warehouse_file.read_bytes() == was
