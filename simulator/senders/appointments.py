"""What each extract knows of a practice's appointment book."""

import duckdb


def known(con: duckdb.DuckDBPyConnection) -> None:
    """View appointments_known: what each practice's extract says of each slot on the extract's day.

    A slot ahead is Booked; for three days after a slot it may not yet be recorded that the person
    came (GPs record it at once).
    """
    con.execute("""
        create view appointments_known as
        select a.practice_code::varchar as sender, e.n, e.folder, e.extract_day, null::varchar as kind,
               if(e.migrated, 'B' || a.appointment_id[2:], a.appointment_id) as appointment_id,
               appointment_id as key, a.practice_code, a.site_code, a.patient_id,
               p.number_sent as nhs_number, a.booked_at, a.slot_start,
               case when a.outcome like 'Cancelled%' and a.cancelled_on < e.extract_day then a.outcome
                    when a.day >= e.extract_day then 'Booked'
                    when a.outcome = 'Attended' and a.hcp_type <> 'GP' and a.day >= e.extract_day - 3
                        and u(a.ref, 'recorded late') < 0.3 then 'Unknown'
                    else a.outcome end as status,
               a.hcp_type, a.staff_role, a.appt_mode, a.national_category, a.context_type, a.service_setting,
               a.clinician_id, e.asked_at,
               if(e.migrated, {'since': e.since, 'booked': a.booked_at::date, 'day': a.day}, null) as reloaded
        from appointments as a join people as p using (id)
        join practice_extracts as e on e.book = 'appointments' and e.practice_code = a.practice_code
            and a.day >= e.covers_from and a.booked_at < e.extract_day
    """)
