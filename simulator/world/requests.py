"""What practices keep of referrals they sent: one referral, known to two, each by a reference of its own."""

import duckdb

from simulator.world import region
from simulator.world.random import choice
from simulator.world.referrals import REASONS

SHARED_REFERENCE = 0.15  # of the pairs: a booking service gave both the same reference
SERVICE_MISTAKEN = 0.03  # the practice noted the other service
SENT_WITHIN_DAYS = 2  # of the decision, by the practice's own record
ONLY_FIRST_REASON = 0.4
NEVER_RECEIVED = 0.3  # of what a practice wished to refer soon after another referral of the same person


def build(con: duckdb.DuckDBPyConnection, both_reported: float) -> None:
    """Table requests: one row for each referral that its practice reports too, a share of those decided there.

    What the practice calls received is the day it sent it; the service's day lies up to 28 days after the decision.
    Some requests no service ever entered (serial is null), mostly second ones of a person who had just been referred.
    """
    con.execute(f"""
        create table requests as
        with sent as (
            select ref, id, practice_code, patient_id, service, serial, route, referrer_role, referrer_id,
                   connector_model, decided as decided_on,
                   least(received_on, (decided
                       + between_days(u(ref, 'sent by the practice'), 0, {SENT_WITHIN_DAYS}))::date) as sent_on,
                   if(u(ref, 'service mistaken') < {SERVICE_MISTAKEN},
                      printf('ZSP%02d', 1 + substr(service, 4)::integer % services), service) as service_stated,
                   if(u(ref, 'reasons of the practice') < {ONLY_FIRST_REASON},
                      split_part(reason_codes, ';', 1), reason_codes) as reason_codes
            from referrals cross join (select count(*)::integer as services from services)
            where decided is not null and u(ref, 'both reported') < {both_reported!r}
            union all
            select ref, c.id, practice_code, patient_id,
                   printf('ZSP%02d', 1 + (practice - 1) // {region.PRACTICES_PER_SERVICE}) as service, null, route,
                   if(route = 'gp', 'General Practitioner', 'Care Coordinator'),
                   printf('%s-D%02d', practice_code, 1 + floor(u(ref, 'referrer') * 9)::integer), 'link_worker',
                   decided,
                   (decided + between_days(u(ref, 'sent by the practice'), 0, {SENT_WITHIN_DAYS}))::date as sent,
                   service, {choice("u(ref, 'reason')", REASONS)}
            from candidates as c
            anti join referrals using (ref)
            join registrations as r
              on r.id = c.id and decided >= r.started_on and (r.ended_on is null or decided < r.ended_on)
            join rollouts as o using (practice_code)
            where decided >= o.began_on and sent <= getvariable('last_day') and sent < coalesce(r.ended_on, 'infinity')
              and u(ref, 'both reported') < {both_reported!r} and u(ref, 'never received') < {NEVER_RECEIVED}
        )
        select *,
               printf('Q-%06d', row_number() over (partition by practice_code order by sent_on, ref))
                   as practice_reference,
               if(serial is not null and u(ref, 'shared reference') < {SHARED_REFERENCE},
                  printf('BK-%s-%s', substr(service, 4), serial), null) as shared_reference
        from sent
    """)
