"""What becomes of each record, and which events follow (design: the log's rules 1 and 2).

A record is one assertion about all its slots at one `asserted_at`. The register knows, for each record key, the newest
assertion seen. Per record key the batch is taken in the order of assertion, so that one batch in any order, or the same
files in several batches, end in the same effective facts:

    older than the register           superseded  nothing is appended
    same time, same hash              duplicate
    same time, other hash             conflict    quarantined; a contest event for every fact that now holds, but
                                                  where a named decision had settled that assertion (resolved)
    newer, same hash, not contested   duplicate   the register moves on
    newer                             accepted    events for the slots that differ; after a contest, for every slot
    out of its contract's scope       withdrawal  if newer and facts hold: all of them are retracted; else skipped

All of it is SQL over whole batches. Input tables: `load`, `rec` (one row per valid record), `reg` (the register's rows
of those record keys), `fact` (one row per record and filled slot, without the payload), and `same_person` (pseudonyms
that links in force make one person's: a record may go on under the number that is kept).

Two things about a row of the register are not what some file said. `generation` counts how often a retraction wrote
the record's history anew: the ids of its events carry it, so that an event that came back is not the one that was
withdrawn. A row without a hash was rebuilt from the log, which does not keep it: the same time is then taken for the
same content.
"""

import duckdb

from linkwork.engine import row
from linkwork.log import scope

RESULTS = ("fate", "event", "register_row")

# Contest and retraction say the same thing about any fact, so their content is their kind. At one time a statement
# outranks a retraction: a wider contract brought in what had been out of scope.
KIND_RANK = "case kind when 'retraction' then -1 when 'contest' then 1 when 'resolution' then 2 else 0 end"

# The id of a fact, from its record's key and its slot.
FACT_ID = "id_hmac({key} || encode(chr(31) || {slot}))"

# The id of an event; `generation` is text, empty for the first.
EVENT_ID = """id_hmac({fact} || encode(epoch_us({at})::varchar) || {hash} || encode({generation}))"""

# So many records are decided at once, so that memory does not follow the batch: each takes about 4 KB meanwhile.
AT_ONCE = 25_000

STEPS: tuple[str, ...] = (
    # --- another person on the same record is never a revision -----------------------------------
    """
    create or replace temp table judged as
    with owned as (
        select
            rec.*, load.arrival, load.feed, load.sender,
            reg.asserted_at as reg_at, reg.row_hash as reg_hash, coalesce(reg.contested, false) as reg_contested,
            coalesce(reg.resolved, false) as reg_resolved,
            {is_out} as is_out, {reg_is_out} as reg_is_out,
            coalesce(reg.subject_key, first_value(if({is_out}, null, rec.verified_subject) ignore nulls) over (
                partition by rec.record_key order by rec.asserted_at, load.arrival, rec.record_no
                rows between unbounded preceding and unbounded following)) as owner
        from rec
        inner join load on load.load_id = rec.load_id
        left join reg on reg.record_key = rec.record_key
    )
    select
        *,
        case
            when verified_subject <> owner
                and not exists (from same_person as s where s.a = owned.verified_subject and s.b = owned.owner)
                then 'other_person'
            when asserted_at < reg_at then 'superseded'
            when asserted_at = reg_at and is_out then 'superseded'
            when asserted_at = reg_at and not reg_is_out
                then if(coalesce(row_hash = reg_hash, true), 'duplicate', 'conflict')
            else 'newer'
        end as verdict
    from owned
    """.replace("{is_out}", scope.is_out("rec.row_hash")).replace("{reg_is_out}", scope.is_out("reg.row_hash")),
    # --- the first arrival of an assertion leads; others with the same time confirm or contest it --
    """
    create or replace temp table ranked as
    select
        *,
        row_number() over same_time = 1 as leads,
        first_value(row_hash) over same_time as leader_hash
    from (
        from judged where verdict = 'newer'
        qualify not is_out or bool_and(is_out) over (partition by record_key, asserted_at)
    )
    window same_time as (partition by record_key, asserted_at order by arrival, record_no)
    """,
    """
    create or replace temp table contested as
    select
        record_key, asserted_at,
        arg_min(load_id, (arrival, record_no)) as load_id, arg_min(record_no, (arrival, record_no)) as record_no
    from (
        select record_key, asserted_at, load_id, record_no, arrival from judged
        where verdict = 'conflict' and not reg_resolved
        union all
        select record_key, asserted_at, load_id, record_no, arrival from ranked where row_hash <> leader_hash
    )
    group by record_key, asserted_at
    """,
    """
    create or replace temp table leader as
    with chained as (
        select
            r.record_key, r.asserted_at, r.row_hash, r.load_id, r.record_no, r.arrival, r.reg_at,
            c.record_key is not null as is_contested,
            coalesce(lag(r.row_hash) over history, r.reg_hash) as previous_hash,
            coalesce(lag(c.record_key is not null) over history,
                     r.reg_contested or at_register.record_key is not null) as after_contest
        from ranked as r
        left join contested as c on c.record_key = r.record_key and c.asserted_at = r.asserted_at
        left join contested as at_register
            on at_register.record_key = r.record_key and at_register.asserted_at = r.reg_at
        where r.leads
        window history as (partition by r.record_key order by r.asserted_at)
    )
    select
        *,
        previous_hash is distinct from row_hash or after_contest as accepted,
        sum((previous_hash is distinct from row_hash or after_contest)::integer) over (
            partition by record_key order by asserted_at) as step
    from chained
    """,
    # --- every record's fate, but of those out of scope -------------------------------------------
    """
    create or replace temp table fate as
    select load_id, record_no, record_key, verdict as fate from judged where verdict <> 'newer' and not is_out
    union all
    select
        r.load_id, r.record_no, r.record_key,
        case
            when r.row_hash <> r.leader_hash then 'conflict'
            when r.leads and l.accepted then 'accepted'
            else 'duplicate'
        end
    from ranked as r
    inner join leader as l on l.record_key = r.record_key and l.asserted_at = r.asserted_at
    where not r.is_out
    """,
    "drop table ranked",  # each intermediate table goes as soon as nothing reads it: a batch may be a whole region
    # --- the facts as they stood before and after each accepted assertion -------------------------
    """
    create or replace temp table standing as
    select reg.record_key, 0 as step, unnest(reg.facts, recursive := true) from reg
    """,
    """
    create or replace temp table asserted as
    select
        l.record_key, l.step, f.slot, f.category, f.event_type, f.stream_id, f.content_hash,
        l.asserted_at, l.after_contest, l.load_id, l.record_no, l.arrival
    from leader as l
    inner join fact as f on f.load_id = l.load_id and f.record_no = l.record_no
    where l.accepted
    """,
    "drop table fact",
    """
    create or replace temp table before as
    select record_key, step, slot, category, event_type, stream_id, content_hash from asserted
    union all
    select record_key, 0, slot, category, event_type, stream_id, content_hash
    from standing where content_hash is not null
    """,
    """
    create or replace temp table emitted as
    with stated as (
        select
            a.record_key, a.slot, a.category, a.event_type, a.stream_id, a.content_hash,
            if(b.slot is null, 'original', 'revision') as kind,
            a.asserted_at, a.load_id, a.record_no, a.arrival
        from asserted as a
        left join before as b on b.record_key = a.record_key and b.step = a.step - 1 and b.slot = a.slot
        where b.slot is null or b.content_hash <> a.content_hash or a.after_contest
    ),
    withdrawn as (
        select
            b.record_key, b.slot, b.category, b.event_type, b.stream_id, null::blob as content_hash,
            'retraction' as kind, l.asserted_at, l.load_id, l.record_no, l.arrival
        from before as b
        inner join leader as l on l.record_key = b.record_key and l.step = b.step + 1 and l.accepted
        anti join asserted as a on a.record_key = b.record_key and a.step = b.step + 1 and a.slot = b.slot
    ),
    contests as (
        select
            b.record_key, b.slot, b.category, b.event_type, b.stream_id, null::blob as content_hash,
            'contest' as kind, c.asserted_at, c.load_id, c.record_no, load.arrival
        from contested as c
        inner join load on load.load_id = c.load_id
        left join leader as l on l.record_key = c.record_key and l.asserted_at = c.asserted_at
        left join reg on reg.record_key = c.record_key
        inner join before as b on b.record_key = c.record_key and b.step = coalesce(l.step, 0)
        where l.record_key is not null or not coalesce(reg.contested, false)
    ),
    combined as (
        select * from stated union all select * from withdrawn union all select * from contests
    ),
    identified as (
        select
            * replace (coalesce(content_hash, id_hmac(encode(kind))) as content_hash),
            {fact_id} as fact_id
        from combined
    )
    select
        i.*,
        {event_id} as event_id
    from identified as i
    left join reg on reg.record_key = i.record_key
    """.replace("{fact_id}", FACT_ID.format(key="record_key", slot="slot")).replace(
        "{event_id}",
        EVENT_ID.format(
            fact="i.fact_id",
            at="i.asserted_at",
            hash="i.content_hash",
            generation="if(coalesce(reg.generation, 0) > 0, reg.generation::varchar, '')",
        ),
    ),
    "drop table asserted",
    "drop table before",
    """
    create or replace temp table event as
    select
        e.* exclude (earlier) replace (if(e.kind = 'original' and earlier is not null, 'revision', e.kind) as kind),
        earlier as causation_id
    from (
        select
            emitted.*,
            coalesce(
                lag(emitted.event_id) over (
                    partition by emitted.fact_id order by emitted.asserted_at, {rank}),
                standing.event_id) as earlier
        from emitted
        left join standing on standing.record_key = emitted.record_key and standing.slot = emitted.slot
    ) as e
    """.replace("{rank}", KIND_RANK),
    "drop table emitted",
    """
    insert into fate
    select load_id, record_no, record_key, if(e.record_no is null, 'skipped', 'withdrawal')
    from judged left join (select distinct load_id, record_no from event) as e using (load_id, record_no)
    where is_out
    """,
    # --- the register after this batch ------------------------------------------------------------
    """
    create or replace temp table register_row as
    with newest as (
        select record_key, max(asserted_at) as asserted_at, arg_max(row_hash, asserted_at) as row_hash,
            arg_max(is_contested, asserted_at) as contested
        from leader group by record_key
    ),
    people as (
        select record_key, any_value(owner) as subject_key, any_value(feed) as feed, any_value(sender) as sender
        from judged group by record_key
    ),
    latest_event as (
        select
            record_key, slot,
            arg_max({'slot': slot, 'category': category, 'event_type': event_type, 'stream_id': stream_id,
                     'content_hash': if(kind = 'retraction', null,
                        if(kind = 'contest', prior_hash, content_hash)), 'event_id': event_id},
                    (asserted_at, {rank})) as fact
        from (
            select event.*, coalesce(
                lag(event.content_hash) over (partition by event.fact_id order by event.asserted_at, {rank}),
                standing.content_hash) as prior_hash
            from event
            left join standing on standing.record_key = event.record_key and standing.slot = event.slot
        )
        group by record_key, slot
    ),
    kept as (
        select s.record_key, s.slot,
            {'slot': s.slot, 'category': s.category, 'event_type': s.event_type, 'stream_id': s.stream_id,
             'content_hash': s.content_hash, 'event_id': s.event_id} as fact
        from standing as s
        anti join latest_event as e on e.record_key = s.record_key and e.slot = s.slot
    ),
    facts as (
        select record_key, list(fact order by slot) as facts
        from (select * from latest_event union all select * from kept)
        group by record_key
    )
    select
        p.feed, p.sender, p.record_key,
        coalesce(n.asserted_at, reg.asserted_at) as asserted_at,
        coalesce(n.row_hash, reg.row_hash) as row_hash,
        coalesce(n.contested, reg.contested or c.record_key is not null, false) as contested,
        n.record_key is null and coalesce(reg.resolved, false) as resolved,
        reg.generation,
        p.subject_key,
        coalesce(f.facts, []) as facts
    from people as p
    left join newest as n on n.record_key = p.record_key
    left join reg on reg.record_key = p.record_key
    left join contested as c on c.record_key = p.record_key and c.asserted_at = reg.asserted_at
    left join facts as f on f.record_key = p.record_key
    where coalesce(n.asserted_at, reg.asserted_at) is not null
    """.replace("{rank}", KIND_RANK),
    *(f"drop table {name}" for name in ("judged", "leader", "standing", "contested", "reg")),
)


def decide(con: duckdb.DuckDBPyConnection) -> None:
    """Leave `fate`, `event` and `register_row` for the commit; `rec` stays.

    What concerns one record key is decided together; where there are more records than AT_ONCE, a share of the keys
    after the other.
    """
    (records,) = row(con, "select count(*) from rec")
    shares = -(-records // AT_ONCE)
    if shares <= 1:
        for step in STEPS:
            con.execute(step)
        return
    # In the order of the shares, so that one is read without reading the others.
    con.execute(
        f"""create or replace temp table all_rec as
        select *, (hash(record_key) % {shares})::integer as share from rec order by share"""
    )
    con.execute(
        """create or replace temp table all_fact as
        select f.*, r.share from fact as f
        inner join all_rec as r on r.load_id = f.load_id and r.record_no = f.record_no order by r.share"""
    )
    con.execute(
        f"""create or replace temp table all_reg as
        select *, (hash(record_key) % {shares})::integer as share from reg order by share"""
    )
    for share in range(shares):
        for table in ("rec", "fact", "reg"):
            con.execute(
                f"""create or replace temp table {table} as
                select * exclude (share) from all_{table} where share = {share}"""
            )
        for step in STEPS:
            con.execute(step)
        for table in RESULTS:
            if share == 0:
                con.execute(f"create or replace temp table all_{table} as from {table}")
            else:
                con.execute(f"insert into all_{table} by name from {table}")
    con.execute("create or replace temp table rec as select * exclude (share) from all_rec")
    for table in ("rec", "fact", "reg"):
        con.execute(f"drop table all_{table}")
    for table in RESULTS:
        con.execute(f"drop table {table}")
        con.execute(f"alter table all_{table} rename to {table}")
