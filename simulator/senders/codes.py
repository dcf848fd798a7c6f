"""What a practice codes in its record about offers of social prescribing, among much else."""

import duckdb

OFFERED, ACCEPTED, DECLINED = "871691000000100", "871731000000106", "871711000000103"
ELSE = ["163020007", "72313002", "183932001"]  # of other things; the platform skips them
CODED = 0.85  # of referrals decided at a practice, its clinician codes this share
DECLINES_PER_ACCEPTANCE, ELSE_PER_ACCEPTANCE = 0.3, 1.0


def known(con: duckdb.DuckDBPyConnection) -> None:
    """View codes_known: entries by the extract in which they come. Who declines an offer has no referral."""
    con.execute(f"""
        create table coded as
        with decided as (
            select ref, id, practice_code, decided as day from referrals
            where decided is not null and u(ref, 'coded') < {CODED}
        ), others as (
            select visit as ref, id, practice_code, day from slots
            where outcome = 'Attended' and hcp_type = 'GP' and day <= getvariable('last_day')
                and u(visit, 'coded else') < (select (count(*) + 1) / (select count(*) + 1 from slots) from decided)
                    * {2 * (DECLINES_PER_ACCEPTANCE + ELSE_PER_ACCEPTANCE)}
        ), entries as (
            select ref || ':code' as ref, id, practice_code, day, '{ACCEPTED}' as code from decided
            union all
            select ref || ':offer', id, practice_code, day, '{OFFERED}' from decided where u(ref, 'offer coded') < 0.4
            union all
            select ref || ':else', id, practice_code, day,
                   if(u(ref, 'declined') < {DECLINES_PER_ACCEPTANCE / (DECLINES_PER_ACCEPTANCE + ELSE_PER_ACCEPTANCE)},
                      '{DECLINED}', pick(u(ref, 'which'), {ELSE})) from others
        )
        select e.practice_code as sender, e.practice_code, e.day as entered_on, e.code, r.patient_id,
               p.number_sent as nhs_number,
               printf('E%07d', row_number() over (partition by e.practice_code order by e.day, e.ref)) as entry_id,
               e.day + to_minutes(1080 + floor(u(e.ref, 'minute') * 240)::integer) as recorded_at
        from entries as e join people as p using (id)
        join registrations as r on r.id = e.id and r.practice_code = e.practice_code and e.day >= r.started_on
             and (r.ended_on is null or e.day < r.ended_on)
    """)
    con.execute("""
        create view codes_known as
        select c.*, x.n, x.folder, x.extract_day, null::varchar as kind, c.entry_id as key
        from coded as c join practice_extracts as x on x.book = 'codes' and x.practice_code = c.sender
            and c.entered_on >= x.covers_from and c.entered_on < x.extract_day
    """)
