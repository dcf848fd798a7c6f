"""Triage and blocks spare work and change nothing: the log, the register and the ledger are those of deciding it all.

The same files go to two homes with the same keys. One is worked as shipped, but with blocks and shares of one record,
so that even small files have many; in the other every record is decided, all at once.
"""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork import engine
from linkwork.log import blocks, decide, register, triage
from linkwork.log.digest import digest
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.property.test_any_order import deliveries
from tests.support.examples import examples
from tests.support.feeds import PEOPLE
from tests.support.log import rows
from tests.support.statements import files
from tests.support.world import Sent, make_world

people = st.sampled_from([PEOPLE[0]] * 3 + [PEOPLE[1]])
numbers = count(1)
EXAMPLES_A_HOME = 12


def decide_everything(con, records, _rows):
    con.execute(
        f"""create or replace temp table aside as
        select load_id, record_no, record_key, asserted_at, null::bigint as number, null::varchar as fate,
            false as moves
        from {records}"""
    )
    con.execute("create or replace temp table to_decide as select distinct record_key from aside")


class Homes:
    """Two homes that take one example after another, made anew after some: every comparison reads all that came."""

    def __init__(self, folders):
        self.folders = folders
        self.taken = 0
        self.worlds = ()

    def for_the_next(self):
        if self.taken % EXAMPLES_A_HOME == 0:
            self.close()
            first = make_world(self.folders.mktemp("triaged"))
            self.worlds = (first, make_world(self.folders.mktemp("decided"), first.settings.keys_dir))
        self.taken += 1
        return self.worlds

    def close(self):
        for world in self.worlds:
            world.con.close()


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    made = Homes(tmp_path_factory)
    yield made
    made.close()


def state_of(world):
    """All that must agree: the events with their ids and positions, the register, the ledger, the quarantine index."""
    store = Store(world.settings.log_dir).refresh()
    with engine.connect() as con:
        known = con.execute(
            f"select * exclude (number) from {register.newest(store.register.relation())} order by record_key"
        ).fetchall()
    counts = "load_id, records, accepted, duplicate, superseded, conflict, quarantined, skipped, events"
    return (
        digest(store),
        known,
        rows(world.settings, "loads", counts, "order by load_id"),
        rows(world.settings, "quarantine", "load_id, source_line, rule", "order by all"),
    )


def named(file, example, number):
    """The file about records of its own example."""
    said = tuple(s._replace(record=(*s.record[:2], f"{s.record[2]}{example}")) for s in file)
    return Sent(*said[0].record[:2], said, blank_lines=number)


@examples(12, 300)
@given(deliveries(files(people=people)))
def test_triage_and_blocks_change_nothing(homes, batches):
    triaged, decided = homes.for_the_next()
    example, number = next(numbers), count(1)
    for batch in batches:
        sent = [named(file, example, next(number)) for file in batch]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decide, "AT_ONCE", 1)
            patch.setattr(blocks, "RECORDS", 1)
            triaged.deliver(sent)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(triage, "triage", decide_everything)
            decided.deliver(sent)
    assert state_of(triaged) == state_of(decided)
    assert verify(Store(triaged.settings.log_dir), threads=1).problems == []
