"""The log's commits, newest first: when, which batch, which positions, how many events of each category."""

from typing import Any

from linkwork import engine
from linkwork.log.store import Store


def history(store: Store, limit: int = 20) -> list[dict[str, Any]]:
    """One row a batch that committed files, with its files' counts from the ledger and its events from the log."""
    if not store.events.exists():
        return []
    store.refresh()
    with engine.connect() as con:
        cursor = con.execute(
            f"""
            with commits as (
                select batch_id, log_version as version, recorded_at, count(*) as files,
                    sum(records)::bigint as records, sum(events)::bigint as events
                from {store.current_loads(first=True)} where status = 'committed'
                group by all
            ),
            counted as (
                select recorded_at, category, count(*) as events,
                    min(global_position) as lowest, max(global_position) as highest
                from {store.events.relation()} group by all
            ),
            positions as (
                select recorded_at, min(lowest) as first_position, max(highest) as last_position,
                    map(list(category order by category), list(events order by category)) as categories
                from counted group by recorded_at
            )
            select c.version, c.recorded_at, c.batch_id, c.files, c.records, c.events,
                p.first_position, p.last_position, p.categories
            from commits as c left join positions as p on p.recorded_at = c.recorded_at
            order by c.version desc limit {int(limit)}"""
        )
        return engine.dicts(cursor)
