"""What community groups write down of who came."""

import duckdb

DROP_IN_WITHOUT_NUMBER = 0.15


def known(con: duckdb.DuckDBPyConnection) -> None:
    """Table activity_entries (each thing written down, numbered by group) and view activity_known (by extract)."""
    con.execute(f"""
        create table activity_entries as
        select s.sender, 'T' || lpad((row_number() over (partition by s.sender order by a.recorded_on, a.key))::varchar,
                   7, '0') as event_id,
               a.id, printf('M%06d', a.id * 7 + 13) || coalesce('/' || a.referral_ref, '') as member_id,
               a.referral_service, a.referral_ref, p.given_name || ' ' || p.family_name as client_name,
               if(a.referral_ref is null and u(a.ref, 'number given') < {DROP_IN_WITHOUT_NUMBER}, '',
                   p.number_sent) as nhs_number,
               a.event, a.day as session_date, a.asset_id, s.name as asset_name, s.category, s.delivery,
               a.role, a.cancelled_by, a.recorded_on,
               timezone('UTC', timezone('Europe/London',
                   a.recorded_on + to_minutes(1020 + floor(u(a.key, 'entered') * 180)::integer))) as recorded_at
        from attendances as a join people as p using (id) join assets as s using (asset_id)
    """)
    con.execute("""
        create view activity_known as
        select a.* exclude (id, recorded_on), x.n, x.folder, x.extract_day, null::varchar as kind, a.event_id as key
        from activity_entries as a
        join extracts as x on x.book = 'activity' and a.recorded_on >= x.covers_from and a.recorded_on < x.extract_day
    """)
