"""Checks of reference data: hits against what is known, recorded baselines, and the command that shows them."""

import json
from datetime import date, timedelta

import pytest

from linkwork import engine, reference
from linkwork.errors import EXIT_BAD_DATA, EXIT_DONE, EXIT_REFUSALS, EXIT_USAGE, BadDataError
from linkwork.reference import check
from tests.support.cli import commands

HEADER = "practice_code,practice_sub_icb_code,pcn_code,pcn_name,pcn_sub_icb_code,joined_on,left_on"


def members(folder, *lines):
    path = folder.parent / "members.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    reference.load(folder, "pcn_memberships", path)


def overlapping(count):
    return [
        line
        for n in range(count)
        for line in (f"Z9{n:04d},99Z,U99001,North,99Z,20200101,20240701", f"Z9{n:04d},99Z,U99002,South,99Z,20240701,")
    ]


def found(folder, name):
    return next(r for r in check.run(folder) if r["check_name"] == name)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "reference"


@pytest.fixture
def linkwork(home, monkeypatch, capfd):
    return commands(home, monkeypatch, capfd)


@pytest.mark.parametrize(("hits", "status"), [(0, "ok"), (8, "known"), (9, "worse")])
def test_known_hits_are_known_and_more_are_worse(folder, hits, status):
    members(folder, *overlapping(hits), "Z98888,99Z,U99001,North,99Z,20200101,")
    overlaps = found(folder, "overlapping_memberships")
    assert (overlaps["hits"], overlaps["baseline"], overlaps["status"]) == (hits, 8, status)
    assert overlaps["examples"] == [f"Z9{n:04d}" for n in range(min(hits, 5))]


def test_gaps_orphans_and_reversed_days_are_found(folder):
    members(
        folder,
        "Z90001,99Z,U99001,North,99Z,20200101,20200630",
        "Z90001,99Z,U99002,South,98Z,20200703,20190101",
        "Z90002,99Z,U99001,North,99Z,20200101,20200630",
        "Z90002,99Z,U99002,South,99Z,20200701,",
    )
    assert found(folder, "gaps_between_memberships")["examples"] == ["Z90001"]
    assert found(folder, "left_before_joined")["hits"] == 1
    assert found(folder, "network_of_another_sub_icb")["hits"] == 1
    assert found(folder, "members_nobody_knows")["status"] == "not_loaded"
    (folder.parent / "p.csv").write_text(
        "practice_code,practice_name,icb_code,opened_on,closed_on,status,prescribing_settings\n"
        "Z90002,Two,QZZ,1990-01-01,2020-06-30,INACTIVE,RO76\n"
    )
    reference.load(folder, "practices", folder.parent / "p.csv")
    assert found(folder, "members_nobody_knows")["hits"] == 2
    assert found(folder, "members_that_closed")["examples"] == ["Z90002"]


def test_lists_must_add_up_and_follow_each_other(folder):
    path = folder.parent / "l.csv"
    path.write_text(
        "EXTRACT_DATE,CODE,SEX,AGE,NUMBER_OF_PATIENTS\n2025-01-01,Z90001,ALL,ALL,9\n2025-01-01,Z90001,MALE,4,4\n"
        "2025-01-01,Z90001,FEMALE,95+,4\n2025-07-01,Z90001,ALL,ALL,9\n"
        # These two add up: the oldest belong to the bands as well as to the years.
        "2025-01-01,Z90002,ALL,ALL,9\n2025-01-01,Z90002,MALE,90_94,5\n2025-01-01,Z90002,FEMALE,95+,4\n"
        "2025-01-01,Z90003,ALL,ALL,9\n2025-01-01,Z90003,MALE,4,5\n2025-01-01,Z90003,FEMALE,95+,4\n"
    )
    reference.load(folder, "list_sizes", path)
    assert found(folder, "lists_that_do_not_add_up")["examples"] == ["Z90001 2025-01-01"]
    assert found(folder, "months_without_a_list")["hits"] == 1


def test_every_check_can_be_run_and_names_kinds_that_are(folder, tmp_path):
    for kind in reference.KINDS:
        target = folder / kind
        target.mkdir(parents=True)
        with engine.connect() as con:
            source = reference.relation(tmp_path / "none", kind)
            con.execute(f"copy (from {source}) to '{target}/20260101T000000000000Z.parquet'")
    results = check.run(folder)
    assert len(results) == len(check.checks()) >= 35
    assert {r["status"] for r in results} == {"ok"}


def test_a_recorded_baseline_holds_and_a_broken_one_is_named(folder):
    members(folder, *overlapping(9))
    check.record(folder, check.run(folder))
    assert found(folder, "overlapping_memberships")["status"] == "known"
    members(folder, *overlapping(10))
    assert found(folder, "overlapping_memberships")["status"] == "worse"
    (folder / "baseline.json").write_text("[3]")
    with pytest.raises(BadDataError, match="baseline cannot be read"):
        check.run(folder)


def test_the_command_warns_of_known_hits_and_ends_with_3_on_more(home, linkwork):
    members(home.reference_dir, *overlapping(8))
    done = linkwork("reference", "check", "--json")
    assert done.code == EXIT_DONE
    assert {r["status"] for r in json.loads(done.out)} == {"ok", "known", "not_loaded"}
    members(home.reference_dir, *overlapping(9))
    done = linkwork("reference", "check")
    assert done.code == EXIT_REFUSALS
    assert "overlapping_memberships" in done.out
    assert linkwork("reference", "check", "--record").code == EXIT_USAGE
    assert linkwork("reference", "check", "--record", "--reason", "seen with the region").code == EXIT_DONE
    assert linkwork("reference", "check").code == EXIT_DONE
    (home.reference_dir / "baseline.json").write_text("{")
    assert linkwork("reference", "check").code == EXIT_BAD_DATA


def test_the_command_shows_what_it_did_not_take(home, linkwork, tmp_path):
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / "list_sizes.csv").write_text(
        "EXTRACT_DATE,ORG_TYPE,CODE,Other,NUMBER_OF_PATIENTS\n2025-01-01,GP,Z90001,x,9\n2025-01-01,ICB,QZZ,x,9\n"
    )
    (tmp_path / "sent" / "notes.csv").write_text("x")
    done = linkwork("reference", "load", "--all", str(tmp_path / "sent"))
    assert done.code == EXIT_DONE
    for said in ("1 rows out of scope, org_type is ICB", "columns not kept: Other", "not loaded: notes.csv"):
        assert said in done.out
    assert "as shipped" in linkwork("reference", "list").out


def test_the_shipped_bank_holidays_are_those_of_the_rules_and_proclamations(tmp_path):
    """Good Friday and Easter Monday by the Gregorian rule; a holiday on a weekend is moved to the next working day."""
    shipped = {row["holiday_on"] for row in reference.rows(tmp_path, "bank_holidays")}
    named = {
        date(2020, 5, 4): date(2020, 5, 8),  # moved to VE day
        date(2022, 5, 30): date(2022, 6, 2),  # moved to the jubilee
    }
    extra = {date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8)}  # jubilee, state funeral, coronation
    expected = set(extra)
    for year in range(2015, 2028):
        mondays = [date(year, 1, 1) + timedelta(n) for n in range(366)]
        mondays = [d for d in mondays if d.year == year and d.weekday() == 0]
        easter = gregorian_easter(year)
        expected |= {easter - timedelta(2), easter + timedelta(1)}
        may, august = ([d for d in mondays if d.month == m] for m in (5, 8))
        expected |= {named.get(d, d) for d in (may[0], may[-1], august[-1])}
        days = {date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)}
        for day in sorted(days):
            expected.add(next(d for n in range(5) if (d := day + timedelta(n)).weekday() < 5 and d not in expected))
    assert shipped == expected


def gregorian_easter(year):
    """Meeus, Jones and Butcher."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    leap = (32 + 2 * e + 2 * i - h - k) % 7
    month, day = divmod(h + leap - 7 * ((a + 11 * h + 22 * leap) // 451) + 114, 31)
    return date(year, month, day + 1)
