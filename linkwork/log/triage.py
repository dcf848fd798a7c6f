"""Which records of a batch need no deciding: most of them, whose fate a look at the register tells.

A record stands alone where its key comes once in the batch. One that stands alone is

    not in the register                        plain       accepted, and its facts are originals
    in it, older                               superseded
    in it, of the same time, the same hash     duplicate
    in it, newer, the same hash, not contested duplicate   the register moves on
    out of scope                               skipped     in each of these cases; the register knows of it

and everything else, what another person may own included, is for `decide`, which says the same of all of them: triage
spares the work and changes no outcome.
"""

import duckdb

from linkwork import engine
from linkwork.log import register, scope

TO_DECIDE = "to_decide"


def triage(con: duckdb.DuckDBPyConnection, records: str, rows: str) -> None:
    """Make `aside`, the records that are not plain, and `to_decide`, the record keys whose fate only `decide` tells.

    `records` reads the batch's valid records, `rows` the register's rows that can be of them. `aside` has load_id,
    record_no, record_key, asserted_at, fate (null: to be decided), `number` of the register's row, and `moves`:
    whether that row moves on.
    """
    # Told apart by a hash of eight bytes: where two keys share one, both are decided, which is never wrong.
    con.execute(
        f"""create or replace temp table repeated as
        select hash(record_key) as suspect from {records} group by 1 having count(*) > 1"""
    )
    con.execute(
        f"""create or replace temp table known as
        select record_key, asserted_at, row_hash, contested, subject_key, coalesce(number, -1) as number
        from {register.newest(rows, f"(select record_key from {records})")}"""
    )
    con.execute(
        f"""create or replace temp table aside as
        select * exclude (is_out) replace (if(is_out and fate is not null, 'skipped', fate) as fate)
        from (select r.load_id, r.record_no, r.record_key, r.asserted_at, k.number,
            case
                when s.suspect is not null then null
                when coalesce(r.verified_subject <> k.subject_key,
                    r.verified_subject is not null and not ({scope.is_out("r.row_hash")} and r.row_hash = k.row_hash))
                    then null
                when r.asserted_at < k.asserted_at then 'superseded'
                when r.asserted_at = k.asserted_at and coalesce(r.row_hash = k.row_hash, true) then 'duplicate'
                when r.asserted_at > k.asserted_at and r.row_hash = k.row_hash and not k.contested then 'duplicate'
            end as fate,
            fate is not null and r.asserted_at > k.asserted_at as moves, {scope.is_out("r.row_hash")} as is_out
        from {records} as r
        left join known as k on k.record_key = r.record_key
        left join repeated as s on s.suspect = hash(r.record_key)
        where k.record_key is not null or s.suspect is not null)"""
    )
    con.execute(
        f"""create or replace temp table {engine.name(TO_DECIDE)} as
        select distinct record_key from aside where fate is null"""
    )
    con.execute("drop table repeated")
    con.execute("drop table known")
