"""What a build is pinned to: the log at one position, the ledger and reference data as they were known, permissions as
they are today.
"""

from datetime import UTC, datetime
from typing import Any

import duckdb

from linkwork import __version__, engine, reference
from linkwork.log import published, tombstones
from linkwork.log.delta import DataFile
from linkwork.log.store import Store
from linkwork.reference import check
from linkwork.settings import Settings

# Who is whom and who opted out: read from the whole log, whatever day a build is for.
PERMISSIONS = ("person.merged", "person.unmerged", "person.opted_out", "person.opted_in")


def pin(
    con: duckdb.DuckDBPyConnection,
    store: Store,
    settings: Settings,
    known_at: datetime | None,
    settled_at: datetime | None,
) -> dict[str, Any]:
    """Make the schemas `log` and `reference`: the one view of events, that of today's permissions, and small tables.

    The only reader of the log. Nothing is read of a commit after `settled_at`: a writer may be in the middle of it.
    """
    if known_at is not None:
        known_at = known_at.astimezone(UTC)
    files, position, newest = stood_at(con, store, min(filter(None, (known_at, settled_at)), default=None))
    con.execute("create schema log")
    con.execute("create schema reference")
    con.execute(f"create view log.events as select {_event_columns(store)} from {_events(store, files, position)}")
    settled, known = _until(settled_at), _until(known_at)
    con.execute(
        f"""create view log.permissions as select {_event_columns(store)}
        from {store.events.relation(store.events.files(category="person"))}
        where event_type in ({", ".join(engine.text(t) for t in PERMISSIONS)}) and {settled}"""
    )
    _, _, permissions_as_of = stood_at(con, store, settled_at)
    # A file that was held or refused is no part of a commit, and its row has no version of the log.
    ledger = store.current_loads(f"{known} and ({settled} or log_version is null)")
    # What a withdrawn sender sent is in no build, of whatever day.
    gone = f"select load_id from {store.current_loads()} where status = 'withdrawn'"
    con.execute(f"create table log.loads as from {ledger} where load_id not in ({gone}) order by load_id")
    con.execute(
        f"""create table log.quarantine as from {store.current_quarantine(f"{known} and {settled}")}
        where status is null and load_id not in ({gone}) order by load_id, source_line"""
    )
    erasures = tombstones.erasures(settings.log_dir)
    con.execute(
        f"""create table log.pinned as select ?::bigint as position, ?::timestamptz as known_at,
        {_cut_off("log.loads")} as cut_off, ?::timestamptz as permissions_as_of,
        {_cut_off(store.current_loads())} as permissions_cut_off, ?::bigint as erasures""",
        [position, newest, permissions_as_of, erasures],
    )
    (withdrawn,) = con.execute(f"select count(*) from ({gone})").fetchone() or (0,)
    kinds = [name for name, kind in reference.KINDS.items() if not kind.ofGate]
    used = {kind: reference.version_used(settings.reference_dir, kind, known_at) for kind in kinds}
    state = {
        "position": position,
        "removals": erasures + withdrawn,
        "code_maps": used.pop("code_maps"),
        "reference": " ".join(f"{kind}={version}" for kind, version in sorted(used.items()) if version),
        "code_version": __version__,
    }
    published.earlier(store, con, state, known_at)
    for kind in kinds:
        con.execute(
            f"""create table reference.{engine.name(kind)} as
            select * from {reference.relation(settings.reference_dir, kind, known_at)} order by all"""
        )
    check.table(con, settings.reference_dir, known_at)
    cut_off = con.execute("select cut_off from log.pinned").fetchone()
    return {
        "position": position,
        "known_at": newest,
        "cut_off": cut_off[0] if cut_off else None,
        "permissions_as_of": permissions_as_of,
    }


def _cut_off(loads: str) -> str:
    """SQL of the day that counts as today where these are the loads: the local day of the newest assertion."""
    return f"""(select (max(newest_asserted_at) at time zone 'Europe/London')::date from {loads}
        where status = 'committed')"""


def stood_at(
    con: duckdb.DuckDBPyConnection, store: Store, known_at: datetime | None
) -> tuple[list[DataFile], int, datetime | None]:
    """The files to read, the last position and when it was recorded, of the log as it stood at a time."""
    files = store.events.files()
    if known_at is not None:
        # A compacted file holds rows of many commits: those that reach over the time are asked row by row.
        files = [f for f in files if f.lowest["recorded_at"] <= known_at]
        over = [f for f in files if f.highest["recorded_at"] > known_at]
        whole = [f for f in files if f.highest["recorded_at"] <= known_at]
        if over:
            found = con.execute(
                f"""select max(global_position), max(recorded_at) from {store.events.relation(over)}
                where recorded_at <= ?::timestamptz""",
                [known_at],
            ).fetchone()
            ends = [(f.highest["global_position"], f.highest["recorded_at"]) for f in whole]
            ends += [found] if found and found[0] is not None else []
            position, newest = max(ends, default=(0, None))
            return files, position, newest
    position = max((f.highest["global_position"] for f in files), default=0)
    return files, position, max((f.highest["recorded_at"] for f in files), default=None)


def _until(time: datetime | None) -> str:
    return "true" if time is None else f"recorded_at <= {engine.text(time.isoformat())}::timestamptz"


def _event_columns(store: Store) -> str:
    return ", ".join(engine.name(c) for c in store.events.columns)


def _events(store: Store, files: list[DataFile], position: int) -> str:
    return f"{store.events.relation(files)} where global_position <= {int(position)}"
