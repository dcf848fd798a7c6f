"""Only those parts of the register are read in which the newest rows of a batch's records lie, and none is missed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork import engine
from linkwork.log import register
from linkwork.log.store import Store
from tests.support.examples import examples
from tests.support.register import FEED, commit, key

SENDERS = [{"feed": FEED, "sender": sender} for sender in ("S1", "S2")]
RECORDS = 60
SMALL, EARLIER = 8, 122_880


def table(con, numbers):
    con.execute(
        f"create or replace temp table asked as select {key('i')} as record_key from (select unnest({numbers}) as i)"
    )


def in_order(con, rows):
    return con.execute(f"select * from {rows} order by record_key").fetchall()


@pytest.fixture(scope="module", params=[SMALL, EARLIER], ids=["in parts", "of an earlier version"])
def grown(tmp_path_factory, request):
    """A register of many commits, files merged among them, read in parts of a few rows."""
    store = Store(tmp_path_factory.mktemp("grown")).refresh()
    store.register.group = request.param
    with engine.connect() as con:
        for number in range(1, 21):
            first = number * 2 % RECORDS
            sender = SENDERS[number % 3 == 0]["sender"]
            records = [n for n in range(first, first + 12) if n % 2 == (number % 3 == 0)]
            commit(store, con, number, sender, records)
        assert len(store.register.files()) < 20
        store.register.group = SMALL
        yield store, con


@examples(100, 1000)
@given(numbers=st.lists(st.integers(0, RECORDS + 10)), senders=st.sampled_from([SENDERS, SENDERS[:1], SENDERS[1:]]))
def test_the_newest_row_of_every_record_is_read(grown, numbers, senders):
    store, con = grown
    table(con, numbers)
    near = register.near(store, con, senders, "asked")
    expected = in_order(con, register.of_senders(store, senders, "asked"))
    assert in_order(con, register.newest(near, "asked")) == expected


def test_little_is_read_for_a_few_records_of_a_large_partition(tmp_path):
    store = Store(tmp_path / "log").refresh()
    with engine.connect() as con:
        commit(store, con, 1, "S1", "range(50000)")
        table(con, [30_000, 30_001, 49_999])
        near = register.near(store, con, SENDERS, "asked")
        (read,) = engine.row(con, f"select count(*) from {near}")
        assert 3 <= read <= 2 * store.register.group
        assert len(in_order(con, register.newest(near, "asked"))) == 3
        (path,) = [store.register.path / one.path for one in store.register.files()]
        (most,) = engine.row(con, f"select max(row_group_num_rows) from parquet_metadata({engine.text(path)})")
        assert most <= store.register.group


def test_a_batch_of_a_sender_without_a_register_finds_nothing(tmp_path):
    store = Store(tmp_path / "log").refresh()
    with engine.connect() as con:
        table(con, [1])
        assert in_order(con, register.newest(register.near(store, con, SENDERS, "asked"), "asked")) == []
