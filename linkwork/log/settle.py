"""A named decision about a contested record: which of the statements about one time holds.

It is an event of its own for each fact of that statement, and outranks the contest. The log remembers it by these
events, so that a retraction or a rebuilt register can make the decision again.
"""

import duckdb

EVENT_ID = """id_hmac({fact} || encode(epoch_us({at})::varchar) || {hash} || encode('resolution')
    || encode(if({generation} > 0, {generation}::varchar, '')))"""

STANDING = """
    create or replace temp table standing as
    select *, id_hmac(record_key || encode(chr(31) || slot)) as fact_id
    from (
        select record_key, asserted_at, coalesce(generation, 0) as generation, unnest(facts, recursive := true) from reg
    )
"""


def keep(con: duckdb.DuckDBPyConnection) -> None:
    """Make `event` and `register_row`: what it means that the statements in `rec` hold.

    `rec` has one statement a record, `fact` their facts, `reg` the register's rows of these records. A fact that only
    another statement had stays contested, so it is none.
    """
    con.execute(STANDING)
    event_id = EVENT_ID.format(fact="i.fact_id", at="i.asserted_at", hash="i.content_hash", generation="i.generation")
    con.execute(
        f"""create or replace temp table event as
        select i.* exclude (generation), {event_id} as event_id
        from (
            select r.record_key, f.slot, f.category, f.event_type, f.stream_id, f.content_hash, 'resolution' as kind,
                r.asserted_at, r.load_id, r.record_no, 0 as arrival, s.event_id as causation_id,
                coalesce(reg.generation, 0) as generation,
                id_hmac(r.record_key || encode(chr(31) || f.slot)) as fact_id
            from fact as f
            inner join rec as r on r.load_id = f.load_id and r.record_no = f.record_no
            inner join reg on reg.record_key = r.record_key
            left join standing as s on s.record_key = r.record_key and s.slot = f.slot
        ) as i"""
    )
    con.execute(
        """create or replace temp table register_row as
        with facts as (
            select record_key, list(fact order by fact.slot) as facts
            from (
                select record_key, {'slot': slot, 'category': category, 'event_type': event_type,
                    'stream_id': stream_id, 'content_hash': content_hash, 'event_id': event_id} as fact from event
                union all
                select record_key, {'slot': slot, 'category': category, 'event_type': event_type,
                    'stream_id': stream_id, 'content_hash': null::blob, 'event_id': event_id}
                from standing anti join event using (record_key, slot)
            )
            group by record_key
        )
        select reg.* replace (
            rec.row_hash as row_hash, false as contested, true as resolved, coalesce(facts.facts, []) as facts)
        from reg
        inner join rec on rec.record_key = reg.record_key
        left join facts on facts.record_key = reg.record_key"""
    )
