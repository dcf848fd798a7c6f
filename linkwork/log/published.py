"""What was published, kept with the log: which releases became current, and their watched figures.

So that a build can say which figures it restates, and against what. An erasure removes the restricted tiers of
releases; the figures stay: they are counts of a mart, area and month, and name nobody.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.built import reading
from linkwork.log.rows import fill_rows
from linkwork.log.store import FIGURES, RELEASES, Store

EARLIER_RELEASE = {
    "release_id": "varchar",
    "known_at": "timestamptz",
    "cut_off": "date",
    "mapping_version": "varchar",
    "removals_since": "bigint",
    "permissions_since": "bigint",
    "is_code_map_changed": "boolean",
    "is_reference_changed": "boolean",
    "is_code_changed": "boolean",
}
EARLIER_FIGURES = {column: kind for column, kind in FIGURES.items() if column != "release_id"}
STATE = ("position", "removals", "code_maps", "reference", "code_version")  # what makes figures, permissions apart
SAME = " and ".join(f"r.{column} is not distinct from s.{column}" for column in STATE)


def earlier(store: Store, con: duckdb.DuckDBPyConnection, state: Mapping[str, Any], known_at: datetime | None) -> None:
    """Make `log.state`, `log.earlier_release` and `log.earlier_figures` for a build of a state.

    The earlier release is the one before the first of the same state; without one, the newest that was there at
    `known_at` (now where that is None). So it is the same one whenever a state is built again. Needs `log.permissions`
    and `log.pinned`.
    """
    fill_rows(con, "state_given", [dict(state)], {column: RELEASES[column] for column in STATE})
    con.execute("create table log.state as from state_given")
    until = "true" if known_at is None else f"recorded_at <= {engine.text(known_at.isoformat())}::timestamptz"
    con.execute(
        f"""create or replace temp table release_before as
        with known as (from {_relation(store.releases)}),
        same as (select min(r.recorded_at) as first_at from known as r inner join log.state as s on {SAME})
        select known.* from known cross join same
        where case when first_at is not null then recorded_at < first_at else {until} end
        order by recorded_at desc, release_id limit 1"""
    )
    con.execute(
        """create table log.earlier_release as
        select r.release_id, r.known_at, r.cut_off, r.mapping_version,
            s.removals - r.removals as removals_since,
            (
                select count(*) from log.permissions as p
                where p.recorded_at > r.known_at and p.recorded_at <= (select known_at from log.pinned)
            ) as permissions_since,
            r.code_maps is distinct from s.code_maps as is_code_map_changed,
            r.reference is distinct from s.reference as is_reference_changed,
            r.code_version <> s.code_version as is_code_changed
        from release_before as r cross join log.state as s"""
    )
    columns = ", ".join(EARLIER_FIGURES)
    con.execute(
        f"""create table log.earlier_figures as
        select distinct {columns} from {_relation(store.figures)}
        where release_id in (select release_id from release_before) order by all"""
    )


def is_of_its_state(store: Store, con: duckdb.DuckDBPyConnection, release_id: str | None) -> bool:
    """Whether a release was made of the state that a warehouse was built from."""
    found = con.execute(
        f"select 1 from {_relation(store.releases)} as r inner join log.state as s on {SAME} where r.release_id = ?",
        [release_id],
    ).fetchone()
    return found is not None


def figures(log_dir: Path, release_id: str, warehouse: Path) -> list[dict[str, Any]]:
    """Keep the watched figures of a build that is about to become the current release.

    They are of none until the row is there that is returned, for `log/releases`; left over from a killed process they
    come again. Of a release that is kept already nothing happens, and there is no row, but where it is of another state
    now, such as after reference data that changed nothing in it.
    """
    store = Store(log_dir)
    with reading(warehouse) as con:
        kept, of_its_state = con.execute(
            f"""select count(*), count(*) filter ({SAME}) from {_relation(store.releases)} as r
            cross join log.state as s where r.release_id = ?""",
            [release_id],
        ).fetchone() or (0, 0)
        if of_its_state:
            return []
        store.events.refresh()
        cursor = con.execute(
            """select ? as release_id, ?::timestamptz as recorded_at, s.*, p.known_at, p.cut_off,
                (select max(mapping_version) from rpt_referral_reasons) as mapping_version
            from log.state as s cross join (select known_at, cut_off from log.pinned) as p""",
            [release_id, store.next_time()],
        )
        rows = engine.dicts(cursor)
        columns = ", ".join(EARLIER_FIGURES)
        if not kept:
            store.figures.refresh(evolve=True).append(
                con, f"select {engine.text(release_id)} as release_id, {columns} from trace__figures order by all"
            )
    return rows


def keep(log_dir: Path, release_id: str, warehouse: Path) -> None:
    """Keep the figures and the row of a build that is the current release, see `figures`."""
    if rows := figures(log_dir, release_id, warehouse):
        with engine.connect() as con:
            fill_rows(con, "release_made", rows, RELEASES)
            Store(log_dir).releases.refresh(evolve=True).append(con, "from release_made")


def _relation(table: Any) -> str:
    return str(table.refresh().relation() if table.exists() else table.relation([]))
