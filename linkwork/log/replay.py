"""Decide again, commit by commit, what files meant that were loaded before.

A retraction asks what the log would hold without one file; a lost register asks what it held. Both take the staged
copies of files that are still kept through `decide`, in the order in which they were committed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log import append, decide, places, scope, settle
from linkwork.log.envelope import not_withdrawn
from linkwork.log.matching import match
from linkwork.log.store import Store

EVENTS, REGISTER_ROWS, DECISIONS = "replayed_event", "replayed_register", "decision"
LATE, NEVER = "decided_late", 1 << 62  # records that their file's own commit did not decide, and when they were
KNOWN = f"(select * from {REGISTER_ROWS} semi join rec using (record_key))"

# What `decide` and `settle` leave in `event`.
EVENT = """record_key blob, slot varchar, category varchar, event_type varchar, stream_id blob, content_hash blob,
    kind varchar, asserted_at timestamptz, load_id varchar, record_no bigint, arrival integer, fact_id blob,
    event_id blob, causation_id blob"""


@dataclass(frozen=True)
class Step:
    """What one commit decided: the files it took (their profiles), or records of earlier files that were retried."""

    version: int
    loads: list[dict[str, Any]]
    is_retry: bool

    @property
    def chosen(self) -> str:
        """A condition on the records of its files: those it decided."""
        late = f"(select (load_id, record_no) from {LATE} where version = {self.version})"
        return f"(load_id, record_no) in {late}" if self.is_retry else _decided_before(self.version)


def steps(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    loads: list[dict[str, Any]],
    profiles: Mapping[str, dict[str, Any]],
) -> list[Step]:
    """The commits in which files were decided, in their order. `loads` are rows of the ledger, `profiles` as staged.

    A record that was refused when its file was committed was decided when it was retried, or is not decided yet,
    whatever the present contract says of it.
    """
    ids = engine.texts([load["load_id"] for load in loads])
    con.execute(
        f"""create or replace temp table decided_when as
        select load_id, source_line as line_no, record_no as refused_no,
            coalesce(min(log_version), {NEVER}) as version
        from {store.quarantine.relation()} where list_contains({ids}::varchar[], load_id)
        group by load_id, source_line, record_no
        having arg_min(rule, recorded_at) not in ('conflict', 'other_person') or count(log_version) > 0"""
    )
    con.execute(f"create or replace temp table {LATE} (load_id varchar, record_no bigint, version bigint)")
    if loads:
        match(store, con, folder, [profiles[load["load_id"]] for load in loads], "decided_when", into="matched")
        con.execute(
            f"""insert into {LATE} select m.load_id, m.record_no, d.version from matched as m
            inner join decided_when as d on d.load_id = m.load_id and d.line_no = m.line_no
                and d.refused_no is not distinct from m.refused_no"""
        )
    found = [
        Step(version, [profiles[load["load_id"]] for load in commit], is_retry=False)
        for version, commit in groupby(loads, key=lambda load: int(load["log_version"]))
    ]
    retried = con.execute(
        f"select version, list(distinct load_id) from {LATE} where version < {NEVER} group by 1"
    ).fetchall()
    for version, theirs in retried:
        found.append(Step(version, [profiles[one["load_id"]] for one in loads if one["load_id"] in theirs], True))
    return sorted(found, key=lambda step: step.version)


def _decided_before(version: int) -> str:
    return f"(load_id, record_no) not in (select (load_id, record_no) from {LATE} where version > {version})"


def replay(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    commits: Iterable[Step],
    initial: str,
    only: str = "",
) -> None:
    """Leave the tables `replayed_event` and `replayed_register`.

    `commits` are of files staged below `folder`; `initial` names a table with the register's rows
    before the first of them; `only` a table of the record keys to look at. The table `decision` (`find_decisions`)
    says which contested statements somebody decided to keep.
    """
    con.execute(f"create or replace temp table {REGISTER_ROWS} as from {engine.name(initial)}")
    con.execute(f"create or replace temp table {EVENTS} ({EVENT})")
    replayed: list[dict[str, Any]] = []
    for step in commits:
        append.prepare_inputs(store, con, folder, step.loads, KNOWN, only, step.chosen)
        decide.decide(con)
        _take_in(con)
        replayed += [] if step.is_retry else step.loads
        if _is_decided(con):
            append.prepare_inputs(store, con, folder, replayed, KNOWN, only, _decided_before(step.version))
            _choose(con)
            settle.keep(con)
            _take_in(con)


def find_decisions(con: duckdb.DuckDBPyConnection, events: str, operations: str, records: str) -> None:
    """Make the table `decision`: record, time, and the hashes of the facts that hold by a named decision.

    `events` reads events, `operations` who did what, `records` staged records. A decision that no fact holds left no
    event: its operation alone tells of it, by load and line.
    """
    con.execute(
        f"""create or replace temp table {DECISIONS} as
        with resolution as (select * from {events} where revision_kind = 'resolution'),
        held as (
            select record_key, asserted_at, list(content_hash order by content_hash) as hashes
            from {not_withdrawn(events)} where revision_kind = 'resolution' group by all
        )
        from held
        union all by name
        select distinct r.record_key, r.asserted_at, []::blob[] as hashes
        from {operations} as o
        inner join {records} as r on {places.is_named("o.target", "r.load_id", "r.line_no", "r.record_no")}
        anti join resolution as e on e.record_key = r.record_key and e.asserted_at = r.asserted_at
        where o.command = 'quarantine resolve'"""
    )


def _take_in(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"insert into {EVENTS} by name from event")
    con.execute(
        f"""create or replace temp table {REGISTER_ROWS} as
        from register_row
        union all by name
        select * from {REGISTER_ROWS} anti join register_row using (record_key)"""
    )


def _is_decided(con: duckdb.DuckDBPyConnection) -> bool:
    query = f"select 1 from {REGISTER_ROWS} inner join {DECISIONS} using (record_key, asserted_at) where contested"
    return con.execute(f"{query} limit 1").fetchone() is not None


def _choose(con: duckdb.DuckDBPyConnection) -> None:
    """Leave in `rec` the first statement about each contested record that has the facts somebody decided for."""
    con.execute(
        f"""create or replace temp table chosen as
        with stated as (
            select r.record_key, r.asserted_at, r.load_id, r.record_no, l.arrival,
                coalesce(list(f.content_hash order by f.content_hash) filter (f.content_hash is not null), []) as hashes
            from rec as r
            inner join load as l on l.load_id = r.load_id
            inner join reg on reg.record_key = r.record_key and reg.asserted_at = r.asserted_at and reg.contested
            left join fact as f on f.load_id = r.load_id and f.record_no = r.record_no
            where coalesce(r.verified_subject = reg.subject_key, true) and not {scope.is_out("r.row_hash")}
            group by all
        )
        select load_id, record_no from stated inner join {DECISIONS} using (record_key, asserted_at, hashes)
        qualify row_number() over (partition by record_key order by arrival, record_no) = 1"""
    )
    con.execute("delete from rec where (load_id, record_no) not in (select (load_id, record_no) from chosen)")
    con.execute("delete from reg where record_key not in (select record_key from rec)")
