"""From when on a practice refers to social prescribing."""

import duckdb

DAYS_PER_MONTH = 30.4375


def build(con: duckdb.DuckDBPyConnection, months: int) -> None:
    """Table rollouts: one row a practice, in an order of the seed; the first begins on the first day, the last after
    `months`. With 0 months all began before.
    """
    con.execute(f"""
        create table rollouts as
        with placed as (
            select code as practice_code, row_number() over (order by u(code, 'roll-out'), code) - 1 as place,
                   count(*) over () - 1 as others
            from practices
        )
        select practice_code,
               (getvariable('first_day') + floor(place / others * {months * DAYS_PER_MONTH!r})::integer)::date
                   as began_on
        from placed
    """)
