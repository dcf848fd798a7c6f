"""The calendar date in England of an instant: DuckDB's way, which asks for the time zone late in the evening only."""

from linkwork.engine import connect
from tests.support.macros import Macros

SQL = Macros("cross_db")
PLAIN = "cast(timezone('Europe/London', instant) as date)"


def test_the_day_in_england_is_that_of_the_time_zone_at_any_hour_of_any_year() -> None:
    instants = "generate_series(timestamptz '1938-01-01', timestamptz '2039-12-31', interval 37 minutes)"
    differing, late = connect().execute(
        f"""select
            count(*) filter ({SQL.local_date("instant")} is distinct from {PLAIN}),
            count(*) filter ({PLAIN} <> cast(instant as date))
        from (select unnest({instants}) as instant)"""
    ).fetchone() or (None, None)
    assert differing == 0
    assert late > 20_000, "of many instants the day in England is the next"


def test_no_instant_has_no_day() -> None:
    asked = f"select {SQL.local_date('instant')} from (select cast(null as timestamptz) as instant)"
    assert connect().execute(asked).fetchone() == (None,)
