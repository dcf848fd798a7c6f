"""Offers of social prescribing at practices: who accepts is referred, who declines or leaves it open is not."""

import duckdb

DECLINED = 0.106  # of those who answer
UNANSWERED = 0.05  # of all offers; no figure is published


def build(con: duckdb.DuckDBPyConnection) -> None:
    """Table offers: one row for each offer at an encounter with a GP, with its answer (null: none), and with the
    referral (ref) if it was accepted. The more a person is inclined to be referred the more likely is an offer.
    """
    # whole numbers are summed: a sum of doubles depends on the order in which threads finish
    (accepted, at_visits) = con.execute("""
        select (select count(*) from referrals where decided is not null),
               (select sum(round(leaning * 1000)::bigint) / 1000 from encounters)
    """).fetchone() or (0, 1)
    answered = accepted / (1 - DECLINED)
    others = answered / (1 - UNANSWERED) - accepted
    open_share = UNANSWERED / (1 - UNANSWERED) * answered / max(others, 1)
    con.execute(f"""
        create table offers as
        with made as (
            select ref, id, decided as day, 'accepted' as answer from referrals where decided is not null
            union all
            select e.visit, e.id, e.day, if(u(e.visit, 'answer to the offer') < {open_share!r}, null, 'declined')
            from encounters as e anti join candidates as c on c.ref = e.visit
            where u(e.visit, 'offered') < e.leaning * {others / max(at_visits or 1, 1)!r}
        )
        select made.*, r.practice_code, r.patient_id
        from made
        join registrations as r
          on r.id = made.id and made.day >= r.started_on and (r.ended_on is null or made.day < r.ended_on)
        join rollouts as o on o.practice_code = r.practice_code and made.day >= o.began_on
    """)
