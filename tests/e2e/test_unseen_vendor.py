"""A vendor nobody has seen: its file becomes rows of the marts by a drafted contract and a few decisions, no code.

The vendor is invented. Its file has another delimiter and encoding, local times, prices, notes, a flag and words of its
own for what became of a visit.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from linkwork import engine
from linkwork.settings import Settings
from tests.support.marts import build_some

NUMBERS = ["9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069"]
WORDS = ("Came", "Came", "Came", "Didn't show", "Called off by member", "Called off by us", "Expected")
HEADER = (
    "Visit No;Member No;NHS number;Member name;DOB;Programme;Visit date;Result;Fee paid;Host;Remarks;Paused?;Saved on"
)
# What a person decides after reading the draft and the file: each a line of the draft and what takes its place.
DECISIONS = [
    ("purpose: DECIDE", "purpose: Visits to the programmes of a community centre."),
    ("limitations: DECIDE", "limitations: A visit that is still expected has no result."),
    ("status: draft", "status: active"),
    ("kind: DECIDE", "kind: state"),
    ("subject: {", "provider: sender\n  performer: sender\n  subject: {"),
    (
        "{Called off by member: Called off by member, Called off by us: Called off by us, Came: Came, "
        "Didn't show: Didn't show, Expected: Expected}",
        "{Came: attended, Didn't show: missed, Called off by member: off_person, Called off by us: off_provider, "
        "Expected: booked}",
    ),
]
EVENTS = """
events:
  - &visit
    slot: visit
    type: activity.attended
    when: {in: {result: [attended]}}
    occurred: visit_date
    payload: {asset_id: programme}
  - {<<: *visit, type: activity.missed, when: {in: {result: [missed]}}}
  - &off
    <<: *visit
    type: activity.cancelled
    when: {in: {result: [off_person]}}
    constants: {cancelled_by: person}
  - {<<: *off, when: {in: {result: [off_provider]}}, constants: {cancelled_by: provider}}
  - {<<: *visit, type: activity.booked, when: {in: {result: [booked]}}}
"""


def visits(count: int) -> list[str]:
    made = []
    for n in range(count):
        word, number = WORDS[n % len(WORDS)], NUMBERS[n % len(NUMBERS)]
        day = f"{n % 27 + 1:02d}/0{n % 5 + 1}/2025"
        saved = f"{n % 27 + 1:02d}/06/2025 {9 + n % 8:02d}:15"
        made.append(
            f"V{n:05d};M{n % 6};{number};Zoë {n};1{n % 9}/11/194{n % 9};{('P-WALK', 'P-ALLOT')[n % 2]};{day};{word};"
            f"£1,{n % 10:03d}.00;host{n % 3};well, rang 07700 900123;{('No', 'Yes')[n % 11 == 0]};{saved}"
        )
    return made


def decided(draft: str) -> str:
    for old, new in DECISIONS:
        assert old in draft, old
        draft = draft.replace(old, new, 1)
    return draft[: draft.index("\nevents:")] + EVENTS


@pytest.fixture(scope="module")
def vendor(install):
    made = install("vendor")
    rows = visits(140)
    path = made.folder / "Hearth & Co. visits.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="cp1252")
    made.run("contract", "init", str(path), "--feed", "hearth_visits_csv", "--out", "draft.yaml")
    contracts = made.folder / "contracts"
    contracts.mkdir()
    made.env["LINKWORK_CONTRACTS_DIR"] = str(contracts)
    made.run("contract", "check", "draft.yaml", expect=65)  # nobody decided anything yet
    (contracts / "hearth_visits_csv.yaml").write_text(decided((made.folder / "draft.yaml").read_text()))
    made.run("contract", "check")
    made.run(
        "sender", "add", "HEARTH1", "--feed", "hearth_visits_csv", "--name", "Hearth", "--kind", "group",
        "--source-system", "hearth",
    )  # fmt: skip
    folder = made.folder / "landing" / "hearth_visits_csv" / "HEARTH1"
    folder.mkdir(parents=True)
    bad = rows[0].replace("V00000", "V90001").replace("Came", "Maybe")
    (folder / "june.csv").write_text("\n".join([HEADER, *rows, bad, ""]), encoding="cp1252")
    made.run("ingest", "--landing", "landing")
    build_some(Settings(home=made.home, keys_dir=made.folder / "keys"), "fct_activities")
    return made


def mart(vendor, query: str) -> list[tuple[Any, ...]]:
    with engine.connect(vendor.home / "warehouse" / "warehouse.duckdb", read_only=True) as con:
        return con.execute(query).fetchall()


def test_no_code_was_written_for_it(vendor):
    contract = yaml.safe_load((vendor.folder / "contracts" / "hearth_visits_csv.yaml").read_text())
    assert contract["file"] == {
        "format": "csv", "encoding": "cp1252", "delimiter": ";", "quote": '"', "nullTokens": [""],
        "unknownColumns": "refuse", "refusedThreshold": 0.05,
    }  # fmt: skip
    identifying = {p["source"] for p in contract["schema"][0]["properties"] if p.get("zone") == 1}
    assert {"Member No", "NHS number", "Member name", "DOB", "Host", "Remarks"} <= identifying


def test_every_record_has_one_fate(vendor):
    (load,) = vendor.json("load", "list")
    assert (load["status"], load["records"], load["accepted"], load["quarantined"]) == ("committed", 141, 140, 1)
    (refused,) = vendor.json("quarantine", "list")["records"]
    assert (refused["source_line"], refused["rule"], refused["field"]) == (142, "domain", "result")


def test_its_visits_are_rows_of_the_marts(vendor):
    query = "select status, cancelled_by, count(*) from fct_activities group by all order by all"
    assert mart(vendor, query) == [
        ("attended", None, 60), ("booked", None, 20), ("cancelled", "person", 20), ("cancelled", "provider", 20),
        ("missed", None, 20),
    ]  # fmt: skip
    assert mart(vendor, "select count(distinct person_id) from fct_activities") == [(len(NUMBERS),)]


def test_nothing_that_names_a_person_left_zone_1(vendor):
    events = vendor.home / "log" / "events" / "**" / "*.parquet"
    with engine.connect() as con:
        said = str(con.execute("select * from read_parquet(?, union_by_name = true)", [str(events)]).fetchall())
    for text in (*NUMBERS, "Zoë", "07700", "host1"):
        assert text not in said + str(mart(vendor, "from fct_activities"))


def test_the_next_version_of_its_contract_is_judged(vendor):
    path: Path = vendor.folder / "contracts" / "hearth_visits_csv.yaml"
    later = vendor.folder / "later.yaml"
    later.write_text(path.read_text().replace("Didn't show: missed", "Didn't show: attended"))
    done = vendor.run("contract", "diff", str(path), str(later), expect=65)
    assert "another meaning of Didn't show" in done.stdout
    assert "a breaking change needs version 2.0.0 or higher" in done.stderr
    later.write_text(later.read_text().replace("version: 1.0.0", "version: 2.0.0"))
    assert vendor.json("contract", "diff", str(path), str(later))["problem"] is None
