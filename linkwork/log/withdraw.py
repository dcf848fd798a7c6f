"""A sender's withdrawal in the log's own tables: stubs for its events, no register, a ledger that says so.

A stub keeps position, category, load and time, so that positions stay gap-free and every load still adds up.
"""

from datetime import datetime
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log import erase
from linkwork.log.delta import DataFile
from linkwork.log.envelope import ERASED
from linkwork.log.rows import step
from linkwork.log.store import Store

WITHDRAWN = "withdrawn"


def find(store: Store, con: duckdb.DuckDBPyConnection, sender: str) -> None:
    """Make the table `withdrawn_load`: every load of the sender, with the SHA-256 of its file."""
    con.execute(
        f"""create or replace temp table withdrawn_load as
        select load_id, file_sha256, status, log_version is not null as was_committed
        from {store.current_loads()} where sender = {engine.text(sender)}"""
    )


def subjects(store: Store, con: duckdb.DuckDBPyConnection) -> list[bytes]:
    """The pseudonyms of everybody the sender's events are about."""
    query = f"select distinct subject_key from {_theirs(store)} where subject_key is not null"
    return [key for (key,) in con.execute(query).fetchall()]


def counts(store: Store, con: duckdb.DuckDBPyConnection, sender: str) -> tuple[int, int, int]:
    """How many events, rows of the register and loads are left to remove."""
    (events,) = con.execute(f"select count(*) from {_theirs(store)}").fetchone() or (0,)
    loads = f"select count(*) from withdrawn_load where status <> '{WITHDRAWN}'"
    return (
        events,
        sum(f.rows for f in store.register.files() if f.partition["sender"] == sender),
        (con.execute(loads).fetchone() or (0,))[0],
    )


def steps(
    store: Store, con: duckdb.DuckDBPyConnection, sender: str, at: datetime, detail: str
) -> dict[str, dict[str, Any]]:
    """Write the files that hold the sender's events anew, without them; returns the steps of a plan."""
    register = [f.path for f in store.register.files() if f.partition["sender"] == sender]
    ledger = f"""select * replace ('{WITHDRAWN}' as status, {engine.text(detail)} as detail,
            {engine.text(at.isoformat())}::timestamptz as recorded_at)
        from {store.current_loads()} semi join withdrawn_load using (load_id) where status <> '{WITHDRAWN}'"""
    return {
        "events": erase.stubbed(store, con, _holding(store, con), f"coalesce({_is_theirs('e')}, false)"),
        "register": {"add": [], "remove": register},
        "loads": step(con, store.loads, ledger),
    }


def _is_theirs(alias: str) -> str:
    theirs = f"{alias}.load_id in (select load_id from withdrawn_load)"
    return f"{theirs} and {alias}.event_type <> '{ERASED}'"


def _theirs(store: Store) -> str:
    return f"(from {store.events.relation()} as e where {_is_theirs('e')})"


def _holding(store: Store, con: duckdb.DuckDBPyConnection) -> list[DataFile]:
    """The files that hold an event of the sender."""
    named = {str(store.events.path / f.path): f for f in store.events.files()}
    if not named:
        return []
    found = con.execute(
        f"""select distinct filename from read_parquet({engine.texts(list(named))}, filename = true,
            hive_partitioning = false, union_by_name = true) as e where {_is_theirs("e")}"""
    ).fetchall()
    return [named[name] for (name,) in sorted(found)]
