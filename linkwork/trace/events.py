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
from linkwork.trace.facts import FIRST_ORIGIN, IN_ORDER, SEVERAL_WAYS
from linkwork.trace.walk import FEW

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
    """The events of the facts that `linkwork.trace.facts` left in the warehouse's connection.

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
        f"""create temp table picked as select * from origin where fact_id is not null
        order by {", ".join(IN_ORDER)} limit {searched}"""
    )
    _find(con, store, files, position, in_force=not (history or of_loads))
    con.execute(STATES)
    if history or of_loads:
        kept = "load_id in (select load_id from wanted_load)" if of_loads else "true"
        con.execute(f"create temp table chosen as select * from stated where {kept}")
        counted = """(select c.*, o.role, 1 as events from chosen as c
            inner join origin as o on o.category = c.category and o.fact_id = c.fact_id)"""
    else:
        con.execute("create temp table chosen as select * from stated where state = 'effective'")
        counted = "origin"
    return _found(con, counted, most, effective)


def _name_origins(con: duckdb.DuckDBPyConnection, *, every: bool) -> None:
    """The view `origin`: each wanted fact once. Facts are grouped only where several ways led to their category."""
    repeated = "select distinct category from wanted" if every else SEVERAL_WAYS
    found = [engine.text(category) for (category,) in con.execute(repeated).fetchall()]
    grouped = f"category in ({', '.join(found) or 'null'})"
    con.execute(
        f"""create temp table grouped as
        select category, fact_id, {FIRST_ORIGIN}, any_value(event_type) as event_type,
            any_value(occurred_on) as occurred_on, any_value(subject_key) as subject_key,
            any_value(practice_code) as practice_code, 1 as events
        from wanted where {grouped} group by category, fact_id"""
    )
    con.execute(
        f"""create temp view origin as
        select * from wanted where ({grouped}) is not true
        union all by name
        select * from grouped"""
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


def _find(
    con: duckdb.DuckDBPyConnection,
    store: Store,
    files: dict[str, list[DataFile]],
    position: int,
    *,
    in_force: bool,
) -> None:
    """The table `found`: every event of the facts in `picked`; of those that are in force the one that says so.

    The warehouse knows the day and the practice of a fact in force, and what lies elsewhere in the log is passed over.
    Where another event of the fact says the same of it, or none does, all of its events are looked for.
    """
    typed = ", ".join(f"null::{store.events.columns[c]} as {engine.name(c)}" for c in COLUMNS)
    con.execute(f"create temp table found as select {typed} where false")
    con.execute("create temp table missing as select distinct category, fact_id from picked")
    for (category,) in con.execute("select distinct category from picked order by 1").fetchall():
        if category not in files:
            continue
        of_it = f"category = {engine.text(category)}"
        if in_force:
            _look(con, store, files[category], position, of_it, _as_stated(con, of_it))
            alone = f"select fact_id from found where {of_it} group by fact_id having count(*) = 1"
            con.execute(f"delete from missing where {of_it} and fact_id in ({alone})")
            con.execute(f"delete from found where {of_it} and fact_id in (select fact_id from missing where {of_it})")
        if row(con, f"select count(*) from missing where {of_it}")[0]:
            _look(con, store, files[category], position, of_it, "true")


def _look(
    con: duckdb.DuckDBPyConnection, store: Store, files: list[DataFile], position: int, of_it: str, condition: str
) -> None:
    """Two readings, of the ids for positions and of what lies there: the second passes over most of the log."""
    columns = ", ".join(engine.name(c) for c in COLUMNS)
    facts = f"fact_id in (select fact_id from missing where {of_it}) and {condition}"
    con.execute(
        f"create or replace temp table place as select global_position {_source(store, files, position, facts)}"
    )
    few = con.execute(f"select global_position from place limit {FEW + 1}").fetchall()
    places = "select global_position from place"
    if len(few) <= FEW:
        places = ", ".join(str(place) for (place,) in few) or "null"
    con.execute(
        f"insert into found select {columns} {_source(store, files, position, f'global_position in ({places})')}"
    )


def _as_stated(con: duckdb.DuckDBPyConnection, of_it: str) -> str:
    """A condition on events that state something, of the days and practices of the facts in `picked`."""
    conditions = ["revision_kind in ('original', 'revision', 'resolution')"]
    for column in ("occurred_on", "practice_code"):
        values = con.execute(f"select distinct {column}::varchar from picked where {of_it} limit {FEW + 1}").fetchall()
        if len(values) <= FEW and (None,) not in values:
            conditions.append(f"{column} in ({', '.join(engine.text(value) for (value,) in values)})")
    return " and ".join(conditions)


def _found(con: duckdb.DuckDBPyConnection, counted: str, most: str, effective: int) -> Found:
    """What was found; of the facts in `wanted` the first `effective` are those of the warehouse."""
    told = "coalesce(sum(events), 0)::bigint"
    total, people = row(con, f"select {told}, count(distinct subject_key) from {counted}")
    by_type = _rows(
        con, f"select role, event_type, {told} as events from {counted} group by role, event_type order by all"
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
