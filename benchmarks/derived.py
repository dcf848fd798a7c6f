"""From loads to what the log holds of them: records, events and register rows, all in SQL over one commit.

The expressions are the gate's and the log's own, so that ids and hashes are those a real file gives. The one change:
where the gate has one sender in a variable, many senders are taken at once and the sender is a column.
"""

from collections.abc import Mapping

import duckdb

from benchmarks import feeds
from ingestion import facts, fields
from ingestion.contract import Contract
from linkwork import engine
from linkwork.log import segments
from linkwork.log.catalogue import Catalogue
from linkwork.log.store import Store
from linkwork.log.table import LogTable
from linkwork.privacy import hmac_sql

LOAD = """load_id varchar, arrival integer, sender_no integer, sender varchar, feed varchar, first bigint,
    records bigint, stated_at timestamptz"""


def derive(con: duckdb.DuckDBPyConnection, store: Store, contracts: Mapping[str, Contract], before: int) -> None:
    """From the table `load` make `event`, with positions after `before`, and `register_row`.

    Wants the id macros on the connection and the variables `source_system` and `recorded_at`.
    """
    records, stated = [], []
    for feed, contract in contracts.items():
        con.execute(f"create or replace temp table valid as {_valid(feed, contract, store.catalogue)}")
        con.execute(f"create or replace temp table {engine.name('record_' + feed)} as {_record()}")
        records.append(f"from {engine.name('record_' + feed)}")
        con.execute(f"create or replace temp table {engine.name('fact_' + feed)} as {_fact(contract, store)}")
        stated.append(f"from {engine.name('fact_' + feed)}")
    con.execute(f"create or replace temp table record as {' union all '.join(records)}")
    con.execute(
        f"""create or replace temp table event as
        with identified as (
            select f.*, r.* exclude (load_id, record_no, row_hash), 'original' as revision_kind,
                f.record_no as source_line,
                getvariable('recorded_at') as recorded_at, {store.catalogue.version} as schema_version,
                id_hmac(r.record_key || encode(chr(31) || f.slot)) as fact_id
            from ({" union all by name ".join(stated)}) as f
            inner join record as r on r.load_id = f.load_id and r.record_no = f.record_no
        )
        select
            *, id_hmac(fact_id || encode(epoch_us(asserted_at)::varchar) || content_hash) as event_id,
            {int(before)} + row_number() over (order by arrival, record_no, slot) as global_position
        from identified"""
    )
    con.execute(
        """create or replace temp table held as
        select r.*, false as contested, list_sort(f.facts) as facts
        from record as r
        inner join (
            select record_key, list({'slot': slot, 'category': category, 'event_type': event_type,
                'stream_id': stream_id, 'content_hash': content_hash, 'event_id': event_id}) as facts
            from event group by record_key
        ) as f on f.record_key = r.record_key"""
    )
    columns = _by_name(con, "held", store.register, {"number"})
    con.execute(f"create or replace temp table register_row as select {columns} from held")


def segment(con: duckdb.DuckDBPyConnection, store: Store, category: str) -> str:
    """SQL: the rows of one category's segment, in the order of their positions."""
    others = set(store.catalogue.payload_columns()) - set(store.catalogue.categories[category].stored_columns())
    columns = _by_name(con, "event", store.events, {*others, "category"})
    return f"select {columns} from event where category = {engine.text(category)} order by global_position"


def _by_name(con: duckdb.DuckDBPyConnection, relation: str, table: LogTable, left_out: set[str]) -> str:
    """The table's columns from the relation's of the same name; null where it has none."""
    known = {row[0] for row in con.execute(f"describe {engine.name(relation)}").fetchall()}
    return ", ".join(
        f"{engine.name(c) if c in known else 'null'}::{sql_type} as {engine.name(c)}"
        for c, sql_type in table.columns.items()
        if c not in left_out
    )


def _valid(feed: str, contract: Contract, catalogue: Catalogue) -> str:
    """What the gate's table `valid` holds, for the loads of one feed."""
    own = "load_id, record_no, arrival, sender, stated_at"
    cleaned = ", ".join(f"{fields.cleaned(p, contract)} as {engine.name(p.name)}" for p in contract.properties)
    typed = ", ".join(f"{_by_row(fields.typed(p, contract))} as {engine.name(p.name)}" for p in contract.properties)
    key = ", ".join(f"{engine.name(k)}::varchar" for k in contract.record.key)
    columns = facts.content_columns(contract)
    later = [c for c in columns if contract.field(c).addedIn]
    content, named = engine.hashed_texts([c for c in columns if c not in later], later)
    hashed = hmac_sql.joined(["is_tombstone::varchar", *content], named)
    subject = contract.record.subject
    nhs = engine.name(subject.nhs_number) if subject.nhs_number else "null::varchar"
    local = engine.name(subject.local) if subject.local else "null::varchar"
    reference = f"{engine.name(contract.record.reference)}::varchar" if contract.record.reference else "null::varchar"
    return f"""
        with numbered as (
            select load_id, arrival, sender_no, sender, stated_at, first, false as changed,
                unnest(range(first, first + records)) as n
            from load where feed = {engine.text(feed)}
        ),
        raw as ({feeds.raw(feed, "(select *, n - first + 2 as record_no from numbered)", contract)}),
        cleaned as (select {own}, {cleaned} from raw),
        typed as (select {own}, {typed}, false as is_tombstone from cleaned)
        select
            *, {engine.text(feed)} as feed, {engine.name(contract.record.assertedAt)} as asserted_at,
            stated_at + interval 1 hour as received_at, getvariable('source_system') as source_system,
            id_hmac(parts_blob(['record', sender, getvariable('source_system'), {engine.text(contract.name)}, {key}]))
                as record_key,
            id_hmac({hashed}) as row_hash,
            case
                when {nhs} is not null then subject_hmac(encode({nhs}))
                when {local} is not null then subject_hmac(parts_blob(['local', sender, {local}]))
            end as subject_key,
            case when {nhs} is not null then 'nhs_number' when {local} is not null then 'local' end
                as identity_quality,
            {reference} as source_record_ref,
            {", ".join(f"{_by_row(sql)} as {column}" for sql, column in facts.streams(contract, catalogue).items())}
        from typed"""


def _record() -> str:
    return """select load_id, record_no, arrival, feed, sender, record_key, asserted_at, row_hash, subject_key,
        identity_quality, received_at, source_system, source_record_ref from valid"""


def _fact(contract: Contract, store: Store) -> str:
    """The stated facts with their payload and content hash, as the gate stages them and the commit hashes them."""
    catalogue: Catalogue = store.catalogue
    found = []
    for category, queries in facts.queries(contract, catalogue, "load_id").items():
        stated = " union all ".join(_by_row(q) for q in queries)
        found.append(f"select *, {segments.content_hash(store, category)} as content_hash from ({stated})")
    return " union all by name ".join(found)


def _by_row(sql: str) -> str:
    return sql.replace("getvariable('sender')", "sender")
