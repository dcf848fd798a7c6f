"""A sender that is withdrawn: nothing it sent is left below the home but stubs, and nothing more is taken from it."""

import signal

import pytest

from ingestion import erase
from ingestion.withdraw import withdraw_sender
from linkwork import warehouse
from linkwork.errors import BusyError, UsageError
from linkwork.log.failpoints import WITHDRAWAL_POINTS
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import holds, vault
from linkwork.privacy.keys import load_keys
from linkwork.privacy.subjects import pseudonyms
from tests.support.faults import fates, put
from tests.support.log import ingest, rows
from tests.support.people import (
    BEN,
    PRACTICE,
    REGISTRATIONS,
    SERVICE,
    WAITING,
    copy_of,
    in_few_files,
    registration,
    text,
)

WHY = "the agreement was ended by the sender"


@pytest.fixture(scope="module")
def populated(tmp_path_factory):
    """A service that sent two files and has one waiting, and a practice that sent one."""
    home = in_few_files(tmp_path_factory.mktemp("withdrawal") / "whole")
    for waiting in home.landing_dir.rglob("*.csv"):
        waiting.unlink()
    put(home, "g.csv", text(REGISTRATIONS, registration("g2", BEN, "Other")), feed="registrations_csv", sender=PRACTICE)
    ingest(home)
    put(home, "wait.csv", WAITING, feed="referrals_csv", sender=SERVICE)
    return home


@pytest.fixture
def home(populated, tmp_path):
    return copy_of(populated, tmp_path / "copy")


def outcome(home):
    """What a withdrawal leaves, but for ids and times of its own."""
    return {
        "events": rows(home, "events", "* exclude (recorded_at)", "order by global_position"),
        "register": rows(home, "register", "sender, record_key", "order by all"),
        "loads": rows(home, "loads", "load_id, status, records, events, detail", "order by all"),
        "operations": rows(home, "operations", "command, target, reason", "where command = 'sender withdraw'"),
        "files": sorted(
            str(p.relative_to(home.home))
            for name in ("landing", "staging", "releases", "warehouse", "restricted")
            for p in (home.home / name).rglob("*") if p.is_file()
        ),
        "problems": verify(Store(home.log_dir)).problems,
    }  # fmt: skip


@pytest.fixture(scope="module")
def expected(populated, tmp_path_factory):
    home = copy_of(populated, tmp_path_factory.mktemp("done") / "copy")
    receipt = withdraw_sender(home, SERVICE, WHY)
    assert receipt["events"] > 0
    return outcome(home)


def test_of_its_events_stubs_are_left_and_of_others_everything(populated, expected):
    theirs = {load for (load,) in rows(populated, "loads", "load_id", f"where sender = '{SERVICE}'")}
    before = rows(populated, "events", "global_position, load_id, event_type", "order by 1")
    store = Store(populated.log_dir)
    columns = [c for c in store.events.columns if c != "recorded_at"]
    at = {c: columns.index(c) for c in columns}
    after = [(e[at["global_position"]], e[at["load_id"]], e[at["event_type"]]) for e in expected["events"]]
    assert after == [(n, load, "erased" if load in theirs else kind) for n, load, kind in before]
    kept = {"global_position", "category", "load_id", "event_type"}
    for event in expected["events"]:
        if event[at["load_id"]] in theirs:
            assert {c for c in columns if event[at[c]] is not None} == kept
    assert expected["problems"] == []


def test_its_register_raw_files_refused_text_and_waiting_files_are_gone(expected):
    assert {sender for sender, _ in expected["register"]} == {PRACTICE}
    assert [f for f in expected["files"] if f.startswith("landing")] == []
    assert len([f for f in expected["files"] if f.startswith("restricted/raw")]) == 1
    assert [f for f in expected["files"] if f.startswith("restricted/erasures")] == []
    assert {status for load, status, *_ in expected["loads"] if SERVICE in load} == {"withdrawn"}


def test_later_files_are_refused_and_say_why(home):
    withdraw_sender(home, SERVICE, WHY)
    put(home, "later.csv", WAITING, feed="referrals_csv", sender=SERVICE)
    ingest(home)
    found = fates(home)["later.csv"]
    assert found.status == "refused"
    assert found.detail.startswith("The sender was withdrawn on 20")
    assert rows(home, "register", "count(*)", f"where sender = '{SERVICE}'") == [(0,)]


IN_TURN = [
    "erasure-sealed", *WITHDRAWAL_POINTS[:2], "events-placed", "loads-written", "plan-written", "events-committing",
    "events-committed", "register-committed", "loads-committed", "operations-committed", *WITHDRAWAL_POINTS[2:],
]  # fmt: skip


def test_f103_a_withdrawal_killed_at_every_point_in_turn_ends_like_one_that_never_was(home, kill, expected):
    command = "withdraw"
    for point in IN_TURN:
        assert kill(home, command, f"{point}:kill") == -signal.SIGKILL, point
        command = "resume"
    with pytest.raises(BusyError, match="an erasure is not finished"):
        warehouse.build(home)
    assert len(erase.resume(home)) == 1
    assert outcome(home) == expected


def test_a_legal_hold_of_somebody_it_sent_forbids_it(home):
    keys = load_keys(home)
    holds.place(home.log_dir, pseudonyms(BEN, keys), "a case", keys)
    with pytest.raises(UsageError, match="a legal hold forbids"):
        withdraw_sender(home, SERVICE, WHY)
    assert rows(home, "register", "count(*)", f"where sender = '{SERVICE}'")[0][0] > 0


def test_nobody_knows_that_sender(home):
    with pytest.raises(UsageError, match="nobody knows that sender"):
        withdraw_sender(home, "Z99999", WHY)


def test_twice_is_once(home, expected):
    withdraw_sender(home, SERVICE, WHY)
    again = withdraw_sender(home, SERVICE, WHY)
    assert (again["events"], again["register_rows"], again["files_removed"]) == (0, 0, 0)
    assert verify(Store(home.log_dir)).problems == []


def test_what_is_left_of_zone_1_still_opens(home):
    withdraw_sender(home, SERVICE, WHY)
    key = load_keys(home).zone1
    assert [len(vault.unseal(path, key)) > 0 for path in home.raw_dir.glob("[!.]*")] == [True]
