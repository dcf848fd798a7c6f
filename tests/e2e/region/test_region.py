"""From files to a release on a synthetic region: records accounted for, faults met, nothing identifiable out."""

import csv
import random
import re

import duckdb
import pytest

from linkwork.release import schemas
from linkwork.release.manifest import read_manifest
from linkwork.settings import PROJECT_ROOT, Settings
from tests.support import injected
from tests.support.installation import Installation
from tests.support.marts import UNTESTED, build_untested

FATES = ("accepted", "duplicate", "conflict", "quarantined", "skipped")


def untested(region: Installation) -> Installation:
    """Builds again what has passed dbt's tests of the data, or is empty: tests/dbt has those of an empty log."""
    return Installation(region.folder, region.env | UNTESTED)


def test_every_record_of_every_file_is_accounted_for(region: Installation):
    loads = region.json("load", "list")
    committed = [load for load in loads if load["status"] == "committed"]
    assert len(committed) > 80
    for load in committed:
        assert load["records"] == sum(load[fate] for fate in FATES), load["file_name"]
    taken = {
        (load["feed"], load["sender"], load["file_name"]) for load in loads if load["status"] in ("committed", "held")
    }
    physical = sum(
        sum(1 for _ in path.open("rb")) - (path.suffix == ".csv")
        for path in (region.folder / "region" / "landing").rglob("*")
        if path.is_file() and path.parts[-3:] in taken
    )
    held = sum(load["records"] for load in loads if load["status"] == "held")
    assert sum(load["records"] for load in committed) + held == physical


def test_every_injected_fault_has_the_outcome_the_truth_says(region: Installation):
    assert injected.unmet(region, "region") == []
    assert len(injected.noted(region, "region")) > 50


def test_running_again_changes_nothing_and_says_so(region: Installation):
    before = region.json("status")
    again = untested(region).json("run", "--landing", "region/landing", expect=(0, 3))
    assert again["ingested"]["events"] == 0
    assert again["ingested"]["new_in_ledger"] == 0
    assert again["published"]["created"] is False
    after = region.json("status")
    assert (after["position"], after["release"]) == (before["position"], before["release"])
    assert "no new release" in region.run("publish").stdout


def test_the_log_verifies_and_its_history_adds_up(region: Installation):
    assert region.json("log", "verify")["problems"] == []
    history = region.json("log", "history")
    assert sum(commit["events"] for commit in history) == region.json("status")["position"]


def test_a_flipped_byte_is_found_and_the_file_named(region: Installation):
    segment = max((region.home / "log" / "events").rglob("*.parquet"), key=lambda p: p.stat().st_size)
    good = segment.read_bytes()
    try:
        segment.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
        assert segment.name in region.run("log", "verify", expect=65).stderr
    finally:
        segment.write_bytes(good)
    region.run("log", "verify")


def identifiers(region: Installation) -> dict[str, list[str]]:
    people = []
    for path in sorted((region.folder / "region" / "landing" / "registrations_csv").rglob("*.csv"))[:4]:
        with path.open() as handle:
            people += [row for row in csv.DictReader(handle) if row.get("extract_at")]
    chosen = random.Random(1).sample(  # noqa: S311 - a repeatable choice
        [p for p in people if p["nhs_number"]], 10
    )
    return {
        "numbers": [p["nhs_number"] for p in chosen],
        "names": [p["family_name"] for p in chosen],
        "patients": [p["patient_id"] for p in chosen],
    }


def test_nothing_identifiable_lies_outside_zone_1(region: Installation):
    wanted = identifiers(region)
    numbers = re.compile(rb"999[ -]?\d{3}[ -]?\d{4}")
    searched = 0
    for path in region.home.rglob("*"):
        if not path.is_file() or "restricted" in path.relative_to(region.home).parts[:1]:
            continue
        contents = [path.read_bytes()]
        if path.suffix == ".parquet":
            contents.append(_parquet_text(path))
        if path.suffix == ".duckdb":
            contents.append(_database_text(path))
        for content in contents:
            for value in [*wanted["numbers"], *wanted["patients"]]:
                assert value.encode() not in content, path
            # Names are common words, so they are looked for as whole values.
            for name in wanted["names"]:
                assert f"\n{name}\n".encode() not in content, path
            if path.suffix in (".parquet", ".duckdb", ".html", ".json"):
                assert not numbers.search(content) or path.suffix == ".duckdb" or _hex_only(content, numbers), path
        searched += 1
    assert searched > 100


def _hex_only(content: bytes, numbers: re.Pattern[bytes]) -> bool:
    """Ten digits inside a longer run of digits, letters or binary are no NHS number."""
    return all(
        re.search(
            rb"[0-9A-Za-z.\x80-\xff]", content[max(m.start() - 1, 0) : m.start()] + content[m.end() : m.end() + 1]
        )
        for m in numbers.finditer(content)
    )


def _parquet_text(path) -> bytes:
    return _text(duckdb.connect(), f"read_parquet('{path}')")


def _database_text(path) -> bytes:
    with duckdb.connect(str(path), read_only=True) as con:
        tables = con.execute("select database_name, schema_name, table_name from duckdb_tables()").fetchall()
        return b"\n".join(_text(con, ".".join(f'"{part}"' for part in table)) for table in tables)


def _text(con: duckdb.DuckDBPyConnection, relation: str) -> bytes:
    """Every text value of a table, a line each, as a reader of the file would see it."""
    kept = []
    columns = con.execute(f"describe select * from {relation}").fetchall()
    for name, kind, *_ in columns:
        if kind in ("VARCHAR", "VARCHAR[]", "DATE"):
            values = con.execute(f'select distinct "{name}"::varchar from {relation}').fetchall()
            kept += [str(v) for (v,) in values if v is not None]
    return ("\n" + "\n".join(kept) + "\n").encode()


def test_each_tier_has_its_marts_with_comments_and_the_open_one_shows_most_cells(region: Installation):
    for tier in ("open", "restricted"):
        with duckdb.connect(str(region.home / "releases" / "current" / tier / "marts.duckdb"), read_only=True) as con:
            tables = con.execute(
                "select table_name, comment from duckdb_tables() where not internal and table_name <> 'release'"
            ).fetchall()
            columns = con.execute(
                "select table_name, column_name, comment from duckdb_columns() where not internal"
            ).fetchall()
        uncommented = [
            (table, column)
            for table, column, comment in columns
            if not comment and table != "release" and not column.endswith("_status")
        ]
        names = {name for name, _ in tables}
        assert {"rpt_referral_reasons", "rpt_uptake", "rpt_gp_reattendance"} <= names
        assert all(comment for _, comment in tables)
        assert uncommented == []


@pytest.mark.parametrize("table", ["rpt_referral_reasons", "rpt_uptake", "rpt_gp_reattendance"])
def test_at_least_half_of_the_controlled_cells_of_an_open_table_are_shown(region: Installation, table: str):
    columns = [row["column_name"] for row in region.sql(f"describe {table}", "open")]
    statuses = [c for c in columns if c.endswith("_status")]
    assert statuses
    counted = ", ".join(f"count(*) filter ({c} = 'shown') as {c}" for c in statuses)
    (shown,) = region.sql(f"select count(*) as n, {counted} from {table}", "open")
    n = shown.pop("n")
    assert n > 0
    assert sum(shown.values()) >= n * len(statuses) / 2


def test_no_small_number_of_people_is_in_the_open_tier(region: Installation):
    for table in ("rpt_referral_reasons", "rpt_uptake", "rpt_gp_reattendance"):
        smallest = region.sql(
            f"select min(people) filter (people > 0) as n, max(people % 5) as rest from {table}", "open"
        )
        assert smallest[0]["n"] is None or smallest[0]["n"] >= 10
        assert not smallest[0]["rest"]


def test_the_same_log_gives_the_same_release(region: Installation):
    before = region.json("status")["release"]
    build_untested(Settings(home=region.home, keys_dir=region.folder / "keys", test_numbers="allow"))
    assert region.json("publish")["release_id"] == before


def test_a_build_as_known_before_the_first_commit_is_empty(region: Installation):
    built = untested(region).json("build", "--known-at", "2020-01-01")
    assert built["position"] == 0
    published = region.json("publish", "--known-at", "2020-01-01")
    assert published["current"] is False
    assert region.json("status")["release"] != published["release_id"]


def test_f113_a_release_has_the_tables_that_the_models_declare(region: Installation):
    """What is compared with the last version is what is exported: each column, its type and place, in each tier."""
    declared = schemas.of_models(PROJECT_ROOT / "dbt_project" / "models" / "marts")
    released = read_manifest(region.home / "releases" / "current").tables
    exported = {(t.table, t.tier): (t.key, [(c.name, c.type) for c in t.columns]) for t in released}
    assert exported == {
        (one.mart, tier): (one.key, list(columns.items()))
        for one in declared.values()
        for tier, columns in one.tiers.items()
    }
