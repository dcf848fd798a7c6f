"""A retracted file never came: not for the facts, not for the register, and not for what comes later."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import pipeline
from ingestion.resolve import resolve
from ingestion.retract import retract
from linkwork.errors import UsageError
from linkwork.log.envelope import ENVELOPE
from linkwork.log.failpoints import TABLE_STEPS
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.property.oracle import Statement, newest_wins
from tests.support.examples import examples
from tests.support.feeds import PEOPLE, STATE
from tests.support.log import day, rows, standing
from tests.support.statements import files, state
from tests.support.world import Sent, make_world

A, B, C = state(day(1)), state(day(2)), state(day(3))
WHY = "the wrong file"

# What a mart can see of an effective fact: everything but which event, commit and file it was.
APART = {"global_position", "event_id", "causation_id", "recorded_at", "received_at", "load_id", "source_line",
         "revision_kind", "category"}  # fmt: skip
SEEN = ", ".join([*(c for c in ENVELOPE if c not in APART), "appointment_cancelled_by", "engagement_channel"])
REGISTER = """feed, sender, record_key, asserted_at, row_hash, contested, coalesce(resolved, false), subject_key,
    list_transform(facts, lambda f: [f.slot, f.category, f.event_type, hex(f.stream_id), hex(f.content_hash)])"""


def state_of(world):
    """What a retraction must leave as if the file had never come: the marts' inputs and the register."""
    seen = sorted(map(repr, standing(world.settings, shown=SEEN)))
    return seen, rows(world.settings, "register", REGISTER, "where asserted_at is not null order by record_key")


def sent(file, number=0):
    feed, sender, _ = file[0].record
    return Sent(feed, sender, file, number)


@st.composite
def scenarios(draw):
    """Batches before the retraction, the numbers of the files to retract, batches after it."""
    some = files(people=st.sampled_from([PEOPLE[0]] * 4 + [PEOPLE[1]]), most=3)
    before = draw(st.lists(st.lists(some, min_size=1, max_size=3), min_size=1, max_size=3))
    after = draw(st.lists(st.lists(some, min_size=1, max_size=2), max_size=2))
    count = sum(map(len, before))
    return before, draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=2)), after


@examples(8, 300)
@given(scenarios())
def test_a_retracted_file_never_came(scenario):
    before, unwanted, after = scenario
    numbers = iter(range(1000))
    numbered = [[(next(numbers), file) for file in batch] for batch in before + after]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        world = make_world(Path(one))
        never = make_world(Path(other), keys_dir=world.settings.keys_dir)
        loads = {}
        for batch in numbered[: len(before)]:
            found = world.deliver([sent(file, n) for n, file in batch])
            loads |= dict(zip([n for n, _ in batch], found, strict=True))
        for n in sorted(unwanted):
            retract(world.settings, loads[n], WHY)
        for batch in numbered[len(before) :]:
            world.deliver([sent(file, n) for n, file in batch])
        kept = [[(n, file) for n, file in batch if n not in unwanted] for batch in numbered]
        for batch in filter(None, kept):
            never.deliver([sent(file, n) for n, file in batch])
        assert state_of(world) == state_of(never)
        assert world.facts("") == newest_wins([[file for _, file in batch] for batch in kept])[0]
        assert verify(Store(world.settings.log_dir), threads=1).problems == []
        for made in (world, never):
            made.con.close()


# --- where files as received are no longer kept -------------------------------------------------------


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.con.close()


def said(facts, at, id="a"):
    return Statement((STATE, "S1", id), at, PEOPLE[0], facts)


def deliver(world, *statements):
    (load,) = world.deliver([Sent(STATE, "S1", statements, len(rows(world.settings, "loads", "1")))])
    return load


def forget(world):
    """Raw retention ends for what came so far."""
    shutil.rmtree(world.settings.raw_dir)


def held(world):
    return world.facts("").get((STATE, "S1", "a"))


def test_a_fact_of_a_file_that_is_gone_stands_by_its_event(world):
    deliver(world, said(A, 1))
    forget(world)
    wrong = deliver(world, said(B, 2))
    done = retract(world.settings, wrong, WHY)
    assert held(world) == A
    assert (done["withdrawn"], done["appended"], len(done["not_gated_again"])) == (1, 0, 1)
    deliver(world, said(C, 3))
    assert held(world) == C


@pytest.mark.parametrize("gone", [False, True])
def test_a_repetition_comes_back_only_from_a_file_that_is_kept(world, gone):
    wrong = deliver(world, said(A, 1))
    kept = next(world.settings.raw_dir.iterdir())
    again = deliver(world, said(A, 1))
    for path in world.settings.raw_dir.iterdir():
        if gone and path != kept:
            path.unlink()
    done = retract(world.settings, wrong, WHY)
    assert done["not_gated_again"] == ([again] if gone else [])
    assert held(world) == (None if gone else A)


@pytest.mark.parametrize("gone", [False, True])
def test_a_confirmation_in_a_file_that_is_gone_is_forgotten(world, gone):
    deliver(world, said(A, 1))
    deliver(world, said(A, 3))
    if gone:
        forget(world)
    retract(world.settings, deliver(world, said(C, 4)), WHY)
    assert held(world) == A
    deliver(world, said(B, 2))  # older than the confirmation
    assert held(world) == (B if gone else A)


@pytest.mark.parametrize("gone", [False, True])
def test_a_contradiction_of_a_file_that_is_gone_counts_as_a_repetition(world, gone):
    deliver(world, said(A, 1))
    if gone:
        forget(world)
    retract(world.settings, deliver(world, said(C, 2)), WHY)
    deliver(world, said(B, 1))
    assert held(world) == (A if gone else None)
    assert world.contested(["S1"]) == (0 if gone else 1)


def test_a_record_that_a_retraction_does_not_change_keeps_what_the_register_knew_of_it(world):
    deliver(world, said(A, 1), said(B, 1, "b"))
    forget(world)
    retract(world.settings, deliver(world, said(A, 1), said(C, 2, "b")), WHY)
    deliver(world, said(C, 1))
    assert (held(world), world.contested(["S1"])) == (None, 1)  # a contradiction is still seen


# --- decisions --------------------------------------------------------------------------------------


def resolved(world, keep):
    old = deliver(world, said(C, 1))
    first = deliver(world, said(A, 2))
    second = deliver(world, said(B, 2))
    resolve(world.settings, second, 2, keep, "the sender was asked")
    assert held(world) == {"earlier": A, "quarantined": B}[keep]
    return old, first, second


@pytest.mark.parametrize("keep", ["earlier", "quarantined"])
def test_a_decision_outlives_the_retraction_of_another_file(world, keep):
    old, _, _ = resolved(world, keep)
    retract(world.settings, old, WHY)
    assert held(world) == {"earlier": A, "quarantined": B}[keep]
    deliver(world, said(state(day(4)), 2))  # a third statement for that time was decided about, too
    assert held(world) == {"earlier": A, "quarantined": B}[keep]
    assert verify(Store(world.settings.log_dir)).problems == []


@pytest.mark.parametrize(("keep", "retracted", "left"), [
    ("earlier", 1, B), ("earlier", 2, A), ("quarantined", 1, B), ("quarantined", 2, A),
])  # fmt: skip
def test_what_a_retraction_leaves_alone_needs_no_decision(world, keep, retracted, left):
    retract(world.settings, resolved(world, keep)[retracted], WHY)
    assert (held(world), world.contested(["S1"])) == (left, 0)


def test_a_decision_for_what_nobody_says_any_more_is_void(world):
    _, first, _ = resolved(world, "earlier")
    deliver(world, said(C, 2))
    retract(world.settings, first, WHY)
    assert (held(world), world.contested(["S1"])) == (None, 1)


def test_the_line_that_leads_once_the_first_is_retracted_has_no_earlier_statement(world):
    first, second = deliver(world, said(A, 1)), deliver(world, said(B, 1))
    third = deliver(world, said(C, 1))
    retract(world.settings, first, WHY)
    assert (held(world), world.contested(["S1"])) == (None, 1)
    with pytest.raises(UsageError, match="no statement is earlier"):
        resolve(world.settings, second, 2, "earlier", WHY)
    resolve(world.settings, third, 2, "earlier", WHY)
    assert held(world) == B


# --- cut off ----------------------------------------------------------------------------------------

TABLES = ("events", "register", "loads", "operations")
FILES, COMMITS = TABLE_STEPS[:3], TABLE_STEPS[3:]  # every file is there before the first commit
POINTS = [
    "in-step", *(f"{t}-{step}" for t in TABLES for step in FILES),
    "plan-written", *(f"{t}-{step}" for t in TABLES for step in COMMITS), "carried-out",
]  # fmt: skip
USUAL = {
    "events-placed", "operations-written", "plan-written", "events-committing", "events-committed", "events-durable",
    "register-committing", "loads-committed", "operations-committed", "carried-out",
}  # fmt: skip
SCRIPT = """
import sys
from pathlib import Path
from ingestion.retract import retract
from linkwork.settings import Settings
folder = Path(sys.argv[1])
retract(Settings(home=folder / "data", keys_dir=folder / "keys", contracts_dir=folder / "contracts",
                 test_numbers="allow", threads=1), sys.argv[2], "cut off")
"""


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """A home with a load to retract, and what is there before and after it."""
    folder = tmp_path_factory.mktemp("retract")
    made = make_world(folder / "cut")
    wrong = deliver(made, said(A, 1), said(B, 1, "b"))
    deliver(made, said(C, 2), said(B, 1, "b"))
    before = state_of(made)
    shutil.copytree(folder / "cut", folder / "whole")
    whole = made.settings.model_copy(update={"home": folder / "whole" / "data"})
    retract(whole, wrong, WHY)
    made.settings, after = whole, state_of(made)
    made.con.close()
    return folder / "cut", wrong, before, after


@pytest.mark.parametrize("point", [p for p in POINTS if p in USUAL or settings.get_current_profile_name() == "deep"])
def test_a_retraction_that_was_cut_off_is_finished_or_undone(tmp_path, homes, point):
    origin, wrong, before, after = homes
    folder = tmp_path / "home"
    shutil.copytree(origin, folder)
    env = {**os.environ, "LINKWORK_FAIL_AT": f"{point}:kill"}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), wrong], env=env, capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-500:]
    world = make_home_again(folder)
    pipeline.open_batch(world.settings)  # any command that writes
    reached = POINTS.index(point)
    assert state_of(world) == (after if reached >= POINTS.index("events-committed") else before)
    assert verify(Store(world.settings.log_dir)).problems == []
    done = rows(world.settings, "operations", "1", "where command = 'load retract'")
    assert len(done) == (reached >= POINTS.index("events-committed"))
    if not done:
        retract(world.settings, wrong, WHY)
        assert state_of(world) == after
    world.con.close()


def make_home_again(folder):
    (folder / "contracts").rename(folder / "contracts.old")
    return make_world(folder, keys_dir=folder / "keys")
