"""What a practice codes in its record about offers of social prescribing, among much else."""

import duckdb

OFFERED, ACCEPTED, DECLINED = "871691000000100", "871731000000106", "871711000000103"
ELSE = ["163020007", "72313002", "183932001"]  # of other things; the platform skips them
# No figure is published of how many offers are coded; these are choices.
ANSWER_CODED, OFFER_CODED = 0.85, 0.4  # of answers, and of offers that have one
CODED_AGAIN = 0.1  # of acceptances, the first contact is coded as one more, which guidance forbids and vendors advise
ELSE_PER_ANSWER = 1.0


def known(con: duckdb.DuckDBPyConnection) -> None:
    """Tables offer_codes (which offers and answers are coded, and when one is coded again) and coded (every entry), and
    view codes_known (entries by the extract in which they come).
    """
    con.execute(f"""
        create table offer_codes as
        select o.*, answer is not null and u(ref, 'coded') < {ANSWER_CODED} as answer_coded,
               u(ref, 'offer coded') < if(answer is null, {ANSWER_CODED}, {OFFER_CODED}) as offer_coded,
               if(answer_coded and u(ref, 'coded again') < {CODED_AGAIN}, r.first_held, null) as coded_again_on
        from offers as o left join (select ref, first_held from referrals) as r using (ref)
    """)
    con.execute(f"""
        create table coded as
        with entries as (
            select ref || ':code' as ref, id, practice_code, patient_id, day,
                   if(answer = 'accepted', '{ACCEPTED}', '{DECLINED}') as code from offer_codes where answer_coded
            union all
            select ref || ':offer', id, practice_code, patient_id, day, '{OFFERED}' from offer_codes where offer_coded
            union all
            select ref || ':again', id, practice_code, patient_id, coded_again_on, '{ACCEPTED}'
            from offer_codes where coded_again_on <= getvariable('last_day')
            union all
            select visit || ':else', s.id, s.practice_code, r.patient_id, day, pick(u(visit, 'which'), {ELSE})
            from slots as s join registrations as r on r.id = s.id and r.practice_code = s.practice_code
                and day >= r.started_on and (r.ended_on is null or day < r.ended_on)
            where outcome = 'Attended' and hcp_type = 'GP' and day <= getvariable('last_day')
                and u(visit, 'coded else') < {ELSE_PER_ANSWER} * (select count(*) + 1 from offers)
                    / (select count(*) + 1 from slots where outcome = 'Attended' and hcp_type = 'GP')
        )
        select e.practice_code as sender, e.practice_code, e.day as entered_on, e.code, e.patient_id,
               p.number_sent as nhs_number,
               printf('E%07d', row_number() over (partition by e.practice_code order by e.day, e.ref)) as entry_id,
               e.day + to_minutes(1080 + floor(u(e.ref, 'minute') * 240)::integer) as recorded_at
        from entries as e join people as p using (id)
    """)
    con.execute("""
        create view codes_known as
        select c.*, x.n, x.folder, x.extract_day, null::varchar as kind, c.entry_id as key
        from coded as c join practice_extracts as x on x.book = 'codes' and x.practice_code = c.sender
            and c.entered_on >= x.covers_from and c.entered_on < x.extract_day
    """)
