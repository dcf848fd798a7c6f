"""What link workers enter into their case system."""

import duckdb

from simulator.world.random import choice

NOTE = {
    "": 84,
    "Good conversation.": 8,
    "NAME prefers mornings, not Fridays.": 5,
    "Daughter of NAME joined us.": 3,
}
CORRECTED_SHARE, RECORDED_LATE_SHARE = 0.004, 0.02


def build(con: duckdb.DuckDBPyConnection) -> None:
    """Table messages: each event as recorded; corrections (same id, later) are rows of their own."""
    con.execute(f"""
        create table messages as
        with entered as (
            select *, happened_at + to_minutes(30 + floor(u(event_key, 'entry') * 300)::integer)
                      + to_days(case when u(event_key, 'entry lag') < {RECORDED_LATE_SHARE}
                          then between_days(u(event_key, 'late'), 20, 110)
                                     when u(event_key, 'entry lag') < 0.3
                                         then between_days(u(event_key, 'late'), 1, 3) else 0 end)
                                             as recorded,
                   'ev-' || lpad((row_number() over (partition by service order by happened_at,
                       event_key))::varchar, 7, '0') as message_id
            from engagement
        )
        select *, null as kind from entered
        union all by name
        select * replace (recorded + to_days(between_days(u(event_key, 'correction lag'), 2, 45)) as recorded,
               minutes + 10 as minutes),
               'correction' as kind
        from entered where event_type = 'contact.held' and u(event_key, 'corrected') < {CORRECTED_SHARE}
    """)


def lines(con: duckdb.DuckDBPyConnection) -> None:
    """Table link_worker_lines: one CloudEvents object a line, filed by the half-year it was recorded."""
    con.execute(f"""
        create table link_worker_lines as
        select m.service as sender, x.file, m.kind, m.message_id || (m.kind is not null)::varchar as key,
               strftime(timezone('Europe/London', m.recorded), '%Y-%m-%dT%H:%M:%SZ') as recordedtime,
               strftime(timezone('Europe/London', m.happened_at), '%Y-%m-%dT%H:%M:%SZ') as happened,
               replace({choice("u(m.event_key, 'note')", NOTE)}, 'NAME', p.given_name || ' ' || p.family_name)
                   as note,
               concat('{{', concat_ws(',',
                   '"specversion":"1.0"', '"id":' || to_json(m.message_id),
                   '"source":' || to_json('urn:linkwork:synthetic:' || m.service),
                   '"type":' || to_json('org.linkwork.' || m.event_type), '"time":' || to_json(happened),
                   '"recordedtime":' || to_json(recordedtime), '"datacontenttype":"application/json"',
                   concat('"data":{{', concat_ws(',',
                       '"referralId":' || to_json('R-' || m.serial),
                       '"clientId":' || to_json(printf('C%06d', m.id * 7 + 13)),
                       if(p.number_held, '"nhsNumber":' || to_json(p.nhs_number), null),
                       '"practiceCode":' || to_json(m.practice_stated),
                       '"linkWorkerId":' || to_json(m.link_worker_id),
                       '"channel":' || to_json(m.channel), '"minutes":' || to_json(m.minutes),
                       '"outcome":' || to_json(m.outcome),
                       '"goalStatus":' || to_json(m.goal_status), '"assetId":' || to_json(m.asset_id),
                       '"instrument":' || to_json(m.instrument),
                       '"instrumentVersion":' || to_json(m.instrument_version),
                       '"items":' || to_json(m.items), '"score":' || to_json(m.score),
                       '"supportKind":' || to_json(m.support_kind),
                       '"note":' || to_json(note)), '}}')), '}}') as text
        from messages as m join people as p using (id)
        join extracts as x on x.feed = 'link_worker_jsonl' and m.recorded::date >= x.covers_from
            and m.recorded::date < x.extract_day
    """)
