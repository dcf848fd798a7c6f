"""Which record of a file, as it is staged now, is the one that was refused when the file was committed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log import append, places
from linkwork.log.store import Store


def match(
    store: Store, con: duckdb.DuckDBPyConnection, folder: Path, loads: Iterable[dict[str, Any]], refused: str, into: str
) -> None:
    """Make the table `into`: load_id, line_no, refused_no (the record's number in the index) and record_no (as staged).

    `refused` names a table of refused records: load_id, line_no, refused_no. `loads` are profiles of files staged
    below `folder`. A record numbered by its place is known by that (`places`). Any other is known by its line where it
    stands alone there. Of several on one line each is known by its number, and only where as many records of the file
    cannot be read as then: else the numbers are others.
    """
    loads = list(loads)
    refusals = append.staged_refusals(folder, loads)
    ids = engine.texts([load["load_id"] for load in loads])
    con.execute(
        f"""create or replace temp table {engine.name(into)} as
        with staged as (
            select load_id, line_no, record_no from {append.staged_records(folder, loads)}
            union all
            select load_id, source_line, record_no from {refusals} where record_no > 0
        ),
        staged_on as (
            select load_id, line_no, count(*) as records from (
                select load_id, line_no, record_no from staged
                union all
                select load_id, source_line, record_no from {refusals} where record_no < 0
            ) group by all
        ),
        refused_on as (
            select load_id, source_line as line_no, count(distinct coalesce(record_no, 0)) as records
            from {store.quarantine.relation()} where list_contains({ids}::varchar[], load_id) group by all
        ),
        unread as (
            select load_id, count(distinct record_no) filter (record_no < 0) as records
            from {store.quarantine.relation()} where list_contains({ids}::varchar[], load_id) group by all
        ),
        unread_now as (select load_id, count(*) filter (record_no < 0) as records from {refusals} group by all)
        select r.load_id, r.line_no, r.refused_no, s.record_no
        from {engine.name(refused)} as r
        inner join staged as s on s.load_id = r.load_id and s.line_no = r.line_no
        inner join staged_on as so on so.load_id = r.load_id and so.line_no = r.line_no
        inner join refused_on as ro on ro.load_id = r.load_id and ro.line_no = r.line_no
        left join unread as u on u.load_id = r.load_id
        left join unread_now as n on n.load_id = r.load_id
        where case
            when {places.place("r.refused_no", "r.line_no")} is not null then s.record_no = abs(r.refused_no)
            else (so.records = 1 and ro.records = 1)
                or (s.record_no = r.refused_no and coalesce(u.records, 0) = coalesce(n.records, 0))
            end"""
    )
