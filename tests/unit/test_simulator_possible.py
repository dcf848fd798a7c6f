"""What cannot be: nothing happens with a person who is dead, gone or not there yet, nor after the last day.

Every date of every table of the world is looked at, so that a table that is added is looked at too.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import simulator
from simulator import world
from simulator.world import region
from simulator.world.dials import Dials

PERIOD = region.Period(dt.date(2023, 4, 1), dt.date(2026, 3, 31))
Ask = Callable[[str], list[Any]]

# Dates that may lie after a death or a move out of the region, and why.
AFTERWARDS = {
    "referrals.closed_on": "a service closes the referral once it hears",
    "attendances.recorded_on": "a group writes down later who came",
    "actions.planned_on": "what was planned, whether or not it came to be",
    "engagement.action_planned_on": "the same",
    "candidates.received_on": "a wish; it is dropped where the person is not registered",
    "registrations.ended_on": "the first day without it",
    "spells.last_day": "the first day without it",
    "people.registered_on": "of the person, not of what is done with them",
    "people.left_on": "the same",
    "people.registered_again_on": "the same",
    "people.died_on": "the same",
    "people.gone_on": "the same",
}


# Dates that may lie before a person's first registration, and why.
BEFORE = {
    "people.date_of_birth": "the person was born elsewhere",
    "spells.first_day": "people fall ill elsewhere too",
    "spells.last_day": "the same",
    "candidates.received_on": "a wish; it is dropped where the person is not registered",
}
# Dates that may lie after the last day, and why.
AHEAD = {
    "people.left_on": "who will leave or die does so later",
    "people.registered_again_on": "the same",
    "people.died_on": "the same",
    "people.gone_on": "the same",
    "registrations.ended_on": "the same",
    "slots.day": "booked ahead",
    "slots.booked_on": "the next weeks are filled so that the books of the last day are",
    "appointments.day": "the same",
    "appointments.booked_on": "the same",
    "appointments.booked_at": "the same",
    "appointments.slot_start": "the same",
    "appointments.cancelled_on": "the same",
    "spells.first_day": "the same",
    "spells.last_day": "the same",
    "candidates.received_on": "a wish; it is dropped where it comes too late",
    "actions.planned_on": "planned",
    "engagement.action_planned_on": "planned",
    "attendances.recorded_on": "a group writes down later who came",
}


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Questions to a world in which much happens: many referrals, reported by both, while organisations change."""
    with simulator.connect() as con:
        world.build(con, 6000, 7, PERIOD, Dials(referred_per_year=0.2, both_reported=0.5, changes=True))
        yield lambda query: con.execute(query).fetchall()


def dates(ask: Ask) -> list[tuple[str, str, str]]:
    """(table, column, SQL of its rows with the person's id) of every date of something that happens with a person."""
    columns = ask("""
        select table_name, column_name from duckdb_columns() join duckdb_tables() using (table_name)
        where data_type in ('DATE', 'TIMESTAMP') and not duckdb_columns.internal order by all
    """)
    has = {
        key: {t for (t,) in ask(f"select distinct table_name from duckdb_columns() where column_name = '{key}'")}
        for key in ("id", "ref")
    }
    found = []
    for table, column in columns:
        if table in has["id"]:
            found.append((table, column, f"select id, {column}::date as day from {table}"))
        elif table in has["ref"]:
            rows = f"select r.id, t.{column}::date as day from {table} as t join referrals as r using (ref)"
            found.append((table, column, rows))
    return found


def wrong(ask: Ask, condition: str, exempt: dict[str, str]) -> dict[str, int]:
    """How many rows have a date for which a condition over people and day holds, by table and column."""
    found = {}
    for table, column, rows in dates(ask):
        ((number,),) = ask(f"select count(*) from ({rows}) join people using (id) where {condition}")
        if number and f"{table}.{column}" not in exempt:
            found[f"{table}.{column}"] = number
    return found


def test_every_kind_of_thing_is_looked_at(ask: Ask) -> None:
    tables = {table for table, *_ in dates(ask)}
    assert tables >= {
        "actions", "appointments", "attendances", "contacts", "encounters", "engagement", "holds", "offers",
        "referrals", "registrations", "requests", "slots", "spells",
    }  # fmt: skip
    assert all(ask(f"select count(*) from {table}") > [(20,)] for table in tables)
    assert ask("select count(*) from referrals where closure_reason = 'deceased'") > [(10,)]
    assert ask("select count(*) from referrals where closure_reason = 'moved_away'") > [(10,)]


def test_nothing_happens_with_the_dead(ask: Ask) -> None:
    """Also no appointment: the region has none that was booked before a death for a day after it."""
    exempt = {name: why for name, why in AFTERWARDS.items() if not name.startswith("people.")}
    exempt |= {"people.died_on": "the day itself", "people.gone_on": "the day itself"}
    assert wrong(ask, "day >= died_on", exempt) == {}


def test_nothing_happens_with_who_has_left_the_region(ask: Ask) -> None:
    elsewhere = AFTERWARDS | {"spells.first_day": "people fall ill elsewhere too"}
    assert wrong(ask, "day >= gone_on", elsewhere) == {}


def test_what_ends_with_a_death_or_a_move_ends_on_that_day(ask: Ask) -> None:
    assert ask("select * from registrations join people using (id) where ended_on > died_on") == []
    assert (
        ask("select * from registrations join people using (id) where coalesce(ended_on, 'infinity') > gone_on") == []
    )
    assert ask("select * from spells join people using (id) where last_day > died_on") == []


def test_nothing_happens_with_who_is_not_there_yet(ask: Ask) -> None:
    assert wrong(ask, "day < registered_on", BEFORE) == {}


def test_nothing_has_happened_after_the_last_day(ask: Ask) -> None:
    assert wrong(ask, "day > getvariable('last_day')", AHEAD) == {}
    assert ask("select ref from referrals where closed_on is null and closure_reason is not null") == []


def test_nobody_leaves_after_a_death_or_is_registered_again_in_the_place_they_left(ask: Ask) -> None:
    assert ask("select id from people where left_on >= died_on or registered_again_on >= died_on") == []
    assert ask("select id from people where next_practice is not null and left_on is null") == []
    assert ask("select id from people where gone_on < registered_on") == []


def test_people_move_to_the_practice_where_they_are_then_registered(ask: Ask) -> None:
    """Never to one that is closed by then, but to the one that took it over."""
    assert (
        ask("""
        select id from people join closures on number = next_practice where registered_again_on > closed_on
    """)
        == []
    )
    moved = ask("""
        select p.id, p.next_practice = r.practice, p.next_practice is distinct from before.practice
        from people as p join registrations as r on r.id = p.id and r.started_on = p.registered_again_on
        join registrations as before on before.id = p.id and before.ended_on = p.left_on
    """)
    assert len(moved) > 100
    assert all(same and other for _, same, other in moved)
    ((to_successor,),) = ask("""
        select count(*) from people join closures on next_practice = successor where registered_again_on > closed_on
    """)
    assert to_successor > 5
