"""On which days senders make their extracts, what days each covers, and with which delivery it comes."""

import datetime as dt
from dataclasses import dataclass

import duckdb

from simulator.world.region import Period

BOOKS = ("registrations", "appointments", "referrals", "contacts", "activity", "codes", "opt_outs", "links")
EVENTS = ("contacts", "activity", "codes", "opt_outs", "links")  # books of which a file holds what is new
OVERLAP_DAYS = 90  # how far a yearly extract of appointments reaches back into the one before
ROLLING_DAYS = 14  # how far a daily extract reaches back, unless said otherwise


@dataclass(frozen=True)
class Deliveries:
    """How the files come: `days` None, as extracts through the whole time in one landing folder; a number, as one full
    extract and then a delivery on each of the last `days` days, of which those of state feeds reach back `reach` days.
    """

    days: int | None = None
    reach: int = ROLLING_DAYS


def build(con: duckdb.DuckDBPyConnection, period: Period, deliveries: Deliveries) -> None:
    """Make the tables extracts (one row a book and extract, numbered in the order of their days), practice_extracts
    (those of each practice) and askers (at which minute of the day a sender makes its extracts).

    A practice that closed goes on until an extract knows that all its people left, on the day after its last, on which
    it also makes the only one of its codes; a practice with another system sends all it has from it, first.

    `whole`: the extract holds all that is known on its day; otherwise what is new or changed since `covers_from`.
    """
    con.execute("""
        create table extracts
            (book varchar, n integer, of_all integer, folder varchar, covers_from date, extract_day date, whole boolean)
    """)
    con.executemany("insert into extracts values (?, ?, ?, ?, ?, ?, ?)", extracts(period, deliveries))
    con.execute("""
        create table practice_extracts as
        with each as (
            select e.* replace (if(book = 'codes' and of_all = 1, least(e.extract_day, c.closed_on + 1), e.extract_day)
                       as extract_day), p.code as practice_code, m.since, m.since is not null as migrated,
                   first_value(e.extract_day) over (partition by book, p.code, migrated order by e.extract_day)
                       as first_so,
                   lag(e.extract_day) over (partition by book, p.code order by e.extract_day) as previous, c.closed_on
            from extracts as e cross join practices as p
            left join migrations as m on m.practice_code = p.code and e.extract_day >= m.since
            left join closures as c on c.practice_code = p.code
        )
        select book, practice_code, n, folder, extract_day, since, migrated,
               whole or (migrated and extract_day = first_so) as whole,
               if(migrated and extract_day = first_so, date '1900-01-01', covers_from) as covers_from
        from each where closed_on is null or previous is null or previous <= closed_on + 1
    """)
    con.execute("""
        create table askers as
        select sender, 120 + floor(u(sender, 'extract minute') * 180)::integer as minute
        from (select code as sender from practices union select sender from assets
              union select distinct service from referrals)
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


def extracts(period: Period, deliveries: Deliveries) -> list[tuple[str, int, int, str, dt.date, dt.date, bool]]:
    """The rows of the table, for each book."""
    found = []
    for book in BOOKS:
        planned = history(book, period) if deliveries.days is None else daily(book, period, deliveries)
        for n, (folder, start, day, whole) in enumerate(planned, 1):
            found.append((book, n, len(planned), folder, start, day, whole))
    return found


def history(book: str, period: Period) -> list[tuple[str, dt.date, dt.date, bool]]:
    """(folder, first day covered, extract day, whole) of each extract through the whole time."""
    half_years = every(period, 6)
    if book == "registrations":
        ends = sorted({half_years[max(0, len(half_years) // 2 - 1)], period.cut_off})
        return [("", dt.date(1900, 1, 1), end, True) for end in ends]
    if book == "codes":  # asked for once: a search of a record gives few entries, and a file of few people is held
        return [("", period.first, period.cut_off, False)]
    if book == "referrals":
        return [("", period.first, end, True) for end in half_years]
    found, start = [], period.first
    for end in every(period, 12) if book == "appointments" else half_years:
        found.append(("", start, end, False))
        start = end - dt.timedelta(days=OVERLAP_DAYS if book == "appointments" else 0)
    return found


def daily(book: str, period: Period, deliveries: Deliveries) -> list[tuple[str, dt.date, dt.date, bool]]:
    """The full extract, and then one a day: of events what is new, of states what the days of `reach` have changed."""
    days = deliveries.days or 0
    first = period.cut_off - dt.timedelta(days=days)
    found = [("", dt.date(1900, 1, 1), first, True)]
    for n in range(1, days + 1):
        day = first + dt.timedelta(days=n)
        back = 1 if book in EVENTS else deliveries.reach
        found.append((f"days/{day}/", day - dt.timedelta(days=back), day, False))
    return found
