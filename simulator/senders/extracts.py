"""On which days senders make their extracts, what days each covers, and with which delivery it comes."""

import datetime as dt
from dataclasses import dataclass

import duckdb

from simulator.world.region import Period

BOOKS = ("registrations", "appointments", "referrals", "contacts", "activity", "codes", "opt_outs", "links")
EVENTS = ("contacts", "activity", "codes", "opt_outs", "links")  # books of which a file holds what is new
STATES = ("registrations", "appointments", "referrals")  # books of which a file holds how things stand
OVERLAP_DAYS = 90  # how far a yearly extract of appointments reaches back into the one before
ROLLING_DAYS = 14  # how far a daily extract reaches back, unless said otherwise
BEFORE_MIDNIGHT = 420  # minutes by which a system that is given up makes its last extract earlier than its successor
EVER = dt.date(1900, 1, 1)


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
    it also makes the only one of its codes. A practice with another system makes a last extract of the old one in the
    evening of its last day (`is_last`), when that knows all of the day, and from the new one sends all it has, first.

    `whole`: the extract holds all that is known on its day; otherwise what is new or changed since `covers_from`.
    """
    con.execute("""
        create table extracts
            (book varchar, n integer, of_all integer, folder varchar, covers_from date, extract_day date, whole boolean)
    """)
    con.executemany("insert into extracts values (?, ?, ?, ?, ?, ?, ?)", extracts(period, deliveries))
    con.execute("""
        create table askers as
        select sender, 120 + floor(u(sender, 'extract minute') * 180)::integer as minute
        from (select code as sender from practices union select sender from assets
              union select distinct service from referrals)
    """)
    con.execute("""
        create table last_extracts
            (practice_code varchar, extract_day date, book varchar, folder varchar, covers_from date, whole boolean)
    """)
    for practice, since in con.execute("select practice_code, since from migrations").fetchall():
        rows = [(practice, since, book, *last(book, period, deliveries, since)) for book in STATES]
        con.executemany("insert into last_extracts values (?, ?, ?, ?, ?, ?)", rows)
    con.execute(f"""
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
        ), told as (
            select book, practice_code, folder, extract_day, since, migrated, false as is_last,
                   whole or (migrated and extract_day = first_so) as whole,
                   if(migrated and extract_day = first_so, date '{EVER}', covers_from) as covers_from
            from each where closed_on is null or previous is null or previous <= closed_on + 1
            union all by name
            select *, null as since, false as migrated, true as is_last from last_extracts
        )
        select told.*, extract_day + to_minutes(minute - if(is_last, {BEFORE_MIDNIGHT}, 0)) as asked_at,
               row_number() over (partition by book, practice_code order by extract_day, is_last desc) as n
        from told join askers on askers.sender = practice_code
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
        return [("", EVER, end, True) for end in ends]
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
    found = [("", EVER, first, True)]
    for n in range(1, days + 1):
        day = first + dt.timedelta(days=n)
        back = 1 if book in EVENTS else deliveries.reach
        found.append((f"days/{day}/", day - dt.timedelta(days=back), day, False))
    return found


def last(book: str, period: Period, deliveries: Deliveries, since: dt.date) -> tuple[str, dt.date, bool]:
    """(folder, first day covered, whole) of the last extract of a system that another follows on `since`."""
    if deliveries.days is None:
        before = [day for _, _, day, _ in history(book, period) if day < since]
        if book == "appointments" and before:
            return "", before[-1] - dt.timedelta(days=OVERLAP_DAYS), False
        return "", EVER, True
    first = period.cut_off - dt.timedelta(days=deliveries.days)
    if since <= first:  # the region begins with the new system: of the old one there is nothing else
        return "", EVER, True
    return f"days/{since}/", since - dt.timedelta(days=deliveries.reach), False
