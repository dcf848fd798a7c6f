"""The same world in other feeds: who is told to send what, packed or not, and always the same bytes."""

import csv
import gzip
from pathlib import Path

import duckdb
import pytest
from openpyxl import load_workbook

import simulator
from simulator.senders import telling
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
