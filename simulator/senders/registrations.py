"""What a practice knows about the people on its list."""

import duckdb


def known(con: duckdb.DuckDBPyConnection) -> None:
    """View registrations_known: each registration as each extract of its practice knows it.

    An extract that is not whole holds those that began, ended or came onto a register in the days it covers.
    """
    con.execute("""
        create view registrations_known as
        select r.practice_code as sender, e.n, e.folder, e.extract_day, null::varchar as kind,
               r.registration_id as key, r.registration_id, r.practice_code, r.patient_id,
               p.number_sent as nhs_number, p.family_name, p.given_name,
               p.date_of_birth, r.postcode, p.sex, p.ethnic_category, r.lsoa_code, r.lsoa_vintage,
               nullif(array_to_string([one.code for one in ill.onsets if one.since <= e.extract_day], ';'), '')
                   as long_term_conditions, r.started_on as registration_start,
               if(r.ended_on < e.extract_day, r.ended_on, null) as registration_end,
               if(r.ended_on < e.extract_day, r.end_reason, null) as end_reason,
               e.asked_at
        from registrations as r join people as p using (id)
        join practice_extracts as e on e.book = 'registrations' and e.practice_code = r.practice_code
            and r.started_on < e.extract_day
        join conditions as ill on ill.id = r.id
        where e.whole or r.started_on >= e.covers_from
            or len([one for one in ill.onsets if one.since between e.covers_from and e.extract_day]) > 0
            or r.ended_on between e.covers_from and e.extract_day
    """)
