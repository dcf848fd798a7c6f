"""Which events of a fact a trace shows, and what it says became of them, on a real log."""

from pathlib import Path
from typing import Any

import pytest

from ingestion.retract import retract
from linkwork import engine
from linkwork.log.envelope import not_withdrawn
from linkwork.log.store import Store
from linkwork.settings import Settings
from linkwork.trace import events
from tests.support.log import at, csv_text, day, deliver, ingest, rows

RECEIVED = {"id": "a1", "received": day(1)}


def extract(home: Settings, number: int, *records: dict[str, str], name: str = "") -> None:
    """One file of the state feed, as of day `number`, taken into the log."""
    stamped = [{"at": at(number), **record} for record in records]
    deliver(home, name or f"{number}.csv", csv_text(stamped))
    ingest(home)


def traced(
    home: Settings, *, history: bool = False, position: int = 10**9, retracted: str | None = None
) -> list[dict[str, Any]]:
    """The events of every stream, as if a warehouse had found the facts that are effective by the log alone."""
    store = Store(home.log_dir).refresh()
    with engine.connect() as con:
        con.execute("create schema log")
        con.execute(f"create table log.loads as select * from {store.current_loads()}")
        con.execute("create temp table wanted_load (load_id varchar, contributor varchar)")
        con.execute(
            "create temp table way as select 'facts' as model, 'stream_id' as id_column, 'referral' as category"
        )
        con.execute(
            f"""create temp table asked as
            select distinct category, 'facts' as model, 'stream_id' as id_column, stream_id as id,
                'counts' as role, 'x' as contributor
            from {store.events.relation()}"""
        )
        con.execute(
            f"""create temp table wanted as
            select category, fact_id, 'counts' as role, 'x' as contributor,
                event_type, occurred_on, subject_key, practice_code, 1 as events from (
                select *, row_number() over (partition by fact_id order by asserted_at desc,
                    revision_kind = 'contest' desc) as newness
                from {not_withdrawn(f"(select * from {store.events.relation()} where global_position <= {position})")}
            ) where newness = 1 and revision_kind in ('original', 'revision')"""
        )
        return events.read(store, con, position, history=history, of_loads=False, limit=None).shown


def states(found: list[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    return [(e["event_type"], e["state"], e["file_name"], e["source_line"]) for e in found]


def test_an_event_is_traced_to_its_file_and_line(home: Settings):
    extract(home, 1, {"id": "b2", "received": day(3)}, RECEIVED)
    (b2, a1) = sorted(traced(home), key=lambda e: e["source_line"])
    assert [b2["source_line"], a1["source_line"]] == [2, 3]
    ((sha,),) = rows(home, "loads", "file_sha256")
    assert a1["file_sha256"] == sha
    assert (a1["feed"], a1["sender"], a1["file_name"]) == ("test_state", "S1", "1.csv")


def test_a_restated_fact_is_traced_to_its_newest_line_and_its_history_to_all(home: Settings):
    extract(home, 1, RECEIVED)
    extract(home, 2, {"id": "a1", "received": day(2)})
    assert states(traced(home)) == [("referral.received", "effective", "2.csv", 2)]
    assert sorted(states(traced(home, history=True))) == [
        ("referral.received", "effective", "2.csv", 2),
        ("referral.received", "superseded", "1.csv", 2),
    ]


def test_what_is_withdrawn_and_said_again_is_traced_to_its_newest_line(home: Settings):
    closed = RECEIVED | {"closed": day(9)}
    for number, record in enumerate((closed, RECEIVED, closed), start=1):
        extract(home, number, record)
    assert ("referral.closed", "effective", "3.csv", 2) in states(traced(home))
    assert ("referral.closed", "superseded", "1.csv", 2) in states(traced(home, history=True))


def test_what_a_retracted_load_said_is_not_in_force_where_another_says_the_same(home: Settings):
    for number, closed in enumerate((9, 8, 9), start=1):
        extract(home, number, RECEIVED | {"closed": day(closed)})
    loads = dict(rows(home, "loads", "file_name, load_id"))
    for name in ("3.csv", "2.csv"):
        retract(home, loads[name], "sent by mistake")
    in_force = states(traced(home))
    assert ("referral.closed", "effective", "1.csv", 2) in in_force
    assert len(in_force) == 2
    assert ("referral.closed", "load retracted", "3.csv", 2) in states(traced(home, history=True))


def test_a_late_older_file_adds_nothing_to_a_trace(home: Settings):
    extract(home, 2, {"id": "a1", "received": day(2)})
    extract(home, 1, RECEIVED)
    assert states(traced(home, history=True)) == [("referral.received", "effective", "2.csv", 2)]


def test_a_withdrawn_fact_is_history_only(home: Settings):
    extract(home, 1, RECEIVED | {"closed": day(9)})
    extract(home, 2, RECEIVED)
    assert states(traced(home)) == [("referral.received", "effective", "1.csv", 2)]
    assert ("referral.closed", "withdrawal", "2.csv", 2) in states(traced(home, history=True))
    assert ("referral.closed", "superseded", "1.csv", 2) in states(traced(home, history=True))


def test_a_contested_fact_is_history_with_both_lines(home: Settings):
    extract(home, 1, RECEIVED, name="one.csv")
    extract(home, 1, {"id": "a1", "received": day(5)}, name="other.csv")
    assert traced(home) == []
    assert sorted(states(traced(home, history=True))) == [
        ("referral.received", "contest", "other.csv", 2),
        ("referral.received", "superseded", "one.csv", 2),
    ]


def test_a_trace_reads_the_log_up_to_its_position(home: Settings):
    extract(home, 1, RECEIVED)
    extract(home, 2, {"id": "a1", "received": day(2)})
    assert states(traced(home, history=True, position=1)) == [("referral.received", "effective", "1.csv", 2)]


def fact(position: int, kind: str, asserted: int, **more: Any) -> dict[str, Any]:
    return {"global_position": position, "revision_kind": kind, "asserted": asserted, "origin": "derived", **more}


RETRACTED_LOADS = {
    "the newest load": (
        [fact(1, "original", 1), fact(2, "revision", 2), fact(3, "retraction", 2, origin="load_retracted", of=2)],
        ["effective", "load retracted", "load retracted"],
    ),
    "an older load": (
        [fact(1, "original", 1), fact(2, "revision", 2), fact(3, "retraction", 1, origin="load_retracted", of=1)],
        ["load retracted", "effective", "load retracted"],
    ),
    "the only load": (
        [fact(1, "original", 1), fact(2, "retraction", 1, origin="load_retracted", of=1)],
        ["load retracted", "load retracted"],
    ),
    "a load whose file was sent again": (
        [
            fact(1, "original", 1, event=1),
            fact(2, "retraction", 1, origin="load_retracted", of=1),
            fact(3, "original", 1, event=1),
        ],
        ["load retracted", "load retracted", "effective"],
    ),
    "a withdrawal by the source is no retracted load": (
        [fact(1, "original", 1), fact(2, "retraction", 2, of=1)],
        ["superseded", "withdrawal"],
    ),
    "a decision ends a contest": (
        [fact(1, "original", 1), fact(2, "contest", 1, of=1), fact(3, "resolution", 1, of=1)],
        ["superseded", "superseded", "effective"],
    ),
}


@pytest.mark.parametrize("case", RETRACTED_LOADS)
def test_what_became_of_each_event_of_a_fact(case: str, tmp_path: Path):
    given, expected = RETRACTED_LOADS[case]
    with engine.connect() as con:
        values = ", ".join(
            f"({e['global_position']}, '\\x0F'::blob, encode('{e.get('event', e['global_position'])}'), "
            f"encode('{e.get('of', '')}'), {engine.text(e['revision_kind'])}, {engine.text(e['origin'])}, "
            f"make_timestamptz({e['asserted']} * 86400000000))"
            for e in given
        )
        con.execute(
            f"""create temp table found as select * from (values {values}) as
            t(global_position, fact_id, event_id, causation_id, revision_kind, origin, asserted_at)"""
        )
        con.execute(events.STATES)
        found = con.execute("select state from stated order by global_position").fetchall()
    assert [state for (state,) in found] == expected
