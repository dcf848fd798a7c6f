"""Codes of places that are wrong, old or of another edition: nothing is lost, counted twice or guessed."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from linkwork.engine import connect
from tests.dbt.project import Dbt
from tests.spec.warehouse import Warehouse, text_id

OPEN = {"icb_code": "QZZ", "opened_on": date(1990, 1, 1), "status": "ACTIVE", "prescribing_settings": ["RO76"]}
PRACTICES = [
    {"practice_code": "Z90001", "practice_name": "One", **OPEN},
    {"practice_code": "Z90002", "practice_name": "Two", **OPEN},
    {"practice_code": "Z90003", "practice_name": "Merged", **OPEN, "closed_on": date(2024, 3, 31)},
    {"practice_code": "Z90004", "practice_name": "Gone", **OPEN, "closed_on": date(2024, 3, 31)},
    {"practice_code": "Z90005", "practice_name": "Clinic", **OPEN, "prescribing_settings": ["RO247"]},
]
MEMBERSHIPS = [
    ("Z90001", "U99001", date(2019, 7, 1), date(2024, 7, 1)),
    ("Z90001", "U99002", date(2024, 7, 1), None),
    ("Z90001", "U99003", date(2024, 7, 1), date(2024, 7, 2)),
    ("Z90002", "U99002", date(2019, 7, 1), None),
    ("Z90003", "U99001", date(2019, 7, 1), date(2024, 3, 31)),
]
# referral, stated code, day, expected practice, network and how it was known
CODES = [
    ("own", "Z90001", "2024-06-30", "Z90001", "U99001", "own"),
    ("overlap", "Z90001", "2024-07-01", "Z90001", "U99002", "own"),
    ("later", "Z90001", "2024-08-01", "Z90001", "U99002", "own"),
    ("lower", "z90001", "2024-06-30", "Z90001", "U99001", "respelled"),
    ("branch", "Z90002001", "2024-06-30", "Z90002", "U99002", "branch"),
    ("before", "Z90003", "2024-03-31", "Z90003", "U99001", "own"),
    ("merged", "Z90003", "2024-04-01", "Z90002", "U99002", "successor"),
    ("merged_branch", "z90003002", "2024-04-01", "Z90002", "U99002", "branch"),
    ("closed", "Z90004", "2024-04-01", "UNKNOWN", "UNKNOWN", "unknown"),
    ("no_network", "Z90001", "2019-06-30", "Z90001", "UNKNOWN", "own"),
    ("not_gp", "Z90005", "2024-06-30", "UNKNOWN", "UNKNOWN", "unknown"),
    ("wrong", "Z9000", "2024-06-30", "UNKNOWN", "UNKNOWN", "unknown"),
    ("default", "V81999", "2024-06-30", "UNKNOWN", "UNKNOWN", "unknown"),
]
# person, area, census, expected edition and decile
AREAS = [
    ("of_2011", "E01990011", "2011", 2019, 2),
    ("of_2021", "E01990011", "2021", 2025, 7),
    ("only_2021", "E01990099", "2021", 2025, 1),
    ("mislabelled", "E01990099", "2011", None, None),
    ("no_census", "E01990011", None, None, None),
    ("no_area", None, "2021", None, None),
    ("nowhere", "E01999999", "2021", None, None),
]


def warehouse() -> Warehouse:
    made = Warehouse()
    for name, code, on, *_ in CODES:
        made.event("codes", f"someone {name}", name, "referral.received", on, practice_code=code, route="gp")
    for person, area, census, *_ in AREAS:
        said = {"lsoa_code": area, "lsoa_vintage": census}
        said = {k: v for k, v in said.items() if v}
        made.event("areas", person, person, "person.described", "2024-01-01", sex="female", **said)
        made.events[-1]["source_record_ref"] = person
    made.reference = {
        "practices": PRACTICES,
        "pcn_memberships": [
            {"practice_code": p, "pcn_code": n, "pcn_name": n, "joined_on": a, "left_on": b}
            for p, n, a, b in MEMBERSHIPS
        ],
        "practice_successions": [
            {"predecessor_code": "Z90003", "successor_code": "Z90002", "effective_on": date(2024, 4, 1)}
        ],
        "imd2019": [{"lsoa11_code": "E01990011", "imd_rank": 5000, "imd_decile": 2}],
        "imd2025": [
            {"lsoa21_code": "E01990011", "imd_rank": 22000, "imd_decile": 7},
            {"lsoa21_code": "E01990099", "imd_rank": 1, "imd_decile": 1},
        ],
    }
    return made


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    dbt = Dbt(tmp_path_factory.mktemp("dbt"))
    selected = ("+fct_referrals", "+dim_people", "+dim_current_footprint", "+dim_deprivation", "+dim_organisations")
    finished = dbt(
        "build",
        warehouse(),
        "--exclude-resource-type",
        "unit_test",
        "--indirect-selection",
        "cautious",
        "--select",
        *selected,
    )
    assert finished.returncode == 0, finished.output
    with connect(dbt.database, read_only=True) as con:
        yield con


def rows(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[tuple[object, ...]]:
    return con.execute(query, list(values)).fetchall()


@pytest.mark.parametrize(("name", "code", "on", "practice", "network", "match"), CODES, ids=[c[0] for c in CODES])
def test_f87_a_practice_code_means_what_it_meant_on_its_day(built, name, code, on, practice, network, match):
    found = rows(
        built,
        "select practice_code, pcn_code, practice_match from fct_referrals where referral_id = ?",
        text_id("codes", name),
    )
    assert found == [(practice, network, match)]


def test_f87_totals_hold_whatever_the_code(built):
    """No referral is lost to a join and none is counted twice, also over the rows that describe places."""
    assert rows(built, "select count(*) from fct_referrals") == [(len(CODES),)]
    joined = "fct_referrals join dim_organisations using (organisation_key)"
    assert rows(built, f"select count(*) from {joined}") == [(len(CODES),)]
    assert rows(built, f"select count(*) from {joined} where dim_organisations.practice_code = 'UNKNOWN'") == [(4,)]
    current = "fct_referrals join dim_current_footprint using (practice_code)"
    assert rows(built, f"select count(*) from {current}") == [(len(CODES),)]


def test_f87_e12_history_stays_and_the_current_footprint_is_another_view(built):
    found = rows(
        built,
        """select practice_code, standing, current_practice_code, current_pcn_code from dim_current_footprint
        where practice_code like 'Z9%' order by 1""",
    )
    assert found == [
        ("Z90001", "own", "Z90001", "U99002"),
        ("Z90002", "own", "Z90002", "U99002"),
        ("Z90003", "successor", "Z90002", "U99002"),
        ("Z90004", "closed", "UNKNOWN", "UNKNOWN"),
    ]


@pytest.mark.parametrize(("person", "area", "census", "edition", "decile"), AREAS, ids=[a[0] for a in AREAS])
def test_f90_deprivation_is_of_the_edition_made_for_the_census_of_the_area(
    built, person, area, census, edition, decile
):
    found = rows(built, "select imd_version, imd_decile from dim_people where person_id = ?", text_id("areas", person))
    assert found == [(edition, decile)]


def test_f90_no_area_has_two_editions(built):
    assert rows(built, "select lsoa_vintage, imd_version, count(*) from dim_deprivation group by all order by all") == [
        (2011, 2019, 1),
        (2021, 2025, 2),
    ]
