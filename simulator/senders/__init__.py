"""What senders say of what happened: extracts, messages and registers, and what is wrong with them."""

import duckdb

from simulator.senders import activity, appointments, extracts, messages, referrals, registrations, requests
from simulator.world.region import Period


def build(con: duckdb.DuckDBPyConnection, period: Period) -> None:
    """Make the rows of every feed, as each extract knew them."""
    extracts.build(con, period)
    registrations.rows(con)
    referrals.rows(con)
    requests.rows(con)
    messages.build(con)
    messages.lines(con)
    appointments.rows(con)
    activity.rows(con)
