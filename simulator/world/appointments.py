"""GP appointment books: who comes when, and what became of each slot.

Visits are a Poisson process: a steady part in proportion to need, age and deprivation, and extra visits in
illness spells. Shares of status, mode, professional and lead time follow the published national figures;
missed slots rise with lead time, and how many have no end on record differs from month to month. No surgery is
open on a bank holiday. In the spring of 2020 fewer people came, most of them by telephone.
"""

import duckdb

from simulator.world.changes import NETWORKS_BEGAN, SIZE_OF_NETWORK
from simulator.world.random import arrivals, choice

SPELLS_PER_YEAR = 0.5  # for a person of average need
SPELL_DAYS = (30, 150)
STEADY_SHARE = 0.74  # of an average person's visits; the rest come in spells
SPELL_RATE = 3.4  # visits in a spell per visit of an average person without one
MONTHS = [1.03, 1.0, 1.0, 0.95, 0.95, 0.97, 0.97, 0.89, 1.05, 1.10, 1.06, 0.92]
BUSIEST = max(MONTHS)
BOOKED_AHEAD_DAYS = 56
LAST = f"(getvariable('last_day') + {BOOKED_AHEAD_DAYS})::date"
LEAD = {"0": 466, "1": 84, "2": 190, "8": 122, "15": 61, "22": 40, "29": 37}
HCP = {"GP": 525, "Other Practice staff": 448, "Unknown": 27}
# how people were seen, and when that changed: first day, share of the usual visits, modes
MODES = [
    ("1900-01-01", 1.0, {"Face-to-Face": 788, "Telephone": 147, "Unknown": 55, "Home Visit": 5, "Video/Online": 5}),
    ("2020-03-16", 0.70, {"Face-to-Face": 600, "Telephone": 340, "Unknown": 50, "Home Visit": 4, "Video/Online": 6}),
    ("2020-04-01", 0.72, {"Face-to-Face": 465, "Telephone": 478, "Unknown": 48, "Home Visit": 4, "Video/Online": 5}),
    ("2020-06-01", 0.90, {"Face-to-Face": 490, "Telephone": 453, "Unknown": 48, "Home Visit": 4, "Video/Online": 5}),
    ("2020-09-01", 1.0, {"Face-to-Face": 557, "Telephone": 396, "Unknown": 37, "Home Visit": 5, "Video/Online": 5}),
    ("2021-09-01", 1.0, {"Face-to-Face": 655, "Telephone": 290, "Unknown": 46, "Home Visit": 1, "Video/Online": 6}),
]
# by supplier: share of slots whose end nobody enters, of GPs' slots with a role, of slots mapped to no category
HABITS = {"EMIS": (0.030, 0.97, 0.01), "TPP": (0.066, 0.82, 0.05)}
# per cent of slots whose end nobody enters: of a year's months, in an order of the seed, and of a month that is known
UNRECORDED = [3.4, 3.4, 3.5, 3.6, 3.7, 3.9, 4.2, 4.6, 5.2, 6.1, 7.5, 9.5]
UNRECORDED_IN = {"2020-04-01": 9.5}
GP_CATEGORY = {
    "General Consultation Acute": 455, "General Consultation Routine": 375, "Clinical Triage": 100,
    "Unplanned Clinical Activity": 30, "Home Visit": 10, "Patient contact during Care Home Round": 10,
    "Inconsistent Mapping": 20,
}  # fmt: skip
OTHER_CATEGORY = {
    "Planned Clinics": 430, "General Consultation Routine": 210, "Planned Clinical Procedure": 190,
    "General Consultation Acute": 90, "Structured Medication Review": 40,
    "Group Consultation and Group Education": 10,
    "Service provided by organisation external to the practice": 30,
}  # fmt: skip
CONTEXT = {
    "Care Related Encounter": 920,
    "Care Related Activity": 50,
    "Administration and practice staff activities": 30,
}
SETTING = {"General Practice": 880, "Primary Care Network": 60, "Extended Access Provision": 50, "Other": 10}


STATUS = ("Attended", "DNA", "Unknown", "Cancelled by Patient", "Cancelled by Unit")
BY_GP, BY_OTHERS, LINK_WORKER = "R0260", "R0620", "R9815"
PRESCRIBING = "Social Prescribing Service"
PRACTICES_AT_ONCE = 12  # whose slots are put in order at a time, so that memory does not grow with the region


def words(con: duckdb.DuckDBPyConnection) -> None:
    """Make the enums of what an appointment says: one byte or two where a text would be held for every slot."""
    modes = dict.fromkeys(mode for *_, shares in MODES for mode in shares)
    for name, members in {
        "status": STATUS, "hcp": tuple(HCP), "context": tuple(CONTEXT), "setting": tuple(SETTING), "mode": tuple(modes),
        "category": ("Unmapped", PRESCRIBING, *dict.fromkeys([*GP_CATEGORY, *OTHER_CATEGORY])),
        "staff_role": (BY_GP, BY_OTHERS, LINK_WORKER),
    }.items():  # fmt: skip
        con.execute(f"create type {name} as enum ({', '.join(repr(member) for member in members)})")
    con.execute("create type practice_code as enum (select code from practices order by 1)")
    con.execute("""
        create type clinician as enum (
            select printf('%s-D%02d', code, n) as clinician from practices, range(1, 10) as t(n)
            union all select printf('%s-LW-%d', service, n) from services, range(1, 6) as t(n) order by 1)
    """)


def unrecorded(con: duckdb.DuckDBPyConnection) -> None:
    """Table months: how many times as often as usual the end of a slot is not entered."""
    known = " ".join(f"when date '{month}' then {share}" for month, share in UNRECORDED_IN.items())
    con.execute(f"""
        create table months as
        select month::date as month, 12 / {sum(UNRECORDED)!r} * case month {known} else
                   list_extract({UNRECORDED}, row_number() over
                       (partition by year(month) order by u(month, 'no end on record'), month)) end as unrecorded
        from generate_series(date_trunc('year', getvariable('first_day')),
                             date_trunc('year', {LAST}) + interval 11 month, interval 1 month) as t(month)
    """)


def visits(con: duckdb.DuckDBPyConnection) -> None:
    """Tables spells and slots: every slot a person would book without any effect, and its outcome."""
    words(con)
    unrecorded(con)
    before = f"getvariable('first_day') - {SPELL_DAYS[1]}"
    spell_starts = arrivals(
        "people", "id", "spell", f"{SPELLS_PER_YEAR} / 365.25 * need", first=before, last=LAST, keep="died_on"
    )
    con.execute(f"""
        create table spells as
        select id || ':' || n as spell, id, day as first_day,
               least(died_on, (day + between_days(u(id || ':' || n, 'spell length'), {SPELL_DAYS[0]},
                   {SPELL_DAYS[1]}))::date) as last_day
        from ({spell_starts}) where day < coalesce(died_on, 'infinity')
    """)
    con.execute("create view spell_rates as select spells.*, visits_per_year from spells join people using (id)")
    slots(con, "slots", wished("people", "spell_rates"))


def wished(people: str, ill: str, *, times: str = "", mark: str = "", since: str = "getvariable('first_day')") -> str:
    """SQL of the visits that come about in two Poisson processes, one over people and one over their spells.

    `times`: what the usual rate is multiplied by, with its sign; `mark`: what sets these visits apart from others of
    the same people; `since`: from which day on.
    """
    rate = f"visits_per_year / 365.25 * {BUSIEST}{times}"
    steady = arrivals(people, "id", f"visit{mark}", f"{STEADY_SHARE} * need * {rate}", first=since, last=LAST)
    extra = arrivals(
        ill, "spell", f"spell visit{mark}", f"{SPELL_RATE} * {rate}",
        first=f"greatest(first_day, {since})" if mark else "first_day", last="last_day", keep="id as person",
    )  # fmt: skip
    return f"""
        select id || ':{mark}' || n as visit, id, surgery_day(day, visit) as day from ({steady})
        union all
        select id || ':s{mark}' || n as visit, person, surgery_day(day, visit) from ({extra})
    """


def slots(con: duckdb.DuckDBPyConnection, name: str, wishes: str) -> None:
    """Make a table of the slots that are booked of wished visits: in their season, on days on which surgeries are open,
    by people who are registered.
    """
    usual = by_time("day", [str(share) for _, share, _ in MODES])
    con.execute(f"""
        create table {name} as
        with wished as (
            {wishes}
        ), kept as (
            select visit, id, day from wished
            where u(visit, 'season') < list_extract({MONTHS}, month(day)) / {BUSIEST} * {usual}
              and day >= getvariable('first_day') and day not in (from bank_holidays)
        ), visits as (
            select visit, kept.id, day, r.practice::smallint as practice,
                   r.practice_code::practice_code as practice_code, r.started_on, {habit(0)} * unrecorded as unrecorded,
                   {choice("u(visit, 'lead')", LEAD)}::integer as lead_band
            from kept join registrations as r
              on r.id = kept.id and day >= r.started_on and (r.ended_on is null or day < r.ended_on)
            join practices on practices.number = r.practice
            join months on month = date_trunc('month', day)
        ), led as (
            select *, greatest(started_on, (day - case lead_band when 0 then 0 when 1 then 1
                         when 2 then between_days(u(visit, 'lead day'), 2, 7)
                         when 29 then between_days(u(visit, 'lead day'), 29, 55)
                         else between_days(u(visit, 'lead day'), lead_band, lead_band + 6) end)::date)
                             as booked_on,
                   day - booked_on as lead_days, u(visit, 'status') as chance,
                   case when lead_days = 0 then 0.020 when lead_days = 1 then 0.045 when lead_days < 8
                       then 0.060
                        when lead_days < 15 then 0.074 when lead_days < 22 then 0.081 when lead_days < 29
                            then 0.084
                        else 0.102 end * 0.92 as missed
            from visits
        )
        select visit, id, day, practice, practice_code, booked_on,
               {choice("u(visit, 'hcp')", HCP, "hcp")} as hcp_type,
               {choice("u(visit, 'context')", CONTEXT, "context")} as context_type,
               (case when chance < missed then 'DNA' when chance < missed + unrecorded then 'Unknown'
                     when chance < missed + unrecorded + 0.022 then 'Cancelled by Patient'
                     when chance < missed + unrecorded + 0.030 then 'Cancelled by Unit' else 'Attended' end)::status
                   as outcome
        from led
    """)


def by_time(day: str, values: list[str]) -> str:
    """SQL of the value that holds on a day, of one for each row of MODES."""
    whens = [f"when {day} >= date '{first}' then {value}" for (first, *_), value in zip(MODES, values, strict=True)]
    return f"case {' '.join(reversed(whens))} end"


def habit(which: int) -> str:
    """SQL of a share that differs by supplier."""
    return f"if(supplier = 'EMIS', {HABITS['EMIS'][which]}, {HABITS['TPP'][which]})"


def books(con: duckdb.DuckDBPyConnection) -> None:
    """Table appointments: the visits that remain after the effect, and the link workers' slots; those of a practice lie
    together, in the order in which they were booked.
    """
    con.execute("""
        create temp table engaged as
        select r.id, min(r.first_held) as engaged_from, any_value(p.rate_ratio) as rate_ratio
        from referrals as r join people as p using (id) where r.first_held is not null group by r.id
    """)
    added(con)
    (number,) = con.execute("select max(number) from practices").fetchone() or (0,)
    made = "create table appointments as"
    for first in range(1, number + 1, PRACTICES_AT_ONCE):
        in_order(con, f"between {first} and {first + PRACTICES_AT_ONCE - 1}")
        con.execute(f"{made} {described()}")
        made = "insert into appointments"
    con.execute("drop table in_order; drop table engaged; drop table added")


def added(con: duckdb.DuckDBPyConnection) -> None:
    """Table added: the slots of people whom an effect makes come more often, a Poisson process of its own from the
    first contact held on. Nobody is referred at one of them, as a visit that an effect prevents refers nobody less.
    """
    con.execute("""
        create temp view harmed as
        select p.*, engaged_from from engaged join people as p using (id) where p.rate_ratio > 1;
        create temp view harmed_spells as
        select s.*, visits_per_year, rate_ratio, engaged_from from spells as s join harmed using (id);
    """)
    # a wish for a weekend becomes a day of the next week
    slots(con, "wished_more", wished("harmed", "harmed_spells", times=" * (rate_ratio - 1)", mark="e",
                                     since="engaged_from - 7"))  # fmt: skip
    con.execute("""
        create temp table added as select w.* from wished_more as w join engaged using (id) where day > engaged_from;
        drop table wished_more; drop view harmed_spells; drop view harmed;
    """)


def in_order(con: duckdb.DuckDBPyConnection, practices: str) -> None:
    """Table in_order: the slots of some practices, numbered in the order in which they were booked."""
    con.execute(f"""
        create or replace temp table in_order as
        with visits_made as (
            select s.visit as ref, s.id, s.day, s.practice, s.booked_on, s.outcome, s.hcp_type, s.context_type
            from (from slots union all from added) as s left join engaged as e using (id)
            where s.practice {practices}
              and (e.engaged_from is null or s.day <= e.engaged_from or u(s.visit, 'effect') < e.rate_ratio
                   or s.visit in (select decision from referrals where decision is not null))
        ), link_worker_slots as (
            select e.event_key as ref, e.id, e.day, r.practice::smallint as practice, (e.day - 7)::date as booked_on,
                   (case e.event_type when 'contact.missed' then 'DNA' when 'contact.cancelled'
                       then 'Cancelled by Patient' else 'Attended' end)::status as outcome,
                   'Other Practice staff'::hcp as hcp_type, 'Care Related Encounter'::context as context_type,
                   (case e.channel when 'face_to_face' then 'Face-to-Face' when 'home_visit' then 'Home Visit'
                        when 'video' then 'Video/Online' else 'Telephone' end)::mode as link_workers_mode,
                   (e.service || '-' || e.link_worker_id)::clinician as link_worker
            from engagement as e join registrations as r
              on r.id = e.id and e.day >= r.started_on and (r.ended_on is null or e.day < r.ended_on)
            where e.event_type in ('contact.held', 'contact.missed', 'contact.cancelled') and e.n > 1
              and u(e.referral_key, 'slots at the practice') < 0.3 and r.practice {practices}
        ), timed as (
            select *, day + to_minutes(490 + 10 * floor(u(ref, 'slot') * 62)::integer) as slot_start,
                   greatest(booked_on + to_minutes(450),
                       if(booked_on = day, slot_start - to_minutes(20 + floor(u(ref, 'booked minute') * 450)::integer),
                          booked_on + to_minutes(480 + floor(u(ref, 'booked minute') * 600)::integer))) as booked_at
            from (from visits_made union all by name from link_worker_slots)
        )
        select *, row_number() over () as place from (from timed order by practice, booked_at, ref)
    """)


def described() -> str:
    """SQL of the slots of table in_order with all that a book says of them, in the same order."""
    mode = by_time("day", [choice("u(ref, 'mode')", modes, "mode") for *_, modes in MODES])
    return f"""
        with told as (
            select s.*, b.code as practice_code, b.supplier, network, link_worker is not null as by_link_worker,
                   place - first_place as before,
                   if(by_link_worker, 'Primary Care Network', {choice("u(ref, 'setting')", SETTING, "setting")})
                       as service_setting,
                   case when by_link_worker then '{PRESCRIBING}'
                        when u(ref, 'unmapped') < {habit(2)} then 'Unmapped'
                        when hcp_type = 'GP' then {choice("u(ref, 'category')", GP_CATEGORY, "category")}
                        else {choice("u(ref, 'category')", OTHER_CATEGORY, "category")} end as national_category
            from in_order as s
            join (select practice, min(place) as first_place from in_order group by 1) using (practice)
            join practices as b on b.number = s.practice
            join memberships as m on m.number = s.practice
                and greatest(day, date '{NETWORKS_BEGAN}') between joined_on and coalesce(left_on, 'infinity')
        )
        select ref, id, day, practice, practice_code::practice_code as practice_code,
               printf('P%02d%06d', practice, id) as patient_id, booked_on, outcome, hcp_type, context_type,
               service_setting::setting as service_setting, national_category::category as national_category,
               (case when by_link_worker then '{LINK_WORKER}'
                     when hcp_type = 'GP' then if(u(ref, 'role') < {habit(1)}, '{BY_GP}', null)
                     when hcp_type = 'Unknown' then null else if(u(ref, 'role') < 0.7, '{BY_OTHERS}', null) end
               )::staff_role as staff_role,
               (case when by_link_worker then link_worker
                     else printf('%s-D%02d', practice_code, 1 + floor(u(ref, 'clinician') * 9)::integer) end
               )::clinician as clinician_id,
               (case when by_link_worker then link_workers_mode when national_category = 'Home Visit' then 'Home Visit'
                     else {mode} end)::mode as appt_mode,
               (if(service_setting in ('Primary Care Network', 'Extended Access Provision') and not by_link_worker,
                   printf('Z9%04d', (network - 1) * {SIZE_OF_NETWORK} + 1), practice_code))::practice_code as site_code,
               slot_start, booked_at,
               (booked_on + floor(u(ref, 'cancelled') * (day - booked_on + 1))::integer)::date as cancelled_on,
               'A' || lpad((before + 1)::varchar, 7, '0') as appointment_id
        from told
    """
