"""What a practice says about the people on its list."""

import duckdb


def rows(con: duckdb.DuckDBPyConnection) -> None:
    """Table registration_rows: each practice's registrations as known at each extract, in the file's columns."""
    con.execute("""
        create table registration_rows as
        with known as (
            select id, extract_day, string_agg(code, ';' order by place) as registers
            from conditions join extracts on feed = 'registrations_csv' and since <= extract_day
            group by all
        )
        select r.practice_code as sender, e.file, null as kind,
               r.registration_id, r.practice_code, r.patient_id, p.number_sent as nhs_number, p.family_name,
               p.given_name,
               p.date_of_birth, r.postcode, p.sex, p.ethnic_category, r.lsoa_code, r.lsoa_vintage,
               c.registers as long_term_conditions, r.started_on as registration_start,
               if(r.ended_on < e.extract_day, r.ended_on, null) as registration_end,
               if(r.ended_on < e.extract_day, r.end_reason, null) as end_reason,
               extract_at(e.extract_day, r.practice_code) as extract_at
        from registrations as r join people as p using (id)
        join practice_extracts as e on e.feed = 'registrations_csv' and e.practice_code = r.practice_code
            and r.started_on < e.extract_day
        left join known as c on c.id = r.id and c.extract_day = e.extract_day
    """)
