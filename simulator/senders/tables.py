"""Files of a feed in Parquet, with the faults that a table can have; a record's number, from 1, stands for its line."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from simulator.senders import spoil
from simulator.senders.faults import Due, reloaded
from simulator.senders.feeds import Feed
from simulator.senders.written import Marked, Written


def parquet(
    con: duckdb.DuckDBPyConnection, root: Path, feed: Feed, n: int, file: Written, dues: Iterable[Due]
) -> list[Marked]:
    """Write one file with its faults, every column a text; return the records that are unusual."""
    columns = ", ".join(f"""nullif(({sql})::varchar, '') as "{name}\"""" for name, sql in feed.columns.items())
    found = con.execute(f"""
        select {columns}, kind as "the kind", {feed.reloaded} as "the days" from {feed.book}_known
        where sender = '{file.sender}' and n = {n} order by key
    """).to_arrow_table()
    good, kinds, days = found.drop_columns(["the kind", "the days"]), found.column("the kind"), found.column("the days")
    usual = {place: kinds[place].as_py() for place in pc.indices_nonzero(pc.is_valid(kinds)).to_pylist()}
    parts: list[pa.Table] = []
    made: list[tuple[int, Due, bool, str]] = []  # after which good record, what, and what is to be noted of it
    done = 0
    for due in dues:
        if due.place in usual:
            continue
        record = {name: value or "" for name, value in good.slice(due.place, 1).to_pylist()[0].items()}
        spoiled = record if due.kind == "duplicate_line" else spoil.record(feed, due, record)
        row = {name: [value or None] for name, value in spoiled.items()}
        parts += [good.slice(done, due.place + 1 - done), pa.table(row, schema=good.schema)]
        done = due.place + 1
        noted = reloaded(due.kind, days[due.place].as_py()), spoil.instant(feed, due, record)
        made.append((due.place, due, *noted))
    table = pa.concat_tables([*parts, good.slice(done)])
    save(con, table, root / file.path)
    file.records = table.num_rows
    marked = [
        Marked(feed.name, file.sender, file.name, place + 2 + before, due.kind, *noted)
        for before, (place, due, *noted) in enumerate(made)
    ]
    for place, kind in usual.items():
        number = place + 1 + sum(after < place for after, *_ in made)
        marked.append(Marked(feed.name, file.sender, file.name, number, kind))
    return sorted(marked, key=lambda one: (one.line, one.kind))


def save(con: duckdb.DuckDBPyConnection, table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    con.register("to_be_saved", table)
    con.execute("set threads = 1")  # one thread writes one order of row groups
    con.execute(f"""copy (from to_be_saved) to '{str(path).replace("'", "''")}' (format parquet)""")
    con.execute("set threads = 2")
    con.unregister("to_be_saved")
