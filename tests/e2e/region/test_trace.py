"""A trace leads from a figure to lines of files, and the lines alone give the figure again."""

import csv
import hashlib
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingestion.traced import raw_lines
from linkwork import engine
from linkwork.release.marts import read_described
from linkwork.settings import PROJECT_ROOT, Settings
from linkwork.trace.report import trace
from tests.e2e.region import lines
from tests.support.installation import Installation

KEYS = ["period_type", "period_start", "area_level", "area_code", "breakdown", "breakdown_group"]
CELLS, DEEP_CELLS = 10, 100


@pytest.fixture(scope="session")
def cells(request: pytest.FixtureRequest) -> int:
    """How many cells of each mart are traced."""
    return DEEP_CELLS if request.config.getoption("--hypothesis-profile") == "deep" else CELLS


@pytest.fixture(scope="session")
def home(region: Installation) -> Settings:
    return Settings(home=region.home, keys_dir=region.folder / "keys", landing=None, test_numbers="allow")


@pytest.fixture(scope="session")
def reference(region: Installation) -> lines.Reference:
    return lines.reference(region.folder / "region" / "reference")


def rows(home: Settings, query: str) -> list[dict[str, Any]]:
    with engine.connect(home.warehouse_file, read_only=True) as con:
        cursor = con.execute(query)
        names = [d[0] for d in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def some(home: Settings, mart: str, keys: list[str], count: int, condition: str = "true") -> list[dict[str, Any]]:
    """Random rows of a mart, the same in every run."""
    found = rows(home, f"select * from {mart} where {condition} order by {', '.join(keys)}")
    assert found
    chosen = random.Random(5).sample(found, min(count, len(found)))  # noqa: S311 - a repeatable choice
    largest = max(found, key=lambda row: row.get("referrals") or 0)
    return chosen if count == 1 else [largest, *chosen]


def where(row: dict[str, Any], keys: list[str]) -> str:
    return " and ".join(f"{key} = {engine.text(row[key])}" for key in keys)


def traced(home: Settings, mart: str, row: dict[str, Any], keys: list[str], figure: str) -> dict[str, Any]:
    """All there is behind a figure, with the raw lines."""
    found = trace(home, mart, where(row, keys), figure=figure, history=True, limit=None)
    assert found["cells"]["total"] == 1
    assert found["cells"]["rows"][0][figure] == row[figure]
    found["raw"] = raw_lines(home, [*found["events"]["rows"], *found["refused"]["rows"]])
    assert len(found["events"]["rows"]) == found["events"]["total"]
    return found


def plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()}


def differences(row: dict[str, Any], again: dict[str, int]) -> dict[str, tuple[int, int]]:
    return {figure: (row[figure], n) for figure, n in again.items() if row[figure] != n}


def test_the_lines_behind_uptake_give_its_figures_again(home: Settings, reference: lines.Reference, cells: int):
    keys = [*KEYS, "stage"]
    for row in some(home, "rpt_uptake", keys, cells, "candidates > 0"):
        found = traced(home, "rpt_uptake", row, keys, "candidates")
        again = lines.uptake(lines.Region.of(found, reference), plain(row))
        assert differences(row, again) == {}, where(row, keys)
        assert found["contributors"]["total"] == row["candidates"]
    for row in some(home, "rpt_uptake", keys, cells // 2, "referrals > 0 and stage <> 'referred'"):
        found = traced(home, "rpt_uptake", row, keys, "people")
        again = lines.uptake(lines.Region.of(found, reference), plain(row))
        assert (again["referrals"], again["people"]) == (row["referrals"], row["people"]), where(row, keys)
        assert found["contributors"]["people"] == row["people"]


def test_the_lines_behind_referral_reasons_give_their_figures_again(
    home: Settings, reference: lines.Reference, cells: int
):
    keys = [*KEYS, "reason_category", "counting"]
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "code_map.csv").open() as handle:
        mapping = [entry for entry in csv.DictReader(handle) if entry["code_use"] == "need"]
    for row in some(home, "rpt_referral_reasons", keys, cells):
        found = traced(home, "rpt_referral_reasons", row, keys, "referrals")
        region = lines.Region.of(found, reference)
        assert differences(row, lines.reasons(region, plain(row), mapping)) == {}, where(row, keys)
        everything = traced(home, "rpt_referral_reasons", row, keys, "referrals_all")
        again = lines.reasons(lines.Region.of(everything, reference), plain(row) | {"reason_category": "all"}, mapping)
        assert again == {"referrals": row["referrals_all"], "people": row["people_all"]}, where(row, keys)


def test_the_lines_behind_reattendance_give_its_figures_again(home: Settings, reference: lines.Reference, cells: int):
    keys = [*KEYS, "window_days", "measure"]
    (pinned,) = rows(home, "select cut_off from log.pinned")
    # When a practice's appointment book begins and ends is said by all of its lines, not by those of a cell.
    observed = {
        r["practice_code"]: (r["first_on"], r["last_on"]) for r in rows(home, "select * from int_practice_coverage")
    }
    for row in some(home, "rpt_gp_reattendance", keys, cells, "indexes > 0"):
        found = traced(home, "rpt_gp_reattendance", row, keys, "referrals")
        again = lines.reattendance(lines.Region.of(found, reference), plain(row), pinned["cut_off"], observed)
        assert differences(row, again) == {}, where(row, keys)


def test_a_trace_of_contacts_names_the_slots_of_one_side_only(home: Settings):
    keys = [*KEYS, "window_days", "measure"]
    condition = "contacts_after > 0 and contacts_before > 0 and measure = 'gp_contacts' and period_type = 'month'"
    (row,) = some(home, "rpt_gp_reattendance", keys, 1, condition)
    after, before = (traced(home, "rpt_gp_reattendance", row, keys, f"contacts_{side}") for side in ("after", "before"))

    def slots(found: dict[str, Any]) -> set[str]:
        return {
            e["fact_id"]
            for e in found["events"]["rows"]
            if e["role"] == "counts" and e["event_type"] == "appointment.attended"
        }

    assert slots(after) and slots(before)
    assert len(slots(after)) >= row["contacts_after"]
    assert not slots(after) & slots(before)


def test_quarantined_records_are_traced_to_their_lines(region: Installation, home: Settings, cells: int):
    keys = ["sender", "feed", "month"]
    for row in some(home, "rpt_data_quality", keys, cells, "quarantined > 0"):
        found = traced(home, "rpt_data_quality", row, keys, "quarantined")
        assert found["refused"]["total"] == len(found["refused"]["rows"]) == row["quarantined"]
        raw = {(r["load_id"], r["source_line"]): r["raw"] for r in found["raw"]["records"]}
        for refused in found["refused"]["rows"]:
            sent = b"\n".join(physical_lines(region, refused)).decode("utf-8", "backslashreplace")
            assert sent.startswith(raw[refused["load_id"], refused["source_line"]])


def test_records_are_traced_to_the_files_that_hold_them(region: Installation, home: Settings, cells: int):
    keys = ["sender", "feed", "month"]
    for row in some(home, "rpt_data_quality", keys, cells, "records > 0"):
        found = traced(home, "rpt_data_quality", row, keys, "records")
        files = {(f["feed"], f["sender"], f["file_name"]) for f in found["files"]["rows"] if f["status"] == "committed"}
        landing = region.folder / "region" / "landing"
        sent = sum(len(landing.joinpath(*file).read_bytes().splitlines()) for file in files)
        assert sent - (len(files) if row["feed"].endswith("_csv") else 0) == row["records"], where(row, keys)
        assert row["events"] == len(traced(home, "rpt_data_quality", row, keys, "events")["events"]["rows"])


def test_every_figure_of_every_delivery_adds_up_from_its_files(home: Settings):
    for figure in trace(home, "rpt_data_quality", "true", limit=1)["figures"]:
        found = trace(home, "rpt_data_quality", "true", figure=figure, limit=1)  # raises where one does not
        assert found["cells"]["total"] > 10, figure


def test_a_contradicted_record_is_traced_as_a_conflict(home: Settings):
    keys = ["sender", "feed", "month"]
    for row in some(home, "rpt_data_quality", keys, 3, "conflict > 0"):
        found = traced(home, "rpt_data_quality", row, keys, "conflict")
        assert {r["rule"] for r in found["refused"]["rows"]} == {"conflict"}
        assert found["refused"]["total"] == row["conflict"]


def physical_lines(region: Installation, row: dict[str, Any]) -> list[bytes]:
    """From the line a row names to the end of its file, in the file as it was sent."""
    path = region.folder.joinpath("region", "landing", row["feed"], row["sender"], row["file_name"])
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == row["file_sha256"]
    return content.split(b"\n")[row["source_line"] - 1 :]


def described(home: Settings) -> list[str]:
    marts = read_described(home.warehouse_file.with_suffix(".target") / "manifest.json")
    return [mart.name for mart in marts if mart.name.startswith(("fct_", "dim_"))]


def test_a_row_of_every_core_mart_is_traced_to_a_line_or_says_where_it_comes_from(region: Installation, home: Settings):
    names = described(home)
    assert len(names) >= 12
    marts = {m.name: m for m in read_described(home.warehouse_file.with_suffix(".target") / "manifest.json")}
    for name in names:
        mart = marts[name]
        if not rows(home, f"select 1 from {name} limit 1"):
            # The region's practices send no problem lists, nobody opted out, every referral came, and nothing is dated
            # long after a death.
            without = ("fct_needs", "fct_exclusions", "fct_after_death")
            # It is the first release, too: none came before.
            first = ("fct_earlier_release", "fct_earlier_figures", "fct_restatement_causes")
            assert name in (*without, *first, "fct_pending_references"), f"{name} is empty"
            continue
        # Of a source that never sent anything there is no line, nor of a stratum nobody of which was referred.
        has_lines = {"fct_sources": "last_new_on is not null", "fct_equity_strata": "referrals > 0"}.get(name, "true")
        (row,) = some(home, name, mart.meta.key, 1, has_lines)
        condition = " and ".join(f"{k} is not distinct from {literal(row[k])}" for k in mart.meta.key)
        found = trace(home, name, condition, limit=None)
        assert found["cells"]["total"] == 1, name
        if mart.meta.trace.reference:
            assert "reference data" in found["notes"][0]
            continue
        named = [*found["events"]["rows"], *(f | {"source_line": 1} for f in found["files"]["rows"])]
        assert named, name
        for line in named:
            assert physical_lines(region, line)[0], name


def literal(value: Any) -> str:
    return "null" if value is None else engine.text(value)


def test_every_line_a_trace_names_is_the_line_that_was_sent(region: Installation, home: Settings):
    (row,) = some(home, "rpt_uptake", [*KEYS, "stage"], 1, "candidates > 5 and stage = 'onward'")
    found = traced(home, "rpt_uptake", row, [*KEYS, "stage"], "referrals")
    names = {(e["load_id"], e["source_line"]): e for e in found["events"]["rows"]}
    assert found["raw"]["records"]
    for record in found["raw"]["records"]:
        sent = b"\n".join(physical_lines(region, names[record["load_id"], record["source_line"]]))
        assert sent.startswith(record["raw"].removesuffix("\n").encode())


def test_the_command_tells_the_figure_its_events_and_raw_lines(region: Installation, home: Settings):
    (row,) = some(home, "rpt_uptake", [*KEYS, "stage"], 1, "referrals > 3 and stage = 'contacted'")
    condition = where(row, [*KEYS, "stage"])
    said = region.json("trace", "rpt_uptake", "--where", condition, "--raw", "--limit", "5")
    assert (said["figure"], said["contributors"]["total"]) == ("referrals", row["referrals"])
    assert len(said["events"]["rows"]) == 5 < said["events"]["total"]
    wanted = {(e["load_id"], e["source_line"]) for e in said["events"]["rows"]}
    assert {(r["load_id"], r["source_line"]) for r in said["raw"]["records"]} == wanted
    shown = region.run("trace", "rpt_uptake", "--where", condition, "--limit", "3").stdout
    assert said["events"]["rows"][0]["file_name"] in shown
    assert "3 of" in shown


def test_no_raw_text_without_the_key_of_zone_1(region: Installation, tmp_path: Path):
    keyless = Installation(region.folder, region.env | {"LINKWORK_KEYS_DIR": str(tmp_path)})
    arguments = ("trace", "fct_referrals", "--where", "state = 'closed'", "--limit", "1")
    assert keyless.json(*arguments)["events"]["rows"]
    assert "zone1.key" in keyless.run(*arguments, "--raw", expect=64).stderr


def test_a_file_that_raw_retention_removed_is_said_to_be_gone(region: Installation, home: Settings):
    arguments = ("trace", "fct_contacts", "--where", "status = 'held'", "--limit", "1", "--raw")
    found = region.json(*arguments)
    sealed = home.raw_dir / found["events"]["rows"][0]["file_sha256"]
    aside = sealed.with_suffix(".aside")
    sealed.rename(aside)
    try:
        without = region.json(*arguments)
    finally:
        aside.rename(sealed)
    assert without["raw"]["records"] == []
    assert any("not kept any more" in note for note in without["notes"])
    assert found["raw"]["records"]


REFUSED: dict[str, tuple[str, Callable[[str], bool]]] = {
    "an unknown column": ("surgery = 'x'", lambda told: '"surgery"' in told),
    "a broken condition": ("stage = = 'x'", lambda told: "syntax error" in told),
    "two statements": ("true); drop table fct_referrals; select (true", lambda told: "--where" in told),
    "a file": ("(select count(*) from read_csv('/etc/hostname')) > 0", lambda told: "outside the warehouse" in told),
    "what is identifiable": (
        "(select count(*) from read_blob('{home}/restricted/raw/*')) > 0",
        lambda told: "outside the warehouse" in told,
    ),
    "rows of its own": (
        "false)) union all (select 'x' as _row where (true",
        lambda told: "not one condition" in told,
    ),
    "nothing": (" ", lambda told: "empty" in told),
    "too much": ("true", lambda told: "narrow" in told),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_condition_is_refused_with_a_sentence(region: Installation, case: str):
    condition, is_told = REFUSED[case]
    condition = condition.replace("{home}", str(region.home))
    done = region.run("trace", "rpt_uptake", "--where", condition, expect=64)
    assert is_told(done.stderr), done.stderr
    assert "Traceback" not in done.stderr and "LINE 1" not in done.stderr


def test_a_condition_writes_nothing(region: Installation):
    """A folder that DuckDB may read it may write to: a SELECT can have it profile there."""
    target = region.home / "log" / "profile.json"
    condition = f"not exists (from enable_profiling(format = 'json', save_location = '{target}')) and stage = 'nowhere'"
    assert region.json("trace", "rpt_uptake", "--where", condition)["cells"]["total"] == 0
    assert not target.exists()


def test_what_is_not_there_is_told(region: Installation):
    assert "fct_referrals" in region.run("trace", "rpt_nothing", "--where", "true", expect=64).stderr
    assert "denominator" in region.run("trace", "rpt_uptake", "--where", "true", "--figure", "n", expect=64).stderr
    empty = region.json("trace", "rpt_uptake", "--where", "stage = 'nowhere'")
    assert (empty["cells"]["total"], empty["events"]["total"]) == (0, 0)
    assert "No row" in empty["notes"][0]
    nothing_built = region.run("trace", "rpt_uptake", "--where", "true", "--known-at", "2019-01-01", expect=64)
    assert "linkwork build" in nothing_built.stderr
