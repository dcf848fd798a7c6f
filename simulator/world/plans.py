"""Actions of personalised plans: what was agreed, who does it by when, and how it stands from contact to contact.

Nobody publishes how many actions a plan has and what becomes of them: the weights below are choices. What is done for a
person is ordered as Bu and others (2024) order it: mental health, activity, company, money, housing, practical help.
"""

import duckdb

from simulator.world.random import choice

PLANNED = 0.8  # of people who are met twice, a plan is agreed at the second contact
ACTIONS = {"0": 10, "1": 32, "2": 30, "3": 18, "4": 10}  # of a plan
WHAT = {
    "mental_health_emotional_support": 20, "physical_activity": 16, "social_connection": 16, "money_benefits": 14,
    "housing": 8, "practical_transport": 7, "healthy_lifestyle_weight": 5, "employment_training_volunteering": 5,
    "arts_culture_heritage": 3, "nature_gardening": 3, "carers_family": 3,
}  # fmt: skip
WHO = {"person": 58, "link_worker": 30, "professional": 6, "carer": 4, "other": 2}
BECOMES = {"done": 58, "refused": 7, "cancelled": 10, "": 25}  # "": nobody says anything of it again
CONTACTS_LATER = (1, 4)  # what became of it is said so many contacts later, if it comes to that
BEGUN_BEFORE = 0.6  # of what is done later than at the next contact, the contact before says that it is in progress
DATED, DUE_DAYS = 0.85, (7, 56)  # share with a day by which it is planned, and days from the plan
CONFIDENT = 0.8  # share of which the person says how confident they feel
HANDS_ON = 0.3  # of what a link worker does, it is practical help at that contact


def build(con: duckdb.DuckDBPyConnection) -> None:
    """Table actions: one row for each action agreed, with the contacts (n, day, event_key) that speak of it."""
    con.execute(f"""
        create table actions as
        with agreed as (
            select ref, a, event_key || ':action' || a as action, event_key as set_at, n as set_n, day as set_on, k
            from held, range(1, 5) as t(a)
            where k = 2 and u(ref, 'plan') < {PLANNED} and a <= {choice("u(ref, 'actions')", ACTIONS)}::integer
        ), meant as (
            select *, {choice("u(action, 'what')", WHAT)} as what, {choice("u(action, 'who')", WHO)} as who,
                   if(u(action, 'dated') < {DATED},
                       (set_on + between_days(u(action, 'due'), {DUE_DAYS[0]}, {DUE_DAYS[1]}))::date, null)
                       as planned_on,
                   if(u(action, 'confident') < {CONFIDENT},
                       least(10, greatest(1, round(7 + 2 * normal(action, 'confidence'))))::integer, null)
                       as confidence,
                   {choice("u(action, 'becomes')", BECOMES)} as becomes,
                   between_days(u(action, 'contacts later'), {CONTACTS_LATER[0]}, {CONTACTS_LATER[1]}) as later,
                   becomes = 'done' and later > 1 and u(action, 'begun') < {BEGUN_BEFORE} as is_begun
            from agreed
        )
        select m.* exclude (k, becomes, later, is_begun),
               b.event_key as begun_at, b.n as begun_n, b.day as begun_on,
               e.event_key as ended_at, e.n as ended_n, e.day as ended_on,
               case when e.day is not null then m.becomes when b.day is not null then 'in_progress' else 'planned' end
                   as status,
               coalesce(m.becomes = 'done' and m.who = 'link_worker' and e.day is not null
                   and u(m.action, 'hands on') < {HANDS_ON}, false) as is_hands_on
        from meant as m
        left join held as b on m.is_begun and b.ref = m.ref and b.k = m.k + m.later - 1
        left join held as e on m.becomes is not null and e.ref = m.ref and e.k = m.k + m.later
    """)


# Events of actions, for the table engagement: what was agreed, and each time something was said of it.
EVENTS = """
    select action as event_key, ref, set_n as n, 'action.set' as event_type, set_on as day, 10 + a as step,
           a as action, what as action_what, who as action_who, planned_on as action_planned_on,
           'planned' as action_status, confidence as action_confidence
    from actions
    union all by name
    select action || ':begun' as event_key, ref, begun_n as n, 'action.updated' as event_type, begun_on as day,
           10 + a as step, a as action, 'in_progress' as action_status
    from actions where begun_on is not null
    union all by name
    select action || ':ended' as event_key, ref, ended_n as n, 'action.updated' as event_type, ended_on as day,
           10 + a as step, a as action, status as action_status
    from actions where ended_on is not null
"""
