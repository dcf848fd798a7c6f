"""What each extract knew of a practice's appointment book."""

import duckdb


def rows(con: duckdb.DuckDBPyConnection) -> None:
    """Table gp_appointment_rows: what each practice's extract says of each slot on the extract's day.

    A slot ahead is Booked; for three days after a slot it may not yet be recorded that the person
    came (GPs record it at once).
    """
    con.execute("""
        create table gp_appointment_rows as
        select a.practice_code as sender, e.file, null as kind,
               if(e.migrated, 'B' || a.appointment_id[2:], a.appointment_id) as appointment_id, a.practice_code,
               a.site_code, a.patient_id,
               p.number_sent as nhs_number, strftime(a.booked_at, '%Y-%m-%d %H:%M:%S') as booked_at,
               strftime(a.slot_start, '%Y-%m-%d %H:%M:%S') as slot_start,
               case when a.outcome like 'Cancelled%' and a.cancelled_on < e.extract_day then a.outcome
                    when a.day >= e.extract_day then 'Booked'
                    when a.outcome = 'Attended' and a.hcp_type <> 'GP' and a.day >= e.extract_day - 3
                        and u(a.ref, 'recorded late') < 0.3 then 'Unknown'
                    else a.outcome end as status,
               a.hcp_type, a.staff_role, a.appt_mode, a.national_category, a.context_type, a.service_setting,
               a.clinician_id,
               extract_at(e.extract_day, a.practice_code) as extract_at
        from appointments as a join people as p using (id)
        join practice_extracts as e on e.feed = 'gp_appointments_csv' and e.practice_code = a.practice_code
            and a.day >= e.covers_from
            and a.booked_at < e.extract_day
    """)
