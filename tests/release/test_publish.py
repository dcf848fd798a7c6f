"""A release: whole, described, made once, and checked before anyone sees it."""

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from linkwork.engine import connect
from linkwork.errors import BadDataError, BusyError, UsageError
from linkwork.files import sha256_of
from linkwork.release.manifest import read_manifest
from linkwork.release.marts import read_marts
from linkwork.release.schemas import Schema, of_release
from linkwork.release.verify import verify_release
from linkwork.settings import Settings

Row = Callable[..., dict[str, Any]]


@pytest.fixture
def ready(region: Any, example_row: Row) -> Any:
    """A region with one mart of both tiers and one that is restricted."""
    region.example([example_row(), example_row(period_end=date(2025, 2, 28)), example_row(reason="housing")])
    region.mart(
        "fct_example",
        "select md5(i::varchar)::blob as referral_key, i as days from range(50) as r(i)",
        {"tiers": ["restricted"], "key": ["referral_key"]},
        {"days": "Days waited."},
    )
    return region


def test_a_release_holds_both_tiers_and_is_current(ready: Any, read: Any) -> None:
    published = ready.publish(position=100)
    releases = ready.settings.releases_dir
    assert (published.created, published.current) == (True, True)
    assert published.path == releases / published.release_id
    assert (releases / "current").readlink() == Path(published.release_id)
    files = {p.relative_to(published.path).as_posix() for p in published.path.rglob("*") if p.is_file()}
    assert files == {
        "manifest.json",
        "open/manifest.json",
        "open/marts.duckdb",
        "open/rpt_example.parquet",
        "restricted/fct_example.parquet",
        "restricted/marts.duckdb",
        "restricted/rpt_example.parquet",
    }
    path = published.path
    (restricted,) = read(f"select * from '{path}/restricted/rpt_example.parquet' limit 1")
    (opened,) = read(f"select * from '{path}/open/rpt_example.parquet' limit 1")
    assert (restricted["people"], opened["people"]) == (112, 110)


def test_the_manifest_says_what_is_there(ready: Any) -> None:
    published = ready.publish(position=100)
    manifest = verify_release(published.path)
    assert manifest.release_id == f"100-{manifest.content_sha256[:8]}" == published.release_id
    assert (manifest.position, manifest.cut_off) == (100, date(2025, 6, 30))
    assert (manifest.known_at, manifest.requested_known_at) == (datetime(2025, 7, 1, 6, tzinfo=UTC), None)
    assert (manifest.policy.name, manifest.policy.version) == ("nhs-hes", 2)
    assert manifest.synthetic is True
    assert [(t.path, t.rows) for t in manifest.tables] == [
        ("open/rpt_example.parquet", 3),
        ("restricted/fct_example.parquet", 50),
        ("restricted/rpt_example.parquet", 3),
    ]
    assert [c.name for c in manifest.tables[1].columns] == ["referral_key", "days"]
    assert [c.type for c in manifest.tables[1].columns] == ["BLOB", "BIGINT"]


def test_the_open_folder_stands_alone_and_lists_open_files_only(ready: Any, tmp_path: Path) -> None:
    published = ready.publish()
    alone = tmp_path / "handed-on"
    (published.path / "open").rename(alone)
    manifest = verify_release(alone)
    assert manifest.scope == "open"
    assert [t.path for t in manifest.tables] == ["rpt_example.parquet"]
    assert [o.path for o in manifest.other_files] == ["marts.duckdb"]
    assert "fct_example" not in (alone / "manifest.json").read_text()


@pytest.mark.parametrize("tier", ["open", "restricted"])
def test_marts_duckdb_holds_tables_with_comments_and_opens_read_only(ready: Any, tier: str) -> None:
    published = ready.publish()
    path = published.path / tier / "marts.duckdb"
    con = connect(path, read_only=True)
    tables = con.execute("select table_name, comment from duckdb_tables() order by 1").fetchall()
    assert ("rpt_example", "One row per key of rpt_example.") in tables
    comment = con.execute(
        "select comment from duckdb_columns() where table_name = 'rpt_example' and column_name = 'people'"
    ).fetchone()
    assert comment is not None
    assert comment[0].startswith("Distinct people referred.")
    assert con.execute("select count(*) from duckdb_views() where not internal").fetchone() == (0,)
    assert con.execute("select release_id, position, policy from release").fetchone() == (
        published.release_id,
        100,
        "nhs-hes",
    )
    assert con.execute("select count(*) from rpt_example").fetchone() == (3,)
    tags = con.execute("select tags['storage_version'] from duckdb_databases() where not internal").fetchone()
    assert tags is not None
    assert "v1.2.0" in tags[0]
    con.close()
    assert not path.with_suffix(".duckdb.wal").exists()


def test_nothing_changed_makes_no_release(ready: Any) -> None:
    first = ready.publish()
    before = sorted(p.name for p in ready.settings.releases_dir.iterdir())
    called: list[Path] = []
    second = ready.publish(check=called.append, pinned_known_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (second.release_id, second.created, second.current) == (first.release_id, False, True)
    assert sorted(p.name for p in ready.settings.releases_dir.iterdir()) == before
    assert called == []
    assert read_manifest(second.path).known_at == datetime(2025, 7, 1, 6, tzinfo=UTC)


def test_the_same_warehouse_elsewhere_gives_the_same_release(ready: Any, tmp_path: Path) -> None:
    first = ready.publish()
    ready.settings = Settings(home=tmp_path / "elsewhere", test_numbers="allow", threads=1)
    second = ready.publish()
    assert (second.release_id, second.created) == (first.release_id, True)
    assert second.tables == first.tables
    assert second.path != first.path


def test_changed_marts_make_a_new_release_and_the_old_one_stays(ready: Any, example_row: Row) -> None:
    first = ready.publish(position=100)
    ready.example([example_row(people=500)])
    second = ready.publish(position=101)
    assert (second.created, second.current) == (True, True)
    assert second.release_id.startswith("101-")
    assert verify_release(first.path).position == 100


def test_another_policy_is_another_release(ready: Any, tmp_path: Path) -> None:
    first = ready.publish()
    ready.settings.disclosure_policy = "opensafely"
    assert ready.publish().release_id != first.release_id


def test_a_release_as_known_at_an_earlier_time_does_not_become_current(ready: Any, example_row: Row) -> None:
    first = ready.publish(position=100)
    ready.example([example_row(people=90)])
    then = datetime(2025, 3, 1, tzinfo=UTC)
    earlier = ready.publish(position=40, known_at=then)
    assert (earlier.created, earlier.current) == (True, False)
    assert (ready.settings.releases_dir / "current").readlink() == Path(first.release_id)
    assert read_manifest(earlier.path).requested_known_at == then


def test_an_unknown_policy_publishes_nothing(ready: Any) -> None:
    ready.settings.disclosure_policy = "nhs_hes"
    with pytest.raises(UsageError, match="nhs-hes"):
        ready.publish()
    assert not ready.settings.releases_dir.exists()


def test_the_check_sees_the_whole_release_and_can_refuse_it(ready: Any, example_row: Row) -> None:
    first = ready.publish(position=100)
    ready.example([example_row(people=500)])
    seen: dict[str, Any] = {}

    def refuse(folder: Path) -> None:
        seen.update(json.loads((folder / "tables.json").read_text()))
        assert all((folder / table["path"]).is_file() for table in seen["tables"])
        raise BadDataError("an expectation failed")

    with pytest.raises(BadDataError, match="an expectation failed"):
        ready.publish(position=101, check=refuse)
    names = sorted(p.name for p in ready.settings.releases_dir.iterdir())
    assert names == [first.release_id, "current"]
    assert (ready.settings.releases_dir / "current").readlink() == Path(first.release_id)
    by_tier = {(t["table"], t["tier"]): t for t in seen["tables"]}
    assert by_tier["rpt_example", "open"]["disclosure"]["people"] == "people"
    assert by_tier["rpt_example", "restricted"]["disclosure"] is None
    assert seen["policy"]["suppress_to"] == 7


@pytest.mark.parametrize("damage", ["changed", "added"])
def test_a_release_that_was_touched_while_it_was_built_is_not_put_in_place(ready: Any, damage: str) -> None:
    def touch(folder: Path) -> None:
        touched = folder / "open" / ("rpt_example.parquet" if damage == "changed" else "notes.txt")
        touched.write_bytes(b"PAR1")

    with pytest.raises(BadDataError, match=r"open/\S+ (was changed|is not listed)"):
        ready.publish(check=touch)
    assert list(ready.settings.releases_dir.iterdir()) == []


def test_files_of_a_release_are_read_only(ready: Any) -> None:
    published = ready.publish()
    modes = {p.stat().st_mode & 0o777 for p in published.path.rglob("*") if p.is_file()}
    assert modes == {0o444}


@pytest.mark.parametrize("damage", ["flip", "remove", "add", "manifest"])
def test_a_damaged_release_is_named_and_never_built_upon(ready: Any, damage: str) -> None:
    published = ready.publish()
    target = published.path / "open" / "rpt_example.parquet"
    if damage == "flip":
        content = bytearray(target.read_bytes())
        content[len(content) // 2] ^= 1
        target.chmod(0o644)
        target.write_bytes(content)
    elif damage == "remove":
        target.unlink()
    elif damage == "add":
        (published.path / "open" / "extra.parquet").write_bytes(b"")
    else:
        manifest = published.path / "manifest.json"
        manifest.chmod(0o644)
        manifest.write_text(manifest.read_text().replace('"position": 100', '"position": 99'))
    named = {"add": "extra.parquet", "manifest": "manifest.json"}.get(damage, "open/rpt_example.parquet")
    with pytest.raises(BadDataError, match=named):
        verify_release(published.path)
    with pytest.raises(BadDataError, match=named):
        ready.publish()


def test_a_mart_that_was_not_built_is_named(ready: Any) -> None:
    con = connect(ready.warehouse)
    con.execute("drop table marts.fct_example")
    con.close()
    with pytest.raises(BadDataError, match="fct_example"):
        ready.publish()


def test_no_warehouse_and_no_dbt_manifest_are_said(ready: Any) -> None:
    ready.warehouse.rename(ready.warehouse.with_suffix(".away"))
    with pytest.raises(BadDataError, match="there is no warehouse"):
        ready.publish()
    ready.manifest.unlink()
    with pytest.raises(BadDataError, match="dbt's manifest"):
        ready.publish()


def test_a_warehouse_that_is_being_written_is_busy(ready: Any, writer: Callable[[Path], None]) -> None:
    writer(ready.warehouse)
    with pytest.raises(BusyError, match="being written"):
        ready.publish()


def test_metadata_may_stand_in_meta_or_in_config(ready: Any) -> None:
    first = ready.publish()
    for node in ready.nodes.values():
        node["meta"] = node["config"].pop("meta")
    ready.manifest.write_text(json.dumps({"nodes": ready.nodes}))
    assert ready.publish().release_id == first.release_id


def test_the_release_names_no_path_of_this_machine(ready: Any) -> None:
    published = ready.publish()
    here = str(ready.settings.home).encode()
    for path in published.path.rglob("*"):
        if path.is_file():
            assert here not in path.read_bytes()
            assert os.fsencode(ready.warehouse) not in path.read_bytes()
    assert sha256_of(published.path / "open" / "manifest.json")


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "gone": ({"days": "BIGINT", "hours": "BIGINT"}, "fct_example: restricted: hours is gone"),
    "another type": ({"days": "INTEGER"}, "fct_example: restricted: days was INTEGER and is BIGINT"),
    "moved": ({"days": "BIGINT", "referral_key": "BLOB"}, "fct_example: restricted: its columns are in another order"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_f113_a_table_that_is_not_as_its_readers_know_it_is_not_published(ready: Any, change: str) -> None:
    known, told = CHANGES[change]
    before = ready.publish(position=100).release_id
    columns = known if "referral_key" in known else {"referral_key": "BLOB", **known}
    schema = Schema(mart="fct_example", version=1, key=["referral_key"], tiers={"restricted": columns})
    relied_on = {"fct_example": schema}
    with pytest.raises(BadDataError, match=f"{told}.*raise `version`"):
        ready.publish(position=101, relied_on=relied_on)
    releases = ready.settings.releases_dir
    assert [path.name for path in releases.iterdir() if path.name != "current"] == [before]
    stated = {"tiers": ["restricted"], "key": ["referral_key"], "version": 2}
    ready.mart("fct_example", "select md5(i::varchar)::blob as referral_key, i as days from range(5) as r(i)", stated)
    assert ready.publish(position=101, relied_on=relied_on).current


def test_f113_a_table_that_is_gone_or_left_the_open_tier_is_not_published_and_a_column_may_be_added(ready: Any) -> None:
    ready.publish(position=100)
    known = of_release(read_marts(ready.manifest), read_manifest(ready.settings.releases_dir / "current").tables)
    fewer = {name: c for name, c in known["rpt_example"].tiers["open"].items() if name != "reason"}
    added = known["rpt_example"].model_copy(update={"tiers": {"open": fewer}})
    assert ready.publish(position=101, relied_on={"rpt_example": added}).current
    gone = known | {"rpt_gone": known["rpt_example"].model_copy(update={"mart": "rpt_gone"})}
    with pytest.raises(BadDataError, match="rpt_gone: is gone"):
        ready.publish(position=102, relied_on=gone)
    opened = known["fct_example"].model_copy(update={"tiers": {"open": {"days": "BIGINT"}}})
    with pytest.raises(BadDataError, match="fct_example: is not in the open tier any more"):
        ready.publish(position=102, relied_on=known | {"fct_example": opened})
