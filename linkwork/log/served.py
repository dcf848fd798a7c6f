"""What the open tier of each release was made of, kept with the log, so that the next one can be compared with it.

These are counts before suppression and rounding, by mart and row: zone 2, as the restricted tier, which an erasure
takes away. They name nobody. They are kept before the release is served, so that none is served without them.
"""

from datetime import datetime
from pathlib import Path

import duckdb

from linkwork import engine
from linkwork.log.published import SAME
from linkwork.log.store import Store


def find(
    log_dir: Path, con: duckdb.DuckDBPyConnection, current: str | None, known_at: datetime | None
) -> tuple[str, str] | None:
    """The release that a build is compared with: its id, and SQL for what its open tier was made of; None for none.

    It is the newest one of the build's own state (`log.state`), so that a state that is published again, or built again
    as of its day, gives the same figures; without one, the release that is served; as of an earlier day, or where no
    release is there, the newest of which the log knows.
    """
    store = Store(log_dir)
    if not (store.served.exists() and store.releases.exists()):
        return None
    releases, kept = store.releases.refresh().relation(), store.served.refresh().relation()
    until = "true" if known_at is None else f"recorded_at <= {engine.text(known_at.isoformat())}::timestamptz"
    served = "false" if current is None or known_at is not None else f"release_id = {engine.text(current)}"
    found = con.execute(
        f"""with kept as (select distinct release_id from {kept}),
        known as (
            select r.release_id, r.recorded_at, exists (select 1 from log.state as s where {SAME}) as is_same
            from {releases} as r
            union all
            select release_id, null, false from kept where {served}
        )
        select release_id from known where release_id in (from kept) and (is_same or {served} or {until})
        order by is_same desc, {served} desc, recorded_at desc nulls last, release_id limit 1"""
    ).fetchone()
    if found is None:
        return None
    return found[0], f"(select mart, content from {kept} where release_id = {engine.text(found[0])})"


def keep(log_dir: Path, release_id: str, file: Path) -> None:
    """Keep what the open tier of a release is made of; of one that is kept nothing happens."""
    served = Store(log_dir).served.refresh(evolve=True)
    with engine.connect() as con:
        if con.execute(f"select 1 from {served.relation()} where release_id = ? limit 1", [release_id]).fetchone():
            return
        served.append(
            con,
            f"select {engine.text(release_id)} as release_id, mart, content"
            f" from read_parquet({engine.text(file)}) order by mart, content",
        )
