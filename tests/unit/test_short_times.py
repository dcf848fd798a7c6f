"""Years of two digits and hours of twelve, in every form of file: what a contract has to say, and what stays strict."""

import io
import json
from datetime import UTC, date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ingestion.contract import Contract
from ingestion.contract_diff import differences
from ingestion.contract_draft import drafted
from ingestion.contract_text import undecided
from tests.support.gate import contract, judged, stage, tolerant

BORN = '{name: f, logicalType: date, format: "%d/%m/%y", yearsFrom: 1927}'
SEEN = '{name: f, logicalType: date, format: "%d/%m/%y", yearsFrom: 2000}'
OLD = '{name: f, logicalType: date, format: "%d/%m/%y", yearsFrom: 1850}'
AT = '{name: f, logicalType: timestamp, format: "%d/%m/%y %-I:%M %p", yearsFrom: 2000, timezone: Europe/London}'
NAMED = '{name: f, logicalType: timestamp, format: "%d %b %Y %I:%M %p", timezone: UTC}'
PADDED = '{name: f, logicalType: timestamp, format: "%Y-%m-%d %I:%M%p", timezone: UTC, unknownTime: midnight}'


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)


@pytest.mark.parametrize(
    ("prop", "text", "value"),
    [
        (BORN, "01/02/27", date(1927, 2, 1)),
        (BORN, "31/12/26", date(2026, 12, 31)),
        (BORN, "01/02/68", date(1968, 2, 1)),
        (BORN, "29/02/00", date(2000, 2, 29)),
        (SEEN, "01/02/99", date(2099, 2, 1)),
        (SEEN, "01/02/00", date(2000, 2, 1)),
        (OLD, "01/02/49", date(1949, 2, 1)),
        (OLD, "29/02/52", date(1852, 2, 29)),
        (AT, "02/06/25 9:30 am", at(2025, 6, 2, 8, 30)),
        (AT, "02/06/25 9:30 PM", at(2025, 6, 2, 20, 30)),
        (AT, "02/01/25 12:05 am", at(2025, 1, 2, 0, 5)),
        (AT, "02/01/25 12:05 pm", at(2025, 1, 2, 12, 5)),
        (PADDED, "2025-06-02 09:30am", at(2025, 6, 2, 9, 30)),
        (PADDED, "2025-06-02 12:00AM", at(2025, 6, 2)),
    ],
)
def test_a_short_year_or_hour_is_what_the_contract_says(prop, text, value):
    assert judged(prop, text) == (value, [])


@pytest.mark.parametrize(
    ("prop", "text", "rule"),
    [
        (SEEN, "31/02/25", "date"),
        (SEEN, "29/02/25", "date"),
        (OLD, "29/02/00", "date"),  # 1900 had none
        (SEEN, "02/06/2025", "date"),
        (SEEN, "2/6/25", "date"),
        (SEEN, "02/06/5", "date"),
        (AT, "02/06/25 09:30 am", "timestamp"),
        (AT, "02/06/25 13:30 pm", "timestamp"),
        (AT, "02/06/25 0:30 am", "timestamp"),
        (AT, "02/06/25 9:30", "timestamp"),
        (AT, "02/06/25 9:30 a.m.", "timestamp"),
        (AT, "30/03/25 1:30 am", "nonexistent_time"),
        (PADDED, "2025-06-02 9:30am", "timestamp"),
        (NAMED, "01 JUL 2024 01:30 PM", "timestamp"),
    ],
)
def test_anything_else_is_quarantined(prop, text, rule):
    assert rule in judged(prop, text)[1]


def form_of(name: str, values: list[object]) -> tuple[str, bytes]:
    """The values as a file of a form, beside an id each."""
    if name == "jsonl":
        return "{format: jsonl}", "".join(
            json.dumps({"id": f"r{n}", "f": v}) + "\n" for n, v in enumerate(values)
        ).encode()
    whole = io.BytesIO()
    if name == "xlsx":
        book = openpyxl.Workbook()
        for row in [("id", "f"), *((f"r{n}", v) for n, v in enumerate(values))]:
            book.active.append(row)
        book.save(whole)
        return "{format: xlsx, sheet: {layout: table}}", whole.getvalue()
    pq.write_table(pa.table({"id": [f"r{n}" for n in range(len(values))], "f": values}), whole)
    return "{format: parquet}", whole.getvalue()


@pytest.mark.parametrize("form", ["jsonl", "xlsx", "parquet"])
def test_texts_of_other_forms_are_read_alike(tmp_path, form):
    file, content = form_of(form, ["02/06/25 9:30 am", "31/02/25 9:30 am", "02/06/25 9:30 PM"])
    found = stage(tmp_path, tolerant(contract("{name: id, required: true}", AT, file=file)), content)
    assert found.profile["valid"] == 2
    assert [(rule, field) for _, rule, field in found.refused_lines] == [("timestamp", "f")]


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
@pytest.mark.parametrize(("prop", "kept"), [(BORN, [1927, 1975, 2026]), (SEEN, [2026])])
def test_a_real_date_is_told_only_where_its_century_is_the_contracts(tmp_path, form, prop, kept):
    days = [date(year, 2, 1) for year in (1926, 1927, 1975, 2026)]
    file, content = form_of(form, days)
    events = "[{slot: e, type: activity.attended, occurred: f, payload: {}}]"
    found = stage(tmp_path, tolerant(contract("{name: id, required: true}", prop, file=file, events=events)), content)
    told = found.read("facts/**/*.parquet", "year(occurred_on)", "order by all") if kept else []
    assert [year for (year,) in told] == kept
    assert len(found.refused_lines) == len(days) - len(kept)


def test_another_century_is_a_breaking_change_and_a_further_form_is_none():
    def described(prop: str) -> Contract:
        return contract("{name: id, required: true}", prop)

    long = '{name: f, logicalType: date, format: ["%d/%m/%Y"]}'
    both = '{name: f, logicalType: date, format: ["%d/%m/%Y", "%d/%m/%y"], yearsFrom: 2000}'
    assert {(d.kind, d.place) for d in differences(described(BORN), described(SEEN))} == {
        ("breaking", "properties.f.yearsFrom")
    }
    assert {d.kind for d in differences(described(long), described(both))} == {"safe"}


def proposed(tmp_path, header: str, values: list[str]) -> tuple[dict, str]:
    path = tmp_path / "visits.csv"
    path.write_text(f"Visit No,{header}\n" + "".join(f"V-{n},{v}\n" for n, v in enumerate(values)))
    text = drafted(path)
    return yaml.safe_load(text)["schema"][0]["properties"][1], text


@pytest.mark.parametrize(
    ("values", "form", "years"),
    [
        ([f"{n:02d}/06/25" for n in range(10, 25)], "%d/%m/%y", 2000),
        ([f"{n:02d}-Jun-25" for n in range(10, 25)], "%d-%b-%y", 2000),
        ([f"{n:02d}/06/25 9:{n} am" for n in range(10, 25)], "%d/%m/%y %-I:%M %p", 2000),
        ([f"{n:02d}/06/2025 {n % 12 + 1:02d}:30PM" for n in range(10, 25)], "%d/%m/%Y %I:%M%p", None),
        ([f"{n:02d}/06/2025 {n % 12 + 1}:30:00 pm" for n in range(10, 25)], "%d/%m/%Y %-I:%M:%S %p", None),
        ([f"{n:02d}/06/98" for n in range(10, 25)], "%d/%m/%y", "DECIDE"),
        (["31/02/25", "01/02/25"], None, None),
    ],
)
def test_init_proposes_them_where_all_values_fit(tmp_path, values, form, years):
    found, text = proposed(tmp_path, "Came on", values)
    assert (found.get("format"), found.get("yearsFrom")) == (form, years)
    assert ("taken for 2000 to 2099" in text) == (years == 2000)


def test_init_leaves_the_century_of_a_birth_to_a_person(tmp_path):
    found, text = proposed(tmp_path, "DOB", [f"{n:02d}/04/{n * 7 % 100:02d}" for n in range(13, 28)])
    assert (found["format"], found["yearsFrom"], found["coarsen"]) == ("%d/%m/%y", "DECIDE", "month")
    assert "schema[0].properties[1].yearsFrom" in undecided(yaml.safe_load(text))
    assert "#   dob: yearsFrom" in text


def test_init_says_that_day_and_month_of_a_short_date_may_be_meant_either_way(tmp_path):
    found, text = proposed(tmp_path, "Came on", [f"0{n}/05/25" for n in range(1, 10)])
    assert found["format"] == "%d/%m/%y"
    assert "came_on: its dates fit %d/%m/%y and %m/%d/%y" in text


def test_init_sees_midnight_in_an_hour_of_twelve(tmp_path):
    found, _ = proposed(tmp_path, "Came at", ["02/06/2025 12:00 am", *[f"{n}/06/2025 09:15 am" for n in range(10, 25)]])
    assert (found["format"], found["unknownTime"]) == ("%d/%m/%Y %I:%M %p", "midnight")
