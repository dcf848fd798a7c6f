"""Hypothesis strategies for what senders say: a few records, people, times and days, so that they meet often."""

from hypothesis import strategies as st

from tests.property.oracle import Facts, Record, Statement
from tests.support.feeds import EVENT, PEOPLE, SENDERS, STATE, slot_of
from tests.support.log import day

NOTHING: Facts = frozenset()
OUT_OF_SCOPE = None
TIMES = st.integers(1, 4)
ONE_PERSON = st.just(PEOPLE[0])


def fact(event_type: str, on: str) -> tuple[str, str, str]:
    return slot_of(event_type), event_type, on


def state(booked: str = "", outcome: str = "", on: str = "") -> Facts:
    """What a row of the state feed says; nothing at all in a row with its key alone."""
    said = {fact("appointment.booked", booked)} if booked else set()
    return frozenset(said | ({fact(f"appointment.{outcome}", on or day(9))} if outcome else set()))


STATES = st.builds(
    state,
    st.sampled_from(["", day(1), day(2)]),
    st.sampled_from(["", "attended", "missed", "cancelled"]),
    st.sampled_from([day(8), day(9)]),
)
EVENTS = st.builds(
    lambda kind, on: frozenset({fact(f"contact.{kind}", on)}),
    st.sampled_from(["held", "missed"]),
    st.sampled_from([day(3), day(4)]),
)
FEEDS_AND_SENDERS = st.tuples(st.sampled_from([STATE, STATE, EVENT]), st.sampled_from(SENDERS))


def statements(
    feed: str, sender: str, prefix: str = "", people: st.SearchStrategy[str] = ONE_PERSON
) -> st.SearchStrategy[Statement]:
    """Statements about two records of a feed and sender. Who says nothing of a record names no person either."""

    def made(id: str, at: int, person: str, facts: Facts | None) -> Statement:
        record: Record = (feed, sender, f"{prefix}{id}")
        return Statement(record, at, None if facts == NOTHING else person, facts)

    said = STATES if feed == STATE else EVENTS
    some = st.one_of(said, said, said, st.just(OUT_OF_SCOPE))
    return st.builds(made, st.sampled_from(["a", "b"]), TIMES, people, some)


def files(prefix: str = "", people: st.SearchStrategy[str] = ONE_PERSON, most: int = 4):
    """Files of one feed and sender each, of one to `most` records."""
    return FEEDS_AND_SENDERS.flatmap(
        lambda of: st.lists(statements(*of, prefix, people), min_size=1, max_size=most).map(tuple)
    )
