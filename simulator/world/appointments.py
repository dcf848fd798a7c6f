"""GP appointment books: who comes when, and what became of each slot.

Visits are a Poisson process: a steady part in proportion to need, age and deprivation, and extra visits in
illness spells. Shares of status, mode, professional and lead time follow the published national figures;
missed slots rise with lead time. No surgery is open on a bank holiday. In the spring of 2020 fewer people came, most
of them by telephone.
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


def visits(con: duckdb.DuckDBPyConnection) -> None:
    """Tables spells, visits and slots: every slot a person would book without any effect, and its outcome."""
    last = f"(getvariable('last_day') + {BOOKED_AHEAD_DAYS})::date"
    before = f"getvariable('first_day') - {SPELL_DAYS[1]}"
    spell_starts = arrivals("people", "id", "spell", f"{SPELLS_PER_YEAR} / 365.25 * need", first=before, last=last)
    con.execute(f"""
        create table spells as
        select id || ':' || n as spell, id, day as first_day,
               (day + between_days(u(id || ':' || n, 'spell length'), {SPELL_DAYS[0]}, {SPELL_DAYS[1]}))::date
                   as last_day
        from ({spell_starts})
    """)
    con.execute("create view spell_rates as select spells.*, visits_per_year from spells join people using (id)")
    rate = f"visits_per_year / 365.25 * {BUSIEST}"
    steady = arrivals("people", "id", "visit", f"{STEADY_SHARE} * need * {rate}", last=last)
    extra = arrivals(
        "spell_rates", "spell", "spell visit", f"{SPELL_RATE} * {rate}", first="first_day", last="last_day"
    )
    usual = by_time("day", [str(share) for _, share, _ in MODES])
    con.execute(f"""
        create table visits as
        with wished as (
            select id || ':' || n as visit, id, surgery_day(day, visit) as day from ({steady})
            union all
            select x.id || ':s' || n as visit, spells.id, surgery_day(day, visit) from ({extra}) as x
            join spells on spells.spell = x.id
        ), kept as (
            select visit, id, day from wished
            where u(visit, 'season') < list_extract({MONTHS}, month(day)) / {BUSIEST} * {usual}
              and day >= getvariable('first_day') and day not in (from bank_holidays)
        )
        select kept.*, r.practice_code, r.practice, r.patient_id, r.started_on, practices.supplier,
               {choice("u(visit, 'hcp')", HCP)} as hcp_type,
               {choice("u(visit, 'context')", CONTEXT)} as context_type,
               {choice("u(visit, 'lead')", LEAD)}::integer as lead_band
        from kept join registrations as r
          on r.id = kept.id and day >= r.started_on and (r.ended_on is null or day < r.ended_on)
        join practices on practices.number = r.practice
    """)
    con.execute(f"""
        create table slots as
        with led as (
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
        select * exclude (chance, missed, lead_band),
               case when chance < missed then 'DNA' when chance < missed + {habit(0)} then 'Unknown'
                    when chance < missed + {habit(0)} + 0.022 then 'Cancelled by Patient'
                    when chance < missed + {habit(0)} + 0.030 then 'Cancelled by Unit' else 'Attended' end as outcome
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
    """Table appointments: the visits that remain after the effect, and the link workers' slots."""
    mode = by_time("s.day", [choice("u(s.visit, 'mode')", modes) for *_, modes in MODES])
    con.execute(f"""
        create table appointments as
        with visits_made as (
            select s.visit as ref, s.id, s.day, s.practice_code, s.practice, s.patient_id, s.booked_on,
                   s.outcome, s.hcp_type,
                   s.context_type, {choice("u(s.visit, 'setting')", SETTING)} as service_setting,
                   {mode} as mode_drawn,
                   case when u(s.visit, 'unmapped') < {habit(2)} then 'Unmapped'
                        when s.hcp_type = 'GP' then {choice("u(s.visit, 'category')", GP_CATEGORY)}
                        else {choice("u(s.visit, 'category')", OTHER_CATEGORY)} end as national_category,
                   case s.hcp_type when 'GP' then if(u(s.visit, 'role') < {habit(1)}, 'R0260', null)
                        when 'Unknown' then null else if(u(s.visit, 'role') < 0.7, 'R0620', null)
                            end as staff_role,
                   printf('%s-D%02d', s.practice_code, 1 + floor(u(s.visit, 'clinician') * 9)::integer)
                       as clinician_id
            from slots as s
            left join (select r.id, min(r.first_held) as engaged_from, any_value(p.rate_ratio) as rate_ratio
                       from referrals as r join people as p using (id) group by r.id) as e using (id)
            where e.engaged_from is null or s.day <= e.engaged_from or u(s.visit, 'effect') < e.rate_ratio
               or s.visit in (select decision from referrals where decision is not null)
        ), link_worker_slots as (
            select e.event_key as ref, e.id, e.day, r.practice_code, r.practice, r.patient_id,
                   (e.day - 7)::date as booked_on,
                   case e.event_type when 'contact.missed' then 'DNA' when 'contact.cancelled'
                       then 'Cancelled by Patient'
                        else 'Attended' end as outcome,
                   'Other Practice staff' as hcp_type, 'Care Related Encounter' as context_type,
                   'Primary Care Network' as service_setting,
                   case e.channel when 'face_to_face' then 'Face-to-Face' when 'home_visit' then 'Home Visit'
                        when 'video' then 'Video/Online' else 'Telephone' end as mode_drawn,
                   'Social Prescribing Service' as national_category, 'R9815' as staff_role,
                   e.service || '-' || e.link_worker_id as clinician_id
            from engagement as e join registrations as r
              on r.id = e.id and e.day >= r.started_on and (r.ended_on is null or e.day < r.ended_on)
            where e.event_type in ('contact.held', 'contact.missed', 'contact.cancelled') and e.n > 1
              and u(e.referral_key, 'slots at the practice') < 0.3
        ), timed as (
            select *, case national_category when 'Home Visit' then 'Home Visit' else mode_drawn
                end as appt_mode,
                   if(service_setting in ('Primary Care Network', 'Extended Access Provision')
                       and staff_role is distinct from 'R9815',
                      printf('Z9%04d', (network - 1) * {SIZE_OF_NETWORK} + 1), practice_code) as site_code,
                   day + to_minutes(490 + 10 * floor(u(ref, 'slot') * 62)::integer) as slot_start,
                   if(booked_on = day, slot_start -
                       to_minutes(20 + floor(u(ref, 'booked minute') * 450)::integer),
                      booked_on + to_minutes(480 + floor(u(ref, 'booked minute') * 600)::integer))
                          as wished_at,
                   greatest(wished_at, day_start) as booked_at,
                   (booked_on + floor(u(ref, 'cancelled') * (day - booked_on + 1))::integer)::date
                       as cancelled_on
            from (select *, booked_on + to_minutes(450) as day_start from visits_made union all by name
                  select *, booked_on + to_minutes(450) as day_start from link_worker_slots)
            join memberships on number = practice
                and greatest(day, date '{NETWORKS_BEGAN}') between joined_on and coalesce(left_on, 'infinity')
        )
        select * exclude (mode_drawn, wished_at, day_start, number, network, joined_on, left_on),
               'A' || lpad((row_number() over (partition by practice_code order by booked_at, ref))::varchar,
                   7, '0') as appointment_id
        from timed
    """)
