"""Refused records as they stand now: what refused each, since when, and what became of it."""

from datetime import datetime
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import UsageError
from linkwork.log import places
from linkwork.log.envelope import not_withdrawn
from linkwork.log.store import Store

# open: nothing became of it yet. retried: it was taken after a correction. resolved: a conflict that a named decision
# ended. superseded: the record was stated anew. erased: its person or its sender was. retracted: its file was undone.
STATUSES = ("open", "retried", "resolved", "superseded", "erased", "retracted")
COLUMNS = (
    "load_id", "feed", "sender", "file_name", "source_line", "record", "rule", "field", "sentence", "violations",
    "status", "outcome", "refused_at", "contract_version",
)  # fmt: skip
GROUPS = ("sender", "feed", "rule", "load_id", "status")
FILTERS = ("feed", "sender", "rule", "load_id", "status")

BY_RULE = {
    "conflict": "Ask the sender which statement holds, then `linkwork quarantine resolve`; a newer one ends it too.",
    "other_person": (
        "Ask the sender whose record it is. Where two numbers are one person's, `linkwork quarantine retry` takes "
        "it once the log knows of the merger."
    ),
    "encoding": "Ask the sender for UTF-8, or correct the contract's encoding and run `linkwork quarantine retry`.",
    "quote": "Ask the sender to close its quotes, or correct the contract's quote and run `linkwork quarantine retry`.",
    "field_count": "Ask the sender to quote what holds the delimiter; the record comes with its next file.",
    "test_number": "The number is never issued: only `LINKWORK_TEST_NUMBERS=allow` takes it, and marks the release.",
}
OTHERWISE = (
    "If what the sender says is right, correct the contract and run `linkwork quarantine retry`; if not, ask the "
    "sender to correct it: the corrected record comes with its next file."
)
ENDED = {
    "retried": "Nothing: the record was taken.",
    "resolved": "Nothing: the conflict was decided.",
    "superseded": "Nothing: the record was stated anew since.",
    "erased": "Nothing: what the record said is erased.",
    "retracted": "Nothing: the file was undone.",
}


def opened(log_dir: Any) -> Store | None:
    """The log, where it has refused records to look at."""
    store = Store(log_dir)
    return store.refresh() if store.quarantine.exists() and store.events.exists() else None


def standing(store: Store, con: duckdb.DuckDBPyConnection) -> str:
    """SQL that reads every refused record once, with the columns of COLUMNS. Make it on a refreshed store.

    `record` is its place on its line, where several records begin there; else null.
    """
    _newer_statements(store, con)
    decided = f"(select target from {store.operations.relation()} where command = 'quarantine resolve')"
    place = places.place("q.record_no", "q.source_line")
    return f"""(
        select q.load_id, q.feed, q.sender, q.file_name, q.source_line, {place} as record, q.rule, q.field, q.sentence,
            q.violations,
            case
                when q.outcome = 'superseded' then 'superseded'
                when q.status is not null then q.status
                when l.status = 'withdrawn' then 'erased'
                when l.status = 'retracted' then 'retracted'
                when q.rule = 'conflict' and exists (select 1 from {decided} as o where
                    {places.is_named("o.target", "q.load_id", "q.source_line", "q.record_no")}) then 'resolved'
                when q.rule = 'conflict' and n.load_id is not null then 'superseded'
                else 'open'
            end as status,
            q.outcome, f.refused_at, l.contract_version
        from {store.current_quarantine()} as q
        inner join (
            select load_id, source_line, record_no, min(recorded_at) as refused_at
            from {store.quarantine.relation()} group by all
        ) as f on f.load_id = q.load_id and f.source_line = q.source_line
            and f.record_no is not distinct from q.record_no
        left join {store.current_loads()} as l on l.load_id = q.load_id
        left join newer_statement as n on n.load_id = q.load_id and n.source_line = q.source_line)"""


def history(
    store: Store, con: duckdb.DuckDBPyConnection, load_id: str, line: int, record: int | None
) -> list[dict[str, Any]]:
    """Every row of the index about one record, the oldest first."""
    return engine.dicts(
        con.execute(
            f"""select recorded_at, rule, field, coalesce(status, 'refused') as status, outcome, operation_id
            from {store.quarantine.relation()} where load_id = ? and source_line = ?
                and {places.place("record_no", "source_line")} is not distinct from ? order by recorded_at""",
            [load_id, line, record],
        )
    )


def numbered(
    found: list[dict[str, Any]], record: int | None, where: str, none: str = "no record was refused there"
) -> dict[str, Any]:
    """The one record that is meant of those refused on a line. Raises UsageError where none is, or several may be."""
    meant = [row for row in found if record is None or row["record"] == record]
    if not meant:
        raise UsageError(none, where=where, do="see `linkwork quarantine list`")
    if len({row["record"] for row in meant}) > 1:
        places_there = ", ".join(str(row["record"]) for row in sorted(meant, key=lambda row: row["record"] or 0))
        raise UsageError(
            "several records were refused there", where=where, do=f"say which with --record: {places_there}"
        )
    return meant[0]


def what_to_do(row: dict[str, Any]) -> str:
    """A sentence for the person who looks after refused records."""
    return ENDED.get(row["status"]) or BY_RULE.get(row["rule"], OTHERWISE)


def where(**wanted: str | None) -> str:
    """A condition on the columns of FILTERS; those that are None are free."""
    return " and ".join(f"{engine.name(c)} = {engine.text(v)}" for c, v in wanted.items() if v) or "true"


def age_days(refused_at: datetime, now: datetime) -> int:
    """Full days since a record was refused."""
    return max((now - refused_at).days, 0)


def _newer_statements(store: Store, con: duckdb.DuckDBPyConnection) -> None:
    """`newer_statement`: contested records that were stated anew since. Only a conflict asks the events for it.

    An event tells its line: of several contested records on one line all must have been stated anew.
    """
    con.execute("create or replace temp table newer_statement (load_id varchar, source_line bigint)")
    conflicts = f"select 1 from {store.quarantine.relation()} where rule = 'conflict' limit 1"
    if con.execute(conflicts).fetchone() is None:
        return
    events = store.events.relation()
    con.execute(
        f"""insert into newer_statement
        with contest as (
            select distinct load_id, source_line, record_key, asserted_at
            from {not_withdrawn(events)} where revision_kind = 'contest' and record_key is not null
        ),
        newest as (
            select record_key, max(asserted_at) as asserted_at
            from {not_withdrawn(events)} semi join contest using (record_key) group by record_key
        )
        select c.load_id, c.source_line from contest as c inner join newest as n on n.record_key = c.record_key
        group by c.load_id, c.source_line having bool_and(n.asserted_at > c.asserted_at)"""
    )
