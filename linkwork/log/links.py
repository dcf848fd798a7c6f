"""Which pseudonyms are one person's, by the links that the log states."""

import duckdb

from linkwork.log.decide import KIND_RANK
from linkwork.log.envelope import LOAD_RETRACTED
from linkwork.log.store import Store

TYPES = ("person.merged", "person.unmerged")
APP = "linkwork-person-links"  # carried by a commit with a link, so that a log without any is not searched for them

# Of each two pseudonyms what was stated last, by the day it holds from: an unmerge on the same day wins.
IN_FORCE = f"""
    with said as (
        select * from {{people}} where event_type in {TYPES}
    ),
    stated as (
        select * from said
        anti join (select causation_id from said where origin = '{LOAD_RETRACTED}') as w
            on w.causation_id = said.event_id
        where origin <> '{LOAD_RETRACTED}'
        qualify row_number() over (
            partition by fact_id
            order by asserted_at desc, {KIND_RANK.replace("kind", "revision_kind")} desc, event_id desc) = 1
    )
    select subject_key, person_merged_into as merged_into from stated
    where revision_kind in ('original', 'revision', 'resolution')
    qualify row_number() over (
        partition by subject_key, person_merged_into order by occurred_on desc, event_type desc) = 1
        and event_type = '{TYPES[0]}'
"""


def people_of(store: Store) -> str:
    """SQL that reads the events that can link people."""
    return store.events.relation(store.events.files(category="person"))


def in_force(store: Store) -> str:
    """SQL of the links in force: subject_key, merged_into."""
    return IN_FORCE.format(people=people_of(store))


def same_person(store: Store, con: duckdb.DuckDBPyConnection) -> None:
    """Make the table `same_person` (a, b): pseudonyms that links in force make one person's, each pair both ways."""
    con.execute("create or replace temp table same_person (a blob, b blob)")
    if store.events.transaction(APP) is None:
        return
    con.execute(
        f"""insert into same_person
        with recursive link as (
            select subject_key as a, merged_into as b from ({in_force(store)})
            union
            select merged_into, subject_key from ({in_force(store)})
        ),
        reached as (
            select a, b from link
            union
            select reached.a, link.b from reached inner join link on link.a = reached.b
        )
        select a, b from reached where a <> b"""
    )


def marks(con: duckdb.DuckDBPyConnection, number: int) -> dict[str, int]:
    """The application transaction of a commit whose `event` table holds a link; else none."""
    found = con.execute(f"select 1 from event where event_type in {TYPES} limit 1").fetchone()
    return {APP: number} if found else {}
