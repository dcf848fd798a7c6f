"""On which days each sender makes its extracts, and what days each covers."""

import datetime as dt

import duckdb

from simulator.world.region import Period


def build(con: duckdb.DuckDBPyConnection, period: Period) -> None:
    """Make the tables extracts (one row a feed and file) and practice_extracts, and the macro extract_at.

    A practice that closed sends one extract more; a practice with another system sends all it has from it.
    """
    con.execute("create table extracts (feed varchar, file varchar, covers_from date, extract_day date)")
    con.executemany("insert into extracts values (?, ?, ?, ?)", extracts(period))
    con.execute("""
        create table practice_extracts as
        with each as (
            select e.*, p.code as practice_code, m.since is not null as migrated,
                   first_value(e.extract_day) over (partition by feed, p.code, migrated order by e.extract_day)
                       as first_so,
                   lag(e.extract_day) over (partition by feed, p.code order by e.extract_day) as previous, c.closed_on
            from extracts as e cross join practices as p
            left join migrations as m on m.practice_code = p.code and e.extract_day >= m.since
            left join closures as c on c.practice_code = p.code
        )
        select feed, practice_code, file, extract_day, migrated,
               if(migrated and extract_day = first_so, date '1900-01-01', covers_from) as covers_from
        from each where closed_on is null or previous is null or previous <= closed_on
    """)
    con.execute("""
        create macro extract_at(day, sender) as strftime(
            day::timestamp + to_minutes(120 + floor(u(sender, 'extract minute') * 180)::integer),
                '%Y-%m-%dT%H:%M:%SZ')
    """)


def every(period: Period, months: int) -> list[dt.date]:
    """Extract days `months` apart, the last always being the cut-off."""
    found = []
    for step in range(months, 1200, months):
        month = period.first.month - 1 + step
        day = dt.date(period.first.year + month // 12, month % 12 + 1, 1)
        if day >= period.cut_off:
            break
        found.append(day)
    return [*found, period.cut_off]


def extracts(period: Period) -> list[tuple[str, str, dt.date, dt.date]]:
    """(feed, file, first day covered, extract day) of every file that each sender of a feed makes."""
    half_years = every(period, 6)
    rows = []
    for end in sorted({half_years[max(0, len(half_years) // 2 - 1)], period.cut_off}):
        rows.append(("registrations_csv", f"registrations_{end}.csv", dt.date(1900, 1, 1), end))
    start = period.first
    for end in every(period, 12):  # each extract reaches 90 days back into the one before
        rows.append(("gp_appointments_csv", f"appointments_{end}.csv", start, end))
        start = end - dt.timedelta(days=90)
    start = period.first
    for end in half_years:
        rows.append(("referrals_csv", f"referrals_{end}.csv", period.first, end))
        rows.append(("link_worker_jsonl", f"contacts_{end}.jsonl", start, end))
        rows.append(("activity_csv", f"activity_{end}.csv", start, end))
        start = end
    return rows
