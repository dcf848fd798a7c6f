"""Boundary recorded: what a commit added is whole, or the run says what is missing."""

import json
from typing import Any

import duckdb
import pytest

from expectations.suites import recorded


def verdict(
    start: Any, support: Any, folder: Any, *commit: Any, options: tuple[str, ...] = (), **described: Any
) -> tuple[int, dict[str, Any]]:
    output = folder / "verdicts.json"
    path = support.record(folder / "commit", *commit, **described)
    done = start("recorded", "--input", path, "--output", output, *options, quality=folder / "quality")
    found = json.loads(output.read_text())
    assert found["boundary"] == "recorded"
    return done.code, found["verdicts"]["b"]


def test_a_whole_commit_passes_with_a_retraction_in_it(start, support, tmp_path):
    code, found = verdict(start, support, tmp_path)
    assert (code, found["failed"], found["warnings"]) == (0, [], [])


def test_a_batch_whose_id_reads_as_a_time_is_checked(start, support, tmp_path):
    """Its end reads as an offset of 32 hours, which no time has: one batch of two thousand is called so."""
    path, output = support.record(tmp_path / "commit", batch_id="20261129T214646-3229ad"), tmp_path / "verdicts.json"
    assert start("recorded", "--input", path, "--output", output, quality=tmp_path / "quality").code == 0
    assert json.loads(output.read_text())["verdicts"]["20261129T214646-3229ad"]["success"] is True


def test_a_gap_a_repetition_and_records_that_do_not_add_up_are_found(start, support, tmp_path):
    broken = f"""
        select * replace (
            if(global_position = 13, 12, if(global_position = 15, 99, global_position)) as global_position,
            if(global_position = 11, null, subject_key) as subject_key,
            if(global_position = 12, null, event_id) as event_id,
            if(global_position = 12, timestamptz '2030-01-01 00:00:00Z', occurred_at) as occurred_at
        ) from ({support.EVENTS})"""
    load = {"load_id": "load", "events": 6, "records": 9, "accepted": 5, "duplicate": 1, "superseded": 2}
    code, found = verdict(start, support, tmp_path, broken, loads=[load])
    assert code == 65
    assert {finding["column"]: finding["observed"] for finding in found["failed"]} == {
        "events_unaccounted": 1,
        "positions_missing": 2,
        "positions_repeated": 1,
        "positions_outside": 1,
        "records": 1,
        "superseded": 1,
        "event_id": 1,
        "subject_key": 1,
    }
    assert [(w["column"], w["observed"]) for w in found["warnings"]] == [("ahead_share", pytest.approx(0.25))]


def test_a_lost_segment_could_not_be_checked(start, support, tmp_path):
    code, found = verdict(start, support, tmp_path, files=[str(tmp_path / "lost.parquet")])
    assert (code, found["could_not_check"], found["success"]) == (70, True, False)


def test_a_commit_without_events_has_nothing_missing(support, tmp_path):
    nothing = {"load_id": "load", "events": 0, "records": 2, "duplicate": 2}
    path = support.record(tmp_path, files=[], loads=[nothing], position_after=10)
    con = duckdb.connect()
    for statement in next(recorded.subjects(path)).statements:
        con.execute(statement)
    measures = "events_unaccounted, positions_missing, positions_repeated, positions_outside, ahead_share"
    assert con.execute(f"select {measures} from batch where row_kind = 'commit'").fetchall() == [(0,) * 5]
    assert con.execute("select count(*) from batch where row_kind = 'load'").fetchone() == (1,)


def test_a_commit_far_larger_than_memory_is_checked_in_one_pass(start, support, tmp_path):
    many = 1_000_000
    events = support.EVENTS.replace("range(1, 6)", f"range(1, {many + 1})")
    load = {"load_id": "load", "events": many, "records": many, "accepted": many}
    described = {"loads": [load], "position_after": 10 + many, "options": ("--memory-limit", "64MB")}
    code, found = verdict(start, support, tmp_path, events, **described)
    assert (code, found["failed"]) == (0, [])
