"""The calendar: leap days, weeks of two years, edges of years, and days of 23 and 25 hours.

Periods are calendar months, quarters and years. No mart has weeks, or a financial year of its own: that one is the four
quarters from April.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from linkwork import engine
from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id
from tests.support.macros import Macros

SQL = Macros("cross_db", "reporting")

# The clocks went forward on 30 March and back on 26 October 2025; 2024 was a leap year.
EVENTS = """
person | record | event                | on         | says
lea    | L-r    | registration.started | 2010-01-01 | at=Z98201
lea    | leap   | referral.received    | 2024-02-15 | at=Z98201; route=gp; decided_on=2024-02-15
lea    | L-1    | appointment.attended | 2024-01-17 | at=Z98201
lea    | L-2    | appointment.attended | 2024-01-18 | at=Z98201
lea    | L-3    | appointment.attended | 2024-03-14 | at=Z98201
lea    | L-4    | appointment.attended | 2024-03-15 | at=Z98201
sue    | S-r    | registration.started | 2010-01-01 | at=Z98201
sue    | spring | referral.received    | 2025-03-16 | at=Z98201; route=gp; decided_on=2025-03-16
sue    | S-1    | appointment.attended | 2025-02-15 | at=Z98201
sue    | S-2    | appointment.attended | 2025-02-16 | at=Z98201
sue    | S-3    | appointment.attended | 2025-04-13 | at=Z98201
sue    | S-4    | appointment.attended | 2025-04-14 | at=Z98201
abe    | B-r    | registration.started | 2010-01-01 | at=Z98201
abe    | autumn | referral.received    | 2025-10-12 | at=Z98201; route=gp; decided_on=2025-10-12
abe    | B-1    | appointment.attended | 2025-09-13 | at=Z98201
abe    | B-2    | appointment.attended | 2025-09-14 | at=Z98201
abe    | B-3    | appointment.attended | 2025-11-09 | at=Z98201
abe    | B-4    | appointment.attended | 2025-11-10 | at=Z98201
p1     | on-1   | referral.received    | 2024-02-29 | at=Z98202; route=gp
p2     | on-2   | referral.received    | 2024-12-30 | at=Z98202; route=gp
p3     | on-3   | referral.received    | 2025-01-01 | at=Z98202; route=gp
p4     | on-4   | referral.received    | 2025-03-31 | at=Z98202; route=gp
p5     | on-5   | referral.received    | 2025-04-01 | at=Z98202; route=gp
fay    | F-r    | registration.started | 2010-01-01 | at=Z98203
fay    | F-p    | person.described     | 2024-12-01 | at=Z98203; birth_month=1960-02-01
fay    | age-1  | referral.received    | 2025-01-31 | at=Z98203; route=gp
fay    | age-2  | referral.received    | 2025-02-01 | at=Z98203; route=gp
w1     | wait-1 | referral.received    | 2024-02-28 | at=Z98203; route=gp
w1     | W-1    | contact.held         | 2024-03-01 | referral=wait-1
w2     | wait-2 | referral.received    | 2025-02-28 | at=Z98203; route=gp
w2     | W-2    | contact.held         | 2025-03-01 | referral=wait-2
w3     | wait-3 | referral.received    | 2025-03-29 | at=Z98203; route=gp
w3     | W-3    | contact.held         | 2025-03-31 | referral=wait-3
w4     | wait-4 | referral.received    | 2025-10-25 | at=Z98203; route=gp
w4     | W-4    | contact.held         | 2025-10-27 | referral=wait-4
"""

# An instant in UTC, and the day it is on in England.
DAYS = {
    "2025-01-14T23:30": "2025-01-14",
    "2025-07-14T23:30": "2025-07-15",
    "2025-06-30T23:30": "2025-07-01",  # another quarter
    "2025-03-30T00:30": "2025-03-30",
    "2025-03-30T22:59": "2025-03-30",  # the 23rd hour of that day is its last
    "2025-03-30T23:00": "2025-03-31",
    "2025-10-25T22:59": "2025-10-25",
    "2025-10-25T23:00": "2025-10-26",
    "2025-10-26T23:59": "2025-10-26",  # its 25th hour
    "2024-02-28T23:59": "2024-02-28",
    "2024-02-29T00:00": "2024-02-29",
    "2024-12-31T23:59": "2024-12-31",
    "1970-12-31T23:30": "1971-01-01",  # that winter was British Standard Time
}


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for instant in DAYS:
        if instant > "2024":
            warehouse.event(scope, "ned", f"slot {instant}", "appointment.booked", instant[:10], at="Z98201")
            warehouse.events[-1]["appointment_slot_start"] = _utc(instant)
    for day in ("2023-12-01", "2026-01-31"):
        warehouse.event(scope, "zoe", f"first and last {day}", "appointment.missed", day, at="Z98201")
    for n in (1, 2, 3):
        warehouse.practice(f"Z9820{n}", pcn=f"U9820{n}", icb="QX1")


def _utc(instant: str) -> datetime:
    return datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize("referral", ["leap", "spring", "autumn"])
def test_f123_a_window_of_28_days_has_28_days(marts: Scenario, referral: str) -> None:
    """The 28th day on either side counts, the 29th does not: over a leap day, and over days of 23 and 25 hours."""
    row = marts.row(
        "select * from fct_reattendance where referral_id = $id and window_days = 28", id=text_id(marts.scope, referral)
    )
    figures = ("days_before", "days_after", "gp_contacts_before", "gp_contacts_after")
    assert tuple(row[figure] for figure in figures) == (28, 28, 1, 1)


def test_f123_a_referral_counts_in_the_month_quarter_and_year_of_its_day(marts: Scenario) -> None:
    """30 December 2024 is of the first week of 2025 by ISO 8601; 1 April begins a financial year."""
    rows = marts.rows(
        """select period_type, period_start, period_end, referrals from rpt_uptake
        where area_level = 'practice' and area_code = 'Z98202' and breakdown = 'none' and stage = 'referred'
        and period_type <> 'all' order by period_type, period_start"""
    )
    assert [(r["period_type"], str(r["period_start"]), str(r["period_end"]), r["referrals"]) for r in rows] == [
        ("month", "2024-02-01", "2024-02-29", 1),
        ("month", "2024-12-01", "2024-12-31", 1),
        ("month", "2025-01-01", "2025-01-31", 1),
        ("month", "2025-03-01", "2025-03-31", 1),
        ("month", "2025-04-01", "2025-04-30", 1),
        ("quarter", "2024-01-01", "2024-03-31", 1),
        ("quarter", "2024-10-01", "2024-12-31", 1),
        ("quarter", "2025-01-01", "2025-03-31", 2),
        ("quarter", "2025-04-01", "2025-06-30", 1),
        ("year", "2024-01-01", "2024-12-31", 2),
        ("year", "2025-01-01", "2025-12-31", 3),
    ]


def test_f123_who_was_born_on_29_february_is_a_year_older_with_the_month(marts: Scenario) -> None:
    """Only the month of birth is known: the age changes on its first day, for everybody born in it."""
    ages = [marts.referral(record) for record in ("age-1", "age-2")]
    assert [(row["age_at_referral"], row["age_band"]) for row in ages] == [(64, "50-64"), (65, "65-79")]


def test_f123_a_wait_is_of_calendar_days(marts: Scenario) -> None:
    waits = [
        marts.row(
            "select days from fct_referral_waits where referral_id = $id and endpoint = 'first_contact'",
            id=text_id(marts.scope, f"wait-{n}"),
        )["days"]
        for n in (1, 2, 3, 4)
    ]
    assert waits == [2, 1, 2, 2]


def test_f123_a_slot_is_on_the_local_day(marts: Scenario) -> None:
    rows = marts.rows(
        "select slot_on, count(*) as n from fct_appointments where person_id = $id group by slot_on order by slot_on",
        id=text_id(marts.scope, "ned"),
    )
    expected = sorted(day for instant, day in DAYS.items() if instant > "2024")
    assert [str(row["slot_on"]) for row in rows for _ in range(row["n"])] == expected


# Day, day of the week (Monday is 1), and the first and last days of its month, quarter and year.
PERIODS = """
1900-02-28 3 1900-02-01 1900-02-28 1900-01-01 1900-03-31 1900-01-01 1900-12-31
2000-02-29 2 2000-02-01 2000-02-29 2000-01-01 2000-03-31 2000-01-01 2000-12-31
2020-12-28 1 2020-12-01 2020-12-31 2020-10-01 2020-12-31 2020-01-01 2020-12-31
2021-01-03 7 2021-01-01 2021-01-31 2021-01-01 2021-03-31 2021-01-01 2021-12-31
2024-02-29 4 2024-02-01 2024-02-29 2024-01-01 2024-03-31 2024-01-01 2024-12-31
2024-12-30 1 2024-12-01 2024-12-31 2024-10-01 2024-12-31 2024-01-01 2024-12-31
2025-02-28 5 2025-02-01 2025-02-28 2025-01-01 2025-03-31 2025-01-01 2025-12-31
2025-03-30 7 2025-03-01 2025-03-31 2025-01-01 2025-03-31 2025-01-01 2025-12-31
2025-03-31 1 2025-03-01 2025-03-31 2025-01-01 2025-03-31 2025-01-01 2025-12-31
2025-04-01 2 2025-04-01 2025-04-30 2025-04-01 2025-06-30 2025-01-01 2025-12-31
2025-10-26 7 2025-10-01 2025-10-31 2025-10-01 2025-12-31 2025-01-01 2025-12-31
2026-12-31 4 2026-12-01 2026-12-31 2026-10-01 2026-12-31 2026-01-01 2026-12-31
2027-01-03 7 2027-01-01 2027-01-31 2027-01-01 2027-03-31 2027-01-01 2027-12-31
"""

# First day, last day, days between them: 28 or 29 days of February, a day of 23 hours and one of 25, a leap year.
BETWEEN = """
1900-02-28 1900-03-01 1
2000-02-28 2000-03-01 2
2024-02-28 2024-03-01 2
2025-02-28 2025-03-01 1
2025-03-29 2025-03-31 2
2025-10-25 2025-10-27 2
2025-03-02 2025-03-30 28
2025-09-28 2025-10-26 28
2023-04-01 2024-04-01 366
2024-04-01 2025-04-01 365
2024-03-01 2024-02-28 -2
"""

# Month of birth, day, age: those of 29 February 1960, 2004 and 2008 with everybody of their months.
AGES = """
1960-02-01 2025-01-31 64
1960-02-01 2025-02-01 65
2008-02-01 2026-01-31 17
2008-02-01 2026-02-28 18
2004-02-01 2024-02-29 20
2024-02-01 2025-02-28 1
2024-02-01 2024-02-29 0
2023-12-01 2024-11-30 0
2023-12-01 2024-12-01 1
"""


def _table(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


def _one(expression: str) -> Any:
    with engine.connect() as con:
        return engine.row(con, f"select {expression}")[0]


def _day(text: str) -> str:
    return f"date '{text}'"


@pytest.mark.parametrize("line", _table(PERIODS), ids=lambda line: line[0])
def test_f123_periods(line: list[str]) -> None:
    day = _day(line[0])
    found = [str(_one(SQL.weekday(day)))]
    for period, months in (("month", 1), ("quarter", 3), ("year", 12)):
        start = SQL.period_start(period, day)
        found += [str(_one(start)), str(_one(SQL.period_end(start, months)))]
    assert found == line[1:]


@pytest.mark.parametrize("line", _table(BETWEEN), ids=lambda line: f"{line[0]} {line[1]}")
def test_f123_days_between(line: list[str]) -> None:
    first, last, days = line
    assert _one(SQL.days_between(_day(first), _day(last))) == int(days)
    assert _one(SQL.add_days(_day(first), days)) == date.fromisoformat(last)
    if int(days) > 0:
        named = f"(select {_day(first)} as first_day, {_day(last)} as last_day)"
        each = SQL.days_between_columns(named, "first_day", "last_day")
        assert _one(f"count(distinct day) from ({each})") == int(days) + 1


@pytest.mark.parametrize("line", _table(AGES), ids=lambda line: f"{line[0]} {line[1]}")
def test_f123_ages(line: list[str]) -> None:
    assert _one(SQL.age_in_years(_day(line[0]), _day(line[1]))) == int(line[2])


def test_f123_nobody_has_an_age_before_birth() -> None:
    assert _one(SQL.age_band(SQL.age_in_years(_day("2025-02-01"), _day("2025-01-31")))) == "unknown"


@pytest.mark.parametrize(("instant", "day"), DAYS.items(), ids=list(DAYS))
def test_f123_the_local_day_of_an_instant(instant: str, day: str) -> None:
    assert str(_one(SQL.local_date(f"timestamptz '{instant}:00+00'"))) == day
