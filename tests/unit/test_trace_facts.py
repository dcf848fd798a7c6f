"""Facts that are counted and facts that are named each give the same numbers and the same first facts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from linkwork import engine
from linkwork.release.marts import Mart, MartMeta
from linkwork.trace import facts
from linkwork.trace.cells import Build, Marts
from linkwork.trace.walk import FEW

PEOPLE = 2 * FEW
SHOWN = 7

# Which row of a mart leads to the facts of person n, and in which part: the first counts, the second places.
ORIGINS = {
    "one row to all": "'row', 2",
    "a row to each": "lpad(n::varchar, 6, '0'), 1",
    "first a row to two, then one to the rest": "if(n < 2, 'a', 'b'), 1",
    "first to nobody who has facts": "if(n % 10 = 9, 'a', 'b'), 1",
    "in both roles": "'row', if(n % 3 = 0, 1, 2)",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Six facts of each person but every tenth: three streams that two types of events are of, on some days."""
    with engine.connect() as con:
        con.execute(
            f"""create table facts as
            select encode('fact' || f) as fact_id, encode('stream' || f // 2) as stream_id,
                encode('person' || f // 6) as subject_key, ['booked', 'attended'][f % 2 + 1] as event_type,
                if(f % 50 = 0, null, date '2025-01-01' + (f * 7 % 90)::integer) as occurred_on,
                'Z9000' || f % 4 as practice_code
            from range({PEOPLE * 6}) as r (f) where f // 6 % 10 <> 9"""
        )
        yield con


def asked(con: duckdb.DuckDBPyConnection, origin: str) -> None:
    con.execute(
        f"""create or replace temp table asked_id as
        select part, encode('person' || n) as id, contributor
        from (select n, {origin} from range({PEOPLE}) as r (n)) as p (n, contributor, part)"""
    )
    con.execute(
        """create or replace temp table way as select distinct part, 'some' as category, 'facts' as model,
            'subject_key' as id_column, if(part = 1, 'counts', 'places') as role
        from asked_id"""
    )
    con.execute(
        "create or replace temp view asked as select * exclude (part) from way inner join asked_id using (part)"
    )


def told(con: duckdb.DuckDBPyConnection, shown: int | None) -> dict[str, Any]:
    mart = Mart(
        name="mart",
        relation='"main"."mart"',
        description="",
        columns={},
        meta=MartMeta(tiers=["restricted"], key=["x"]),
    )
    con.execute("drop table if exists wanted")
    facts.find(Build(con, Marts(Path(), {"mart": mart}), 0, None), shown)
    order = ", ".join(facts.IN_ORDER)
    return {
        "rows": engine.row(con, "select count(*) from wanted")[0],
        "events": con.execute("select role, event_type, sum(events) from wanted group by all order by all").fetchall(),
        "people": con.execute("select count(distinct subject_key) from wanted").fetchall(),
        "first": con.execute(
            f"select * exclude (events) from wanted where fact_id is not null order by {order} limit {SHOWN}"
        ).fetchall(),
    }


@pytest.mark.parametrize("origin", ORIGINS)
def test_facts_of_many_people_are_counted_and_the_first_are_named(con: duckdb.DuckDBPyConnection, origin: str) -> None:
    asked(con, ORIGINS[origin])
    each, counted = told(con, None), told(con, SHOWN)
    assert counted.pop("rows") < each.pop("rows") == PEOPLE * 6 * 9 // 10
    assert counted == each
    assert len(each["first"]) == SHOWN


def test_what_several_ways_lead_to_is_named_each_by_each(con: duckdb.DuckDBPyConnection) -> None:
    asked(con, ORIGINS["one row to all"])
    con.execute("insert into way by name select * replace ('stream_id' as id_column) from way")
    assert told(con, SHOWN)["rows"] == PEOPLE * 6 * 9 // 10
