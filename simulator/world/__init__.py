"""What happens in the region: people, appointments, referrals, engagement and activities, as they really are."""

import duckdb

from simulator.world import (
    activity,
    appointments,
    changes,
    engagement,
    holds,
    offers,
    people,
    plans,
    random,
    referrals,
    region,
    requests,
    rollout,
)
from simulator.world.dials import Dials


def build(
    con: duckdb.DuckDBPyConnection, count: int, seed: int, period: region.Period, dials: Dials | None = None
) -> None:
    """Make every table in its order: visits decide who is referred, contacts decide who has more slots."""
    dials = dials or Dials()
    random.install(con, seed)
    region.build(con, period, region.practices_for(count))
    changes.build(con, period, dials.changes)
    rollout.build(con, dials.rollout_months)
    people.build(con, count, dials.ratio_sql)
    appointments.visits(con)
    referrals.candidates(con, dials.referred_per_year)
    referrals.build(con, dials.engagement_gap)
    offers.build(con)
    holds.build(con)
    requests.build(con, dials.both_reported)
    engagement.contacts(con)
    plans.build(con)
    engagement.build(con)
    appointments.books(con)
    activity.build(con)
