"""The log's decisions alone: `decide` on tables in memory, without files, gate or Delta. Quick, for many examples."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count

import duckdb

from linkwork import engine
from linkwork.log import decide, scope
from linkwork.privacy import hmac_sql
from tests.property.oracle import Facts, File, Record
from tests.support.feeds import slot_of
from tests.support.gate import KEYS

START = datetime(2025, 6, 1, tzinfo=UTC)
RANK = {"retraction": -1, "contest": 1}
INPUTS = {
    "load": "(load_id varchar, feed varchar, sender varchar, arrival integer)",
    "rec": "(load_id varchar, record_no bigint, record_key blob, asserted_at timestamptz, row_hash blob, "
    "verified_subject blob)",
    "fact": "(load_id varchar, record_no bigint, slot varchar, category varchar, event_type varchar, stream_id blob, "
    "content_hash blob)",
}
REGISTER = """create or replace temp table register_row (feed varchar, sender varchar, record_key blob,
    asserted_at timestamptz, row_hash blob, contested boolean, resolved boolean, generation integer, subject_key blob,
    facts struct(slot varchar, category varchar, event_type varchar, stream_id blob, content_hash blob,
        event_id blob)[])"""


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    con = engine.connect(threads=1)
    hmac_sql.install(con, KEYS)
    return con


@cache
def _out_of_scope() -> bytes:
    (shared,) = engine.row(_connection(), f"select {scope.ROW_HASH}")
    return bytes(shared)


class MemoryLog:
    """A log of events and a register that are rows in memory. Content is kept as its own hash, so it can be read."""

    def __init__(self) -> None:
        self.con = _connection()
        self.con.execute(REGISTER)
        self.con.execute("create or replace temp table known as from register_row")
        self.newest: dict[bytes, tuple[tuple[datetime, int], str, bytes, str, bytes]] = {}
        self.fates: dict[str, list[str]] = {}
        self._loads = count(1)

    def deliver(self, batch: Iterable[File]) -> None:
        """Decide the files of one commit, in the order of their arrival."""
        loads, records, facts = [], [], []
        for arrival, file in enumerate(batch):
            load = f"l{next(self._loads)}"
            feed, sender, _ = file[0].record
            loads.append((load, feed, sender, arrival))
            self.fates[load] = []
            for line, (record, when, person, said) in enumerate(file, start=1):
                content = "|".join(",".join(fact) for fact in sorted(said or ())).encode()
                content = _out_of_scope() if said is None else content
                at = START + timedelta(days=when)
                records.append((load, line, "|".join(record).encode(), at, content, person and person.encode()))
                facts += [
                    (load, line, slot, "category", kind, b"stream", f"{kind}|{day}".encode())
                    for slot, kind, day in said or ()
                ]
        for (name, columns), rows in zip(INPUTS.items(), (loads, records, facts), strict=True):
            self.con.execute(f"create or replace temp table {name} {columns}")
            if rows:
                held = ", ".join("?" for _ in rows[0])
                self.con.execute(
                    f"insert into {name} values " + ", ".join(f"({held})" for _ in rows),
                    [value for row in rows for value in row],
                )
        self.con.execute("create or replace temp table same_person (a blob, b blob)")  # nobody has two numbers
        self.con.execute("create or replace temp table reg as from known semi join rec using (record_key)")
        decide.decide(self.con)
        self._take_in()

    def facts(self) -> dict[Record, Facts]:
        """The effective facts, from the events alone."""
        found: dict[Record, set[tuple[str, str, str]]] = {}
        for _, kind, key, event_type, content in self.newest.values():
            if kind in ("original", "revision"):
                feed, sender, id = key.decode().split("|")
                day = content.decode().split("|")[1]
                found.setdefault((feed, sender, id), set()).add((slot_of(event_type), event_type, day))
        return {record: frozenset(facts) for record, facts in found.items()}

    def contested(self) -> set[Record]:
        keys = self.con.execute("select record_key from known where contested").fetchall()
        return {(feed, sender, id) for feed, sender, id in (key.decode().split("|") for (key,) in keys)}

    def _take_in(self) -> None:
        events = self.con.execute(
            "select fact_id, asserted_at, kind, record_key, event_type, content_hash from event"
        ).fetchall()
        for fact, at, kind, key, event_type, content in events:
            order = (at, RANK.get(kind, 0))
            assert fact not in self.newest or order != self.newest[fact][0], "two events of a fact have the same order"
            if fact not in self.newest or order > self.newest[fact][0]:
                self.newest[fact] = (order, kind, key, event_type, content)
        for load, fate in self.con.execute("select load_id, fate from fate").fetchall():
            self.fates[load].append(fate)
        self.con.execute(
            """create or replace temp table known as
            from register_row union all by name select * from known anti join register_row using (record_key)"""
        )
