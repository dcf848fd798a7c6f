"""A group's attendance register and the same attendance as CSV: the same facts, the same marts, to the cell."""

from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.conftest import Installation
from tests.support.books import FEED, FIRST, TITLE, register

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
CSV = "event_id,referral_service,referral_ref,client_name,nhs_number,event,session_date,asset_id,asset_name,category,delivery,role,cancelled_by,recorded_at"
COLUMNS = (
    "group_code, session_on, status, asset_id, source_category, category, delivery, role, cancelled_by, has_referral"
)


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
def sent(install):
    """Two installations with one set of keys, so that people have the same pseudonyms: one has the register, one the CSV."""
    made = {}
    for feed, name, content in ((FEED, "june.xlsx", as_register()), ("activity_csv", "june.csv", as_csv().encode())):
        one: Installation = install(feed)
        first = next(iter(made.values()), None)
        if first is not None:
            for key in (first.folder / "keys").iterdir():
                (one.folder / "keys" / key.name).write_bytes(key.read_bytes())
        one.run(
            "sender", "add", "ZVC50", "--feed", feed, "--name", "Walkers", "--kind", "group", "--source-system", "s"
        )
        folder = one.home / "landing" / feed / "ZVC50"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        one.run("ingest")
        one.run("build")
        made[feed] = one
    return made


def facts(one: Installation) -> list[tuple]:
    import duckdb

    with duckdb.connect(str(one.home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(f"select person_id, {COLUMNS} from fct_activities order by all").fetchall()


def test_a_register_gives_the_marts_of_the_same_attendance_as_csv(sent):
    register_facts, csv_facts = facts(sent[FEED]), facts(sent["activity_csv"])
    assert len(register_facts) == sum(mark is not None for marks in MARKS for mark in marks)
    assert register_facts == csv_facts


def test_its_records_are_all_accounted_for_and_named_by_their_rows(sent):
    (load,) = sent[FEED].json("load", "list")
    counts = ("status", "records", "accepted", "duplicate", "conflict", "quarantined", "skipped", "events")
    assert [load[c] for c in counts] == ["committed", 8, 8, 0, 0, 0, 0, 8]
    found = sent[FEED].json("trace", "fct_activities", "--where", "status = 'missed'")
    lines = [event["source_line"] for event in found["events"]]
    assert sorted(lines) == [FIRST, FIRST + 2]


def test_a_corrected_register_restates_what_changed_and_a_bad_mark_is_kept_with_its_row(sent):
    one = sent[FEED]
    later = [TITLE[0], [*TITLE[1][:4], datetime(2025, 7, 2, 9, 0)], TITLE[2]]
    people = [
        ["M0", "Name 0", NUMBERS[0], "ZSP01", "R0", "x", "x", None, "x"],
        ["M9", "Name 9", None, None, None, "?", None, None, None],
    ]
    people += [[f"M{n}", "", None, None, None, *(["x"] * 4)] for n in range(10, 19)]  # one in forty is bad: tolerated
    path: Path = one.home / "landing" / FEED / "ZVC50" / "july.xlsx"
    path.write_bytes(register(people, dates=list(DAYS), head=HEAD, title=later))
    one.run("ingest")
    load = next(row for row in one.json("load", "list") if row["file_name"] == "july.xlsx")
    assert (load["records"], load["accepted"], load["duplicate"], load["quarantined"]) == (40, 37, 2, 1)
    (refused,) = one.json("quarantine", "list")
    assert (refused["source_line"], refused["rule"], refused["field"]) == (FIRST + 1, "domain", "event")
