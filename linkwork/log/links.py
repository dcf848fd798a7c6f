"""Which pseudonyms the log says are one person's: the links in force."""

import duckdb

from linkwork.log import decide
from linkwork.log.envelope import not_withdrawn
from linkwork.log.store import Store

TYPES = ("person.merged", "person.unmerged")
APP = "linkwork-person-links"  # carried by a commit with a link, so that a log without any is not searched for them


def people_of(store: Store) -> str:
    """SQL that reads the events that can link people."""
    return store.events.relation(store.events.files(category="person"))


def in_force(people: str) -> str:
    """SQL of pairs of pseudonyms (`one_key`, `other_key`), from the events of category person that `people` reads.

    Of each statement the newest assertion counts, if it says something and its load was not retracted. Of each pair the
    latest day decides; on one day an end outweighs a merge.
    """
    rank = decide.KIND_RANK.replace("kind", "revision_kind")
    return f"""(
        with stated as (
            select * from {people} where person_merged_into is not null or revision_kind in ('retraction', 'contest')
        ),
        newest as (
            select * from {not_withdrawn("stated")}
            qualify row_number() over (partition by fact_id order by asserted_at desc, {rank} desc, event_id desc) = 1
        ),
        pairs as (
            select least(subject_key, person_merged_into) as one_key,
                greatest(subject_key, person_merged_into) as other_key,
                max(occurred_on) filter (event_type = 'person.merged') as merged_on,
                max(occurred_on) filter (event_type = 'person.unmerged') as unmerged_on
            from newest where revision_kind not in ('retraction', 'contest') group by all
        )
        select one_key, other_key from pairs where merged_on is not null and coalesce(unmerged_on < merged_on, true)
    )"""


def same_person(store: Store, con: duckdb.DuckDBPyConnection) -> None:
    """Make the table `same_person` (a, b): pseudonyms that links in force make one person's, each pair both ways."""
    con.execute("create or replace temp table same_person (a blob, b blob)")
    if store.events.transaction(APP) is None:
        return
    con.execute(
        f"""insert into same_person
        with recursive pair as (from {in_force(people_of(store))}),
        link as (
            select one_key as a, other_key as b from pair union select other_key, one_key from pair
        ),
        reached as (
            select a, b from link
            union
            select reached.a, link.b from reached inner join link on link.a = reached.b
        )
        select a, b from reached where a <> b"""
    )


def marks(con: duckdb.DuckDBPyConnection, number: int) -> dict[str, int]:
    """The application transaction of a commit whose table `positioned` holds a link; else none."""
    found = con.execute(f"select 1 from positioned where event_type in {TYPES} limit 1").fetchone()
    return {APP: number} if found else {}
