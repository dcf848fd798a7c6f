"""A batch in blocks of staged records, in the order of the log, so that writing it takes no more memory than a block.

A block is a range of the records of one large load, or several small loads. Of each its plain records (`triage`) become
events and rows of the register here; what `decide` said of the others lies in `decided` and is added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.log import decide, scope, segments
from linkwork.log.store import Store

RECORDS = 100_000  # of a block; as many as a chunk of the gate
LOADS = 500  # of a block: each staged file that is read takes memory of its own, however small it is

FACT = ("slot", "category", "event_type", "stream_id", "content_hash", "event_id")
EVENT = (
    "record_key, slot, category, event_type, stream_id, content_hash, kind, asserted_at, load_id, record_no, arrival, "
    "fact_id, event_id, causation_id"
)


@dataclass(frozen=True)
class Block:
    """Loads, and which of their records: a condition on `record_no`; with the staged files that can hold them."""

    loads: list[dict[str, Any]]
    records: list[Path]
    facts: dict[str, list[Path]]
    within: str = "true"

    @property
    def here(self) -> str:
        """SQL: whether a row with `load_id` and `record_no` is of this block."""
        ids = engine.texts([load["load_id"] for load in self.loads])
        return f"load_id in (select unnest({ids}::varchar[])) and {self.within}"


def blocks(
    store: Store, con: duckdb.DuckDBPyConnection, batch_dir: Path, loads: list[dict[str, Any]]
) -> Iterator[Block]:
    """The batch in blocks of at most about RECORDS records and LOADS loads, in the order of arrival and record."""
    gathered: list[dict[str, Any]] = []
    held = 0
    for load in loads:
        if gathered and (held + load["records"] > RECORDS or len(gathered) == LOADS):
            yield _whole(store, batch_dir, gathered)
            gathered, held = [], 0
        if load["records"] > RECORDS:
            yield from _parts(store, con, batch_dir, load)
        else:
            gathered.append(load)
            held += load["records"]
    if gathered:
        yield _whole(store, batch_dir, gathered)


def _whole(store: Store, batch_dir: Path, loads: list[dict[str, Any]]) -> Block:
    return Block(loads, segments.staged(batch_dir, loads, "records"), segments.staged_facts(store, batch_dir, loads))


def _parts(store: Store, con: duckdb.DuckDBPyConnection, batch_dir: Path, load: dict[str, Any]) -> Iterator[Block]:
    """The records of a large load, a range of numbers after the other."""
    records, facts = segments.staged(batch_dir, [load], "records"), segments.staged_facts(store, batch_dir, [load])
    ranges = {
        path: (int(first), int(last))
        for path, first, last in con.execute(
            f"""select file_name, min(stats_min_value::bigint), max(stats_max_value::bigint)
            from parquet_metadata({engine.texts([*records, *(f for files in facts.values() for f in files)])})
            where path_in_schema = 'record_no' and stats_min_value is not null group by 1"""
        ).fetchall()
    }

    def holding(paths: list[Path], first: int, last: int) -> list[Path]:
        return [p for p in paths if str(p) in ranges and ranges[str(p)][0] <= last and ranges[str(p)][1] >= first]

    most = max((last for _, last in ranges.values()), default=0)
    for first in range(1, most + 1, RECORDS):
        last = first + RECORDS - 1
        if held := holding(records, first, last):
            of_categories = {category: holding(files, first, last) for category, files in facts.items()}
            yield Block([load], held, of_categories, f"record_no between {first} and {last}")


def events(store: Store, con: duckdb.DuckDBPyConnection, block: Block) -> str:
    """Make `rec`, the records of the block, with `plain`; returns SQL that reads all its events."""
    con.execute(
        f"""create or replace temp table rec as
        select r.*, a.record_no is null as plain
        from (select * from read_parquet({engine.texts(block.records)}) where {block.within}) as r
        left join (select load_id, record_no from aside where {block.here}) as a
            on a.load_id = r.load_id and a.record_no = r.record_no"""
    )
    said = [
        f"""select load_id, record_no, slot, category, event_type, stream_id,
            {segments.content_hash(store, category)} as content_hash
        from (select f.* from read_parquet({engine.texts(files)}) as f
            semi join (select load_id, record_no from rec where plain) as p
                on p.load_id = f.load_id and p.record_no = f.record_no
            where {block.within})"""
        for category, files in block.facts.items()
        if files
    ]
    decided = f"select {EVENT} from decided where {block.here}"
    if not said:
        return f"({decided})"
    event_id = decide.EVENT_ID.format(fact="fact_id", at="asserted_at", hash="content_hash", generation="''")
    return f"""(
        {decided}
        union all by name
        select *, {event_id} as event_id
        from (
            select r.record_key, f.*, 'original' as kind, r.asserted_at, load.arrival,
                {decide.FACT_ID.format(key="r.record_key", slot="f.slot")} as fact_id
            from ({" union all ".join(said)}) as f
            inner join rec as r on r.load_id = f.load_id and r.record_no = f.record_no
            inner join load on load.load_id = f.load_id
        ))"""


def add_register_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Add the rows of the block's plain records to `register_row`, by what is in `positioned`."""
    slots = [slot for (slot,) in con.execute("select distinct slot from positioned order by 1").fetchall()]
    # A join a slot: a list aggregate over structs costs several times as much.
    joins = "".join(
        f"""
        left join (
            select load_id, record_no, {_fact()} as fact from positioned where slot = {engine.text(slot)}) as s{n}
            on s{n}.load_id = r.load_id and s{n}.record_no = r.record_no"""
        for n, slot in enumerate(slots)
    )
    facts = f"list_filter([{', '.join(f's{n}.fact' for n in range(len(slots)))}], lambda f: f is not null)"
    con.execute(
        f"""insert into register_row by name
        select load.feed, load.sender, r.record_key, r.asserted_at, r.row_hash, false as contested, false as resolved,
            null::integer as generation,
            if({scope.is_out("r.row_hash")}, null, r.verified_subject) as subject_key,
            {facts if slots else "[]"} as facts
        from rec as r
        inner join load on load.load_id = r.load_id {joins}
        where r.plain"""
    )


def _fact() -> str:
    return "{" + ", ".join(f"'{c}': {c}" for c in FACT) + "}"
