"""What a regional office sends: who opted out of what, and which NHS numbers turned out to be one person's."""

import duckdb

OFFICE, OFFICE_NAME = "ZRG01", "Invented Shires Data Office"
TYPE_1, TAKEN_BACK = 0.3, 0.1  # of opt-outs


def build(con: duckdb.DuckDBPyConnection, opted_out: float, merged: float) -> None:
    """Make the tables opt_outs and merged. `opted_out` and `merged`: the shares of people.

    An opt-out is recorded up to four months after it holds. Who had two numbers is known to the services by the one
    that is no longer used: there `number_at_services` differs from the number that practices have.
    """
    con.execute(f"""
        create table opt_outs as
        with people_out as (
            select id, nhs_number, if(u(id, 'which opt-out') < {TYPE_1}, 'type1', 'ndoo') as opt_out,
                   (getvariable('first_day') + floor(u(id, 'opt-out day')
                       * (getvariable('last_day') - getvariable('first_day')))::integer)::date as effective_on,
                   between_days(u(id, 'opt-out recorded'), 0, 120) as later
            from people where nhs_number is not null and u(id, 'opted out') < {opted_out!r}
        ), said as (
            select *, 'out' as status from people_out
            union all by name
            select * replace (effective_on + 60 as effective_on), 'in' as status from people_out
            where u(id, 'opted in') < {TAKEN_BACK}
        )
        select '{OFFICE}' as sender, printf('O%07d-%s', id, status) as record_id, nhs_number, opt_out, status,
               effective_on::date as effective_on, (effective_on + later)::date as recorded_on, later
        from said where recorded_on <= getvariable('last_day')
    """)
    con.execute(f"""
        create table merged as
        with free as (
            select row_number() over (order by u(stem, 'retired number')) as place,
                   printf('999%06d%d', stem, digit) as nhs_number
            from (select n as stem, (11 - (243 + 7 * (n // 100000) + 6 * (n // 10000 % 10) + 5 * (n // 1000 % 10)
                      + 4 * (n // 100 % 10) + 3 * (n // 10 % 10) + 2 * (n % 10)) % 11) % 11 as digit
                  from range(if({merged!r} > 0, 1000000, 0)) as t(n))
            where digit < 10 and printf('999%06d%d', stem, digit)
                not in (select nhs_number from people where nhs_number is not null)
        )
        select p.id, p.nhs_number as kept, free.nhs_number as retired,
               (getvariable('first_day') + floor((0.3 + 0.6 * u(p.id, 'merged on'))
                   * (getvariable('last_day') - getvariable('first_day')))::integer)::date as effective_on
        from (select id, nhs_number, row_number() over (order by id) as place from people
              where number_held and u(id, 'merged') < {merged!r}) as p
        join free using (place)
    """)
    con.execute("alter table people add column number_at_services varchar")
    con.execute("update people set number_at_services = number_sent")
    con.execute("update people set number_at_services = retired from merged where merged.id = people.id")


def known(con: duckdb.DuckDBPyConnection) -> None:
    """Make the views opt_outs_known and links_known: what of both comes in which extract."""
    con.execute("""
        create view opt_outs_known as
        select o.*, x.n, x.folder, x.extract_day, if(later > 7, 'opted_out_later', null) as kind, record_id as key,
               recorded_on + to_minutes(600) as recorded_at
        from opt_outs as o join extracts as x on x.book = 'opt_outs'
            and recorded_on >= x.covers_from and recorded_on < x.extract_day
    """)
    con.execute(f"""
        create view links_known as
        select '{OFFICE}' as sender, x.n, x.folder, x.extract_day, 'merged_record' as kind,
               printf('L%07d', m.id) as key, key as link_id, m.retired as nhs_number, m.kept, m.effective_on,
               m.effective_on + to_minutes(660) as recorded_at
        from merged as m join extracts as x on x.book = 'links'
            and m.effective_on >= x.covers_from and m.effective_on < x.extract_day
    """)
