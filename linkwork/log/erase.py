"""Erasure in the log's own tables: events become stubs, rows of the register go, tombstones stay.

A stub keeps its position, category, load and time, so that positions stay gap-free and every load still adds up;
nothing else of the event is left.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import BadDataError
from linkwork.log import compact, links
from linkwork.log.delta import DataFile
from linkwork.log.envelope import ERASED
from linkwork.log.store import TOMBSTONES, Store
from linkwork.log.table import LogTable

STUB = ("global_position", "category", "load_id", "recorded_at")


def refuse_hidden(store: Store, con: duckdb.DuckDBPyConnection) -> None:
    """Raise BadDataError where files of an earlier version could hide some of a person's events from `find`."""
    if store.files_with_filters(con):
        raise BadDataError(
            "not every event of the person can be found",
            where=str(store.root),
            why="files of an earlier version hide rows from a look-up by a person",
            do="run `linkwork log compact`, which writes them anew, and erase again",
        )


def find(store: Store, con: duckdb.DuckDBPyConnection, subjects: Iterable[bytes]) -> None:
    """Make the tables `erased_subject` and `erased_record`: all pseudonyms and all records of the people given.

    A record that was first known by the sender's own id of the person, and then by the NHS number, links that id's
    pseudonym; so does an event that merges two people, as long as it holds. Both are followed until nothing new is
    found. A record that names a pseudonym of theirs beside another person's is theirs too.
    """
    con.execute("create or replace temp table erased_subject (subject_key blob)")
    con.executemany("insert into erased_subject values (?)", [[s] for s in subjects])
    con.execute("create or replace temp table erased_record (record_key blob)")
    con.execute("create or replace temp table erased_said (record_key blob, feed varchar, sender varchar)")
    register = store.register.relation()
    people = links.people_of(store)
    linked = links.in_force(people)
    people_known = -1  # a round finds every record of the people known before it
    while people_known != (now := _count(con, "erased_subject")):
        people_known = now
        theirs = store.events.relation(_may_hold(store, con))
        con.execute(
            f"""insert into erased_said
            select record_key, feed, sender from {register} semi join erased_subject using (subject_key)
            union
            select e.record_key, l.feed, l.sender from (
                select record_key, load_id from {theirs} semi join erased_subject using (subject_key)
                union
                select record_key, load_id from {people}
                where person_merged_into in (select subject_key from erased_subject)
            ) as e left join {store.current_loads()} as l on l.load_id = e.load_id where e.record_key is not null"""
        )
        con.execute(
            """insert into erased_record
            select distinct record_key from erased_said anti join erased_record using (record_key)"""
        )
        everywhere = store.events.relation(store.events.files() if _named_otherwise(store, con) else [])
        con.execute(
            f"""insert into erased_subject
            select subject_key from (
                select subject_key from {everywhere} semi join erased_record using (record_key)
                where identity_quality = 'local'
                union
                select other_key from {linked} where one_key in (select subject_key from erased_subject)
                union
                select one_key from {linked} where other_key in (select subject_key from erased_subject)
            ) anti join erased_subject using (subject_key)"""
        )
    # The register is as large as the log: it is asked for people above, and for records where they were stated.
    said = set(con.execute("select distinct feed, sender from erased_said").fetchall())
    unknown = (None, None) in said  # a load that the ledger does not know
    files = [f for f in store.register.files() if unknown or (f.partition["feed"], f.partition["sender"]) in said]
    con.execute("create or replace temp table erased_register_file (path varchar)")
    holding = _holding(con, store.register, files)
    if holding:
        con.executemany("insert into erased_register_file values (?)", [[one.path] for one in holding])


def _named_otherwise(store: Store, con: duckdb.DuckDBPyConnection) -> bool:
    """Whether who stated the people's records ever named anybody by an id of their own, as far as the ledger knows.

    Only then another pseudonym can be found by looking through the whole log.
    """
    (stated,) = engine.row(
        con,
        f"""select count(*) from erased_said as e where e.sender is null or exists (
            from {store.loads.relation()} as l
            where l.feed = e.feed and l.sender = e.sender and coalesce(l.identity_local, 1) > 0)""",
    )
    return bool(stated)


def _register_files(store: Store, con: duckdb.DuckDBPyConnection) -> list[DataFile]:
    """The files of the register that hold a row of theirs."""
    paths = {path for (path,) in con.execute("select path from erased_register_file").fetchall()}
    return [one for one in store.register.files() if one.path in paths]


def _may_hold(store: Store, con: duckdb.DuckDBPyConnection) -> list[DataFile]:
    """The files that can hold an event of theirs: of their buckets, of none, and those not compacted yet."""
    subjects = con.execute("select subject_key from erased_subject").fetchall()
    buckets = {None, compact.NO_SUBJECT, *(compact.bucket_of(key) for (key,) in subjects)}
    return [f for f in store.events.files() if compact.bucket_in(f.path) in buckets]


def lines(store: Store, con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Where the records of the people stand in received files: (SHA-256 of the file, first physical line)."""
    return con.execute(
        f"""select distinct l.file_sha256, e.source_line from {store.events.relation(_may_hold(store, con))} as e
        inner join {store.current_loads()} as l on l.load_id = e.load_id
        where e.source_line is not null and ({_is_theirs("e")}) order by all"""
    ).fetchall()


def senders(store: Store, con: duckdb.DuckDBPyConnection) -> list[str]:
    """Who sent records of the people."""
    return [
        sender
        for (sender,) in con.execute(
            f"""select sender from {store.register.relation(_register_files(store, con))} as r where {_is_theirs("r")}
            union
            select l.sender from {store.events.relation(_may_hold(store, con))} as e
            inner join {store.current_loads()} as l on l.load_id = e.load_id where {_is_theirs("e")}
            order by 1"""
        ).fetchall()
    ]


def others_of_records(store: Store, con: duckdb.DuckDBPyConnection) -> list[bytes]:
    """Pseudonyms under which the people's records were ever stated, beside those in `erased_subject`."""
    return [
        key
        for (key,) in con.execute(
            f"""select distinct subject_key from {store.events.relation()} semi join erased_record using (record_key)
            where subject_key is not null and subject_key not in (select subject_key from erased_subject)"""
        ).fetchall()
    ]


def counts(store: Store, con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """How many events and rows of the register are theirs."""
    register = store.register.relation(_register_files(store, con))
    found = con.execute(
        f"""select (select count(*) from {store.events.relation(_may_hold(store, con))} as e where {_is_theirs("e")}),
            (select count(*) from {register} as r where {_is_theirs("r")})"""
    ).fetchone()
    assert found is not None  # noqa: S101 - an aggregate always gives a row
    return int(found[0]), int(found[1])


def names(store: Store, con: duckdb.DuckDBPyConnection, masked: Callable[[str], str]) -> dict[str, str]:
    """The received files whose stored names name the people, as `masked` tells; with the names they are to have."""
    stored = con.execute(
        f"""select file_name from {store.loads.relation()} union select file_name from {store.quarantine.relation()}
        order by 1"""
    ).fetchall()
    return {name: masked(name) for (name,) in stored if masked(name) != name}


def steps(store: Store, con: duckdb.DuckDBPyConnection, renamed: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Write the files that hold the people anew, without them; returns the steps of a plan.

    `renamed` maps names of received files to those under which they are kept from now on.
    """
    return {
        "events": stubbed(store, con, _holding(con, store.events, _may_hold(store, con)), _is_theirs("e")),
        "register": _register(store, con),
        "loads": _renamed(store.loads, con, renamed),
        "quarantine": _renamed(store.quarantine, con, renamed),
    }


def stubbed(store: Store, con: duckdb.DuckDBPyConnection, files: Iterable[DataFile], is_theirs: str) -> dict[str, Any]:
    """Write files of events anew, with stubs for the events `e` for which `is_theirs` holds; a step of a plan."""
    add: list[dict[str, Any]] = []
    remove: list[str] = []
    columns = ", ".join(
        engine.name(c) if c in STUB else f"if(is_theirs, {_left(c)}, {engine.name(c)}) as {engine.name(c)}"
        for c in store.events.columns
    )
    for one in files:
        judged = f"(select *, {is_theirs} as is_theirs from {store.events.relation([one])} as e)"
        rows = f"(select {columns} from {judged})"  # judged once: asked for each column, planning takes seconds
        category = one.partition["category"]
        if added := compact.write_bucket(store, con, category, compact.bucket_in(one.path), rows):
            add.append(added)
            remove.append(one.path)
    return {"add": add, "remove": remove}


def add_tombstones(store: Store, con: duckdb.DuckDBPyConnection, erasure_id: str) -> None:
    """Append the tombstones of the people and their records, each once. Call it with the macros installed on `con`."""
    store.tombstones.refresh(evolve=True)
    con.execute("set variable recorded_at = ?::timestamptz", [store.next_time()])
    con.execute(
        f"""create or replace temp table tombstone_row as
        select {engine.text(erasure_id)} as erasure_id, getvariable('recorded_at') as recorded_at, kind, tombstone
        from (
            select 'subject' as kind, erasure_hmac(subject_key) as tombstone from erased_subject
            union all
            select 'record', erasure_hmac(record_key) from erased_record
        ) as new
        where tombstone not in (select tombstone from {store.tombstones.relation()})"""
    )
    store.tombstones.append(con, f"select {', '.join(TOMBSTONES)} from tombstone_row order by kind, tombstone")


def _is_theirs(alias: str) -> str:
    parts = (
        f"{alias}.subject_key in (select subject_key from erased_subject)",
        f"{alias}.record_key in (select record_key from erased_record)",
    )
    return " or ".join(f"coalesce({part}, false)" for part in parts)


def _left(column: str) -> str:
    return f"'{ERASED}'" if column == "event_type" else "null"


def _holding(con: duckdb.DuckDBPyConnection, table: LogTable, files: list[DataFile]) -> list[DataFile]:
    """Those of some files of a table that hold a row of theirs."""
    named = {str(table.path / f.path): f for f in files}
    if not named:
        return []
    found = con.execute(
        f"""select distinct filename from (
            select null::varchar as filename, null::blob as subject_key, null::blob as record_key where false
            union all by name
            select * from read_parquet({engine.texts(list(named))}, filename = true, hive_partitioning = false,
                union_by_name = true)
        ) as e where {_is_theirs("e")}"""
    ).fetchall()
    return [named[name] for (name,) in sorted(found)]


def _register(store: Store, con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    add, remove = [], []
    for one in _register_files(store, con):
        rows = f"select * exclude (feed, sender) from {store.register.relation([one])} as r"
        kept = f"{rows} where not ({_is_theirs('r')}) order by record_key"
        remove.append(one.path)
        if added := store.register.write_file(con, kept, one.partition):
            add.append(added)
    return {"add": add, "remove": remove}


def _renamed(table: LogTable, con: duckdb.DuckDBPyConnection, renamed: Mapping[str, str]) -> dict[str, Any]:
    add, remove = [], []
    cases = " ".join(f"when {engine.text(old)} then {engine.text(new)}" for old, new in renamed.items())
    for one in table.files() if renamed else []:
        rows = table.relation([one])
        if con.execute(
            f"select 1 from {rows} where list_contains({engine.texts(list(renamed))}, file_name) limit 1"
        ).fetchone():
            remove.append(one.path)
            query = f"select * replace (case file_name {cases} else file_name end as file_name) from {rows}"
            if added := table.write_file(con, query, {}):
                add.append(added)
    return {"add": add, "remove": remove}


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    found = con.execute(f"select count(*) from {engine.name(table)}").fetchone()
    return int(found[0]) if found else 0
