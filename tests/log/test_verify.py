"""`verify` passes on a whole log and names the file, load or position that is broken."""

import pytest

from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.log import at, csv_text, day, deliver, ingest


@pytest.fixture
def store(home):
    for n in (1, 2):
        rows = [{"id": f"r{n}{k}", "received": day(k), "at": at(n)} for k in range(1, 4)]
        deliver(home, f"{n}.csv", csv_text(rows))
        ingest(home)
    return Store(home.log_dir)


def test_a_whole_log_verifies(store):
    found = verify(store)
    assert (found.problems, found.events, found.loads, found.position) == ([], 6, 2, 6)


@pytest.mark.parametrize("table", ["events", "register", "loads"])
def test_one_flipped_byte_is_found_and_named(store, table):
    one = getattr(store.refresh(), table).files()[0]
    path = getattr(store, table).path / one.path
    good = path.read_bytes()
    bad = bytearray(good)
    bad[len(bad) // 3] ^= 1
    path.write_bytes(bad)
    (problem,) = verify(store).problems
    assert str(path) in problem
    path.write_bytes(good)
    assert verify(store).problems == []


def test_a_missing_segment_is_named(store):
    path = store.events.path / store.refresh().events.files()[0].path
    path.unlink()
    assert any("missing file" in p and str(path) in p for p in verify(store).problems)


def test_a_segment_committed_twice_breaks_positions_and_ids(store):
    one = store.refresh().events.files()[0]
    copy = store.events.path / one.path.replace(".parquet", "x.parquet")
    copy.write_bytes((store.events.path / one.path).read_bytes())
    statistics = {"numRecords": one.rows, "minValues": dict(one.lowest), "maxValues": dict(one.highest)}
    store.events.commit([(copy, one.partition, statistics)], {})
    problems = verify(store).problems
    assert any("changed file" in p for p in problems)
    renamed = copy.with_name(one.path.split("/")[-1])
    assert renamed.exists()


def test_a_ledger_that_says_other_counts_is_found(store):
    from linkwork import engine

    with engine.connect() as con:
        store.refresh()
        query = f"""select * replace ('other' as load_id, 'x' as file_sha256, 5 as events)
            from {store.loads.relation()} limit 1"""
        store.loads.append(con, query)
    problems = verify(store).problems
    assert any("load other has other events" in p for p in problems)
    assert any("load other is in the ledger" in p for p in problems)
