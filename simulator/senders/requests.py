"""What each extract of a practice knows of the referrals it sent, as requester, by its own references.

A practice states what it asked for; what became of it only the service says.
"""

# Rows of referrals_known; an extract that is not whole holds what was sent in the days it covers.
KNOWN = """
    select r.practice_code as sender, e.n, e.folder, e.extract_day, null::varchar as kind, false as sent_late,
           r.practice_reference as key, r.practice_reference as referral_id, r.practice_code, r.patient_id as client_id,
           p.number_sent as nhs_number, r.route, r.referrer_role, r.referrer_id, r.connector_model,
           r.reason_codes, r.decided_on, r.sent_on as received_on,
           'requester' as stated_by, r.service_stated as service_code, r.shared_reference,
           '' as notes, p.given_name || ' ' || p.family_name as client_name,
           e.asked_at
    from requests as r join people as p using (id)
    join practice_extracts as e on e.book = 'referrals' and e.practice_code = r.practice_code
        and r.sent_on < e.extract_day
    where e.whole or r.sent_on >= e.covers_from
"""
