"""Decide again, commit by commit, what files meant that were loaded before.

A retraction asks what the log would hold without one file; a lost register asks what it held. Both take the staged
copies of files that are still kept through `decide`, in the order in which they were committed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log import append, decide
from linkwork.log.store import Store

EVENTS, REGISTER_ROWS = "replayed_event", "replayed_register"
KNOWN = f"(select * from {REGISTER_ROWS} semi join rec using (record_key))"


def replay(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    commits: Iterable[list[dict[str, Any]]],
    initial: str,
    only: str = "",
) -> None:
    """Leave the tables `replayed_event` and `replayed_register`.

    `commits` are lists of profiles of files staged below `folder`; `initial` names a table with the register's rows
    before the first of them; `only` a table of the record keys to look at.
    """
    con.execute(f"create or replace temp table {REGISTER_ROWS} as from {engine.name(initial)}")
    con.execute(f"drop table if exists {EVENTS}")
    for loads in commits:
        append.prepare_inputs(store, con, folder, loads, KNOWN, only)
        decide.decide(con)
        if con.execute(f"select 1 from duckdb_tables() where table_name = '{EVENTS}'").fetchone():
            con.execute(f"insert into {EVENTS} by name from event")
        else:
            con.execute(f"create temp table {EVENTS} as from event")
        con.execute(
            f"""create or replace temp table {REGISTER_ROWS} as
            from register_row
            union all by name
            select * from {REGISTER_ROWS} anti join register_row using (record_key)"""
        )
