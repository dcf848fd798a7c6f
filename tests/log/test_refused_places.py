"""Refused records of which several begin on one line: cells of a register's row, entries of a Bundle on one line.

Each is named by its line and its place there, and that name holds whatever a corrected contract reads more of the file.
"""

import json
from datetime import datetime

import pytest

from ingestion.rebuild import rebuild_register
from ingestion.retry import retry
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.settings import Settings
from tests.support import fhir
from tests.support.books import FEED as REGISTER
from tests.support.books import FIRST, register
from tests.support.cli import commands
from tests.support.faults import fates, put
from tests.support.log import add_sender, ingest, make_home, rows, standing

FHIR = "fhir_r4_ndjson"
SENDER = "S9"
# Three people by four sessions, and a mark under no date. Column 4 is the first session, 7 the last.
DAYS = [datetime(2025, 6, n) for n in (2, 9, 16, 23)]
SHEET = register(
    [
        ["M1", "Ann", "9990000018", "x", "V", "?", "V"],
        ["M2", "Bob", "9990000026", "V", "A", "x", None],
        ["M3", "Cat", "9990000034", "?", "V", "#N/A", "x"],
    ],
    dates=DAYS,
)
DEEP = {"extension": [{"extension": [{"extension": [{"extension": [{"valueString": "x"}]}]}]}]}
ENTRIES = [
    fhir.request("r1", status="active"),
    fhir.request("r2", status="active", **DEEP),
    fhir.request("r3", status="on-hold"),
    fhir.patient("p1", "9990000018"),
    fhir.request("r4", status="on-hold", **DEEP),
    fhir.request("r5", status="nonsense"),
]
BUNDLE = fhir.bundle(*ENTRIES, indent=None)


def contract(feed: str) -> str:
    return str((Settings.model_fields["contracts_dir"].default / f"{feed}.yaml").read_text())


WIDE = {REGISTER: contract(REGISTER), FHIR: contract(FHIR)}
NARROW = {  # no volunteers; no requests on hold, and nothing as deep
    REGISTER: WIDE[REGISTER].replace("P: attended, V: attended,", "P: attended,"),
    FHIR: WIDE[FHIR]
    .replace("active: active, on-hold: on-hold, revoked", "active: active, revoked", 1)
    .replace("file: {format: fhir,", "file: {format: fhir, maxDepth: 6,"),
}
CONTENT = {REGISTER: SHEET, FHIR: BUNDLE}
# Line, place and rule of what the narrow contract refuses, and of it what stays refused.
REFUSED = {
    REGISTER: [
        (FIRST, 5, "domain"), (FIRST, 6, "domain"), (FIRST, 7, "domain"), (FIRST + 1, 4, "domain"),
        (FIRST + 2, 4, "domain"), (FIRST + 2, 5, "domain"), (FIRST + 2, 6, "cell_error"),
    ],
    FHIR: [(1, 2, "depth"), (1, 3, "domain"), (1, 5, "depth"), (1, 6, "domain")],
}  # fmt: skip
STILL = {REGISTER: {(FIRST, 6), (FIRST + 2, 4), (FIRST + 2, 6)}, FHIR: {(1, 6)}}
RETRIED = {REGISTER: 4, FHIR: 3}


def use(home: Settings, feed: str, text: str) -> None:
    (home.contracts_dir / f"{feed}.yaml").write_text(text)


def sent(folder, feed, content, text):
    home = make_home(folder)
    use(home, feed, text)
    add_sender(home, SENDER, [feed])
    put(home, "f.xlsx" if feed == REGISTER else "f.json", content, feed=feed, sender=SENDER)
    ingest(home)
    return home


@pytest.fixture(params=[REGISTER, FHIR])
def feed(request):
    return request.param


@pytest.fixture
def home(feed, tmp_path):
    """A home whose contract refused too much, and was then corrected."""
    made = sent(tmp_path / "narrow", feed, CONTENT[feed], NARROW[feed])
    use(made, feed, WIDE[feed])
    return made


@pytest.fixture
def linkwork(home, monkeypatch, capfd):
    return commands(home, monkeypatch, capfd)


def listed(linkwork, *arguments):
    return linkwork("quarantine", "list", "--json", *arguments).json["records"]


def load_of(home, name):
    ((load,),) = rows(home, "loads", "load_id", f"where file_name = '{name}'")
    return load


def test_each_is_listed_by_its_line_and_its_place_there(linkwork, feed):
    assert [(r["source_line"], r["record"], r["rule"]) for r in listed(linkwork)] == REFUSED[feed]


def test_just_those_that_are_valid_now_are_taken_as_if_the_contract_had_been_right(home, linkwork, feed, tmp_path):
    done = retry(home)
    assert (done["accepted"], done["still_refused"]) == (RETRIED[feed], len(STILL[feed]))
    became = {(r["source_line"], r["record"]): r["status"] for r in listed(linkwork)}
    assert {where for where, status in became.items() if status == "open"} == STILL[feed]
    assert {status for where, status in became.items() if where not in STILL[feed]} == {"retried"}
    right = sent(tmp_path / "wide", feed, CONTENT[feed], WIDE[feed])
    assert sorted(standing(home), key=str) == sorted(standing(right), key=str)
    (now,), (then,) = fates(home).values(), fates(right).values()
    assert (now.records, now.accepted, now.quarantined) == (then.records, then.accepted, then.quarantined)
    assert verify(Store(home.log_dir).refresh()).problems == []
    assert retry(home)["accepted"] == 0


def test_a_register_made_anew_knows_what_was_retried(home):
    retry(home)
    before = sorted(rows(home, "register", "record_key, asserted_at, row_hash"))
    rebuild_register(home, "lost")
    assert sorted(rows(home, "register", "record_key, asserted_at, row_hash")) == before


def test_explain_asks_which_one_and_shows_that_one(home, linkwork, feed):
    load, line, place = load_of(home, "f.xlsx" if feed == REGISTER else "f.json"), *REFUSED[feed][0][:2]
    asked = linkwork("quarantine", "explain", load, str(line))
    assert asked.code == 64
    assert "--record" in asked.err
    told = linkwork("quarantine", "explain", load, str(line), "--record", str(place), "--raw", "--json").json
    assert (told["record"], told["rule"], len(told["history"])) == (place, REFUSED[feed][0][2], 1)
    if feed == FHIR:
        assert json.loads(told["raw"])["resource"]["id"] == "r2"
    else:
        assert "Ann" in told["raw"]


def test_an_export_names_each(linkwork, feed, tmp_path):
    target = tmp_path / "back.jsonl"
    linkwork("quarantine", "export", "--to", str(target), "--raw")
    sent_back = [json.loads(line) for line in target.read_text().splitlines()]
    assert [(r["line"], r["record"]) for r in sent_back] == [where[:2] for where in REFUSED[feed]]
    if feed == FHIR:
        assert [json.loads(r["raw"])["resource"]["id"] for r in sent_back] == ["r2", "r3", "r4", "r5"]


def test_an_entry_that_could_not_be_read_is_not_taken_for_its_neighbour(tmp_path):
    """One entry of two on a line is refused as it is read; the other is valid, and was taken."""
    content = fhir.bundle(ENTRIES[0], ENTRIES[1], indent=None)
    home = sent(tmp_path, FHIR, content, NARROW[FHIR])
    assert retry(home)["accepted"] == 0
    use(home, FHIR, WIDE[FHIR])
    done = retry(home)
    assert (done["accepted"], done["duplicate"]) == (1, 0)


def test_of_two_conflicts_on_a_line_one_is_decided(tmp_path, monkeypatch, capfd):
    first = [fhir.request("a", status="active"), fhir.request("b", status="active")]
    other = [fhir.request(n, status="active", authoredOn="2025-05-09") for n in ("a", "b")]
    home = sent(tmp_path, FHIR, fhir.bundle(*first, indent=None), WIDE[FHIR])
    put(home, "g.json", fhir.bundle(*other, indent=None), feed=FHIR, sender=SENDER)
    ingest(home)
    linkwork = commands(home, monkeypatch, capfd)
    load = load_of(home, "g.json")
    arguments = ("quarantine", "resolve", load, "--line", "1", "--keep", "quarantined", "--reason", "asked")
    asked = linkwork(*arguments)
    assert asked.code == 64
    assert "--record: 1, 2" in asked.err
    assert linkwork(*arguments, "--record", "3").code == 64
    assert linkwork(*arguments, "--record", "2", "--json").json["facts"] > 0
    assert {r["record"]: r["status"] for r in listed(linkwork)} == {1: "open", 2: "resolved"}
    days = {ref: day for _, _, ref, kind, day in standing(home) if kind == "referral.offered" or ref}
    assert "b" in days
    assert "a" not in days
    before = sorted(rows(home, "register", "record_key, asserted_at, row_hash, contested, resolved"))
    rebuild_register(home, "lost")
    assert sorted(rows(home, "register", "record_key, asserted_at, row_hash, contested, resolved")) == before
