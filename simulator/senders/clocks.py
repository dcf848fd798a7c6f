"""When England's clocks change: an hour of a night in spring never is, and one of a night in autumn comes twice."""

import datetime as dt

MONTHS = {"skipped_hour": 3, "repeated_hour": 10}
WITHIN = dt.time(1, 30)  # both hours begin at one


def last(kind: str, until: dt.date) -> dt.datetime:
    """A local time of the newest hour of a kind, of a day not after `until`."""
    years = (until.year, until.year - 1)
    ends = (dt.date(year, MONTHS[kind], 31) for year in years)
    sundays = (end - dt.timedelta(days=end.isoweekday() % 7) for end in ends)
    return dt.datetime.combine(next(day for day in sundays if day <= until), WITHIN)


def later(local: dt.datetime) -> str:
    """The later of the two instants of a time that comes twice: the clocks went back to UTC."""
    return f"{local:%Y-%m-%dT%H:%M:%SZ}"
