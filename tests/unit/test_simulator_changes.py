"""Organisations that change in the simulated days: files, reference data and the truth say the same of it."""

import csv
import datetime as dt
from itertools import pairwise
from pathlib import Path

import pytest

import simulator

DAYS = (dt.date(2023, 10, 1), dt.date(2025, 9, 30))
CLOSED, SUCCESSOR, MIGRATED, MOVED = "Z90012", "Z90011", "Z90004", "Z90010"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("changes") / "synthetic"
    simulator.simulate(1200, 7, out, days=DAYS, changes=True)
    return out


def table(path: Path, columns: list[str] | None = None) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, fieldnames=columns))


def clean(root: Path, feed: str, sender: str) -> dict[str, list[dict[str, str]]]:
    """The records of each file of a sender, without the lines that were made faulty, earliest file first."""
    bad = {(f["feed"], f["sender"], f["file"], f["line"]) for f in table(root / "truth" / "faults.csv")}
    found = {}
    for path in sorted((root / "landing" / feed / sender).iterdir()):
        with path.open(encoding="utf-8") as file:
            reader = csv.DictReader(file)
            found[path.name] = [r for r in reader if (feed, sender, path.name, str(reader.line_num)) not in bad]
    return found


def change(root: Path, practice: str, what: str) -> str:
    return next(r[what] for r in table(root / "truth" / "practices.csv") if r["practice_code"] == practice)


def test_people_of_a_practice_that_closed_are_registered_with_the_one_that_took_it_over(root: Path) -> None:
    closed_on = dt.date.fromisoformat(change(root, CLOSED, "closed_on"))
    next_day = str(closed_on + dt.timedelta(days=1))
    *_, last = clean(root, "registrations_csv", CLOSED).values()
    assert all(r["registration_end"] and r["registration_end"] <= next_day for r in last)
    left = {r["nhs_number"] for r in last if (r["registration_end"], r["end_reason"]) == (next_day, "other")}
    *_, theirs = clean(root, "registrations_csv", SUCCESSOR).values()
    came = {r["nhs_number"]: r for r in theirs if r["registration_start"] == next_day}
    assert len(left - {""}) > 50
    missing = (left - {""}) - set(came)
    assert len(missing) <= 3, "but for lines that were made faulty everybody is there"
    before = {r["nhs_number"]: (r["postcode"], r["lsoa_code"]) for r in last}
    assert all((r["postcode"], r["lsoa_code"]) == before[n] for n, r in came.items() if n in left - {""})


def test_a_closed_practice_sends_its_last_extract_and_then_nothing(root: Path) -> None:
    closed_on = change(root, CLOSED, "closed_on")
    for feed in ("gp_appointments_csv", "registrations_csv"):
        days = [name.rsplit("_", 1)[1][:10] for name in clean(root, feed, CLOSED) if "again" not in name]
        assert sum(day > closed_on for day in days) == 1
    seen = [r for rows in clean(root, "gp_appointments_csv", CLOSED).values() for r in rows]
    assert seen
    assert max(r["slot_start"][:10] for r in seen) <= closed_on


def test_reference_data_say_who_closed_who_moved_and_under_which_board(root: Path) -> None:
    reference = root / "reference"
    closed_on = change(root, CLOSED, "closed_on")
    columns = [f"c{n}" for n in range(27)]
    practices = {row["c0"]: row for row in table(reference / "epraccur.csv", columns)}
    assert (practices[CLOSED]["c11"], practices[CLOSED]["c12"]) == (closed_on.replace("-", ""), "INACTIVE")
    assert {row["c3"] for row in practices.values()} == {"QZZ"}
    successions = {r["a"]: r["b"] for r in table(reference / "succ.csv", ["a", "b", "c", "d", "e"])}
    assert successions[CLOSED] == SUCCESSOR
    names = ["code", "name", "sub", "sub_name", "pcn", "pcn_name", "pcn_sub", "pcn_sub_name", "joined", "left", "main"]
    members: dict[str, list[dict[str, str]]] = {}
    for row in table(reference / "epcncorepartnerdetails.csv", names):
        members.setdefault(row["code"], []).append(row)
    assert [row["pcn"] for row in members[MOVED]] == ["U99003", "U99002"]
    assert [row["sub"] for row in members["Z90009"]] == ["99Y", "99Z"]
    assert members[CLOSED][-1]["left"] == closed_on.replace("-", "")
    stated = {(row["code"], row["pcn"], row["joined"]) for rows in members.values() for row in rows}
    true = {
        (row["practice_code"], row["network"], row["from_day"].replace("-", ""))
        for row in table(root / "truth" / "networks.csv")
    }
    assert stated - true == {("Z90013", "U99001", "20190701")}, "which closed before the simulated days"
    assert true <= stated
    for rows in members.values():
        for earlier, later in pairwise(rows):
            ended, began = (dt.datetime.strptime(d, "%Y%m%d") for d in (earlier["left"], later["joined"]))
            assert (began - ended).days == 1
    lists = table(reference / "gp-reg-pat-prac-quin-age.csv")
    boards = {(row["EXTRACT_DATE"], row["ORG_CODE"]) for row in lists if row["ORG_TYPE"] == "ICB"}
    assert {code for _, code in boards} == {"QZZ", "QZY"}
    assert ("01JUL2025", "QZY") not in boards
    assert not [r for r in lists if r["ORG_CODE"] == CLOSED and r["EXTRACT_DATE"] == "01JUL2025"]


def test_a_new_system_sends_history_again_under_other_ids_and_the_register_says_since_when(root: Path) -> None:
    since = change(root, MIGRATED, "next_system_from")
    rows = [r for r in table(root / "reference" / "senders.csv") if r["code"] == MIGRATED]
    assert [(r["source_system"], r["valid_from"]) for r in rows] == [
        ("synthetic-gp", "1990-01-01"),
        ("synthetic-gp-next", since),
    ]
    assert rows[0]["valid_to"] == str(dt.date.fromisoformat(since) - dt.timedelta(days=1))
    files = clean(root, "gp_appointments_csv", MIGRATED)
    old = {r["appointment_id"] for rows in files.values() for r in rows if r["extract_at"][:10] < since}
    (again,) = [rows for rows in files.values() if rows[0]["extract_at"][:10] >= since]
    assert all(id.startswith("A") for id in old)
    assert {r["appointment_id"][:1] for r in again} == {"B"}
    repeated = {r["appointment_id"][1:] for r in again if r["slot_start"][:10] < since} & {id[1:] for id in old}
    assert len(repeated) > 0.95 * len(old)
    lost = {r["appointment_id"][1:] for r in again if r["slot_start"][:10] < since} - {id[1:] for id in old}
    assert len(lost) < 0.02 * len(old), "the old system had stated what happened before, but for faulty lines"


def test_day_by_day_the_closed_practice_says_that_all_left_and_a_new_system_sends_everything_once(
    tmp_path: Path,
) -> None:
    out = tmp_path / "synthetic"
    days = (dt.date(2025, 3, 14), dt.date(2025, 9, 30))
    simulator.simulate(400, 7, out, days=days, changes=True, deliveries=95, mess="0")
    closed_on = dt.date.fromisoformat(change(out, CLOSED, "closed_on"))
    known: dict[str, str] = {}
    for path in sorted(out.rglob(f"registrations_csv/{CLOSED}/*"), key=lambda path: path.name):
        known.update({row["registration_id"]: row["registration_end"] for row in table(path)})
    assert path.name == f"registrations_{closed_on + dt.timedelta(days=2)}.csv"
    assert known
    assert all(known.values())

    since = change(out, MIGRATED, "next_system_from")
    paths = [path for path in out.rglob(f"gp_appointments_csv/{MIGRATED}/*") if "_last_" not in path.name]
    books = {path.name[-14:-4]: table(path) for path in paths}
    first = next(day for day in sorted(books) if day >= since)
    before = {row["appointment_id"][1:] for day, rows in books.items() if day < since for row in rows}
    assert first == since
    assert before <= {row["appointment_id"][1:] for row in books[first]}
    assert {row["appointment_id"][0] for day, rows in books.items() if day >= since for row in rows} == {"B"}
    assert max(len(rows) for day, rows in books.items() if day > since) < len(before)


@pytest.mark.parametrize("deliveries", [None, 0, 100])
def test_the_old_system_has_told_of_every_slot_of_its_time_when_it_ends(tmp_path: Path, deliveries: int | None) -> None:
    """Whether it ends between two extracts, before the first of the days that are delivered, or on one of them."""
    out = tmp_path / "synthetic"
    days = (dt.date(2024, 4, 10), dt.date(2025, 7, 1))
    simulator.simulate(900, 7, out, days=days, changes=True, deliveries=deliveries, mess="0")
    since = change(out, MIGRATED, "next_system_from")
    told: dict[str, dict[str, str]] = {}
    for path in sorted(out.rglob(f"gp_appointments_csv/{MIGRATED}/*"), key=lambda path: table(path)[0]["extract_at"]):
        told.update({row["appointment_id"]: row for row in table(path)})
    old = {id[1:]: row for id, row in told.items() if id[0] == "A"}
    new = {id[1:]: row for id, row in told.items() if id[0] == "B" and row["slot_start"][:10] < since}
    assert max(row["slot_start"][:10] for row in new.values()) == str(
        dt.date.fromisoformat(since) - dt.timedelta(days=1)
    )
    assert new.keys() <= old.keys()
    assert max(row["extract_at"][:10] for row in old.values()) < since
    assert all(row["slot_start"] < row["extract_at"] or row["status"] != "Attended" for row in old.values())
    left = {id for id, row in old.items() if row["slot_start"][:10] < since and row["status"] == "Booked"}
    assert left <= {id for id, row in new.items() if row["status"] == "Booked"}
