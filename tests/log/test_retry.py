"""`quarantine retry` and its neighbours: refused records are explained, sent back, and taken once that is right."""

import csv
import json
import signal

import pytest

from ingestion import refused
from ingestion.rebuild import rebuild_register
from ingestion.retry import Chosen, retry
from linkwork.log.failpoints import TABLE_STEPS
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import vault
from linkwork.privacy.keys import key_files, load_keys
from tests.support.cli import commands, files_up_to
from tests.support.faults import OTHER, fates, good, lines, put
from tests.support.log import CONTRACT, SENDER, at, day, effective, ingest, make_home, rows
from tests.support.people import copy_of

# Ids of more than one letter, and the year first: what the narrow contract had not been told of.
NARROW = CONTRACT.replace('grammar: "[a-z0-9]+"', 'grammar: "[a-z]"')
WIDE = CONTRACT.replace('grammar: "[a-z0-9]+"', 'grammar: "[a-z]+[0-9]*"')
FILE = lines(good("a"), good("b1"), good("c2", 1, "2025-02-30"), good("a", 2, day(3)), good("=d"))


def use(home, contract):
    (home.contracts_dir / "test_state.yaml").write_text(contract)


@pytest.fixture(scope="module")
def refused_once(tmp_path_factory):
    """A home whose contract refused b1 and c2, and whose contract was then corrected; =d and c2's date stay wrong."""
    home = make_home(tmp_path_factory.mktemp("retry") / "whole", NARROW)
    put(home, "f.csv", FILE)
    ingest(home)
    assert fates(home)["f.csv"].refused == [(3, "grammar"), (4, "grammar"), (6, "grammar")]
    use(home, WIDE)
    return home


@pytest.fixture
def home(refused_once, tmp_path):
    return copy_of(refused_once, tmp_path / "copy")


@pytest.fixture
def linkwork(home, monkeypatch, capfd):
    return commands(home, monkeypatch, capfd)


def load_of(home, name="f.csv"):
    ((load,),) = rows(home, "loads", "load_id", f"where file_name = '{name}' and status = 'committed'")
    return load


def index(home):
    columns = "source_line, rule, field, status, outcome"
    return rows(home, "quarantine", columns, "order by source_line, recorded_at")


def counts(home):
    found = fates(home)["f.csv"]
    return found.records, found.accepted, found.duplicate, found.conflict, found.quarantined, found.events


def test_just_what_is_valid_now_is_taken_and_history_stays(home):
    before = effective(home)
    done = retry(home, reason="ids may have digits")
    assert {k: done[k] for k in ("accepted", "duplicate", "conflict", "still_refused", "events")} == {
        "accepted": 1, "duplicate": 0, "conflict": 0, "still_refused": 2, "events": 1,
    }  # fmt: skip
    assert effective(home) == before | {("b1", "received"): day(2)}
    assert index(home) == [
        (3, "grammar", "id", None, None), (3, "grammar", "id", "retried", "accepted"),
        (4, "grammar", "id", None, None), (4, "date", "received", None, None),  # another rule refuses it now
        (6, "grammar", "id", None, None),
    ]  # fmt: skip
    assert counts(home) == (5, 3, 0, 0, 2, 3)
    assert verify(Store(home.log_dir)).problems == []
    assert rows(home, "operations", "target, outcome, reason", "where command = 'quarantine retry'") == [
        ("all that are open",
         "1 accepted, 0 duplicate, 0 superseded, 0 skipped, 0 conflict, 0 erased, 2 still refused, 1 events",
         "ids may have digits"),
    ]  # fmt: skip


def test_a_second_retry_does_nothing_and_leaves_nothing(home):
    retry(home)
    before = {table: rows(home, table, "count(*)") for table in ("events", "loads", "quarantine", "operations")}
    commits = Store(home.log_dir).refresh().commits()
    assert retry(home)["operation_id"] is None
    assert {table: rows(home, table, "count(*)") for table in before} == before
    assert Store(home.log_dir).refresh().commits() == commits
    assert list(home.staging_dir.glob("[!.]*")) == []


@pytest.mark.parametrize(("later", "fate", "held"), [
    (good("b1", 3, day(7)), "superseded", day(7)),  # stated anew since
    (good("b1", 1), "duplicate", day(2)),  # the sender sent it again
    (good("b1", 1, day(7)), "conflict", None),  # and says otherwise
])  # fmt: skip
def test_the_register_decides_what_a_retried_record_means_by_now(home, later, fate, held):
    put(home, "later.csv", lines(later))
    ingest(home)
    done = retry(home)
    assert done[fate] == 1
    assert effective(home).get(("b1", "received")) == held
    found = fates(home)["f.csv"]
    assert (found.accepted, found.conflict, found.quarantined) == (2, int(fate == "conflict"), 2)
    assert verify(Store(home.log_dir)).problems == []
    if fate == "conflict":
        assert index(home)[1] == (3, "conflict", None, None, None)


def test_a_retried_record_of_another_person_stays_refused_under_its_new_rule(home):
    put(home, "later.csv", lines(good("b1", 3, day(7), OTHER)))
    ingest(home)
    assert (retry(home)["accepted"], retry(home)["operation_id"]) == (0, None)
    assert index(home)[1] == (3, "other_person", None, None, None)
    assert verify(Store(home.log_dir)).problems == []


@pytest.mark.parametrize("chosen", [
    Chosen(feed="other"), Chosen(sender="S9"), Chosen(rule="date"),
])  # fmt: skip
def test_what_was_not_chosen_is_left_alone(home, chosen):
    assert retry(home, chosen)["operation_id"] is None
    assert retry(home, Chosen(load_of(home), "test_state", SENDER, "grammar"))["accepted"] == 1


def test_without_the_file_the_kept_text_of_refused_records_is_read(home):
    """Raw retention has ended for the file; its header and its refused records are kept, each on its own line."""
    for path in home.raw_dir.iterdir():
        path.unlink()
    done = retry(home)
    assert (done["accepted"], done["still_refused"], done["not_retried"]) == (1, 2, {})
    assert effective(home)[("b1", "received")] == day(2)
    assert rows(home, "events", "source_line", "where source_record_ref = 'b1'") == [(3,)]
    assert verify(Store(home.log_dir)).problems == []


def test_without_the_file_and_its_text_it_is_said(home):
    for folder in (home.raw_dir, home.quarantine_raw_dir):
        for path in folder.iterdir():
            path.unlink()
    done = retry(home)
    assert list(done["not_retried"]) == [load_of(home)]
    assert done["operation_id"] is None


def test_a_record_that_an_erasure_took_out_is_erased_and_counted(home):
    path, key = home.quarantine_raw_dir / load_of(home), load_keys(home).zone1
    refused.write([r for r in refused.read(path, key) if r["line"] != 6], path, key)
    raw = next(home.raw_dir.iterdir())
    vault.seal_bytes(vault.unseal(raw, key).replace(good("=d").encode(), b""), raw, key)
    assert retry(home)["erased"] == 1
    assert index(home)[-1] == (6, "grammar", "id", "erased", None)
    assert verify(Store(home.log_dir)).problems == []


def test_a_register_made_anew_does_not_take_what_was_not_retried(home):
    rebuild_register(home, "lost")
    assert retry(home)["accepted"] == 1
    rebuild_register(home, "lost again")
    put(home, "later.csv", lines(good("b1", 1)))
    ingest(home)
    assert (fates(home)["later.csv"].duplicate, effective(home)[("b1", "received")]) == (1, day(2))
    assert verify(Store(home.log_dir)).problems == []


# --- cut off ----------------------------------------------------------------------------------------

TABLES = ("events", "register", "loads", "quarantine", "operations")
POINTS = [
    "file-staged", "in-step", "events-placed", "quarantine-written", "loads-placed", "operations-written",
    "plan-written", *(f"{t}-{step}" for t in TABLES for step in TABLE_STEPS[3:]), "carried-out",
]  # fmt: skip
AFTER = POINTS.index("events-committed")


def said(home):
    return (
        counts(home),
        effective(home),
        index(home),
        rows(home, "register", "record_key, asserted_at, row_hash", "order by 1"),
    )


@pytest.mark.parametrize("point", [p for p in POINTS if not p.endswith("-durable")])
def test_a_retry_that_was_killed_is_finished_or_undone_and_then_done(home, refused_once, kill, tmp_path, point):
    before = said(home)
    whole = copy_of(refused_once, tmp_path / "whole")
    retry(whole)
    assert kill(home, "retry", f"{point}:kill") == -signal.SIGKILL
    ingest(home)  # any command that writes
    assert said(home) == (said(whole) if POINTS.index(point) >= AFTER else before)
    retry(home)
    assert said(home) == said(whole)
    assert verify(Store(home.log_dir)).problems == []
    assert len(rows(home, "operations", "1", "where command = 'quarantine retry'")) == 1


def test_a_retry_that_was_killed_leaves_no_received_file_in_plain_text(home, kill):
    spill = home.home / "restricted" / "spill"
    assert kill(home, "retry", "file-read:kill") == -signal.SIGKILL
    assert [path for path in spill.rglob("*") if path.is_file()], "the kill must come while a file lies there"
    (spill / "unpacked-0123456789abcdef").write_text("9990000018")
    ingest(home)
    assert not list(spill.glob("*"))


# --- the commands -------------------------------------------------------------------------------------


def test_list_counts_and_filters(home, linkwork):
    listed = linkwork("quarantine", "list", "--status", "open", "--rule", "grammar", "--json").json
    assert listed["total"] == 3
    assert {r["age_days"] for r in listed["records"]} == {0}
    linkwork("quarantine", "retry")
    found = linkwork("quarantine", "list", "--by", "status", "--json").json["counts"]
    assert {row["status"]: row["records"] for row in found} == {"open": 2, "retried": 1}
    by_rule = linkwork("quarantine", "list", "--status", "open", "--by", "rule", "--json").json["counts"]
    assert {row["rule"]: row["records"] for row in by_rule} == {"grammar": 1, "date": 1}
    assert "grammar" in linkwork("quarantine", "list").out
    assert linkwork("quarantine", "list", "--status", "lost").code == 64
    assert linkwork("quarantine", "list", "--by", "line").code == 64


def test_explain_says_why_and_what_to_do_and_shows_the_text_only_on_demand(home, linkwork):
    load = load_of(home)
    told = linkwork("quarantine", "explain", load, "3", "--json").json
    assert (told["rule"], told["field"], told["contract_version"], told["status"]) == ("grammar", "id", "1.0.0", "open")
    assert "linkwork quarantine retry" in told["what_to_do"]
    assert "raw" not in told
    assert "9990000018" not in linkwork("quarantine", "explain", load, "3").out
    assert linkwork("quarantine", "explain", load, "3", "--raw", "--json").json["raw"] == good("b1")
    linkwork("quarantine", "retry")
    told = linkwork("quarantine", "explain", load, "3", "--json").json
    assert [row["status"] for row in told["history"]] == ["refused", "retried"]
    assert told["what_to_do"].startswith("Nothing")
    assert linkwork("quarantine", "explain", load, "2").code == 64
    key_files(home)["zone1"].unlink()
    assert linkwork("quarantine", "explain", load, "3").code == 0
    assert linkwork("quarantine", "explain", load, "3", "--raw").code == 64


def test_f66_an_export_is_safe_to_open_in_a_spreadsheet_and_on_record(home, linkwork, tmp_path):
    without, target, again = tmp_path / "no.csv", tmp_path / "back.csv", tmp_path / "back.jsonl"
    assert linkwork("quarantine", "export", "--to", str(without)).code == 0
    assert "9990000018" not in without.read_text()
    assert linkwork("quarantine", "export", "--to", str(target), "--raw").code == 0
    found = {row["line"]: row for row in csv.DictReader(target.open(newline=""))}
    assert found["6"]["raw"] == "'" + good("=d")
    assert found["3"]["raw"] == good("b1")
    assert (found["3"]["rule"], found["3"]["field"], found["3"]["file_name"]) == ("grammar", "id", "f.csv")
    assert target.stat().st_mode & 0o777 == 0o600
    assert (
        linkwork("quarantine", "export", "--to", str(again), "--raw", "--rule", "grammar", "--json").json["records"]
        == 3
    )
    records = [json.loads(line) for line in again.read_text().splitlines()]
    assert [r["raw"] for r in records if r["line"] == 6] == [good("=d")]  # what reads JSON takes no cell for a formula
    assert linkwork("quarantine", "export", "--to", str(target)).code == 64  # nothing is overwritten
    assert linkwork("quarantine", "export", "--to", str(tmp_path / "back.xls")).code == 64
    assert rows(home, "operations", "target, outcome", "where command = 'quarantine export' order by recorded_at") == [
        (SENDER, "3 refused records"), *[(SENDER, "3 refused records with raw text")] * 2,
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_that_found_no_room_leaves_nothing_and_is_made_by_the_same_command(home, linkwork, tmp_path, form):
    whole, target = tmp_path / f"whole.{form}", tmp_path / "out" / f"back.{form}"
    linkwork("quarantine", "export", "--to", str(whole), "--raw")
    target.parent.mkdir()
    with files_up_to(whole.stat().st_size - 1):
        ended = linkwork("quarantine", "export", "--to", str(target), "--raw")
    assert (ended.code, "no room to write" in ended.err) == (75, True)
    assert not list(target.parent.iterdir())
    assert linkwork("quarantine", "export", "--to", str(target), "--raw").code == 0
    assert target.read_bytes() == whole.read_bytes()


def test_retry_says_what_it_did(home, linkwork):
    ended = linkwork("quarantine", "retry", "--load", load_of(home), "--reason", "digits")
    assert (ended.code, ended.out.split(":")[0]) == (0, "1 refused records are valid now")
    assert linkwork("quarantine", "retry", "--load", "nothing").code == 64


def test_a_conflict_that_was_stated_anew_is_superseded(home, linkwork):
    put(home, "other.csv", lines(good("a", 2, day(9))))
    ingest(home)
    conflict = "quarantine", "list", "--rule", "conflict", "--json"
    assert [r["status"] for r in linkwork(*conflict).json["records"]] == ["open"]
    put(home, "newer.csv", lines(f"a,9990000018,{day(9)},,{at(3)}"))
    ingest(home)
    assert [r["status"] for r in linkwork(*conflict).json["records"]] == ["superseded"]
