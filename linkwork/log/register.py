"""The register: of each record the newest assertion seen, and the facts it left standing.

It cannot be derived from the log alone: a confirmation that added nothing is nowhere else. It is part of the system of
record. Lost, it is rebuilt from the files that are still kept, and for older ones from the log, which is weaker
(`from_log` says how).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log import decide
from linkwork.log.delta import DataFile
from linkwork.log.envelope import LOAD_RETRACTED, not_withdrawn
from linkwork.log.store import REGISTER, Store

MOST_FILES = 8
OF_ONE_COMMIT = re.compile(r"/commit-\d+/")


def of_senders(store: Store, senders: Iterable[Mapping[str, Any]], keys: str = "") -> str:
    """SQL that reads the register's rows of some senders; each is a mapping with `feed` and `sender`.

    Only those of the record keys in the relation `keys`, where it is given.
    """
    return newest(store.register.relation(_files(store, senders)), keys)


def newest(rows: str, keys: str = "") -> str:
    """SQL that gives, of the rows that `rows` reads, the newest of each record."""
    chosen = f"semi join {keys} using (record_key)" if keys else ""
    return f"""(select * from {rows} {chosen}
        qualify row_number() over (partition by record_key order by number desc nulls last) = 1)"""


def near(store: Store, con: duckdb.DuckDBPyConnection, senders: Iterable[Mapping[str, Any]], keys: str) -> str:
    """SQL that reads those parts of the register's files in which the newest rows of some records of some senders lie.

    The keys alone are read for that, which are a small part of the rows. Rows of other records lie there too, and
    older ones of the same.
    """
    files = _files(store, senders)
    if not files:
        return store.register.relation([])
    found = con.execute(
        f"""select distinct filename, file_row_number // {int(store.register.group)} as part
        from (
            select filename, file_row_number from {store.register.located(files)} semi join {keys} using (record_key)
            qualify row_number() over (partition by record_key order by number desc nulls last) = 1)
        order by all"""
    ).fetchall()
    held: dict[str, list[int]] = {}
    for path, part in found:
        held.setdefault(path, []).append(part)
    chosen = [f for f in files if str(store.register.path / f.path) in held]
    ranges = {f.path: _ranges(held[str(store.register.path / f.path)], store.register.group) for f in chosen}
    most = {f.path for f in chosen if sum(b - a + 1 for a, b in ranges[f.path]) * 2 >= f.rows}
    return store.register.relation(chosen, {path: parts for path, parts in ranges.items() if path not in most})


def _ranges(parts: list[int], group: int) -> list[tuple[int, int]]:
    """First and last row of each run of parts that follow each other."""
    runs: list[tuple[int, int]] = []
    for part in parts:
        first = runs.pop()[0] if runs and runs[-1][1] == part * group - 1 else part * group
        runs.append((first, (part + 1) * group - 1))
    return runs


def moved(rows: str, moves: str) -> str:
    """SQL of those of the register's rows that `rows` reads that move on unchanged but for their time.

    `moves` reads record_key, asserted_at and the number of the row that is there (-1 where it has none).
    """
    return f"""(select r.* replace (m.asserted_at as asserted_at, false as contested, false as resolved)
        from {rows} as r
        inner join {moves} as m on m.record_key = r.record_key and m.number = coalesce(r.number, -1))"""


def write(
    store: Store, con: duckdb.DuckDBPyConnection, number: int, rows: str = "register_row"
) -> list[dict[str, Any]]:
    """Write the rows that `rows` reads before the commit has all of them; returns the files, at most one a partition.

    They lie in a folder of their own, by which they count as one when files are merged.
    """
    written = []
    for feed, sender in con.execute(f"select distinct feed, sender from {rows} order by all").fetchall():
        query = f"select {_columns(store)}, {int(number)} as number from {rows} where {_own(feed, sender)}"
        if added := store.register.write_file(con, query, {"feed": feed, "sender": sender}, f"commit-{number:08d}"):
            written.append(added)
    return written


def step(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    senders: Iterable[Mapping[str, Any]],
    number: int,
    written: Iterable[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Add the rows of `register_row` to the partitions of some senders, as of the commit of that number.

    `written` are the files that hold more of them. A row stands in the place of older ones of its record. What is there
    is not written again, so that a commit costs what it brings; but where a partition has many files, those are merged
    that together are as large as the next.
    """
    add, remove = list(written), []
    by_parts = {(one["partition"]["feed"], one["partition"]["sender"]) for one in add}
    for feed, sender in _partitions(senders):
        if (feed, sender) in by_parts:
            add += write(store, con, number, f"(from register_row where {_own(feed, sender)})")
            continue
        partition = {"feed": feed, "sender": sender}
        rows = f"select {_columns(store)}, {int(number)} as number from register_row where {_own(feed, sender)}"
        merged = to_merge(store.register.files(**partition))
        if merged:
            everything = f"(select {_columns(store)}, number from {store.register.relation(merged)} union all {rows})"
            # Their keys and numbers alone are compared: a partition may be larger than memory.
            rows = f"""select r.* from {everything} as r
                semi join (select record_key, max(coalesce(number, -1)) as number from {everything} group by 1) as n
                    on n.record_key = r.record_key and n.number = coalesce(r.number, -1)"""
        if added := store.register.write_file(con, rows, partition):
            add.append(added)
            remove += [f.path for f in merged if f.path != added["path"]]
    return {"add": add, "remove": remove}


def without_filters(store: Store, con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Write anew what was written with Bloom filters (`LogTable.files_with_filters`); a step of a plan."""
    add, remove = [], []
    for one in store.register.files_with_filters(con):
        query = f"select {_columns(store)}, number from {store.register.relation([one])}"
        folder = OF_ONE_COMMIT.search(one.path)
        if added := store.register.write_file(con, query, one.partition, folder[0].strip("/") if folder else ""):
            add.append(added)
            remove.append(one.path)
    return {"add": add, "remove": remove}


def _partitions(senders: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return sorted({(s["feed"], s["sender"]) for s in senders})


def _own(feed: str, sender: str) -> str:
    return f"feed = {engine.text(feed)} and sender = {engine.text(sender)}"


def _columns(store: Store) -> str:
    return ", ".join(engine.name(c) for c in REGISTER if c not in (*store.register.partition_by, "number"))


def _files(store: Store, senders: Iterable[Mapping[str, Any]]) -> list[DataFile]:
    partitions = set(_partitions(senders))
    return [f for f in store.register.files() if (f.partition["feed"], f.partition["sender"]) in partitions]


def to_merge(files: list[DataFile]) -> list[DataFile]:
    """The smaller files of a partition that has too many: those that together are as large as each of them.

    Each row is so written again a few times in all, however many commits there are. The files that one commit wrote
    into a folder of its own count as one.
    """
    together: dict[str, list[DataFile]] = {}
    for one in files:
        folder = OF_ONE_COMMIT.search(one.path)
        together.setdefault(folder[0] if folder else one.path, []).append(one)
    if len(together) < MOST_FILES:
        return []
    by_size = sorted(together.values(), key=_rows)
    chosen = [*by_size[0], *by_size[1]]
    for some in by_size[2:]:
        if _rows(some) > _rows(chosen):
            break
        chosen += some
    return chosen


def _rows(files: list[DataFile]) -> int:
    return sum(f.rows for f in files)


def from_log(
    con: duckdb.DuckDBPyConnection, events: str, loads: str, slots: Mapping[str, list[str]], into: str
) -> None:
    """Make the table `into`: the register as far as the events that `events` reads can tell.

    `loads` reads the ledger; `slots` gives the slots of each feed, since an event holds its slot only in a hash. Weaker
    than what was lost: a confirmation that added no event is not seen, so a late older file may win over it; and the
    hash of a row is not known, so a contradiction at the very time of the newest assertion counts as a repetition. A
    decision that no fact holds left no event, so its record counts as contested, which has no fact either.
    Events recorded before version 0.2 name no record and give no row.
    """
    pairs = [(feed, slot) for feed, names in slots.items() for slot in names]
    con.execute("create or replace temp table slot (feed varchar, slot varchar)")
    if pairs:
        con.executemany("insert into slot values (?, ?)", pairs)
    con.execute(
        f"""create or replace temp table said as
        select e.*, l.feed, l.sender, {decide.KIND_RANK.replace("kind", "revision_kind")} as rank
        from (select * from {events} where record_key is not null) as e
        inner join {loads} as l on l.load_id = e.load_id"""
    )
    con.execute(
        f"""create or replace temp table {engine.name(into)} as
        with known as (
            select record_key, any_value(feed) as feed, any_value(sender) as sender,
                nullif(count(distinct recorded_at) filter (origin = '{LOAD_RETRACTED}'), 0)::integer as generation
            from said group by record_key
        ),
        held as (from {not_withdrawn("said")}),
        records as (
            select record_key, max(asserted_at) as asserted_at,
                arg_max(revision_kind, (asserted_at, rank)) as newest_kind,
                any_value(subject_key) filter (identity_quality = 'nhs_number') as subject_key
            from held group by record_key
        ),
        facts as (
            select record_key, fact_id,
                arg_max({{'category': category, 'event_type': event_type, 'stream_id': stream_id, 'event_id': event_id,
                    'kind': revision_kind}}, (asserted_at, rank, event_id)) as newest,
                arg_max_null(if(revision_kind = 'retraction', null, content_hash), (asserted_at, rank, event_id))
                    filter (revision_kind <> 'contest') as content_hash
            from held group by all
        ),
        listed as (
            select f.record_key, list({{'slot': slot.slot, 'category': newest.category,
                'event_type': newest.event_type, 'stream_id': newest.stream_id, 'content_hash': f.content_hash,
                'event_id': newest.event_id}} order by slot.slot) as facts
            from facts as f
            inner join known as k on k.record_key = f.record_key
            inner join slot on slot.feed = k.feed
                and id_hmac(f.record_key || encode(chr(31) || slot.slot)) = f.fact_id
            group by f.record_key
        )
        select k.feed, k.sender, k.record_key, r.asserted_at, null::blob as row_hash,
            coalesce(r.newest_kind = 'contest', false) as contested,
            coalesce(r.newest_kind = 'resolution', false) as resolved,
            k.generation, r.subject_key, coalesce(l.facts, []) as facts, null::bigint as number
        from known as k
        left join records as r on r.record_key = k.record_key
        left join listed as l on l.record_key = k.record_key"""
    )
    con.execute("drop table said")
