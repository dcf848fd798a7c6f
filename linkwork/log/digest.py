"""One number for what the log says, so that two logs, or one log at two times, can be compared."""

from linkwork import engine
from linkwork.log.store import Store

# What an event is and where it stands. Not `recorded_at` and `load_id`: they tell one run from another.
STABLE = (
    "global_position::varchar",
    "hex(event_id)",
    "hex(fact_id)",
    "revision_kind",
    "epoch_us(asserted_at)::varchar",
    "hex(content_hash)",
    "hex(subject_key)",
    "source_line::varchar",
    "event_type",
)


def digest(store: Store) -> str:
    """The log's content hash, 32 hex digits: the same for the same events at the same positions under the same keys.

    Each event is hashed and the hashes are added up, so it depends neither on the order of reading nor on how the
    events lie in files; one pass, nothing is sorted.
    """
    if not store.events.exists():
        return f"{0:032x}"
    text = "concat_ws('|', " + ", ".join(f"coalesce({value}, '')" for value in STABLE) + ")"
    with engine.connect() as con:
        found = con.execute(
            f"""select coalesce(sum(md5_number_upper(row)), 0), coalesce(sum(md5_number_lower(row)), 0)
            from (select {text} as row from {store.events.refresh().relation()})"""
        ).fetchone()
    assert found is not None  # noqa: S101 - an aggregate always gives a row
    upper, lower = (int(half) % 2**64 for half in found)
    return f"{upper:016x}{lower:016x}"
