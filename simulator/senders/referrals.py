"""What each extract of a service knew of its referrals."""

import duckdb

from simulator.senders import requests
from simulator.world.random import choice

NOTE = {
    "": 55, "Prefers afternoon calls.": 12, "Spoke with NAME, keen to start.": 12,
    "NAME asked for help with forms, bills.": 8, "Neighbour of NAME called; lives alone, no garden.": 5,
    'Wants to "get out more".': 8,
}  # fmt: skip


def known(con: duckdb.DuckDBPyConnection) -> None:
    """View referrals_known: each referral of a service as known at each extract; milestones fill in.

    Corrections: an accepted_on that was first entered two days late, and a premature closure that is taken
    back. Service ZSP02 sends its third extract late, under a name that sorts after the others. An extract that is not
    whole holds the referrals of which something became known in the days it covers.
    """
    con.execute(f"""
        create view referrals_known as
        with entered as (
            select r.*, h.on_hold_on, h.resumed_on, e.n, e.of_all, e.folder, e.covers_from, e.extract_day, e.whole,
                   e.whole and service = 'ZSP02' and e.n = 3 and e.of_all > 3 as sent_late,
                   between_days(pow(u(ref, 'entry lag'), 2), 0, 6) as lag_days,
                   (r.received_on + between_days(u(ref, 'entered'), 0, 3))::date as entered_on,
                   accepted_corrected and e.extract_day - accepted_on < 190
                       and accepted_on + lag_days + 2 < e.extract_day as accepted_wrong,
                   (accepted_on + 40)::date as premature_on,
                   reopened and premature_on + lag_days < e.extract_day and e.extract_day - premature_on < 184
                       and not coalesce(closed_on + lag_days < e.extract_day, false) as closed_wrong
            from referrals as r left join holds as h using (ref)
            join extracts as e on e.book = 'referrals'
                and r.received_on + between_days(u(r.ref, 'entered'), 0, 3) < e.extract_day
        ), known as (
            select * from entered
            where whole or len(list_filter([
                    entered_on + 1, accepted_on + lag_days + 1, accepted_on + lag_days + 3, accepted_on + 190,
                    rejected_on + lag_days + 1, declined_on + lag_days + 1, on_hold_on + lag_days + 1,
                    resumed_on + lag_days + 1, premature_on + lag_days + 1,
                    premature_on + 184, closed_on + lag_days + 1
                ], lambda day: day > covers_from and day <= extract_day)) > 0
        ), marked as (
            select *, lag(accepted_wrong) over kept > accepted_wrong as accepted_right,
                   lag(closed_wrong) over kept > closed_wrong as closed_right,
                   if((accepted_right or closed_right) and not sent_late, 'correction', null) as kind
            from known window kept as (partition by referral_key order by extract_day)
        )
        select m.service as sender, m.n, m.folder, m.extract_day, m.kind, m.sent_late,
               'R-' || m.serial as key, 'R-' || m.serial as referral_id,
               m.practice_stated as practice_code,
               printf('C%06d', m.id * 7 + 13) as client_id, p.number_at_services as nhs_number, m.route,
               m.referrer_role, m.referrer_id,
               m.connector_model, m.reason_codes, m.decided_on, m.received_on,
               case when m.accepted_on + lag_days < m.extract_day
                   then (m.accepted_on + if(accepted_wrong, 2, 0))::date end as accepted_on,
               if(m.rejected_on + lag_days < m.extract_day, m.rejected_on, null) as rejected_on,
               if(m.rejected_on + lag_days < m.extract_day, m.rejection_reason, null) as rejection_reason,
               if(m.declined_on + lag_days < m.extract_day, m.declined_on, null) as declined_on,
               if(m.declined_on + lag_days < m.extract_day, m.decline_reason, null) as decline_reason,
               if(m.on_hold_on + lag_days < m.extract_day, m.on_hold_on, null) as on_hold_on,
               if(m.resumed_on + lag_days < m.extract_day, m.resumed_on, null) as resumed_on,
               case when closed_wrong then premature_on when m.closed_on + lag_days < m.extract_day
                   then m.closed_on end as closed_on,
               case when closed_wrong then 'unable_to_contact' when m.closed_on + lag_days < m.extract_day
                   then m.closure_reason end
                   as closure_reason,
               case when m.accepted_on + lag_days < m.extract_day then m.link_worker_id end as link_worker_id,
               null::varchar as stated_by, null::varchar as service_code, q.shared_reference,
               replace({choice("u(m.ref, 'note')", NOTE)}, 'NAME', p.given_name || ' ' || p.family_name)
                   as notes,
               p.given_name || ' ' || p.family_name as client_name,
               m.extract_day + to_minutes(minute) as asked_at
        from marked as m join people as p using (id) join askers on askers.sender = m.service
        left join requests as q using (ref)
        union all by name
        {requests.KNOWN}
    """)
