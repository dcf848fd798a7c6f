"""Published files of reference data as they come: packed, without a header, with another one, in JSON, and wrong."""

import gzip
import json
import zipfile
from datetime import date

import pytest

from linkwork import engine, reference
from linkwork.errors import BadDataError, UsageError

PRACTICE = [
    "Z90001", "ONE", "Y99", "QZZ", *[""] * 6, "19900101", "", "ACTIVE", "B", "99Z", "20200401", "", *[""] * 4, "1", "",
    "99Z", "", "RO76|RO268", "",
]  # fmt: skip
LISTS = "PUBLICATION,EXTRACT_DATE,ORG_TYPE,ORG_CODE,SEX,AGE_GROUP_5,NUMBER_OF_PATIENTS"


@pytest.fixture
def load(tmp_path):
    """Load text, or bytes, as a file of a name; returns what `load` says."""

    def loaded(kind: str, content: str | bytes, name: str = "file.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return reference.load(tmp_path / "reference", kind, path)

    return loaded


@pytest.fixture
def rows(tmp_path):
    return lambda kind: reference.rows(tmp_path / "reference", kind)


def quoted(*lines):
    return "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)


def test_a_file_without_a_header_is_read_by_position(load, rows):
    assert load("practices", quoted(PRACTICE))["read"] == 1
    (row,) = rows("practices")
    assert (row["practice_code"], row["icb_code"], row["opened_on"], row["closed_on"]) == (
        "Z90001", "QZZ", date(1990, 1, 1), None,
    )  # fmt: skip
    assert row["prescribing_settings"] == ["RO76", "RO268"]


def test_a_file_without_a_header_of_another_width_is_refused(load):
    with pytest.raises(BadDataError, match=r"a column is missing.*has 27 columns, this one 26"):
        load("practices", quoted(PRACTICE[:-1]))


def test_a_header_is_found_by_name_whatever_its_case_spaces_and_order(load, rows):
    done = load("pcns", "close-date, PCN NAME ,Comment,pcn_code,Open Date\n,North PCN,x,U99001,01/07/2019\n")
    assert done["ignored"] == ["Comment"]
    assert rows("pcns") == [
        {"pcn_code": "U99001", "pcn_name": "North PCN", "sub_icb_code": None, "opened_on": date(2019, 7, 1),
         "closed_on": None}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value"), [("EXTRACT_DATE", "01APR2026"), ("Extract Date", "2026-04-01"), ("extract_date", "01/04/2026")]
)
def test_the_header_and_the_days_of_list_sizes_drift(load, rows, column, value):
    load("list_sizes", f"{column},CODE,Number of Patients\n{value},Z90001,7\n")
    (row,) = rows("list_sizes")
    assert (row["extract_on"], row["sex"], row["age"], row["lsoa_code"]) == (date(2026, 4, 1), "ALL", "ALL", "ALL")


@pytest.mark.parametrize("value", ["2026-4-1", "20260401", "01/13/2026", "30FEB2026", "2026-02-30", "46113"])
def test_a_day_in_a_form_that_the_publication_does_not_use_is_refused(load, value):
    with pytest.raises(BadDataError, match="it must be a day, such as 01APR2026") as raised:
        load("list_sizes", f"EXTRACT_DATE,CODE,NUMBER_OF_PATIENTS\n2026-04-01,Z90001,7\n{value},Z90002,7\n")
    assert raised.value.where.endswith("line 3, column extract_on")


def test_rows_out_of_scope_are_counted_by_their_reason_and_repeated_ones_too(load):
    gp = "P,01APR2026,GP,Z90001,MALE,0_4,7"
    done = load("list_sizes", "\n".join([LISTS, gp, gp, "P,01APR2026,Comm Region,Y99,ALL,?,x", "P,01APR2026,ICB,Q,,,"]))
    assert (done["read"], done["repeated"], done["rows"]) == (4, 1, 1)
    assert done["out_of_scope"] == {"org_type is COMM REGION": 1, "org_type is ICB": 1}


def test_files_of_list_sizes_add_up_and_a_later_one_restates(load, rows):
    load("list_sizes", f"{LISTS}\nP,01APR2026,GP,Z90001,MALE,0_4,7\n")
    assert load("list_sizes", f"{LISTS}\nP,01APR2026,GP,Z90001,FEMALE,0_4,8\n")["rows"] == 2
    assert load("list_sizes", f"{LISTS}\nP,01APR2026,GP,Z90001,MALE,0_4,9\n")["rows"] == 2
    assert sorted(row["patients"] for row in rows("list_sizes")) == [8, 9]
    assert load("list_sizes", f"{LISTS}\nP,01APR2026,GP,Z90001,MALE,0_4,9\n")["new_version"] is False


def test_a_file_of_another_census_does_not_fit(load):
    """The column of the area names its census, so that the two editions cannot be taken for each other."""
    header, row = "lsoa11_code,IMD_rank,IMD_decile", "E01990011,5,1"
    assert load("imd2019", f"{header}\n{row}\n")["rows"] == 1
    with pytest.raises(BadDataError, match=r"a column is missing.*lsoa21_code"):
        load("imd2025", f"{header}\n{row}\n")


def test_two_things_said_of_one_key_name_both_lines(load):
    with pytest.raises(BadDataError, match="two things of one key") as raised:
        load("imd2019", "lsoa11_code,IMD_rank,IMD_decile\nE01990011,5,1\nE01990012,6,1\nE01990011,9,1\n")
    assert raised.value.where.endswith("line 4")
    assert "line 2" in raised.value.why


def test_lines_are_the_files_own_also_after_a_quoted_line_end(load):
    with pytest.raises(BadDataError) as raised:
        load("bank_holidays", 'date,title\n2026-01-01,"New\nYear"\n\n2026-02-30,None\n')
    assert raised.value.where.endswith("line 5, column holiday_on")


def test_an_unclosed_quote_is_named(load):
    with pytest.raises(BadDataError, match="cannot be read as CSV") as raised:
        load("bank_holidays", 'date,title\n2026-01-01,"New Year\n2026-04-03,Good Friday\n')
    assert "line 2" in raised.value.where


def test_packed_files_are_unpacked(load, tmp_path):
    content = "date,title\n2026-01-01,New Year\n"
    assert load("bank_holidays", gzip.compress(content.encode()), "bank_holidays.csv.gz")["read"] == 1
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("bank-holidays.csv", content)
        archive.writestr("readme.pdf", "x")
    assert load("bank_holidays", (tmp_path / "made.zip").read_bytes(), "bank-holidays.zip")["new_version"] is False


def test_an_archive_of_several_tables_and_a_broken_one_are_refused(load, tmp_path):
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("a.csv", "date,title\n")
        archive.writestr("b.csv", "date,title\n")
    with pytest.raises(BadDataError, match=r"must hold one CSV or JSON file.*a\.csv, b\.csv"):
        load("bank_holidays", (tmp_path / "made.zip").read_bytes(), "two.zip")
    whole = gzip.compress(b"date,title\n2026-01-01,New Year\n")
    for broken, name in ((b"PK no archive", "x.zip"), (whole[:-9], "x.csv.gz"), (b"no gzip", "y.csv.gz")):
        with pytest.raises(BadDataError, match="cannot be unpacked"):
            load("bank_holidays", broken, name)


def test_a_packed_file_that_grows_without_end_is_refused(load, monkeypatch):
    monkeypatch.setattr("linkwork.reference.files.MOST_BYTES", 1 << 20)
    with pytest.raises(BadDataError, match="too large"):
        load("bank_holidays", gzip.compress(b"0" * (3 << 20)), "x.csv.gz")


def test_a_workbook_is_refused_with_what_to_do(load):
    with pytest.raises(BadDataError, match="save the table as CSV"):
        load("pcns", b"PK", "ePCN.xlsx")


def test_published_kinds_may_come_in_the_encoding_of_windows(load, rows):
    done = load("pcns", "PCN Code,PCN Name\nU99001,Caf\u00e9\n".encode("windows-1252"))
    assert (done["encoding"], rows("pcns")[0]["pcn_name"]) == ("windows-1252", "Caf\u00e9")


def test_a_line_that_is_in_no_encoding_is_named(load):
    with pytest.raises(BadDataError, match="a file is not UTF-8") as raised:
        load("bank_holidays", b"date,title\n2026-01-01,New Year\n2026-04-03,\xff\n")
    assert raised.value.where.endswith("line 3")


SERVICE = {
    "id": "a", "name": "Choir", "status": "active", "organization": {"id": "o", "name": "Room"},
    "attributes": [{"taxonomy_term": {"name": "Arts"}}, {"taxonomy_term": {"name": "Music"}}],
}  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(SERVICE),
        json.dumps([SERVICE]),
        json.dumps({"total_pages": 1, "page_number": 1, "contents": [SERVICE]}),
        json.dumps(SERVICE) + "\n",
    ],
)
def test_a_directory_of_services_is_read_in_each_of_its_forms(load, rows, content):
    load("assets", content, "services.json")
    assert rows("assets") == [
        {"asset_id": "a", "asset_name": "Choir", "status": "active", "organisation_id": "o",
         "organisation_name": "Room", "categories": ["Arts", "Music"], "minimum_age": None, "maximum_age": None,
         "session_capacity": None}
    ]  # fmt: skip


def test_a_directory_may_say_how_many_a_session_has_room_for(load, rows):
    load("assets", json.dumps([SERVICE | {"session_capacity": 12}]), "services.json")
    assert [row["session_capacity"] for row in rows("assets")] == [12]
    with pytest.raises(BadDataError, match="a value does not fit"):
        load("assets", json.dumps([SERVICE | {"session_capacity": "a dozen"}]), "services.json")


def test_a_missing_page_of_a_directory_refuses_it(load):
    pages = [{"total_pages": 3, "page_number": n, "contents": [SERVICE | {"id": str(n)}]} for n in (1, 2, 3)]
    lines = [json.dumps(page) for page in pages]
    assert load("assets", "\n".join(lines), "services.jsonl")["rows"] == 3
    with pytest.raises(BadDataError, match=r"pages of a list are missing.*it holds 2 of 3"):
        load("assets", "\n".join(lines[:2]), "services.jsonl")


def test_what_is_wrong_in_json_is_named_by_record(load):
    with pytest.raises(BadDataError, match="a value does not fit") as raised:
        load("assets", json.dumps([SERVICE, SERVICE | {"id": "b", "status": "open"}]), "services.json")
    assert raised.value.where.endswith("record 2, column status")
    with pytest.raises(BadDataError, match="not an object") as raised:
        load("assets", json.dumps([SERVICE, 3]), "services.json")
    with pytest.raises(BadDataError, match="not JSON"):
        load("assets", "{", "services.json")
    with pytest.raises(BadDataError, match="not read from JSON"):
        load("practices", "{}", "practices.json")


def test_services_as_tables_find_their_organisation_and_terms_beside_them(load, rows, tmp_path):
    (tmp_path / "organizations.csv").write_text("id,name\no,Room\n")
    (tmp_path / "attribute.csv").write_text("id,link_id,taxonomy_term_id\n1,a,t2\n2,a,t1\n3,b,t1\n")
    (tmp_path / "taxonomy_terms.csv").write_text("id,name\nt1,Arts\nt2,Music\n")
    load("assets", "id,organization_id,name,status\na,o,Choir,active\nc,,Walk,inactive\n", "services.csv")
    choir, walk = rows("assets")
    assert (choir["organisation_name"], choir["categories"]) == ("Room", ["Music", "Arts"])
    assert (walk["organisation_name"], walk["categories"]) == (None, None)
    (tmp_path / "organizations.csv").write_text("id,title\no,Room\n")
    with pytest.raises(BadDataError, match=r"organizations\.csv, line 1\): name"):
        load("assets", "id,organization_id,name,status\na,o,Choir,active\n", "services.csv")


def test_a_folder_is_taken_by_the_names_of_its_files(tmp_path, rows):
    folder = tmp_path / "sent"
    folder.mkdir()
    (folder / "epraccur.csv").write_text(quoted(PRACTICE))
    (folder / "bank-holidays.json").write_text(
        json.dumps({"england-and-wales": {"events": [{"title": "New Year", "date": "2026-01-01"}]}, "scotland": {}})
    )
    (folder / "notes.txt").write_text("x")
    files = [("bank_holidays", folder / "bank-holidays.json"), ("practices", folder / "epraccur.csv")]
    assert reference.claimed(folder) == (files, ["notes.txt"])
    reference.load_missing(tmp_path / "reference", folder)
    assert [row["holiday_name"] for row in rows("bank_holidays") if row["holiday_on"] == date(2026, 1, 1)] == [
        "New Year"
    ]
    assert len(rows("practices")) == 1
    (folder / "practices.csv").write_text(quoted(PRACTICE))
    with pytest.raises(UsageError, match="several files are of kind practices"):
        reference.load_missing(tmp_path / "reference", folder)


def test_a_folder_whose_loading_was_cut_off_is_completed_and_changes_nothing_that_is_there(tmp_path, load, rows):
    folder = tmp_path / "sent"
    folder.mkdir()
    boys, girls = folder / "gp-reg-pat-prac-all.csv", folder / "gp-reg-pat-prac-quin-age.csv"
    boys.write_text(f"{LISTS}\nP,01APR2026,GP,Z90001,MALE,0_4,7\n")
    girls.write_text(f"{LISTS}\nP,01APR2026,GP,Z90001,FEMALE,0_4,many\n")
    (folder / "practices.csv").write_text(quoted(PRACTICE))
    load("practices", quoted([PRACTICE[0], "MINE", *PRACTICE[2:]]))
    with pytest.raises(BadDataError, match="a value does not fit"):
        reference.load_missing(tmp_path / "reference", folder)
    assert rows("list_sizes") == []
    girls.write_text(f"{LISTS}\nP,01APR2026,GP,Z90001,FEMALE,0_4,8\n")
    for _ in range(2):
        reference.load_missing(tmp_path / "reference", folder)
    assert sorted(row["patients"] for row in rows("list_sizes")) == [7, 8]
    assert [row["practice_name"] for row in rows("practices")] == ["MINE"]
    found = sorted(p.relative_to(tmp_path / "reference").parts[0] for p in (tmp_path / "reference").glob("**/*.*"))
    assert found == ["list_sizes", "practices"]


def test_bank_holidays_hold_before_any_file_is_loaded(tmp_path, load):
    shipped = {
        row["holiday_on"]: row["holiday_name"] for row in reference.rows(tmp_path / "reference", "bank_holidays")
    }
    assert (min(shipped).year, max(shipped).year) == (2015, 2027)
    load("bank_holidays", "date,title\n2028-01-03,New Year\n")
    known = [row["holiday_on"] for row in reference.rows(tmp_path / "reference", "bank_holidays")]
    assert known == [*shipped, date(2028, 1, 3)]


def test_a_window_of_bank_holidays_replaces_its_own_days_and_no_others(tmp_path, load):
    def known(year: int) -> dict[date, str]:
        rows = reference.rows(tmp_path / "reference", "bank_holidays")
        return {row["holiday_on"]: row["holiday_name"] for row in rows if row["holiday_on"].year == year}

    before = {year: known(year) for year in (2015, 2018, 2020, 2027)}
    load("bank_holidays", "date,title\n2019-01-01,New Year\n2020-05-08,Early May\n2020-12-28,Boxing Day\n")
    assert known(2020) == {date(2020, 5, 8): "Early May", date(2020, 12, 28): "Boxing Day"}
    assert {year: known(year) for year in (2015, 2018, 2027)} == {y: before[y] for y in (2015, 2018, 2027)}
    assert (
        load("bank_holidays", "date,title\n2020-12-28,Boxing Day\n2019-01-01,New Year\n2020-05-08,Early May\n")[
            "new_version"
        ]
        is False
    )


def test_a_wrong_bank_holiday_goes_with_the_next_file_of_its_year(tmp_path, load):
    load("bank_holidays", "date,title\n2030-01-01,New Year\n2030-12-27,Wrong\n")
    load("bank_holidays", "date,title\n2030-01-01,New Year\n2030-12-25,Christmas\n")
    rows = reference.rows(tmp_path / "reference", "bank_holidays")
    assert [row["holiday_name"] for row in rows if row["holiday_on"].year == 2030] == ["New Year", "Christmas"]


def test_a_column_that_a_kind_gained_is_empty_in_versions_from_before(tmp_path):
    folder = tmp_path / "reference" / "pcns"
    folder.mkdir(parents=True)
    with engine.connect() as con:
        con.execute(f"copy (select 'U1' as pcn_code, 'N' as pcn_name) to '{folder}/20260101T000000000000Z.parquet'")
    (row,) = reference.rows(tmp_path / "reference", "pcns")
    assert (row["pcn_code"], row["opened_on"]) == ("U1", None)
