"""Community activities: people a link worker put in touch with a group, and people who just came."""

import duckdb

from simulator.world.random import arrivals, choice

TAKEN_UP = 0.74  # of signposts
SESSION = {"attended": 76, "missed": 13, "cancelled": 11}
CANCELLED_BY = {"person": 70, "provider": 30}
ROLE = {"participant": 94, "carer": 3, "volunteer": 3}
WITHDRAWS, COMPLETES = 0.48, 0.8
DROP_IN_SPELLS_PER_YEAR = 0.03
DANGLING_REFERENCE = 0.007


def build(con: duckdb.DuckDBPyConnection) -> None:
    """Table attendances: each thing a group wrote down, with the day of it and the day on which it was written down."""
    drop_ins = arrivals("adults", "id", "drop-in", f"{DROP_IN_SPELLS_PER_YEAR} / 365.25 * need", keep="registered_on")
    con.execute(f"""
        create table attendances as
        with enrolments as (
            select e.event_key as ref, e.id, e.asset_id, e.service as referral_service,
                   if(u(e.event_key, 'dangling') < {DANGLING_REFERENCE}, 'R-9' || e.serial[2:],
                       'R-' || e.serial) as referral_ref,
                   e.day as referred_on, between_days(u(e.event_key, 'sessions'), 4, 10) as sessions
            from engagement as e join referrals as r using (ref) where e.event_type = 'signpost.made'
                and u(e.event_key, 'taken up') < {TAKEN_UP} - 0.08 * r.pull
            union all
            select id || ':d' || n, id,
                   pick(u(id || ':d' || n, 'asset'),
                       (select list(asset_id order by asset_id) from assets where delivery = 'group')),
                   null, null, day, between_days(u(id || ':d' || n, 'sessions'), 1, 5)
            from ({drop_ins}) where day >= registered_on
        ), planned as (
            select enrolments.*, workday((referred_on + between_days(u(ref, 'start'), 7, 28))::date)
                as starts_on,
                   referral_ref is not null and u(ref, 'withdraws') < {WITHDRAWS} as withdraws,
                   if(withdraws, 1 + floor(u(ref, 'sessions held') * sessions)::integer, sessions) as held,
                   {choice("u(ref, 'role')", ROLE)} as role,
                   least(gone_on, (getvariable('last_day') + 1)::date) as until
            from enrolments join people using (id)
        ), sessions as (
            select *, (starts_on + (7 * (n - 1))::integer)::date as day, ref || ':' || n as session,
                   if(referral_ref is null, 'attended', {choice("u(session, 'session')", SESSION)}) as became
            from planned, range(1, 11) as t(n) where n <= held and day < until
        )
        select ref || ':referred' as key, * exclude (n, day, session, became, starts_on, until), 'referred' as event,
               referred_on as day, referred_on as recorded_on
        from (select *, null as n, null as session, null as became, null::date as day from planned)
        where referral_ref is not null
        union all by name
        select session || ':1' as key, * exclude (n, session, became, starts_on, until), 'booked' as event,
               (day - between_days(u(session, 'booked'), 1, 6))::date as recorded_on
        from sessions where referral_ref is not null
        union all by name
        select session || ':2' as key, * exclude (n, session, became, starts_on, until), became as event,
               (day + if(u(session, 'late register') < 0.1, 7, 0))::date as recorded_on,
               if(became = 'cancelled', {choice("u(session, 'cancelled by')", CANCELLED_BY)}, null)
                   as cancelled_by
        from sessions
        union all by name
        select ref || ':end' as key, * exclude (n, session, became, starts_on, until),
               if(withdraws, 'withdrawn', 'completed') as event, (day + 2)::date as recorded_on
        from sessions where n = held and referral_ref is not null
            and (withdraws or u(ref, 'completes') < {COMPLETES})
    """)
