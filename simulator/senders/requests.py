"""What each extract of a practice knew of the referrals it sent."""

import duckdb


def rows(con: duckdb.DuckDBPyConnection) -> None:
    """Add to the table referral_rows what practices say of referrals, as requesters, by their own references.

    A practice states what it asked for; what became of it only the service says.
    """
    con.execute("""
        insert into referral_rows by name
        select r.practice_code as sender, 'referrals_' || e.extract_day || '.csv' as file,
               r.practice_reference as referral_id, r.practice_code, r.patient_id as client_id,
               p.number_sent as nhs_number, r.route, r.referrer_role, r.referrer_id, r.connector_model,
               r.reason_codes, r.decided_on, r.sent_on as received_on,
               'requester' as stated_by, r.service_stated as service_code, r.shared_reference,
               '' as notes, extract_at(e.extract_day, r.practice_code) as extract_at
        from requests as r join people as p using (id)
        join practice_extracts as e on e.feed = 'referrals_csv' and e.practice_code = r.practice_code
            and r.sent_on < e.extract_day
    """)
