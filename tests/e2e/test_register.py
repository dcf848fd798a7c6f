"""A group's attendance register and the same attendance as CSV: the same facts, the same marts, to the cell."""

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from ingestion import refused as refused_text
from linkwork.settings import Settings
from tests.support.books import FEED, FIRST, TITLE, register
from tests.support.installation import Installation
from tests.support.marts import build_some

NUMBERS = ("9990000018", "9990000026", "9990000034")
HEAD = ["Member no", "Name", "NHS number", "Referred by", "Referral no"]
DAYS = (datetime(2025, 6, 2), datetime(2025, 6, 9), datetime(2025, 6, 16), datetime(2025, 6, 23))
MARKS = [["x", "A", None, "x"], ["V", None, "C", "S"], [None, "DNA", "✓", None]]
MEANS = {
    "x": ("attended", "participant", ""),
    "✓": ("attended", "participant", ""),
    "V": ("attended", "volunteer", ""),
    "A": ("missed", "", ""),
    "DNA": ("missed", "", ""),
    "C": ("cancelled", "", "person"),
    "S": ("cancelled", "", "provider"),
}
CSV = (
    "event_id,referral_service,referral_ref,client_name,nhs_number,event,session_date,asset_id,asset_name,category,"
    "delivery,role,cancelled_by,recorded_at"
)
GROUP, PROVIDER = "ZVC50", "ZVC51"
COLUMNS = "session_on, status, asset_id, source_category, category, delivery, role, cancelled_by, has_referral"


def as_register() -> bytes:
    people = [[f"M{n}", f"Name {n}", NUMBERS[n], "ZSP01", f"R{n}", *marks] for n, marks in enumerate(MARKS)]
    return register(people, dates=list(DAYS), head=HEAD)


def as_csv() -> str:
    lines = [CSV]
    for n, marks in enumerate(MARKS):
        for day, mark in zip(DAYS, marks, strict=True):
            if mark is not None:
                event, role, by = MEANS[mark]
                lines.append(
                    f"e{n}-{day:%d},ZSP01,R{n},Name {n},{NUMBERS[n]},{event},{day:%Y-%m-%d},WALK-1,Walking group,"
                    f"Physical activity,group,{role},{by},2025-07-01T17:30:00Z"
                )
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def sent(install) -> Installation:
    """One group sends its register, another the same attendance as CSV."""
    one: Installation = install("registers")
    for sender, feed, name, content in (
        (GROUP, FEED, "june.xlsx", as_register()),
        (PROVIDER, "activity_csv", "june.csv", as_csv().encode()),
    ):
        one.run("sender", "add", sender, "--feed", feed, "--name", "Walkers", "--kind", "group", "--source-system", "s")
        deliver(one, feed, sender, name, content)
    one.run("ingest")
    build_some(Settings(home=one.home, keys_dir=one.folder / "keys"), "fct_activities")
    return one


def deliver(one: Installation, feed: str, sender: str, name: str, content: bytes) -> None:
    path: Path = one.home / "landing" / feed / sender / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def facts(one: Installation, group: str) -> list[tuple]:
    with duckdb.connect(str(one.home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        query = f"select person_id, {COLUMNS} from fct_activities where group_code = ? order by all"
        return con.execute(query, [group]).fetchall()


def test_a_register_gives_the_marts_of_the_same_attendance_as_csv(sent):
    from_register = facts(sent, GROUP)
    assert len(from_register) == sum(mark is not None for marks in MARKS for mark in marks)
    assert from_register == facts(sent, PROVIDER)


def test_a_figure_leads_to_the_rows_of_the_register_as_they_were_sent(sent):
    load = next(row for row in sent.json("load", "list") if row["feed"] == FEED)
    counts = ("status", "records", "accepted", "duplicate", "conflict", "quarantined", "skipped", "events")
    assert [load[c] for c in counts] == ["committed", 8, 8, 0, 0, 0, 0, 8]
    where = f"status = 'missed' and group_code = '{GROUP}'"
    found = sent.json("trace", "fct_activities", "--where", where, "--raw")
    assert sorted(event["source_line"] for event in found["events"]["rows"]) == [FIRST, FIRST + 2]
    raw = {record["source_line"]: json.loads(record["raw"]) for record in found["raw"]["records"]}
    assert (raw[FIRST][f"C{FIRST}"], raw[FIRST][f"G{FIRST}"]) == (NUMBERS[0], "A")
    assert raw[FIRST + 2][f"G{FIRST + 2}"] == "DNA"


def test_a_later_register_restates_what_changed_and_a_bad_mark_is_kept_with_its_row(sent):
    later = [TITLE[0], [*TITLE[1][:4], datetime(2025, 7, 2, 9, 0)], TITLE[2]]
    people = [
        ["M0", "Name 0", NUMBERS[0], "ZSP01", "R0", "x", "x", None, "x"],
        ["M9", "Name 9", None, None, None, "?", None, None, None],
        *([f"M{n}", "", None, None, None, *(["x"] * 4)] for n in range(10, 19)),  # one bad in forty is tolerated
    ]
    deliver(sent, FEED, GROUP, "july.xlsx", register(people, dates=list(DAYS), head=HEAD, title=later))
    sent.run("ingest")
    load = next(row for row in sent.json("load", "list") if row["file_name"] == "july.xlsx")
    assert [load[c] for c in ("records", "accepted", "duplicate", "conflict", "quarantined")] == [40, 37, 2, 0, 1]
    (refused,) = sent.json("quarantine", "list")["records"]
    assert (refused["source_line"], refused["rule"], refused["field"]) == (FIRST + 1, "domain", "event")
    key = bytes.fromhex((sent.folder / "keys" / "zone1.key").read_text().strip())
    (kept,) = refused_text.read(sent.home / "restricted" / "quarantine" / refused["load_id"], key)
    assert json.loads(kept["raw"])[f"F{FIRST + 1}"] == "?"
