"""Per sender and feed: what is expected, what came last, good and bad, how far it lags, and under which contract.

A file that repeats what is known is no news: a source that sends yesterday's file again falls behind like a silent one.
The mart `fct_sources` says the same of the day a build is for; this says it of now.
"""

from datetime import date, datetime, timedelta
from typing import Any

from ingestion.senders import LOCAL, Sender, registered
from linkwork import engine
from linkwork.log.store import Store
from linkwork.settings import Settings

COLUMNS = (
    "sender", "feed", "state", "expected", "days_overdue", "last_good", "last_bad", "last_repeated", "loads", "days",
    "contract_version",
)  # fmt: skip


def sources(settings: Settings, store: Store, now: datetime) -> list[dict[str, Any]]:
    """A row, with the columns of COLUMNS, for every sender and feed that is registered or was ever delivered.

    `days` is the age of the newest record when the ledger last heard of the source.
    """
    delivered = {(row["sender"], row["feed"]): row for row in _delivered(store)}
    senders, today = registered(settings.reference_dir), now.astimezone(LOCAL).date()
    for sender in senders.values():
        for feed in sender.feeds if sender.withdrawn_on is None else ():
            delivered.setdefault((sender.code, feed), {"sender": sender.code, "feed": feed, "loads": 0})
    found = [row | _expected(row, senders.get(code), today) for (code, _), row in sorted(delivered.items())]
    return [{c: row.get(c) for c in COLUMNS} for row in found]


def _expected(row: dict[str, Any], sender: Sender | None, today: date) -> dict[str, Any]:
    """When the next file with something new is expected, and what to call the source."""
    if sender is None or row["feed"] not in sender.feeds:
        return {"state": "not_registered"}
    if sender.withdrawn_on is not None:
        return {"state": "withdrawn"}
    new, repeated = row.get("last_new_received"), row.get("last_repeated")
    expected = sender.first_expected
    if new is not None:
        cadence = sender.cadence_days
        expected = None if cadence is None else new.astimezone(LOCAL).date() + timedelta(days=cadence)
    overdue = max((today - expected).days, 0) if expected else 0
    if expected is None:
        state = "unscheduled"
    elif overdue == 0:
        state = "on_time"
    elif new is None:
        state = "never_delivered"
    else:
        state = "repeats" if repeated is not None and repeated > new else "silent"
    return {"state": state, "expected": expected, "days_overdue": overdue}


def _delivered(store: Store) -> list[dict[str, Any]]:
    if not store.loads.exists():
        return []
    with engine.asking() as con:
        return engine.dicts(
            con.execute(
                f"""select sender, feed,
                    max(recorded_at) filter (status = 'committed') as last_good,
                    max(recorded_at) filter (status in ('held', 'refused')) as last_bad,
                    max(received_at) filter (status = 'noop') as last_repeated,
                    max(received_at) filter (status = 'committed') as last_new_received,
                    count(*) filter (status = 'committed') as loads,
                    date_diff('day', max(newest_asserted_at) filter (status = 'committed'), max(recorded_at)) as days,
                    arg_max(contract_version, recorded_at) as contract_version
                from {store.current_loads()} where status <> 'withdrawn' group by all"""
            )
        )
