"""Referrals and what became of them.

Most referrals are decided at an attended GP encounter, the likelier the more often the person came in the 90
days before: at the top of an illness spell and of chance. What follows falls back by itself, with no effect
at all (regression to the mean), even when the deciding visit is not counted.
"""

import duckdb

from simulator.world import region
from simulator.world.random import arrivals, choice

DECIDED_BY_GP = 0.77  # routes gp and practice_staff
SPACING_ALLOWANCE = 3.2  # candidates lost to the gap between two referrals of one person, by referrals a year
GAP_DAYS = 120
PEOPLE_AT_ONCE = 100_000  # whose visits are counted at a time, so that memory does not grow with the region
# by fifth of deprivation, the most deprived first; and of a referral that no practice made
PULL_OF_FIFTH = {1: 1.0, 2: 0.5, 3: 0.0, 4: -0.3, 5: -0.6}
PULL_OF_OTHER_ROUTES = 0.8
ROUTE_OF_GP = {"gp": 84, "practice_staff": 16}
ROUTE_OF_OTHERS = {"self": 56, "voluntary_sector": 26, "local_authority": 18}
CONNECTOR = {"link_worker": 92, "signposting": 4, "care_navigator": 4}
RESPONSE = {"accepted": 950, "rejected": 25, "declined": 25}
DECLINES_LATER, REACHED = 0.075, 0.96  # of those accepted; and of these how many a link worker comes to speak with
DROPS_OUT = 0.07  # of those spoken with, who come to a few contacts and then no more
# how much the pull of a person adds to those shares, or takes from who is reached
DECLINES_BY_PULL, REACHED_BY_PULL, DROPS_OUT_BY_PULL = 0.02, 0.05, 0.02
REJECTION = {"inappropriate": 50, "out_of_area": 30, "no_capacity": 20}
DECLINE = {"not_interested": 55, "already_supported": 25, "unwell": 20}
CLOSURE = {
    "completed": 78,
    "onward_referral": 13,
    "inappropriate": 2,
    "duplicate": 1,
    "other": 6,
}
REASONS = {
    "267076002": 100, "422650009": 120, "423315002": 40, "105529008": 40, "414041006": 12, "81877007": 55,
    "105531004": 25, "32911000": 8, "73438004": 20, "73595000": 60, "161152002": 25, "266934004": 15,
    "713458007": 10, "LOCAL:DEBT": 55, "LOCAL:BENEFITS": 65, "LOCAL:FOOD": 25, "LOCAL:EMPLOYMENT": 30,
    "LOCAL:WEIGHT": 45, "LOCAL:ACTIVITY": 55, "LOCAL:ANXIETY": 90, "LOCAL:LOWMOOD": 95, "LOCAL:CARER": 45,
    "LOCAL:ARTS": 15, "LOCAL:PETS": 8, "LOCAL:OTHER": 14,
}  # fmt: skip


def candidates(con: duckdb.DuckDBPyConnection, per_person_year: float) -> None:
    """Tables encounters (visits that can lead to a referral) and candidates (wished referrals, to reach the yearly
    share, with their deciding visit if there is one).
    """
    con.execute("""
        create view adults as
        select id, need, registered_on, if(sex = '2', 1.25, 1.0)
                 * case when imd_decile <= 2 then 3.2 when imd_decile <= 4 then 1.6 else 1 end
                 * if(ethnic_category in ('A', 'B', 'C', 'Z', '99'), 1.0, 1.2)
                 * case when getvariable('first_day') - date_of_birth < 25 * 365.25 then 0.6
                        when getvariable('first_day') - date_of_birth > 75 * 365.25 then 1.2 else 1
                            end as leaning
        from people where getvariable('first_day') - date_of_birth >= 18 * 365.25
    """)
    (most,) = con.execute("select max(id) from people").fetchone() or (0,)
    made = "create table encounters as"
    for first in range(1, most + 1, PEOPLE_AT_ONCE):
        con.execute(f"""
            {made}
            select visit, id, day,
                   leaning * (0.4 + least(8, count(*)
                       over (partition by id order by day range between interval 90 days preceding
                                                            and interval 1 day preceding))) as leaning
            from slots join adults using (id)
            where id between {first} and {first + PEOPLE_AT_ONCE - 1} and hcp_type = 'GP' and outcome = 'Attended'
                and context_type = 'Care Related Encounter' and day <= getvariable('last_day')
        """)
        made = "insert into encounters"
    people, days = con.execute(
        "select count(*), any_value(getvariable('last_day') - getvariable('first_day')) from people"
    ).fetchone() or (0, 0)
    wished = people * per_person_year * (1 + SPACING_ALLOWANCE * per_person_year) * days / 365.25
    # whole numbers are summed: a sum of doubles depends on the order in which threads finish
    (at_visits,) = con.execute("select sum(round(leaning * 1000)::bigint) / 1000 from encounters").fetchone() or (1,)
    (unseen,) = con.execute(
        "select sum(round(leaning * (0.4 + 0.6 * need) * 1000)::bigint) / 1000 from adults"
    ).fetchone() or (1,)
    share = wished * DECIDED_BY_GP / max(at_visits, 1)
    rate = wished * (1 - DECIDED_BY_GP) / max(unseen, 1) / days
    others = arrivals("adults", "id", "other route", f"leaning * (0.4 + 0.6 * need) * {rate!r}")
    con.execute(f"""
        create table candidates as
        select visit as ref, id, visit as decision, day as decided,
               least(workday((day + floor(pow(u(visit, 'sent'), 2) * 27)::integer)::date), day + 28)::date
                   as received_on,
               {choice("u(visit, 'route')", ROUTE_OF_GP)} as route
        from encounters where u(visit, 'referred') < leaning * {share!r}
        union all
        select id || ':o' || n, id, null, null, workday(day),
               {choice("u(id || ':o' || n, 'route')", ROUTE_OF_OTHERS)}
        from ({others})
    """)


def build(con: duckdb.DuckDBPyConnection, engagement_gap: float) -> None:
    """Table referrals: one row a referral, with each milestone as it is on the last day (null: not by then).

    `pull` is what keeps a person away: deprivation, and a referral that no practice made. Times `engagement_gap` it
    makes it likelier that the person declines, is not reached or drops out, that contacts are few, that a signpost
    leads nowhere.
    A referral of somebody who dies or leaves the region before it has ended is closed some days later.
    """
    pull = " ".join(f"when {fifth} then {share}" for fifth, share in PULL_OF_FIFTH.items())
    reasons = ", ".join(
        f"{{'after': exponential(u(ref, '{code}')) / {weight}, 'code': '{code}'}}" for code, weight in REASONS.items()
    )
    con.execute(f"""
        create table referrals as
        with spaced as (
            select c.*, r.practice_code, r.practice, r.patient_id, p.died_on, p.gone_on,
                   {engagement_gap!r} * (case (p.imd_decile + 1) // 2 {pull} end
                       + if(c.route in ('gp', 'practice_staff'), 0, {PULL_OF_OTHER_ROUTES})) as pull
            from candidates as c join people as p using (id)
            join registrations as r on r.id = c.id and c.received_on >= r.started_on
                 and (r.ended_on is null or c.received_on < r.ended_on)
            join rollouts as o
              on o.practice_code = r.practice_code and coalesce(c.decided, c.received_on) >= o.began_on
            qualify c.received_on - lag(c.received_on, 1, date '1900-01-01')
                over (partition by c.id order by c.received_on, ref)
                    >= {GAP_DAYS}
        ), coded as (
            select *, list_transform(list_sort([{reasons}])[1:4], lambda one: one.code) as codes from spaced
        ), answered as (
            select *, 1 + (practice - 1) // {region.PRACTICES_PER_SERVICE} as own,
                   if(u(ref, 'service') < 0.04, 1 + own % (select count(*) from services), own)::integer
                       as service_number,
                   case when u(ref, 'reasons') < 0.45 then 1 when u(ref, 'reasons') < 0.78 then 2
                        when u(ref, 'reasons') < 0.93 then 3 else 4 end as reason_count,
                   array_to_string(codes[1:reason_count], ';') as reason_codes,
                   {choice("u(ref, 'response')", RESPONSE)} as response,
                   workday((received_on + floor(least(exponential(u(ref, 'answer')) * 4, 20))::integer)::date)
                       as answered_on
            from coded
        ), engaged as (
            select *, if(response = 'accepted', answered_on, null) as accepting,
                   response = 'accepted' and u(ref, 'declines later')
                       < {DECLINES_LATER} + {DECLINES_BY_PULL} * pull as declines_later,
                   response = 'accepted' and u(ref, 'reached') < {REACHED} - {REACHED_BY_PULL} * pull as reached,
                   reached and not declines_later
                       and u(ref, 'drops out') < {DROPS_OUT} + {DROPS_OUT_BY_PULL} * pull as dropping_out,
                   least(50, floor(exponential(u(ref, 'first contact')) * 9))::integer as waiting_days,
                   workday((answered_on + 1 + waiting_days)::date) as first_contact,
                   case when response = 'declined' then answered_on
                        when declines_later
                        then workday((answered_on + between_days(u(ref, 'declined after'), 14, 60))::date)
                   end as declining,
                   u(ref, 'closed after') as chance,
                   case when response <> 'accepted' then null
                        when declines_later then workday((declining + between_days(chance, 0, 5))::date)
                        when not reached then workday((answered_on + between_days(chance, 30, 60))::date)
                        when dropping_out then workday((first_contact + between_days(chance, 30, 75))::date)
                        when u(ref, 'stays open') < 0.12
                        then workday((answered_on + between_days(chance, 200, 420))::date)
                        else workday((answered_on + between_days(chance, 60, 180))::date) end as closing
            from answered
        ), ended as (
            select *, coalesce(gone_on <= coalesce(closing, answered_on), false) as overtaken,
                   if(overtaken, workday((gone_on + between_days(chance, 2, 14))::date), closing) as closed
            from engaged
        )
        select ref, id, decision, decided, practice_code, patient_id,
               printf('ZSP%02d', service_number) as service, route, reason_codes,
               if(decided is not null and u(ref, 'decision stated') < 0.75, decided, null) as decided_on,
               received_on,
               so_far(if(accepting < coalesce(gone_on, 'infinity'), accepting, null)) as accepted_on,
               so_far(if(response = 'rejected' and not overtaken, answered_on, null)) as rejected_on,
               if(rejected_on is not null, {choice("u(ref, 'rejection')", REJECTION)}, null)
                   as rejection_reason,
               so_far(if(declining < coalesce(gone_on, 'infinity'), declining, null)) as declined_on,
               if(declined_on is not null, {choice("u(ref, 'decline')", DECLINE)}, null) as decline_reason,
               so_far(closed) as closed_on,
               case when closed_on is null then null when overtaken then if(gone_on = died_on, 'deceased', 'moved_away')
                    when declined_on is not null then 'declined' when not reached or dropping_out
                    then 'unable_to_contact'
                    else {choice("u(ref, 'closure')", CLOSURE)} end as closure_reason,
               so_far(if(accepted_on is not null and reached and first_contact < least(closed, declined_on, gone_on),
                   first_contact, null)) as first_held,
               first_held is not null and dropping_out as drops_out,
               {choice("u(ref, 'connector')", CONNECTOR)} as connector_model,
               printf('LW-%d', 1 + floor(u(ref, 'link worker') * 5)::integer) as link_worker_id,
               case route when 'gp' then 'General Practitioner' when 'practice_staff'
                    then pick(u(ref, 'role'), ['Practice Nurse', 'Care Coordinator', 'Receptionist'])
                        end as referrer_role,
               if(route in ('gp', 'practice_staff'),
                   printf('%s-D%02d', practice_code, 1 + floor(u(ref, 'referrer') * 9)::integer), null)
                   as referrer_id,
               if(route = 'self' and u(ref, 'practice stated') < 0.06, 'V81999', practice_code)
                   as practice_stated,
               u(ref, 'accepted corrected') < 0.015 and accepted_on is not null as accepted_corrected,
               u(ref, 'reopened') < 0.02 and closed - accepted_on > 90 as reopened,
               service || '-' || lpad((row_number()
                   over (partition by service order by received_on, ref))::varchar, 6, '0') as referral_key,
               substr(referral_key, 7) as serial, pull
        from ended
        where received_on + between_days(u(ref, 'entered'), 0, 3) <= getvariable('last_day')
    """)
