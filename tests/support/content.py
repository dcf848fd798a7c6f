"""What a log says in the end, told without when and how it came to say so: to compare logs of the same world."""

from typing import Any

from linkwork import engine
from linkwork.log.store import Store
from linkwork.settings import Settings

ARRIVAL = (
    "global_position", "event_id", "causation_id", "schema_version", "revision_kind", "origin", "asserted_at",
    "received_at", "recorded_at", "load_id", "source_line", "content_hash",
)  # fmt: skip


def effective(settings: Settings) -> dict[bytes, tuple[Any, ...]]:
    """Fact to content, of every fact that stands: its newest assertion, without those that took it back.

    A description of a person happened when it was stated, and so has no day that two tellings of it would share.
    """
    store = Store(settings.log_dir).refresh()
    stated = "event_type in ('person.described', 'person.merged')"
    with engine.connect() as con:
        found = con.execute(f"""
            with newest as (
                select * from {store.events.relation()} where fact_id is not null
                qualify row_number() over (partition by fact_id order by asserted_at desc, global_position desc) = 1
            )
            select fact_id, * exclude (fact_id, {", ".join(ARRIVAL)}) replace (
                if({stated}, null, occurred_at) as occurred_at, if({stated}, null, occurred_on) as occurred_on
            )
            from newest where revision_kind in ('original', 'revision', 'resolution')
        """).fetchall()
    return {
        row[0]: tuple(str(value) if isinstance(value, list | float) else value for value in row[1:]) for row in found
    }
