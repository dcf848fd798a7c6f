"""What happens in the region: people, appointments, referrals, engagement and activities, as they really are."""

import duckdb

from simulator.world import activity, appointments, engagement, people, random, referrals, region, requests


def build(
    con: duckdb.DuckDBPyConnection,
    count: int,
    seed: int,
    period: region.Period,
    effect_rate_ratio: float = 1.0,
    both_reported: float = 0.0,
) -> None:
    """Make every table in its order: visits decide who is referred, contacts decide who has more slots."""
    random.install(con, seed)
    region.build(con, period)
    people.build(con, count)
    appointments.visits(con)
    referrals.candidates(con)
    referrals.build(con)
    requests.build(con, both_reported)
    engagement.build(con)
    appointments.books(con, effect_rate_ratio)
    activity.build(con)
