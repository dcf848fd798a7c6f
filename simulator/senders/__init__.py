"""What senders say of what happened: extracts, messages and registers, and what is wrong with them."""

from collections.abc import Mapping

import duckdb

from simulator.senders import activity, appointments, codes, extracts, messages, permissions, referrals, registrations
from simulator.senders.extracts import Deliveries
from simulator.world.region import Period


def build(con: duckdb.DuckDBPyConnection, period: Period, deliveries: Deliveries, shares: Mapping[str, float]) -> None:
    """Make the view of every book, as each extract knows it; `shares` are the dials of the mess."""
    if shares["missing_number"] > 0:
        con.execute(f"""
            update people set number_held = false, number_sent = ''
            where u(id, 'number missing') < {shares["missing_number"]!r}
        """)
    permissions.build(con, shares["opted_out"], shares["merged"])
    extracts.build(con, period, deliveries)
    registrations.known(con)
    referrals.known(con)
    messages.build(con, shares["late"], shares["corrected"])
    messages.known(con)
    appointments.known(con)
    activity.known(con)
    codes.known(con)
    permissions.known(con)
