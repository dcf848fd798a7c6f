"""What link workers and people did together: attempts, contacts, plans, goals, actions, measures, signposts,
practical help.
"""

import duckdb

from simulator.world import plans
from simulator.world.random import choice

CHANNEL = {"telephone": 58, "face_to_face": 28, "home_visit": 9, "video": 3, "text_message": 2}
CONTACT = {"contact.held": 85, "contact.missed": 9, "contact.cancelled": 6}
ATTEMPT = {"no_answer": 70, "left_message": 25, "wrong_number": 5}
GOAL = {"in_progress": 50, "achieved": 35, "abandoned": 15}
SUPPORT = {
    "form_filling": 35,
    "accompanied_visit": 20,
    "phone_call_on_behalf": 25,
    "transport": 10,
    "equipment": 10,
}
CONTACTS = 18  # beyond three; most referrals are closed before
STAYS_FOR, MISSED_AT_LAST = (1, 3), 2  # contacts of who drops out: so many come about, and then so many are missed
SIGNPOSTED = 0.36  # at the second contact, and at the third
HELP_SHARE = 0.012  # of contacts, besides what a link worker does for a plan
BASELINE_SHARE, FOLLOW_UP_SHARE, ONS4_SHARE, LEFT_OUT_SHARE = 0.78, 0.7, 0.25, 0.03
AT_WORK = "not coalesce(day > on_hold_on and day < resumed_on, false)"


def contacts(con: duckdb.DuckDBPyConnection) -> None:
    """Table contacts (tried or scheduled; none while the referral is on hold, none once it has ended or the person is
    gone) and view held (those that took place, by their number k).
    """
    con.execute(f"""
        create table contacts as
        with reach as (
            select referrals.*, on_hold_on, coalesce(resumed_on, date '9999-12-31') as resumed_on,
                   least(declined_on, closed_on, gone_on, (getvariable('last_day') + 1)::date) as until,
                   between_days(u(ref, 'interval'), 6, 12) as interval_days,
                   if(drops_out, between_days(u(ref, 'stays for'), {STAYS_FOR[0]}, {STAYS_FOR[1]}) + {MISSED_AT_LAST},
                       least(24, 3 + floor(exponential(u(ref, 'planned')) * {CONTACTS} * (1 - 0.2 * pull))))::integer
                       as planned,
                   if(first_held is null, between_days(u(ref, 'attempts'), 2, 4),
                       between_days(u(ref, 'attempts'), 0, 2)) as tries
            from referrals join (select id, gone_on from people) using (id) left join holds using (ref)
            where accepted_on is not null
        )
        select ref || ':a' || n as event_key, ref, n, 'contact.attempted' as event_type,
               workday((accepted_on + if(first_held is null, 3 + 8 * n,
                   (first_held - accepted_on) * n // (tries + 1))::integer)::date) as day,
               {choice("u(ref || ':a' || n, 'attempt')", ATTEMPT)} as outcome
        from reach, range(1, 5) as t(n) where n <= tries and day < coalesce(first_held, until) and {AT_WORK}
        union all
        select ref || ':c' || n, ref, n,
               case when n = 1 then 'contact.held'
                    when drops_out and n > planned - {MISSED_AT_LAST} then 'contact.missed'
                    else {choice("u(ref || ':c' || n, 'contact')", CONTACT)} end,
               if(n = 1, first_held,
                   workday((first_held + ((n - 1) * interval_days +
                       between_days(u(ref || ':c' || n, 'jitter'), 0, 4))::integer)::date))
                   as day, null
        from reach, range(1, 25) as t(n) where first_held is not null and n <= planned and day < until
            and {AT_WORK}
    """)
    con.execute("""
        create view held as
        select *, row_number() over w as k, count(*) over (partition by ref) as all_held,
               first_value(day) over w as first_day
        from contacts where event_type = 'contact.held' window w as (partition by ref order by n)
    """)


def build(con: duckdb.DuckDBPyConnection) -> None:
    """Table engagement (every event; day and time are local)."""
    con.execute(f"""
        create table engagement as
        with answers as (
            select *, k = 1 as baseline,
                   3.1 - 0.25 * least(need, 3) + 0.5 * normal(ref, 'wellbeing') + if(k = 1, 0,
                       0.35 + 0.3 * normal(ref, 'change')) as level
            from held join (select ref, id from referrals) using (ref) join people using (id)
            where u(ref, 'baseline') < {BASELINE_SHARE}
              and (k = 1 or (k = all_held and day - first_day >= 28
                  and u(ref, 'follow-up') < {FOLLOW_UP_SHARE}))
        ), helped as (
            select held.*, event_key in (select ended_at from actions where is_hands_on) as by_plan from held
        ), events as (
            select event_key, ref, n, event_type, day, outcome from contacts
            union all by name
            select event_key || ':plan' as event_key, ref, n, 'plan.agreed' as event_type, day, 1 as step
            from held where k = 2 and u(ref, 'plan') < {plans.PLANNED}
            union all by name
            select event_key || ':goal' || g as event_key, ref, n, 'goal.set' as event_type, day, 2 as step,
                   'set' as goal_status
            from held, range(1, 3) as t(g) where k = 2 and u(ref, 'plan') < {plans.PLANNED}
                and u(ref, 'goals') < 1.6 - 0.6 * g
            union all by name
            select event_key || ':review' as event_key, ref, n, 'goal.reviewed' as event_type, day, 3 as step,
                   {choice("u(event_key, 'goal')", GOAL)} as goal_status
            from held where k in (4, 7, 10) and u(ref, 'plan') < {plans.PLANNED}
            union all by name
            select event_key || ':signpost' as event_key, ref, n, 'signpost.made' as event_type, day,
                   4 as step,
                   pick(u(event_key, 'asset'), (select list(asset_id order by asset_id) from assets))
                       as asset_id
            from held where k in (2, 3) and u(event_key, 'signpost') < {SIGNPOSTED}
            union all by name
            select event_key || ':help' as event_key, ref, n, 'support.given' as event_type, day, 5 as step,
                   {choice("u(event_key, 'help kind')", SUPPORT)} as support_kind,
                   5 * between_days(u(event_key, 'help'), 2, 12) as minutes
            from helped where by_plan or u(event_key, 'help given') < {HELP_SHARE}
            union all by name
            {plans.EVENTS}
            union all by name
            select event_key || ':swemwbs' as event_key, ref, n, 'measure.recorded' as event_type, day,
                   6 as step, 'SWEMWBS' as instrument,
                   [if(u(event_key, 'left out') < {LEFT_OUT_SHARE} and i = 1 + floor(u(event_key, 'which') * 7), null,
                       least(5, greatest(1, round(level + 0.6 * normal(event_key || i, 'item'))))::integer)
                    for i in range(1, 8)] as items,
                   if(list_count(items) = 7, list_sum(items)::integer, null) as score
            from answers
            union all by name
            select event_key || ':ons4' as event_key, ref, n, 'measure.recorded' as event_type, day,
                   7 as step, 'ONS4' as instrument,
                   [least(10, greatest(0, round(if(i = 4, 11 - 2 * level,
                       2 * level) + 1.5 * normal(event_key || i, 'ons4'))))::integer
                    for i in range(1, 5)] as items
            from answers where u(ref, 'ons4') < {ONS4_SHARE}
        )
        select e.* exclude (minutes, step), r.id, r.service, r.referral_key, r.serial, r.link_worker_id,
               r.practice_stated,
               if(event_type like 'contact.%', {choice("u(event_key, 'channel')", CHANNEL)}, null) as channel,
               if(event_type = 'contact.held', 5 * between_days(u(event_key, 'minutes'), 3, 14), minutes)
                   as minutes,
               if(instrument is null, null, '1') as instrument_version,
               e.day + to_minutes(540 + 15 * floor(u(ref || ':' || n, 'time of day') * 28)::integer +
                   coalesce(step, 0)) as happened_at
        from events as e join referrals as r using (ref)
        where e.day <= getvariable('last_day')
    """)
