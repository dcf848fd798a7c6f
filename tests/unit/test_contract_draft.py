"""A contract drafted from a file states everything, holds no value of a person, and passes when it is decided."""

import json
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ingestion.contract import Contract
from ingestion.contract_draft import drafted
from ingestion.contract_lint import Finding, findings
from ingestion.contract_sample import sample
from ingestion.contract_text import undecided
from linkwork.errors import UsageError
from tests.support.gate import CATALOGUE, stage

NUMBERS = ["9990000018", "9990000026", "9990000034", "9990000042", "9990000050"]
HEADER = [
    "Booking Ref", "Client Ref", "NHS Number", "Date of Birth", "Full Name", "Café", "Session Date", "Outcome", "Cost",
    "Worker", "What was said", "Attended?", "Minutes", "Last Updated", "Practice",
]  # fmt: skip


def record(n: int) -> list[str]:
    return [
        f"BK-{n:04d}", f"C{n % 5}", NUMBERS[n % 5], f"1{n % 9}/04/195{n % 5}", ["Ann Lee", "Bo Ray"][n % 2],
        ["Blue Door", "Old Mill"][n % 2], f"{n % 28 + 1:02d}/05/2025", ["Came", "Called off"][n % 2],
        f"£1,{n:03d}.50", "Jo Bloggs", ["N/A", "rang 07700 900123", "was well, wants to come again"][n % 3],
        ["Yes", "No"][n % 2], str(n % 50), f"{n % 28 + 1:02d}/06/2025 10:0{n % 7}:00", "Z90001",
    ]  # fmt: skip


ROWS = [record(n) for n in range(60)]
PEOPLE = [*NUMBERS, "Ann Lee", "Bo Ray", "Jo Bloggs", "07700 900123", "was well", "C1", "/04/195"]


def as_csv(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    quoted = [[f'"{v}"' if "," in v else v for v in row] for row in [HEADER, *ROWS]]
    path.write_text("\n".join(delimiter.join(row) for row in quoted) + "\n", encoding=encoding)
    return path


def properties(text: str) -> dict[str, dict]:
    return {p["source"]: p for p in yaml.safe_load(text)["schema"][0]["properties"] if "source" in p}


@pytest.fixture(scope="module")
def draft(tmp_path_factory) -> str:
    return drafted(as_csv(tmp_path_factory.mktemp("draft") / "Café visits 2025.csv", ";", "cp1252"))


def test_the_files_form_is_written_out(draft):
    file = yaml.safe_load(draft)["file"]
    assert (file["format"], file["encoding"], file["delimiter"], file["quote"]) == ("csv", "cp1252", ";", '"')
    assert file["unknownColumns"] == "refuse"


def test_each_column_is_guessed_and_what_could_be_a_person_is_zone_1(draft):
    found = properties(draft)
    zones = {header for header, prop in found.items() if prop.get("zone") == 1}
    # Nothing says that the cafés are no people: two words with capitals, under a header that could be anything.
    assert zones == {"Client Ref", "NHS Number", "Date of Birth", "Full Name", "Worker", "What was said", "Café"}
    assert found["NHS Number"]["logicalType"] == "nhs_number"
    assert (found["Date of Birth"]["format"], found["Date of Birth"]["coarsen"]) == ("%d/%m/%Y", "month")
    assert found["Full Name"]["logicalType"] == found["What was said"]["logicalType"] == "free_text"
    assert found["Worker"]["logicalType"] == "staff"
    assert (found["Session Date"]["logicalType"], found["Session Date"]["format"]) == ("date", "%d/%m/%Y")
    assert set(found["Outcome"]["values"]) == {"Came", "Called off"}
    assert (found["Cost"]["logicalType"], found["Cost"]["convert"]) == ("decimal", ["pound", "thousands"])
    assert found["Attended?"]["values"] == {"Yes": True, "No": False}
    assert found["Minutes"]["logicalType"] == "integer"
    assert found["Last Updated"]["timezone"] == "Europe/London"
    assert found["What was said"]["nullTokens"] == ["N/A"]


def test_the_record_is_guessed(draft):
    record = yaml.safe_load(draft)["record"]
    assert record["key"] == ["booking_ref"]
    assert record["assertedAt"] == "last_updated"
    assert record["subject"] == {"local": "client_ref", "nhs_number": "nhs_number"}
    assert record["practice"] == "practice"


def test_no_value_of_a_person_is_in_it(draft):
    assert [value for value in PEOPLE if value in draft] == []


def test_what_only_a_person_can_say_is_left_open_and_refused(draft, tmp_path):
    open_places = ["description.purpose", "description.limitations", "record.kind", "events[0].slot", "events[0].type"]
    assert undecided(yaml.safe_load(draft)) == open_places
    path = tmp_path / "d.yaml"
    path.write_text(draft)
    (one,) = findings(path, CATALOGUE)
    assert "still to be decided: description.purpose" in one.why
    comments = [line for line in draft.splitlines() if line.startswith("#")]
    assert any("record.kind" in line for line in comments)
    assert any("last_updated: its times say no zone" in line for line in comments)


def test_with_its_decisions_taken_it_has_no_error(draft, tmp_path):
    decided = draft.replace("kind: DECIDE", "kind: state").replace("slot: DECIDE", "slot: visit")
    decided = decided.replace("type: DECIDE", "type: activity.attended").replace("DECIDE", "Visits.")
    path = tmp_path / "d.yaml"
    path.write_text(decided)
    assert [f for f in findings(path, CATALOGUE) if f.severity == "error"] == []


def test_it_is_the_same_whatever_the_dialect(tmp_path, draft):
    for number, (delimiter, encoding) in enumerate([(",", "utf-8"), ("\t", "utf-16"), ("|", "utf-8-sig")]):
        text = drafted(as_csv(tmp_path / f"{number}.csv", delimiter, encoding), "cafe_visits_2025")
        assert properties(text) == properties(draft)
        assert yaml.safe_load(text)["file"]["delimiter"] == delimiter
        assert yaml.safe_load(text)["name"] == "cafe_visits_2025"


def test_json_lines_are_read_by_their_paths(tmp_path):
    path = tmp_path / "visits.jsonl"
    lines = [{"id": f"v{n}", "data": {"nhsNumber": NUMBERS[n % 5], "on": "2025-05-01T10:00:00Z"}} for n in range(20)]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    found = properties(drafted(path))
    assert found["$.data.nhsNumber"]["logicalType"] == "nhs_number"
    assert found["$.data.on"] | {"name": ""} == {
        "name": "", "source": "$.data.on", "logicalType": "timestamp", "format": "%Y-%m-%dT%H:%M:%SZ",
        "timezone": "UTC", "required": True,
    }  # fmt: skip


def test_json_keys_of_any_letters_are_drafted_by_paths_that_find_them(tmp_path):
    path = tmp_path / "besuche.jsonl"
    keys = {"Fall Nr.": "F-{n}", "Überweisung": {"Datum der Überweisung": "2025-06-{n}", "NHS No.": NUMBERS[0]}}
    bad = {'a "b"': 1}
    lines = [json.loads(json.dumps(keys).replace("{n}", f"{n}")) | bad for n in range(10, 25)]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    text = drafted(path)
    assert {source: (prop["name"], prop.get("logicalType")) for source, prop in properties(text).items()} == {
        '$."Fall Nr."': ("fall_nr", None),
        '$."Überweisung"."Datum der Überweisung"': ("uberweisung_datum_der_uberweisung", "date"),
        '$."Überweisung"."NHS No."': ("uberweisung_nhs_no", "nhs_number"),
    }
    assert "1 key(s) have characters that no path can name, and are left out" in text
    decided = text.replace("kind: DECIDE", "kind: state").replace("slot: DECIDE", "slot: visit")
    decided = decided.replace("type: DECIDE", "type: activity.attended").replace("DECIDE", "Visits.")
    one = Contract.model_validate(yaml.safe_load(decided))
    assert [f for f in findings_of(decided, tmp_path) if f.severity == "error"] == []
    assert stage(tmp_path, one, path.read_bytes()).profile["valid"] == len(lines)


def findings_of(text: str, folder: Path) -> list[Finding]:
    (folder / "d.yaml").write_text(text)
    return findings(folder / "d.yaml", CATALOGUE)


def test_parquet_is_read_too(tmp_path):
    path = tmp_path / "visits.parquet"
    pq.write_table(pa.table({"visit_id": [f"v{n}" for n in range(30)], "nhs_number": NUMBERS * 6}), path)
    made = yaml.safe_load(drafted(path))
    assert made["file"]["format"] == "parquet"
    assert [p.get("logicalType", "string") for p in made["schema"][0]["properties"]] == ["string", "nhs_number"]


def test_a_workbook_is_read_too(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    book = openpyxl.Workbook()
    for row in [["visit_id", "nhs_number"], *([f"v{n}", NUMBERS[n % 5]] for n in range(30))]:
        book.active.append(row)
    book.save(tmp_path / "visits.xlsx")
    made = yaml.safe_load(drafted(tmp_path / "visits.xlsx"))
    assert [p.get("logicalType", "string") for p in made["schema"][0]["properties"]] == ["string", "nhs_number"]


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", ""), ("a.csv", "id,b\n"), ("a.pdf", "x"), ("a.jsonl", "[1]\n"), ("a.parquet", "x")]
)
def test_a_file_that_teaches_nothing_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError) as raised:
        drafted(tmp_path / name)
    assert raised.value.where == name


def test_dates_that_could_be_read_both_ways_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("ref,on day\n" + "".join(f"r{n},0{n % 9 + 1}/02/2025\n" for n in range(20)))
    assert "on_day: its dates fit %d/%m/%Y and %m/%d/%Y" in drafted(tmp_path / "a.csv")


@pytest.mark.parametrize(("header", "day", "is_day"), [("Ref'd On", "%d/%m/%Y", True), ("Case No", "%Y%m%d", False)])
def test_a_date_is_one_whatever_its_column_is_called_unless_it_is_digits(tmp_path, header, day, is_day):
    rows = [f"{date(2025, 3, 1) + timedelta(days=n):{day}},x" for n in range(60)]
    (tmp_path / "cases.csv").write_text("\n".join([f"{header},Note", *rows]) + "\n")
    found = properties(drafted(tmp_path / "cases.csv"))[header]
    assert found.get("format") == (day if is_day else None)


def test_codes_that_a_spreadsheet_spoilt_are_named(tmp_path):
    lines = "".join(f"r{n},{code}\n" for n in range(20) for code in ("871711000000103", "8.71711E+14"))
    (tmp_path / "a.csv").write_text("ref,concept code\n" + lines)
    assert "concept_code: some values are in scientific notation" in drafted(tmp_path / "a.csv")


# Without a header: a first line, and the lines below it.
NO_HEADER = {
    "number": "9990000018,Ann Example",
    "amount": "Ann Example,£12.50",
    "date": "Ann Example,02/06/2025",
    "written date": "Ann Example,2 June 2025",
    "date of a database": "Ann Example,02-JUN-2025",
    "time": "Ann Example,09:30",
    "12-hour time": "Ann Example,9.30 pm",
    "time stamp": "2025-06-02T09:30,Ann Example",
    "e-mail": "Ann Example,b@example.org",
    "postcode": "Ann Example,AB1 2CD",
    "empty": "Ann Example,\nBo Ray,BK-1",
    "alike": "Ann Example,Ann Example\nBo Ray,BK-1",
    "code": "Ann Example,BK-0001\nBo Ray,BK-0002",
    "house": "Ann Example,12 High Street\nBo Ray,3 Old Mill Lane",
    "flag": "Ann Example,F\nBo Ray,M",
    "answer": "Ann Example,Yes\nBo Ray,No",
    "nothing": "Ann Example,unknown\nBo Ray,12",
    "word that comes again": "Ann Example,Blue Door\nBo Ray,Old Mill\nCy Poe,Blue Door",
    "words only": "Ann Example,Blue Door\nBo Ray,Old Mill",
    "one column of words": "Ann Example\nBo Ray",
}


def written(path: Path, rows: list[list[str]]) -> Path:
    """The rows as a file of the form that the path's suffix says, the first of them as its header."""
    if path.suffix == ".csv":
        path.write_text("".join(",".join(row) + "\n" for row in rows))
    elif path.suffix == ".parquet":
        pq.write_table(pa.table([list(c) for c in zip(*rows[1:], strict=True)], rows[0]), path)
    else:
        openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([cell or None for cell in row])
        book.save(path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("case", NO_HEADER)
def test_f21_a_file_without_a_header_is_not_drafted_from(tmp_path, case, suffix):
    rows = [line.split(",") for line in NO_HEADER[case].split("\n")]
    path = written(tmp_path / f"f.{suffix}", rows if len(rows) > 1 else rows * 3)
    with pytest.raises(UsageError) as raised:
        drafted(path)
    assert raised.value.what == (
        "the columns may be called by values" if suffix == "parquet" else "the first line may be no header"
    )
    assert "--header" in raised.value.do
    assert not any(part in str(raised.value) for row in rows for part in row if len(part) > 3)


def test_f21_a_person_can_say_that_the_first_line_is_a_header(tmp_path):
    path = written(tmp_path / "f.csv", [["Town", "Who", "Town", "", "2021"], ["Ayr", "Bo Ray", "Ely", "x", "3"]])
    with pytest.raises(UsageError):
        drafted(path)
    text = drafted(path, header=True)
    assert [p.get("source", p["name"]) for p in yaml.safe_load(text)["schema"][0]["properties"]] == [
        "Town", "Who", "2021",
    ]  # fmt: skip
    assert "column 4 has no name and is left out" in text
    assert "1 column(s) have a name that another has, and are left out" in text


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("cell", ["9990000018", "999 000 0018", "ann@example.org", "AB1 2CD"])
def test_f21_nobody_can_say_so_of_what_identifies_a_person(tmp_path, cell, suffix):
    path = written(tmp_path / f"f.{suffix}", [["id", cell], ["a", "b"]])
    with pytest.raises(UsageError) as raised:
        drafted(path, header=True)
    assert "number 2 of the names has a form that identifies a person" in raised.value.why
    assert cell not in str(raised.value)


PEOPLE_AS_KEYS = {
    "numbers": [{"id": "v1", "people": {"9990000018": {"came": True}}}],
    "e-mail": [{"id": "v1", "people": {"ann@example.org": 1}}],
    "date": [{"id": "v1", "2025-06-02": 1}],
    "new in each record": [{"id": f"v{n}", "people": {name: n}} for n, name in enumerate(["Ann", "Bo", "Cy"])],
    "objects that are alike": [{"id": "v1", "people": {"Ann": {"came": 1, "n": 2}, "Bo": {"came": 0, "n": 1}}}],
    "records": [{"Ann": 1}, {"Bo": 2}, {"Cy": 3}],
}


@pytest.mark.parametrize("case", PEOPLE_AS_KEYS)
def test_f21_people_as_keys_of_json_are_not_drafted_from(tmp_path, case):
    path = tmp_path / "f.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in PEOPLE_AS_KEYS[case]))
    with pytest.raises(UsageError) as raised:
        drafted(path)
    assert raised.value.what == "the keys of the records may be values"
    said = str(raised.value)
    assert not any(value in said for value in ("999", "Ann", "Bo", "2025", "example"))


def test_keys_that_differ_from_record_to_record_are_names_where_most_records_have_them(tmp_path):
    path = tmp_path / "f.jsonl"
    records = [{"id": f"v{n}", "at": {"town": "Ayr"} | ({"site": {"no": 1}} if n % 3 else {})} for n in range(9)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert list(sample(path).columns) == ["$.id", "$.at.town", "$.at.site.no"]


@pytest.mark.parametrize("header", ["DoB", "D.O.B.", "dob", "PatientDOB", "Date of Birth", "BIRTHDATE", "dateOfBirth"])
def test_a_date_of_birth_is_one_however_its_column_is_called(tmp_path, header):
    path = tmp_path / "f.csv"
    path.write_text(f"visit_id,{header}\n" + "".join(f"V-{n},{n + 10}/03/1951\n" for n in range(9)))
    born = yaml.safe_load(drafted(path))["schema"][0]["properties"][1]
    assert (born["zone"], born["coarsen"]) == (1, "month")


def test_the_name_of_a_sheet_is_not_in_the_draft(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    book = openpyxl.Workbook()
    book.active.title = "Ann Example"
    for row in [["visit_id", "day"], *([f"v{n}", f"2025-06-{n:02d}"] for n in range(1, 20))]:
        book.active.append(row)
    book.create_sheet("Bo Ray")
    book.save(tmp_path / "visits.xlsx")
    text = drafted(tmp_path / "visits.xlsx")
    assert "Ann" not in text
    assert "only the first visible sheet was looked at" in text


NAMELESS = [
    "Ann Lee,DNA,TBC\nBob Ray,12,01/02/2025\nCat Moe,13,02/02/2025\n",
    "Ann Lee,Rose Cottage,withheld\nBob Ray,12 High Street,0113 496 0000\n",
    "Week,Ann Lee,Bob Ray\n01/02/2025,1,0\n",
    "Ann Lee,No,pending\nBob Ray,12,01/02/2025\n",
]


@pytest.mark.parametrize("content", NAMELESS)
def test_f21_a_line_without_a_word_that_names_is_not_drafted_from(tmp_path, content):
    (tmp_path / "f.csv").write_text(content)
    with pytest.raises(UsageError) as refused:
        drafted(tmp_path / "f.csv")
    assert "Ann" not in str(refused.value)
    assert "Ann Lee" in drafted(tmp_path / "f.csv", header=True)  # somebody looked


ALIKE = {"start": {"on": "2025-06-02", "at": "09:00"}, "end": {"on": "2025-06-02", "at": "10:00"}}


@pytest.mark.parametrize(("record", "is_taken"), [
    ({"id": "R1", "period": ALIKE}, True),
    ({"id": "R1", "NHS No.": "9990000018", "Ort der Sitzung": "Ayr"}, True),
    ({"id": "R1", "attended": {"Ann Lee": True, "Bob Ray": False}}, False),
    ({"Ann Lee": "Referred", "Bob Ray": "Closed"}, False),
])  # fmt: skip
def test_keys_that_programs_write_are_names_and_words_alone_are_not(tmp_path, record, is_taken):
    path = tmp_path / "f.jsonl"
    path.write_text((json.dumps(record) + "\n") * 3)
    if is_taken:
        assert "DECIDE" in drafted(path)
    else:
        with pytest.raises(UsageError):
            drafted(path)


HEADERS = [
    "NHS number,Seen on\na,b",
    "id,2nd contact\na,b",
    "id,PHQ-9,COVID-19 (2021),Seen @ home\na,b,c,d",
    "Client,Outcome,Minutes,On\nAnn,Came,20,02/06/2025",
    "code,term\n171001002,Life coaching",
    "Name,Status\nAnn,open\nBo,closed",
    "first_name,home_town\nAnn,Ayr",
    "role,is_paid\nnurse,true\nhost,false",
]


@pytest.mark.parametrize("content", HEADERS)
def test_an_ordinary_header_is_one(tmp_path, content):
    path = tmp_path / "f.csv"
    path.write_text(f"{content}\n")
    assert list(sample(path).columns) == content.split("\n")[0].split(",")
