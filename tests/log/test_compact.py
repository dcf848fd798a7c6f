"""Compaction: fewer files, one person's events together; no row, order, position or time of the log changes."""

import signal

import pytest

from ingestion import erase, retract, upkeep
from linkwork import engine
from linkwork.log import compact, plan
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.pinned import pin
from tests.support.kills import killer
from tests.support.log import at, csv_text, day, deliver, effective, ingest, make_home, rows
from tests.support.people import copy_of, events

PEOPLE = [f"99900000{n}" for n in ("18", "26", "34", "42")]
COMMITS = 6
FOLLOWS = "the register has not followed the last commit; `linkwork ingest` finishes it"


def delivered(home, number):
    """One more file: a row of each person, of which one changes each time, one is refused and one conflicts."""
    lines = [
        {"id": f"r{k}", "nhs_number": nhs, "received": day(1 + (number if k == 1 else 0)), "at": at(number)}
        for k, nhs in enumerate(PEOPLE)
    ]
    lines.append({"id": f"x{number}", "received": "never", "at": at(number)})
    lines.append({"id": "r2", "nhs_number": PEOPLE[2], "received": day(20), "at": at(1)})
    deliver(home, f"{number}.csv", csv_text(lines))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("compact") / "whole")
    for number in range(1, COMMITS + 1):
        delivered(home, number)
        ingest(home)
    first = rows(home, "loads", "load_id", "where file_name = '2.csv'")[0][0]
    retract.retract(home, first, "sent by mistake")  # its load has two rows in the ledger
    return home


@pytest.fixture
def home(made, tmp_path):
    return copy_of(made, tmp_path / "copy")


def content(home):
    return {
        "events": events(home),
        "effective": effective(home),
        "loads": rows(home, "loads", "*", "order by load_id"),
        "quarantine": rows(home, "quarantine", "*", "order by all"),
        "register": rows(home, "register", "*", "order by record_key"),
        "operations": rows(home, "operations", "*", "where command <> 'log compact' order by recorded_at"),
    }


def known_at(home, time):
    """What a build for that time would read."""
    with engine.connect() as con:
        pinned = pin(con, Store(home.log_dir).refresh(), home, time, None)
        read = con.execute("select * from log.events order by global_position").fetchall()
        loads = con.execute("select load_id, status, events from log.loads").fetchall()
    visible = [row for row in read if time is None or row[17] <= time]
    return pinned, visible, loads


def names(home):
    return {f.path for f in Store(home.log_dir).refresh().events.files()}


def test_it_changes_no_row_of_any_table(home):
    before = content(home)
    done = upkeep.compact(home)
    assert content(home) == before
    assert done["files_after"] < done["files_before"]
    assert len(names(home)) == done["files_after"]
    assert verify(Store(home.log_dir)).problems == []
    store = Store(home.log_dir).refresh()
    counted = [len(table.files()) for table in (store.loads, store.quarantine, store.operations)]
    assert counted == [1, 1, 2]  # what the compaction says of itself comes after it


def test_rows_lie_in_the_order_of_their_positions_one_bucket_a_file(home):
    upkeep.compact(home)
    store = Store(home.log_dir).refresh()
    for one in store.events.files():
        with engine.connect() as con:
            found = con.execute(f"select global_position, subject_key from {store.events.relation([one])}").fetchall()
        assert [position for position, _ in found] == sorted(position for position, _ in found)
        buckets = {compact.NO_SUBJECT if key is None else compact.bucket_of(key) for _, key in found}
        assert buckets == {compact.bucket_in(one.path)}


def test_what_was_known_at_any_commit_is_read_as_before(home):
    times = [at for (at,) in rows(home, "events", "distinct recorded_at", "order by 1")]
    before = [known_at(home, time) for time in (None, *times)]
    upkeep.compact(home)
    assert [known_at(home, time) for time in (None, *times)] == before
    assert len({pinned["position"] for pinned, *_ in before}) == len(times)


def test_a_reader_pinned_before_it_reads_its_files_until_they_are_a_day_old(home):
    store = Store(home.log_dir).refresh()
    pinned, expected = store.events.relation(), rows(home, "events", "*", "order by global_position")
    upkeep.compact(home)
    delivered(home, 9)
    ingest(home)  # which sweeps
    with engine.connect() as con:
        assert con.execute(f"select * from {pinned} order by global_position").fetchall() == expected
    swept = plan.sweep(Store(home.log_dir), keep=plan.AT_ONCE)
    assert len(swept) > COMMITS
    assert verify(Store(home.log_dir)).problems == []
    with engine.connect() as con, pytest.raises(Exception, match="No files found"):
        con.execute(f"select * from {pinned}")


def test_doing_it_again_does_nothing(home):
    upkeep.compact(home)
    before = names(home)
    assert upkeep.compact(home)["written"] == 0
    assert names(home) == before


def test_what_comes_later_is_added_to_the_buckets(home):
    upkeep.compact(home)
    for number in (9, 10):
        delivered(home, number)
        ingest(home)
        before = content(home)
        upkeep.compact(home)
        assert content(home) == before
    assert all(compact.bucket_in(path) for path in names(home))
    assert verify(Store(home.log_dir)).problems == []


def test_ingest_retract_and_erase_do_the_same_on_a_compacted_log(home, made, tmp_path):
    other = copy_of(made, tmp_path / "other")
    upkeep.compact(home)
    for one in (home, other):
        delivered(one, 9)
        ingest(one)
        (load,) = rows(one, "loads", "load_id", "where file_name = '3.csv'")
        retract.retract(one, load[0], "sent by mistake")
        erase.erase_person(one, [PEOPLE[3]], [], "asked for")
        assert verify(Store(one.log_dir)).problems == []
    columns = "global_position, event_type, revision_kind, origin, subject_key, asserted_at, content_hash, source_line"
    found = [rows(one, "events", columns, "order by 1") for one in (home, other)]
    assert found[0] == found[1]
    assert effective(home) == effective(other)
    assert [kind for _, kind, *_ in found[0]].count("erased") > 0


def test_an_erasure_writes_the_buckets_of_the_person_only(home):
    upkeep.compact(home)
    delivered(home, 9)
    ingest(home)  # a part that is not compacted
    before = names(home)
    keys = {key for (key,) in rows(home, "events", "distinct subject_key", "where source_record_ref = 'r1'")}
    erase.erase_person(home, [PEOPLE[1]], [], "asked for")
    hers = {*(compact.bucket_of(key) for key in keys if key), None}
    assert {compact.bucket_in(path) for path in names(home) - before} == hers
    assert {compact.bucket_in(path) for path in before - names(home)} == hers
    assert before & names(home)


POINTS = [
    *(f"events-{step}" for step in ("written", "synced", "placed")),
    *(f"{table}-placed" for table in ("loads", "quarantine", "operations")),
    "plan-written",
    "events-committing",
    "events-committed",
    *(f"{table}-{step}" for table in ("register", "loads", "quarantine") for step in ("committing", "committed")),
    "operations-committing",
]


def test_killed_at_any_point_it_changed_nothing(home):
    before = content(home)
    with killer() as kill:
        for point in POINTS:
            assert kill(home, "compact", f"{point}:kill") == -signal.SIGKILL, point
            assert verify(Store(home.log_dir)).problems in ([], [FOLLOWS])
    upkeep.compact(home)
    assert content(home) == before
    found = verify(Store(home.log_dir))
    assert (found.problems, found.orphans) == ([], [])
    assert not any(home.staging_dir.glob("[!.]*"))
