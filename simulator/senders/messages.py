"""What link workers enter into their case system."""

import duckdb

from simulator.world.random import choice

NOTE = {
    "": 84,
    "Good conversation.": 8,
    "NAME prefers mornings, not Fridays.": 5,
    "Daughter of NAME joined us.": 3,
}


def build(con: duckdb.DuckDBPyConnection, late: float, corrected: float) -> None:
    """Table messages: each event as recorded; corrections (same id, later) are rows of their own.

    `late`: the share recorded weeks after it happened; `corrected`: the share of held contacts that are corrected.
    """
    con.execute(f"""
        create table messages as
        with entered as (
            select *, happened_at + to_minutes(30 + floor(u(event_key, 'entry') * 300)::integer)
                      + to_days(case when u(event_key, 'entry lag') < {late}
                          then between_days(u(event_key, 'late'), 20, 110)
                                     when u(event_key, 'entry lag') < 0.3
                                         then between_days(u(event_key, 'late'), 1, 3) else 0 end)
                                             as recorded,
                   'ev-' || lpad((row_number() over (partition by service order by happened_at,
                       event_key))::varchar, 7, '0') as message_id,
                   u(event_key, 'entry lag') < {late} as late,
                   event_type = 'contact.held' and u(event_key, 'corrected') < {corrected} as corrected
            from engagement
        )
        select *, null as kind from entered
        union all by name
        select * replace (recorded + to_days(between_days(u(event_key, 'correction lag'), 2, 45)) as recorded,
               minutes + 10 as minutes),
               'correction' as kind
        from entered where corrected
    """)


def known(con: duckdb.DuckDBPyConnection) -> None:
    """View contacts_known: each message by the extract in which it comes, with what its file says of it."""
    con.execute(f"""
        create view contacts_known as
        select m.service as sender, x.n, x.folder, x.extract_day,
               coalesce(m.kind, if(m.late, 'recorded_late', null)) as kind,
               m.corrected, m.message_id,
               strftime(timezone('Europe/London', m.recorded), '%Y-%m-%dT%H:%M:%SZ') as recordedtime,
               strftime(timezone('Europe/London', m.happened_at), '%Y-%m-%dT%H:%M:%SZ') as happened,
               recordedtime || m.message_id || (m.kind is not null)::varchar as key, m.event_type,
               'R-' || m.serial as referral_id, printf('C%06d', m.id * 7 + 13) as client_id,
               nullif(p.number_at_services, '') as nhs_number, m.practice_stated as practice_code,
               m.link_worker_id, m.channel, m.minutes, m.outcome, m.goal_status, m.asset_id, m.instrument,
               m.instrument_version, m.items, m.score, m.support_kind,
               'A-' || m.serial || '-' || m.action as action_id, m.action_what, m.action_who,
               m.action_planned_on::varchar as action_planned_on, m.action_status, m.action_confidence,
               replace({choice("u(m.event_key, 'note')", NOTE)}, 'NAME', p.given_name || ' ' || p.family_name)
                   as note
        from messages as m join people as p using (id)
        join extracts as x on x.book = 'contacts' and m.recorded::date >= x.covers_from
            and m.recorded::date < x.extract_day
    """)
