"""The register lost: named at once, rebuilt row for row from files that are kept, else from the log as documented."""

import shutil

import pytest

from ingestion.rebuild import rebuild_register
from ingestion.resolve import resolve
from ingestion.retract import retract
from linkwork.errors import BadDataError
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.property.oracle import Statement
from tests.support.feeds import EVENT, PEOPLE, STATE
from tests.support.log import day, rows
from tests.support.statements import NOTHING, fact, state
from tests.support.world import Sent, make_world

A, B, C = state(day(1)), state(day(2)), state(day(3), "attended")
HELD = frozenset({fact("contact.held", day(3))})
WHY = "a disk failed"
COLUMNS = "feed, sender, record_key, asserted_at, row_hash, contested, resolved, generation, subject_key, facts"


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.con.close()


def said(facts, at, id="a", sender="S1", feed=STATE):
    return Statement((feed, sender, id), at, PEOPLE[0] if facts else None, facts)


def deliver(world, *statements):
    feed, sender, _ = statements[0].record
    (load,) = world.deliver([Sent(feed, sender, statements, len(rows(world.settings, "loads", "1")))])
    return load


def lose(world, *, raw=False):
    shutil.rmtree(world.settings.log_dir / "register")
    if raw:
        shutil.rmtree(world.settings.raw_dir)


def register(world, columns=COLUMNS):
    return rows(world.settings, "register", columns, "order by record_key")


def held(world, id="a"):
    return world.facts("").get((STATE, "S1", id))


def history(world):
    """Every state a record can be in, by two senders and both feeds."""
    deliver(world, said(A, 1), said(B, 1, "b"), said(C, 1, "c"), said(A, 1, "d"), said(A, 1, "e"), said(C, 1, "g"))
    deliver(world, said(A, 3), said(A, 1, "b"), said(NOTHING, 2, "c"), said(B, 1, "d"), said(A, 2, "g"))
    settled = deliver(world, said(B, 1, "e"))
    resolve(world.settings, settled, 2, "quarantined", WHY)
    wrong = deliver(world, said(B, 2, "f"), said(B, 5))
    deliver(world, said(B, 4), said(A, 1, "f"))
    retract(world.settings, wrong, WHY)
    deliver(world, said(A, 2, "a", "S2"), said(A, 3, "a", "S2"))
    deliver(world, said(HELD, 1, "x", "S2", EVENT))
    emptied = deliver(world, said(C, 1, "h"))
    assert emptied
    resolve(world.settings, deliver(world, said(NOTHING, 1, "h")), 2, "quarantined", WHY)
    deliver(world, said(B, 6, "i"), said(A, 6, "i"), said(B, 7, "i"))


def test_rebuilt_from_the_files_every_row_is_the_same(world):
    history(world)
    before, facts = register(world), world.facts("")
    lose(world)
    done = rebuild_register(world.settings, WHY)
    assert register(world) == before
    assert (done["records"], done["loads_from_the_log"]) == (len(before), [])
    assert world.facts("") == facts
    assert verify(Store(world.settings.log_dir)).problems == []


def test_a_decision_that_was_followed_by_newer_statements_is_made_again(world):
    deliver(world, said(A, 1))
    resolve(world.settings, deliver(world, said(B, 1)), 2, "earlier", WHY)
    deliver(world, said(A, 2))  # repeats what was decided, so that no event follows
    before = register(world)
    lose(world)
    rebuild_register(world.settings, WHY)
    assert register(world) == before
    assert held(world) == A


def test_a_record_whose_only_file_was_retracted_can_come_back_after_a_rebuild(world):
    retract(world.settings, deliver(world, said(A, 1)), WHY)
    before = register(world)
    lose(world)
    rebuild_register(world.settings, WHY)
    assert register(world) == before
    deliver(world, said(A, 1))  # the same statement in another file: an event of its own, not the withdrawn one
    assert held(world) == A
    assert verify(Store(world.settings.log_dir)).problems == []


def test_from_the_log_alone_what_a_retraction_made_void_does_not_count(world):
    wrong = deliver(world, said(A, 1))
    deliver(world, said(B, 1))  # a contest, by a file that stays
    retract(world.settings, wrong, WHY)
    lose(world, raw=True)
    rebuild_register(world.settings, WHY)
    assert (held(world), world.contested(["S1"])) == (B, 0)


def test_rebuilt_from_the_log_alone_the_facts_are_right(world):
    history(world)
    before = register(world, "record_key, facts, contested")
    lose(world, raw=True)
    done = rebuild_register(world.settings, WHY)
    assert len(done["loads_from_the_log"]) == len(rows(world.settings, "loads", "1", "where status = 'committed'"))
    after = register(world, "record_key, facts, contested")
    known = [row for row in before if row[1]]  # what never had a fact is not in the log
    assert [key for key, *_ in after] == [key for key, *_ in known]
    ((was, found),) = [pair for pair in zip(known, after, strict=True) if pair[0] != pair[1]]
    # The decision that no fact of a record holds left no event: the log alone knows the record as contested.
    assert ([fact["content_hash"] for fact in was[1]], was[2], found[2]) == ([None, None], False, True)
    deliver(world, said(C, 9))
    assert held(world) == C
    assert verify(Store(world.settings.log_dir)).problems == []


@pytest.mark.parametrize("gone", [False, True])
def test_from_the_log_alone_a_forgotten_confirmation_lets_a_late_older_file_win(world, gone):
    deliver(world, said(A, 1))
    deliver(world, said(A, 3))
    lose(world, raw=gone)
    rebuild_register(world.settings, WHY)
    deliver(world, said(B, 2))
    assert held(world) == (B if gone else A)


@pytest.mark.parametrize("gone", [False, True])
def test_from_the_log_alone_a_contradiction_at_the_very_time_counts_as_a_repetition(world, gone):
    deliver(world, said(A, 1))
    lose(world, raw=gone)
    rebuild_register(world.settings, WHY)
    deliver(world, said(B, 1))
    assert (held(world), world.contested(["S1"])) == ((A, 0) if gone else (None, 1))


def test_from_the_log_alone_an_open_contest_and_a_decision_are_known(world):
    deliver(world, said(A, 1), said(A, 1, "b"))
    settled = deliver(world, said(B, 1), said(B, 1, "b"))
    resolve(world.settings, settled, 3, "quarantined", WHY)
    lose(world, raw=True)
    rebuild_register(world.settings, WHY)
    assert (held(world), held(world, "b"), world.contested(["S1"])) == (None, B, 1)
    deliver(world, said(A, 2))
    assert (held(world), world.contested(["S1"])) == (A, 0)


def test_a_lost_register_stops_the_next_commit_and_is_named_by_verify(world):
    deliver(world, said(A, 1))
    lose(world)
    with pytest.raises(BadDataError, match=r"the register is lost.*rebuild-register"):
        deliver(world, said(B, 2))
    assert any("register" in problem for problem in verify(Store(world.settings.log_dir)).problems)
    assert held(world) == A
    rebuild_register(world.settings, WHY)
    deliver(world, said(B, 2))
    assert held(world) == B


def test_one_lost_file_of_the_register_is_named(world):
    deliver(world, said(A, 1))
    table = Store(world.settings.log_dir).refresh().register
    (table.path / table.files()[0].path).unlink()
    (problem,) = verify(Store(world.settings.log_dir)).problems
    assert problem.startswith("missing file")
    rebuild_register(world.settings, WHY)
    assert verify(Store(world.settings.log_dir)).problems == []
