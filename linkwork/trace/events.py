"""The events of wanted facts, as the log holds them up to one position, each with the file and line it came from.

Which facts are effective the warehouse has decided (macro `effective_facts`). Here every event of a fact is given what
became of it: per fact the newest assertion is in force, a contest outranks a statement of the same instant and a
resolution a contest; a load that was retracted leaves neither its events nor their withdrawal.

The totals of effective facts are in the warehouse too, so the log is searched for the facts that are shown and for no
other.
"""

from dataclasses import dataclass
from typing import Any

import duckdb

from linkwork import engine
from linkwork.engine import row
from linkwork.log import decide
from linkwork.log.delta import DataFile
from linkwork.log.store import Store
from linkwork.trace.walk import FEW, FIRST_ORIGIN

COLUMNS = (
    "global_position", "event_id", "fact_id", "category", "stream_id", "correlation_id", "causation_id", "event_type",
    "revision_kind", "origin", "occurred_on", "asserted_at", "recorded_at", "subject_key", "load_id", "source_line",
)  # fmt: skip

STATES = """
    create or replace temp table stated as
    with void as (
        select withdrawal.event_id, withdrawal.global_position as up_to
        from found as withdrawal where revision_kind = 'retraction' and origin = 'load_retracted'
        union all
        select withdrawal.causation_id, withdrawal.global_position
        from found as withdrawal where revision_kind = 'retraction' and origin = 'load_retracted'
    ),
    judged as (
        select found.*, exists (
            select 1 from void where void.event_id = found.event_id and found.global_position <= void.up_to
        ) as is_void
        from found
    ),
    ranked as (
        select *, row_number() over (
            partition by fact_id, is_void
            order by asserted_at desc,
                {rank} desc,
                event_id desc, global_position
        ) as newness
        from judged
    )
    select * exclude (newness, is_void), case
        when is_void then 'load retracted'
        when newness > 1 then 'superseded'
        when revision_kind = 'retraction' then 'withdrawal'
        when revision_kind = 'contest' then 'contest'
        else 'effective'
    end as state
    from ranked""".replace("{rank}", decide.KIND_RANK.replace("kind", "revision_kind"))


@dataclass(frozen=True)
class Found:
    """The events behind a figure: those shown, how many there are about how many people, and what is missing."""

    shown: list[dict[str, Any]]
    total: int
    people: int
    by_type: list[dict[str, Any]]
    gone: int  # facts to be shown that the log no longer holds: erased since the build


def read(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    position: int,
    *,
    history: bool,
    of_loads: bool,
    limit: int | None,
) -> Found:
    """The events of the tables a walk left in the warehouse's connection; see `linkwork.trace.walk`.

    `history` adds what is not in force any more, `of_loads` takes every event of the wanted loads.
    """
    most = "all" if limit is None else str(int(limit))
    files = _files(store, position)
    (effective,) = row(con, "select count(*) from wanted")
    if of_loads:
        for category in files:
            _want_of_loads(con, store, files, position, category)
    elif history:
        for category, column in con.execute("select distinct category, id_column from asked").fetchall():
            _want_once_asked(con, store, files, position, category, column)
    _name_origins(con, every=of_loads)
    searched = "all" if history or of_loads else most
    con.execute(
        f"""create temp table picked as select * from origin
        order by contributor, role, occurred_on, event_type, fact_id limit {searched}"""
    )
    _find(con, store, files, position)
    con.execute(STATES)
    if history or of_loads:
        kept = "load_id in (select load_id from wanted_load)" if of_loads else "true"
        con.execute(f"create temp table chosen as select * from stated where {kept}")
        counted = "chosen inner join (select category, fact_id, role from origin) using (category, fact_id)"
    else:
        con.execute("create temp table chosen as select * from stated where state = 'effective'")
        counted = "origin"
    return _found(con, counted, most, effective)


def _name_origins(con: duckdb.DuckDBPyConnection, *, every: bool) -> None:
    """The table `origin`: each wanted fact once. Facts are grouped only where several ways led to their category."""
    ways = "select category from asked group by category having count(distinct (model, id_column)) > 1"
    repeated = "true" if every else f"category in ({ways})"
    con.execute(
        f"""create temp table origin as
        select category, fact_id, role, contributor, event_type, occurred_on, subject_key
        from wanted where not {repeated}
        union all by name
        select category, fact_id, {FIRST_ORIGIN}, any_value(event_type) as event_type,
            any_value(occurred_on) as occurred_on, any_value(subject_key) as subject_key
        from wanted where {repeated} group by category, fact_id"""
    )


def _files(store: Store, position: int) -> dict[str, list[DataFile]]:
    found: dict[str, list[DataFile]] = {}
    if store.events.exists():
        for file in store.events.files():
            if file.lowest["global_position"] <= position:
                found.setdefault(file.partition["category"], []).append(file)
    return found


def _source(store: Store, files: list[DataFile], position: int, condition: str) -> str:
    return f"from {store.events.relation(files)} where global_position <= {int(position)} and {condition}"


def _want_of_loads(
    con: duckdb.DuckDBPyConnection, store: Store, files: dict[str, list[DataFile]], position: int, category: str
) -> None:
    loads = "load_id in (select load_id from wanted_load) and fact_id is not null"
    con.execute(
        f"""insert into wanted by name
        select {engine.text(category)} as category, fact_id, 'counts' as role, min(load_id) as contributor
        {_source(store, files[category], position, loads)} group by fact_id"""
    )


def _want_once_asked(
    con: duckdb.DuckDBPyConnection,
    store: Store,
    files: dict[str, list[DataFile]],
    position: int,
    category: str,
    column: str,
) -> None:
    """Facts that once matched and are withdrawn, contested or say something else by now."""
    if category not in files:
        return
    asked = (
        f"select id, {FIRST_ORIGIN} from asked "
        f"where category = {engine.text(category)} and id_column = {engine.text(column)} group by id"
    )
    con.execute(
        f"""insert into wanted by name
        select {engine.text(category)} as category, fact_id, {FIRST_ORIGIN}
        from (select fact_id, {engine.name(column)} as id {_source(store, files[category], position, "true")}) as events
        inner join ({asked}) as sought using (id)
        where fact_id not in (select fact_id from wanted) group by fact_id"""
    )


def _find(con: duckdb.DuckDBPyConnection, store: Store, files: dict[str, list[DataFile]], position: int) -> None:
    """Two readings, of the ids for positions and of what lies there: the second passes over most of the log."""
    columns = ", ".join(engine.name(c) for c in COLUMNS)
    typed = ", ".join(f"null::{store.events.columns[c]} as {engine.name(c)}" for c in COLUMNS)
    con.execute(f"create temp table found as select {typed} where false")
    for (category,) in con.execute("select distinct category from picked order by 1").fetchall():
        if category in files:
            facts = f"fact_id in (select fact_id from picked where category = {engine.text(category)})"
            con.execute(
                f"""create or replace temp table place as
                select global_position {_source(store, files[category], position, facts)}"""
            )
            few = con.execute(f"select global_position from place limit {FEW + 1}").fetchall()
            places = "select global_position from place"
            if len(few) <= FEW:
                places = ", ".join(str(place) for (place,) in few) or "null"
            there = f"global_position in ({places})"
            con.execute(f"insert into found select {columns} {_source(store, files[category], position, there)}")


def _found(con: duckdb.DuckDBPyConnection, counted: str, most: str, effective: int) -> Found:
    """What was found; of the facts in `wanted` the first `effective` are those of the warehouse."""
    total, people = con.execute(f"select count(*), count(distinct subject_key) from {counted}").fetchall()[0]
    by_type = _rows(
        con, f"select role, event_type, count(*) as events from {counted} group by role, event_type order by all"
    )
    ((gone,),) = con.execute(
        f"""select count(*) from picked where fact_id in (select fact_id from wanted where rowid < {effective})
            and fact_id not in (select fact_id from stated where state = 'effective')"""
    ).fetchall()
    shown = _rows(
        con,
        f"""select o.contributor, o.role, c.event_type, c.state, c.revision_kind, c.occurred_on, c.asserted_at,
            l.feed, l.sender, l.file_name, l.file_sha256, c.source_line, c.load_id,
            c.category, lower(hex(c.event_id)) as event_id, lower(hex(c.fact_id)) as fact_id,
            lower(hex(c.stream_id)) as stream_id, lower(hex(c.correlation_id)) as correlation_id,
            lower(hex(coalesce(o.subject_key, c.subject_key))) as person_id, c.recorded_at, c.global_position
        from chosen as c
        inner join picked as o on o.category = c.category and o.fact_id = c.fact_id
        left join log.loads as l on l.load_id = c.load_id
        order by o.contributor, o.role, c.occurred_on, c.event_type, c.fact_id, c.asserted_at, c.global_position
        limit {most}""",
    )
    return Found(shown, total, people, by_type, gone)


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return engine.dicts(con.execute(query))
