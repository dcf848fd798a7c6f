"""The same world in other feeds: who is told to send what, packed or not, and always the same bytes."""

import csv
import gzip
from pathlib import Path

import duckdb
import pytest
from openpyxl import load_workbook

import simulator
from simulator.senders import faults, telling
from tests.unit.test_simulator import DAYS, SEED, everything

PEOPLE = 450


def made(out: Path, feeds: str | None) -> Path:
    simulator.simulate(PEOPLE, SEED, out, days=DAYS, mess="0", feeds=feeds)
    return out


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("varied") / "region", "varied")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("plain") / "region", None)


def of(root: Path, feed: str, sender: str) -> list[Path]:
    return sorted((root / "landing" / feed / sender).iterdir())


def test_every_file_has_the_same_bytes_again(varied: Path, tmp_path: Path) -> None:
    assert everything(made(tmp_path / "again", "varied")) == everything(varied)


def test_each_sender_sends_what_it_was_told_and_is_registered_for_it(varied: Path) -> None:
    with (varied / "reference" / "senders.csv").open(encoding="utf-8") as file:
        registered = {row["code"]: set(row["feeds"].split(";")) for row in csv.DictReader(file)}
    sent: dict[str, set[str]] = {}
    for path in varied.glob("landing/*/*/*"):
        sent.setdefault(path.parts[-2], set()).add(path.parts[-3])
    assert sent == registered
    for sender, feeds in telling.VARIED.items():
        assert {feed.partition(".")[0] for feed in feeds.split(",")} <= sent[sender]


def test_a_packed_file_holds_what_the_plain_one_does(varied: Path, plain: Path) -> None:
    packed = of(varied, "gp_appointments_csv", "Z90005")
    assert [gzip.decompress(path.read_bytes()) for path in packed] == [
        path.read_bytes() for path in of(plain, "gp_appointments_csv", "Z90005")
    ]


def test_parquet_holds_the_rows_of_the_csv_file_as_texts(varied: Path, plain: Path) -> None:
    for there, here in zip(
        of(varied, "gp_appointments_csv", "Z90009"), of(plain, "gp_appointments_csv", "Z90009"), strict=True
    ):
        with here.open(encoding="utf-8", newline="") as file:
            expected = [tuple(value or None for value in row.values()) for row in csv.DictReader(file)]
        assert duckdb.execute("select * from read_parquet(?)", [str(there)]).fetchall() == expected


def test_a_register_has_a_row_for_each_person_and_a_column_for_each_session(varied: Path) -> None:
    sheets = [load_workbook(path).active for path in of(varied, "activity_register_xlsx", "ZVC01")]
    sheet = max(sheets, key=lambda one: one.max_column)
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert [row[0] for row in rows[:5]] == [
        "Activity code:",
        "Activity:",
        "Category:",
        "Delivery:",
        "Register updated:",
    ]
    assert rows[5][0] == "Member no"
    assert len(rows[5]) > 6
    members = [row[0] for row in rows[6:]]
    assert len(members) == len(set(members)) > 0
    assert {mark for row in rows[6:] for mark in row[5:]} <= {"x", "V", "A", "C", "S", None}


@pytest.mark.parametrize(
    "given", ["sometimes", "Z90001=no_such_feed", "Z90001=gp_codes_csv.rar", "ZVC01=activity_register_xlsx.gz", "a b=x"]
)
def test_a_feed_that_cannot_be_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"^feeds "):
        telling.told(given)


def test_tables_and_registers_have_their_faults_where_the_truth_says(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rows that the truth names they are the same as without mess; each named row is what it is called."""
    monkeypatch.setattr(faults, "SHORTEST_FILE", 1)
    monkeypatch.setattr(faults, "MOST_BAD", 1)
    feeds = "Z90009=gp_appointments_csv.parquet,ZVC01=activity_register_xlsx"
    mess = "invalid_number=0.15,invalid_value=0.15,clock=0.05,broken=0.1,blank=0.1,duplicated=0.15"
    region = tmp_path / "region"
    simulator.simulate(PEOPLE, SEED, region, days=DAYS, mess=mess, feeds=feeds)
    with (region / "truth" / "faults.csv").open(encoding="utf-8") as file:
        noted = [fault for fault in csv.DictReader(file) if fault["file"].endswith((".parquet", ".xlsx"))]
    kinds = {"invalid_nhs_number", "duplicate_line", "unknown_word"}
    assert {fault["kind"] for fault in noted} == kinds | {
        "impossible_date", "missing_required", "skipped_hour", "repeated_hour",
    }  # fmt: skip
    assert {fault["kind"] for fault in noted if fault["file"].endswith(".xlsx")} == kinds
    for there, here in zip(
        of(region, "gp_appointments_csv", "Z90009"), of(plain, "gp_appointments_csv", "Z90009"), strict=True
    ):
        bad = {int(fault["line"]): fault["kind"] for fault in noted if fault["file"] == there.name}
        rows = duckdb.execute("from read_parquet(?)", [str(there)]).fetchall()
        with here.open(encoding="utf-8", newline="") as file:
            expected = [tuple(value or None for value in row.values()) for row in csv.DictReader(file)]
        assert [row for number, row in enumerate(rows, 1) if number not in bad] == expected
        for number, kind in bad.items():
            assert (rows[number - 1] in expected) == (kind == "duplicate_line")
    for path in of(region, "activity_register_xlsx", "ZVC01"):
        sheet = load_workbook(path).active
        numbers = {int(fault["line"]): fault["kind"] for fault in noted if fault["file"] == path.name}
        for number, kind in numbers.items():
            who, before = ([cell.value for cell in sheet[row]] for row in (number, number - 1))
            assert who[0].startswith("X") == (kind != "duplicate_line")
            assert ("?" in who) == (kind == "unknown_word")
            assert (who[2] == before[2]) == (kind != "invalid_nhs_number") or number - 1 in numbers
