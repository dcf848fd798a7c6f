"""A contract that refused too much, corrected, and a retry: as if it had been right from the start."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ingestion.contract import load_contracts
from ingestion.retract import retract
from ingestion.retry import retry
from linkwork.log.envelope import ENVELOPE
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.property.oracle import newest_wins
from tests.property.test_retract import APART, sent
from tests.support.examples import examples
from tests.support.feeds import CONTRACTS, EVENT, STATE
from tests.support.log import rows, standing
from tests.support.statements import files
from tests.support.world import make_world

# Each refuses some of what senders say: a status nobody had told of, a kind of contact, days before the service began.
NARROW = {
    STATE: CONTRACTS[STATE].replace("attended: attended, missed: missed, cancelled: cancelled", "attended: attended"),
    EVENT: CONTRACTS[EVENT].replace("held: held, missed: missed", "held: held"),
}
# A fact holds since the statement that brought it: a repetition that was known before the retry does not restate it.
SEEN = ", ".join([*(c for c in ENVELOPE if c not in APART | {"asserted_at"}), "appointment_cancelled_by"])
REGISTER = """feed, sender, record_key, asserted_at, contested, if(contested, null, row_hash),
    if(contested, null, list_transform(list_filter(facts, lambda f: f.content_hash is not null),
        lambda f: [f.slot, f.category, f.event_type, hex(f.stream_id), hex(f.content_hash)]))"""
COUNTS = "sum(records), sum(accepted + duplicate + conflict + quarantined + skipped), sum(quarantined), sum(events)"


def state_of(world):
    """What marts are folded from, and what the register would decide by."""
    seen = sorted(map(repr, standing(world.settings, shown=SEEN)))
    return seen, rows(world.settings, "register", REGISTER, "order by record_key")


def use(world, contracts):
    for name, text in contracts.items():
        (world.settings.contracts_dir / f"{name}.yaml").write_text(text)
    world.contracts = load_contracts(world.settings.contracts_dir, world.gate.catalogue)


BATCHES = st.lists(st.lists(files(most=3), min_size=1, max_size=3), min_size=1, max_size=3)


@examples(5, 300)
@given(BATCHES, st.lists(st.lists(files(most=2), min_size=1, max_size=2), max_size=2), st.booleans())
def test_a_narrow_contract_corrected_and_retried_is_as_if_it_had_been_right(before, after, in_between):
    numbers = iter(range(1000))
    first, later = ([[(next(numbers), file) for file in batch] for batch in batches] for batches in (before, after))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        world = make_world(Path(one))
        right = make_world(Path(other), keys_dir=world.settings.keys_dir)
        use(world, NARROW)
        for batch in first:
            world.deliver([sent(file, n) for n, file in batch])
        use(world, CONTRACTS)
        if in_between:  # what came after the correction is newer than what is retried
            for batch in later:
                world.deliver([sent(file, n) for n, file in batch])
        refused = rows(world.settings, "loads", "coalesce(sum(quarantined), 0)")[0][0]
        done = retry(world.settings)
        assert done["accepted"] + done["duplicate"] + done["conflict"] == refused
        assert (done["still_refused"], done["not_retried"]) == (0, {})
        if not in_between:
            for batch in later:
                world.deliver([sent(file, n) for n, file in batch])
        for batch in first + later:
            right.deliver([sent(file, n) for n, file in batch])
        assert state_of(world) == state_of(right)
        assert world.facts("") == newest_wins([[file for _, file in batch] for batch in first + later])[0]
        ((records, accounted, quarantined, events),) = rows(world.settings, "loads", COUNTS)
        assert (records, quarantined) == (accounted, 0)
        assert events == rows(world.settings, "events", "count(*)")[0][0]
        assert verify(Store(world.settings.log_dir), threads=1).problems == []
        before_again = rows(world.settings, "quarantine", "count(*)"), Store(world.settings.log_dir).refresh().commits()
        assert retry(world.settings)["operation_id"] is None  # twice is once
        after_again = rows(world.settings, "quarantine", "count(*)"), Store(world.settings.log_dir).refresh().commits()
        assert after_again == before_again
        for made in (world, right):
            made.con.close()


@examples(3, 200)
@given(BATCHES, st.integers(0, 8))
def test_a_retraction_after_a_retry_leaves_the_log_as_if_the_file_had_never_come(before, unwanted):
    numbers = iter(range(1000))
    batches = [[(next(numbers), file) for file in batch] for batch in before]
    count = sum(map(len, batches))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        world = make_world(Path(one))
        never = make_world(Path(other), keys_dir=world.settings.keys_dir)
        use(world, NARROW)
        loads = {}
        for batch in batches:
            found = world.deliver([sent(file, n) for n, file in batch])
            loads |= dict(zip([n for n, _ in batch], found, strict=True))
        use(world, CONTRACTS)
        retry(world.settings)
        retract(world.settings, loads[unwanted % count], "the wrong file")
        for batch in batches:
            if kept := [(n, file) for n, file in batch if n != unwanted % count]:
                never.deliver([sent(file, n) for n, file in kept])
        assert state_of(world)[0] == state_of(never)[0]
        assert verify(Store(world.settings.log_dir), threads=1).problems == []
        for made in (world, never):
            made.con.close()
