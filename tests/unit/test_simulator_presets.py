"""Regions by name, as large as a board: more practices and services, and more people than there are numbers for."""

import csv
import datetime as dt
from pathlib import Path

import duckdb
import pytest

import simulator
from simulator import world
from simulator.presets import PRESETS
from simulator.senders import permissions
from simulator.world import people, random, region
from simulator.world.dials import Dials

PERIOD = region.Period(dt.date(2024, 4, 1), dt.date(2025, 9, 30))


def test_every_preset_is_a_region_that_can_be_made() -> None:
    assert list(PRESETS) == ["tiny", "demo", "pcn", "icb"]
    for settings in PRESETS.values():
        truth = {name: value for name, value in settings.items() if name not in ("people", "days")}
        assert Dials(**truth).referred_per_year <= 0.06
        assert simulator.FEWEST_PEOPLE <= settings["people"] <= simulator.MOST_PEOPLE
    assert [PRESETS[name]["people"] for name in ("pcn", "icb")] == [50_000, 1_500_000]
    first, last = PRESETS["icb"]["days"]
    assert (last - first).days == 5 * 365


def test_with_every_setting_of_a_preset_the_bytes_are_the_same_again(tmp_path: Path) -> None:
    settings = PRESETS["pcn"] | {"people": 400, "days": (PERIOD.first, PERIOD.last), "rollout_months": 6}
    settings["effect_for"] = "imd1=0.8,imd2=1.5"
    made = []
    for name in ("one", "two"):
        simulator.simulate(seed=7, out=tmp_path / name, **settings)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        made.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert made[0] == made[1]
    assert len(made[0]) > 80


def test_a_board_has_more_practices_networks_and_services_under_names_of_their_own(tmp_path: Path) -> None:
    assert [region.practices_for(n) for n in (400, 50_000, 250_000, 1_500_000)] == [12, 12, 24, 144]
    with simulator.connect() as con:
        random.install(con, 7)
        region.build(con, PERIOD, 144)
        world.changes.build(con, PERIOD, during=True)
        counts = con.execute("""
            select (select count(distinct code) from practices), (select count(distinct service) from services),
                   (select count(distinct network) from memberships), (select count(distinct lsoa_code) from areas)
        """).fetchone()
        assert counts == (144, 24, 36, 720)
        people.build(con, 3000)
        ((largest, smallest),) = con.execute("""
            select max(n), min(n) from (select practice, count(*) as n from people group by 1)
        """).fetchall()
        assert largest > 1.5 * smallest
    assert len({name for name, *_ in region.practices(144)}) == 144
    assert len(set(region.services(144))) == 24


def test_people_beyond_the_numbers_are_sent_by_local_id_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With fewer numbers than people: nobody shares one, and who has none is in every feed all the same."""
    monkeypatch.setattr(people, "NUMBER_STEMS", 320)
    out = tmp_path / "region"
    simulator.simulate(400, 7, out, days=(PERIOD.first, PERIOD.last))
    found = duckdb.execute(
        """
        select count(*), count(nhs_number), count(distinct nhs_number), bool_or(nhs_number_sent and nhs_number is null)
        from read_parquet(?)
        """,
        [str(out / "truth" / "people.parquet")],
    ).fetchone()
    assert found is not None
    everybody, with_number, distinct, wrong = found
    assert everybody == 400
    assert 250 < with_number == distinct < 300
    assert not wrong
    for feed in ("registrations_csv", "gp_appointments_csv", "referrals_csv"):
        with_none = set()
        for path in (out / "landing" / feed).rglob("*.csv"):
            with path.open(encoding="utf-8") as file:
                with_none |= {row.get("patient_id") or row.get("client_id") for row in csv.DictReader(file)
                              if row["nhs_number"] == ""}  # fmt: skip
        assert len(with_none - {None, ""}) > (100 if feed != "referrals_csv" else 0), feed


def test_the_reference_data_of_a_larger_region_that_changes_have_every_practice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region, "PEOPLE_PER_PRACTICE", 15)
    out = tmp_path / "region"
    simulator.simulate(400, 7, out, days=(PERIOD.first, PERIOD.last), changes=True)
    with (out / "reference" / "epraccur.csv").open(encoding="utf-8") as file:
        codes = [row[0] for row in csv.reader(file)]
    assert codes == [region.practice_code(n) for n in range(1, 26)]


def test_people_go_on_to_die_and_to_move_until_the_end_of_a_long_period() -> None:
    period = region.Period(*PRESETS["icb"]["days"])
    with simulator.connect() as con:
        world.build(con, 4000, 7, period, Dials())
        for gone in ("died_on", "left_on"):
            early, late = con.execute(f"""
                select count(*) filter (year({gone}) in (2022, 2023)) / 2,
                       count(*) filter ({gone} > getvariable('last_day') - 365 and {gone} <= getvariable('last_day'))
                from people
            """).fetchone() or (0, 0)
            assert late > 0.7 * early > 0, gone


def test_of_people_without_a_number_no_office_sends_an_opt_out_and_merged_numbers_are_nobodys() -> None:
    with simulator.connect() as con:
        world.build(con, 400, 7, PERIOD, Dials())
        con.execute("update people set nhs_number = null where id % 3 = 0")
        permissions.build(con, opted_out=0.5, merged=0.5)
        opted, merged, known = con.execute("""
            select (select count(*) from opt_outs where nhs_number is null), (select count(*) from merged),
                   (select count(*) from merged where retired in (select nhs_number from people))
        """).fetchone() or (0, 0, 0)
        assert (opted, known) == (0, 0)
        assert merged > 100
