"""Deliver any files in any order, cut and repeated as may be: the facts are those of a newest-wins reader.

The 300 examples run on the layer of decisions with tables in memory; `test_machine.py` and the exhaustive orders below
take real files through the gate into a real log.
"""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.property.oracle import Statement, counted, newest_wins
from tests.support.examples import examples
from tests.support.feeds import EVENT, PEOPLE, STATE
from tests.support.log import day
from tests.support.memory import MemoryLog
from tests.support.statements import NOTHING, OUT_OF_SCOPE, fact, files, state
from tests.support.world import Sent, make_world

people = st.sampled_from(PEOPLE)


@st.composite
def deliveries(draw, sent):
    """Batches of files, each file at least once, some again, in any order."""
    chosen = draw(st.lists(sent, min_size=1, max_size=5))
    again = draw(st.lists(st.sampled_from(chosen), max_size=2))
    order = draw(st.permutations(chosen + again))
    sizes = draw(st.lists(st.integers(1, 3), min_size=len(order), max_size=len(order)))
    batches = []
    while order:
        size = sizes.pop()
        batches.append(order[:size])
        order = order[size:]
    return batches


def play(batches):
    """Deliver to a log in memory; after every batch it agrees with the oracle."""
    log = MemoryLog()
    for n, batch in enumerate(batches, start=1):
        log.deliver(batch)
        assert (log.facts(), log.contested()) == newest_wins(batches[:n])
    return log


@examples(300, 5000)
@given(deliveries(files()))
def test_f97_effective_facts_do_not_depend_on_delivery(batches):
    log = play(batches)
    assert (log.facts(), log.contested()) == newest_wins([[file for batch in reversed(batches) for file in batch]])
    fates = [len(fates) for fates in log.fates.values()]
    assert fates == [len(file) for batch in batches for file in batch]  # every record has exactly one


@examples(60, 1000)
@given(deliveries(files(people=people)))
def test_another_person_than_the_first_known_never_counts(batches):
    log = play(batches)
    others = sum(fates.count("other_person") for fates in log.fates.values())
    in_scope = [s for b in batches for f in b for s in f if s.facts is not None]
    assert others == len(in_scope) - len([s for s in counted(batches) if s.facts is not None])


# --- all orders of four extracts, real files ----------------------------------------------------------

A, B, C = state(day(1)), state(day(2), "missed"), state(day(1), "attended")
SETS = {
    "there and back again": [(1, A), (2, B), (3, A), (4, A)],
    "a confirmation between": [(1, A), (2, B), (3, A), (2, B)],
    "a date that goes and comes": [(1, C), (2, A), (3, C), (4, state("", "attended"))],
    "attended, missed, cancelled": [(1, state(day(1), "attended")), (2, state(day(1), "missed")),
                                    (3, state(day(1), "cancelled")), (3, state(day(1), "cancelled"))],
    "a tie at the end": [(1, A), (2, B), (3, A), (3, C)],
    "a tie that ends": [(1, A), (2, B), (2, C), (3, B)],
    "a tie confirmed": [(1, A), (2, A), (2, B), (2, A)],
    "a tie of three": [(1, A), (2, A), (2, B), (2, C)],
    "a tombstone": [(1, A), (2, NOTHING), (3, C), (4, NOTHING)],
    "a tombstone in a tie": [(1, C), (2, NOTHING), (2, A), (1, B)],
    "a tombstone between equals": [(1, A), (2, NOTHING), (3, A), (1, A)],
    "out of scope": [(1, A), (2, OUT_OF_SCOPE), (3, C), (4, OUT_OF_SCOPE)],
    "out of scope between equals": [(1, A), (2, OUT_OF_SCOPE), (3, A), (2, OUT_OF_SCOPE)],
    "out of scope and in it at one time": [(1, C), (2, OUT_OF_SCOPE), (2, A), (1, B)],
    "a tie that goes out of scope": [(1, A), (1, B), (2, OUT_OF_SCOPE), (1, C)],
}  # fmt: skip
SHAPES = [(1, 1, 1, 1), (2, 2), (1, 3), (4,)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = make_world(tmp_path_factory.mktemp("orders"))
    yield made
    made.con.close()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_all_orders_of_four_extracts_end_the_same(world, shape):
    """Each order is played by a record of its own, so that 24 orders of every set take one delivery."""
    orders = [
        (f"{''.join(map(str, shape))}x{number}x{place}", [extracts[i] for i in order])
        for number, extracts in enumerate(SETS.values())
        for place, order in enumerate(permutations(range(4)))
    ]
    extracts = [
        tuple(
            Statement((STATE, "S1", id), order[step][0], PEOPLE[0] if order[step][1] else None, order[step][1])
            for id, order in orders
        )
        for step in range(4)
    ]
    batches, taken = [], 0
    for size in shape:
        batches.append(extracts[taken : taken + size])
        taken += size
        loads = world.deliver(Sent(STATE, "S1", file) for file in batches[-1])
        assert None not in loads
        facts, contested = newest_wins(batches)
        assert world.facts(f"{''.join(map(str, shape))}x") == facts
        assert verify(Store(world.settings.log_dir), threads=1).problems == []
    outcomes = [{facts.get((STATE, "S1", id)) for id, _ in orders[n : n + 24]} for n in range(0, len(orders), 24)]
    assert [len(found) for found in outcomes] == [1] * len(SETS)  # whatever the order
    disputed = {id for _, _, id in contested}
    assert [sum(id in disputed for id, _ in orders[n : n + 24]) for n in range(0, len(orders), 24)] == [
        24 if name in ("a tie at the end", "a tie confirmed", "a tie of three", "a tombstone in a tie") else 0
        for name in SETS
    ]


def test_all_orders_of_four_events_with_ids_of_their_own_end_the_same(world):
    held, missed = frozenset({fact("contact.held", day(3))}), frozenset({fact("contact.missed", day(3))})
    said = [(1, held), (2, missed), (3, held), (3, missed)]
    orders = [(f"event{n}", order) for n, order in enumerate(permutations(said))]
    batches = []
    for step in range(4):
        file = tuple(Statement((EVENT, "S2", id), *_timed(order[step])) for id, order in orders)
        batches.append([file])
        world.deliver([Sent(EVENT, "S2", file)])
        assert world.facts("event") == newest_wins(batches)[0]
    assert world.facts("event") == {}
    assert world.contested(["S2"]) == 24


def _timed(extract):
    at, facts = extract
    return at, PEOPLE[0], facts
