"""The real published files in full: what they hold, and what the checks say of them. Skipped where they are absent."""

import pytest

from linkwork import engine, reference
from linkwork.reference import check
from tests.support.published import published

FILES = {
    "practices": ("ods", "epraccur_2026-03.csv"),
    "pcn_memberships": ("ods", "epcn_core_partner_details_2026-03.csv"),
    "practice_mapping": ("ods", "gpad_practice_pcn_icb_mapping_aug2025.csv"),
    "imd2019": ("geo", "imd2019_england_lsoa11.csv"),
    "imd2025": ("geo", "imd2025_england_lsoa21.csv"),
    "lsoa_lookup": ("geo", "lookup_lsoa11_lsoa21_ltla22.csv"),
}
ROWS = {
    "practices": 15_407,
    "pcn_memberships": 7_795,
    "practice_mapping": 6_196,
    "imd2019": 32_844,
    "imd2025": 33_755,
    "lsoa_lookup": 35_795,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A home's reference data with every published file."""
    made = tmp_path_factory.mktemp("published") / "reference"
    paths = {kind: published(*parts) for kind, parts in FILES.items()}
    for kind, path in paths.items():
        done = reference.load(made, kind, path)
        assert (done["read"], done["rows"], done["repeated"]) == (ROWS[kind], ROWS[kind], 0), kind
        assert done["out_of_scope"] == {}
    return made


@pytest.fixture(scope="module")
def con(folder):
    with engine.connect() as made:
        for kind in FILES:
            made.execute(f"create table {kind} as from {reference.relation(folder, kind)}")
        yield made


def one(con, query):
    row = con.execute(query).fetchone()
    return row[0] if len(row) == 1 else row


def test_practices_by_status_and_prescribing_setting(con):
    assert con.execute("select status, count(*) from practices group by 1 order by 1").fetchall() == [
        ("ACTIVE", 12_524), ("DORMANT", 200), ("INACTIVE", 2_683),
    ]  # fmt: skip
    only = "prescribing_settings = ['RO76']"
    assert one(con, f"select count(*), count(*) filter (status = 'ACTIVE') from practices where {only}") == (
        8_183,
        6_598,
    )
    # Six more are GP practices and something else too.
    assert one(con, "select count(*) from practices where list_contains(prescribing_settings, 'RO76')") == 8_189
    closed = con.execute(
        f"select year(closed_on), count(*) from practices where {only} and closed_on >= '2018-01-01' group by 1 order by 1"
    ).fetchall()
    assert dict(closed) | {2026: 0} == {
        2018: 305, 2019: 259, 2020: 201, 2021: 128, 2022: 166, 2023: 115, 2024: 95, 2025: 111, 2026: 0,
    }  # fmt: skip


def test_memberships_of_networks(con):
    figures = one(
        con,
        """select count(distinct practice_code), count(left_on),
        count(distinct practice_code) filter (left_on is null), count(distinct pcn_code) filter (left_on is null)
        from pcn_memberships""",
    )
    assert figures == (6_814, 1_664, 6_131, 1_298)
    several = "select practice_code from pcn_memberships group by 1 having count(distinct pcn_code) > 1"
    assert one(con, f"select count(*) from ({several})") == 861


def test_the_mapping_repeats_28_practices(con):
    figures = one(
        con,
        """select count(*), count(distinct practice_code), count(distinct sub_icb_code), count(distinct icb_code),
        count(distinct region_code) from practice_mapping""",
    )
    assert figures == (6_196, 6_166, 106, 42, 7)
    suppliers = dict(con.execute("select supplier, count(*) from practice_mapping group by 1").fetchall())
    assert (suppliers["EMIS"], suppliers["TPP"], suppliers["MEDICUS"]) == (3_541, 2_481, 4)
    assert (suppliers["EMIS/EVERGREENLIFE"], suppliers["TPP/EVERGREENLIFE"]) == (88, 74)
    sizes = "select count(distinct practice_code) as n from practice_mapping where pcn_code <> 'U' group by pcn_code"
    assert one(con, f"select quantile_disc(n, 0.5) from ({sizes})") == 4
    assert one(con, "select count(distinct practice_code) from practice_mapping where pcn_code = 'U'") == 42


def test_the_two_editions_of_the_indices(con):
    shared = "imd2019 as a join imd2025 as b on a.lsoa11_code = b.lsoa21_code"
    figures = one(
        con,
        f"""select count(*), round(100 * avg((a.imd_decile <> b.imd_decile)::int), 1),
        round(100 * avg(((a.imd_decile + 1) // 2 <> (b.imd_decile + 1) // 2)::int), 1),
        round(100 * avg((abs(a.imd_decile - b.imd_decile) >= 2)::int), 1) from {shared}""",
    )
    assert figures == (31_810, 48.3, 26.8, 8.0)
    assert one(con, "select count(*) from imd2025 anti join imd2019 on lsoa11_code = lsoa21_code") == 1_945
    assert one(con, "select count(*) from imd2019 anti join imd2025 on lsoa11_code = lsoa21_code") == 1_034


def test_the_look_up_has_every_area_and_says_how_it_changed(con):
    changes = dict(con.execute("select change_code, count(*) from lsoa_lookup group by 1").fetchall())
    assert changes == {"U": 33_647, "S": 1_900, "M": 239, "X": 9}
    assert one(con, "select count(*) from imd2019 semi join lsoa_lookup using (lsoa11_code)") == 32_844
    assert one(con, "select count(*) from imd2025 semi join lsoa_lookup using (lsoa21_code)") == 33_755


def test_the_checks_say_what_is_known_of_them(folder):
    hits = {r["check_name"]: r["hits"] for r in check.run(folder) if r["status"] == "known"}
    assert hits == {
        "no_prescribing_setting": 6,
        "overlapping_memberships": 8,
        "gaps_between_memberships": 72,
        "network_of_another_sub_icb": 135,
        "members_of_another_kind": 4,
        "repeated_practices": 28,
        "mapped_to_no_network": 43,
        "imd2019_ranks_repeated": 26,
    }
    assert [r["check_name"] for r in check.run(folder) if r["status"] == "worse"] == []


def test_a_whole_folder_is_taken_by_the_published_names(tmp_path):
    done, unclaimed = reference.load_folder(tmp_path / "reference", published("ods"))
    assert {d["kind"]: d["rows"] for d in done} == {
        k: ROWS[k] for k in ("practices", "pcn_memberships", "practice_mapping")
    }
    assert unclaimed == []


@pytest.mark.parametrize(("parts", "categories"), [(("service_full.json",), ["name"]), (("csv", "services.csv"), None)])
def test_the_examples_of_the_uk_profile_are_read(tmp_path, parts, categories):
    path = published("oruk", "uk-profile", "examples", *parts)
    assert reference.load(tmp_path / "reference", "assets", path)["rows"] == 1
    (service,) = reference.rows(tmp_path / "reference", "assets")
    assert (service["asset_name"], service["status"]) == ("Community Counselling", "active")
    assert (service["organisation_name"], service["categories"]) == ("Example Organization Inc.", categories)
    assert (service["minimum_age"], service["maximum_age"]) == (12, 100)
