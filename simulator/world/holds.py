"""Referrals that wait on hold: before the first contact, because the service is full, or later, because of the person.

Nobody publishes how many are put on hold, for how long, and how many are never resumed: the shares and days below are
choices. While a referral is on hold nobody is contacted.
"""

import duckdb

WAITS, PAUSES = 0.05, 0.06  # of accepted referrals, and of those whose person was met
RESUMED = 0.8  # of those on hold whose person was not met, or was met before the hold
WAITS_FROM, WAITS_FOR = (3, 5), (10, 28)  # days from the acceptance, and on hold
PAUSES_FROM, PAUSES_FOR = (7, 60), (14, 56)  # days from the first contact, and on hold
RESUMED_BEFORE_CONTACT = (0, 3)  # days, where the hold was before the first contact


def build(con: duckdb.DuckDBPyConnection) -> None:
    """Table holds: one row for each referral that is put on hold, with the day it is resumed (null: not by the last).

    A hold that the end of the referral, death, a move or the last day overtakes is not resumed.
    """
    con.execute(f"""
        create table holds as
        with ends as (
            select ref, accepted_on, first_held,
                   least(declined_on, closed_on, p.gone_on, date '9999-12-31') as ends_on
            from referrals join people as p using (id) where accepted_on is not null
        ), begun as (
            select *, u(ref, 'waits') < {WAITS} as waits,
                   workday((if(waits, accepted_on + {between("on hold", WAITS_FROM)},
                       first_held + {between("on hold", PAUSES_FROM)}))::date) as on_hold_on
            from ends where waits or (first_held is not null and u(ref, 'pauses') < {PAUSES})
        ), meant as (
            select *, case when waits and first_held is not null
                           then greatest(on_hold_on + 1, first_held - {between("resumed", RESUMED_BEFORE_CONTACT)})
                           when u(ref, 'goes on') < {RESUMED}
                           then workday((on_hold_on + if(waits, {between("held for", WAITS_FOR)},
                               {between("held for", PAUSES_FOR)}))::date) end::date as resuming
            from begun where on_hold_on < ends_on and (not waits or first_held is null or on_hold_on < first_held)
        )
        select ref, on_hold_on, so_far(if(resuming < ends_on, resuming, null)) as resumed_on
        from meant where so_far(on_hold_on) is not null
    """)


def between(purpose: str, days: tuple[int, int]) -> str:
    """SQL of a number of days of a referral."""
    return f"between_days(u(ref, '{purpose}'), {days[0]}, {days[1]})"
