"""What changes among the organisations: who belongs to which network and board, which practice is taken over, and who
gets another computer system.

Before the simulated days one practice changed its network. During them, where asked for, one more does, a network comes
under another board, one practice is taken over by another, and one changes its system, which then sends history again.
"""

import datetime as dt

import duckdb

from simulator.world.region import Period, practice_code

NETWORKS_BEGAN = dt.date(2019, 7, 1)
SIZE_OF_NETWORK = 4
EARLIER_MOVE = (5, 1, dt.date(2022, 7, 1))  # practice, its network before, first day in its own
MOVES, MOVES_TO = 10, 2  # from the third network to the second
BOARD, EARLIER_BOARD, TRANSFERRED = "QZZ", "QZY", 3  # the third network comes from another board
TAKEN_OVER, SUCCESSOR = 12, 11
MIGRATES = 4
SYSTEM, NEXT_SYSTEM = "synthetic-gp", "synthetic-gp-next"


def month_at(period: Period, share: float) -> dt.date:
    """The first day of the month in which a share of the days is over."""
    return (period.first + dt.timedelta(days=int((period.last - period.first).days * share))).replace(day=1)


def after_extract(period: Period, share: float) -> dt.date:
    """The day after the yearly extract nearest to a share of the days: the old system has stated all it knows."""
    years = range(period.first.year + 1, period.cut_off.year + 1)
    asked = [day for day in (period.first.replace(year=year, day=1) for year in years) if day < period.last]
    wished = month_at(period, share)
    return min(asked, key=lambda day: abs(day - wished), default=wished) + dt.timedelta(days=1)


def build(con: duckdb.DuckDBPyConnection, period: Period, during: bool) -> None:
    """Make the tables memberships and boards (who belongs where, from when until when, both days included), closures
    (practices taken over: their last day, and who follows) and migrations (practices with another system, since when).

    `during`: whether anything changes in the simulated days.
    """
    con.execute("create table memberships (number int, network int, joined_on date, left_on date)")
    con.execute("create table boards (network int, board varchar, since date, until date)")
    con.execute("create table closures (number int, practice_code varchar, successor int, closed_on date)")
    con.execute("create table migrations (number int, practice_code varchar, since date)")
    numbers = [n for (n,) in con.execute("select number from practices order by 1").fetchall()]
    rows = {n: [((n - 1) // SIZE_OF_NETWORK + 1, NETWORKS_BEGAN)] for n in numbers}
    moved, before, since = EARLIER_MOVE
    rows[moved] = [(before, NETWORKS_BEGAN), (rows[moved][0][0], since)]
    closed_on = month_at(period, 0.6) - dt.timedelta(days=1)
    if during:
        rows[MOVES].append((MOVES_TO, month_at(period, 0.4)))
        con.execute(
            "insert into closures values (?, ?, ?, ?)", [TAKEN_OVER, practice_code(TAKEN_OVER), SUCCESSOR, closed_on]
        )
        con.execute(
            "insert into migrations values (?, ?, ?)", [MIGRATES, practice_code(MIGRATES), after_extract(period, 0.7)]
        )
    for number, steps in rows.items():
        ends = [joined - dt.timedelta(days=1) for _, joined in steps[1:]]
        last = closed_on if during and number == TAKEN_OVER else None
        for (network, joined), left in zip(steps, [*ends, last], strict=True):
            con.execute("insert into memberships values (?, ?, ?, ?)", [number, network, joined, left])
    for network in sorted({network for steps in rows.values() for network, _ in steps}):
        if during and network == TRANSFERRED:
            day = month_at(period, 0.5)
            con.execute(
                "insert into boards values (?, ?, ?, ?), (?, ?, ?, null)",
                [network, EARLIER_BOARD, NETWORKS_BEGAN, day - dt.timedelta(days=1), network, BOARD, day],
            )
        else:
            con.execute("insert into boards values (?, ?, ?, null)", [network, BOARD, NETWORKS_BEGAN])
