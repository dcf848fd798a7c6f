"""The dimensions of places on the real published files: no day of a practice has two networks, none loses its network."""

from collections.abc import Iterator

import duckdb
import pytest

from linkwork import reference
from linkwork.engine import connect
from tests.dbt.project import Dbt
from tests.spec.warehouse import Warehouse
from tests.support.published import published

FILES = {
    "practices": ("ods", "epraccur_2026-03.csv"),
    "pcn_memberships": ("ods", "epcn_core_partner_details_2026-03.csv"),
    "practice_mapping": ("ods", "gpad_practice_pcn_icb_mapping_aug2025.csv"),
    "imd2019": ("geo", "imd2019_england_lsoa11.csv"),
    "imd2025": ("geo", "imd2025_england_lsoa21.csv"),
    "lsoa_lookup": ("geo", "lookup_lsoa11_lsoa21_ltla22.csv"),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    paths = {kind: published(*parts) for kind, parts in FILES.items()}
    folder = tmp_path_factory.mktemp("places")
    dbt, warehouse = Dbt(folder), Warehouse()
    for kind, path in paths.items():
        reference.load(folder / "reference", kind, path)
        warehouse.reference[kind] = reference.rows(folder / "reference", kind)
    warehouse.reference["bank_holidays"] = reference.rows(folder / "reference", "bank_holidays")
    selected = ("+dim_organisations", "+dim_deprivation", "+dim_calendar", "+int_practice_aliases", "+dim_areas")
    finished = dbt(
        "build",
        warehouse,
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


def one(con: duckdb.DuckDBPyConnection, query: str) -> object:
    row = con.execute(query).fetchone()
    assert row
    return row[0] if len(row) == 1 else row


def test_the_rows_of_a_practice_never_overlap_and_leave_no_day_out(places: duckdb.DuckDBPyConnection) -> None:
    ordered = """(select *, lead(valid_from) over (partition by practice_code order by valid_from) as next_from
        from dim_organisations where practice_code <> 'UNKNOWN')"""
    assert one(places, f"select count(*) from {ordered} where next_from <> valid_to + 1") == 0
    assert one(places, f"select count(*) from {ordered} where next_from is not null and valid_to is null") == 0


def test_every_membership_day_has_one_network_also_where_memberships_overlap(
    places: duckdb.DuckDBPyConnection,
) -> None:
    """Asked on the first and the last day of all 7,795 memberships."""
    days = """(select practice_code, joined_on as day from reference.pcn_memberships union
        select practice_code, left_on from reference.pcn_memberships where left_on is not null)"""
    found = f"""select practice_code, day, count(*) as rows_found, max(pcn_code) as pcn_code
        from {days} as asked join dim_organisations as o using (practice_code)
        where day between o.valid_from and coalesce(o.valid_to, day) group by all"""
    asked = one(places, f"select count(*) from {days}")
    before_opening = one(
        places,
        f"""select count(*) from {days} join reference.practices using (practice_code)
        where day < opened_on or day > closed_on""",
    )
    figures = one(places, f"select count(*), max(rows_found), count(*) filter (pcn_code = 'UNKNOWN') from ({found})")
    assert figures == (asked - before_opening, 1, 0)
    later = one(
        places,
        "select pcn_code from dim_organisations where practice_code = 'F82001' and '2022-07-01' between valid_from and valid_to",
    )
    assert later == "U11211"


def test_today_as_many_practices_are_in_as_many_networks_as_the_file_says(places: duckdb.DuckDBPyConnection) -> None:
    figures = one(
        places,
        """select count(*), count(distinct practice_code), count(distinct pcn_code)
        from dim_organisations where valid_to is null and pcn_code <> 'UNKNOWN'""",
    )
    assert figures == (6_131, 6_131, 1_298)


def test_boards_have_names_and_mapped_practices_are_not_multiplied(places: duckdb.DuckDBPyConnection) -> None:
    assert one(places, "select count(*) from dim_organisations where organisation_key is null") == 0
    assert one(places, "select count(*), count(distinct organisation_key) from dim_organisations") == one(
        places, "select count(*), count(*) from dim_organisations"
    )
    named = "area_level = 'icb' and area_name like 'NHS % Integrated Care Board'"
    assert one(places, f"select count(*) from dim_areas where {named}") == 42


def test_deprivation_has_both_editions_whole_and_apart(places: duckdb.DuckDBPyConnection) -> None:
    found = places.execute(
        "select lsoa_vintage, imd_version, count(*), count(change_code) from dim_deprivation group by all order by 1"
    ).fetchall()
    assert found == [(2011, 2019, 32_844, 32_844), (2021, 2025, 33_755, 33_755)]


def test_working_days_of_a_year(places: duckdb.DuckDBPyConnection) -> None:
    assert one(places, "select count(*) from dim_calendar where is_working_day and year(day) = 2025") == 253
    waited = """select max(working_day_number) - min(working_day_number) from dim_calendar
        where day in ('2025-12-24', '2025-12-29')"""
    assert one(places, waited) == 1
