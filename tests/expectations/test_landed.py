"""Boundary landed, on one real run over a batch of good, bad and unreadable files (a run takes seconds)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CANARY = "CANARY-7Q-VALUE"
BAD_FACTS = f"""
    select i as record_no, encode('{CANARY}') as record_key, 'outcome' as slot, 'appointment' as category,
        if(i < 3, null, '{CANARY}') as event_type, encode('{CANARY}' || i) as stream_id,
        if(i < 10, null, encode('{CANARY}' || i)) as subject_key,
        if(i < 100, 'local', 'nhs_number') as identity_quality,
        if(i < 7, null, timestamptz '2025-01-01 10:00:00Z') as occurred_at, date '2025-01-01' as occurred_on,
        timestamptz '2025-01-02 10:00:00Z' as asserted_at, timestamptz '2025-01-03 10:00:00Z' as received_at,
        '{CANARY}' as load_id
    from range(200) as t (i)
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, support: Any, start: Callable[..., Any]) -> Any:
    staging, quality = tmp_path_factory.mktemp("staging"), tmp_path_factory.mktemp("quality")
    (staging / "batch.json").write_text("{}")
    support.stage(staging, "good")
    support.stage(staging, "local", support.FACTS.replace("'nhs_number'", "'local'"), identity_expected="local")
    support.stage(staging, "smaller", previous={"records": 50_000})
    support.stage(staging, "stale", days_since_newest=400, cadence_days=30)
    support.stage(staging, "nothing", "select * from (" + support.FACTS + ") where false", records=0, valid=0, facts={})
    support.stage(staging, "uncounted", records=230, quarantined=20, skipped=9)
    support.stage(staging, "future", days_since_newest=-3.5)
    support.stage(staging, "huge", previous={"records": 100}, records=20_000, valid=20_000)
    support.stage(staging, "incomplete", BAD_FACTS)
    (support.stage(staging, "torn") / "facts" / "appointment" / "00000.parquet").write_text(CANARY)
    support.stage(staging, "unprofiled").joinpath("profile.json").write_text('{"records": "' + CANARY)
    done = start("landed", "--staging", staging, quality=quality)
    verdicts = json.loads((staging / "verdicts.json").read_text())
    return done, verdicts["verdicts"], verdicts


def failed(verdict: dict[str, Any]) -> dict[str, float]:
    return {finding["column"] or finding["description"]: finding["observed"] for finding in verdict["failed"]}


def test_a_whole_file_passes_and_one_that_only_warns_does_too(ran):
    _, verdicts, written = ran
    assert written["boundary"] == "landed"
    assert verdicts["good"] == {"success": True, "could_not_check": False, "failed": [], "warnings": []}
    assert verdicts["local"]["success"], "a sender may be known to give no NHS numbers"
    for name, column, observed in (("smaller", "times_previous", 0.004), ("stale", "days_since_newest", 400)):
        assert verdicts[name]["success"]
        assert [(w["column"], w["observed"]) for w in verdicts[name]["warnings"]] == [(column, observed)]
    assert verdicts["stale"]["warnings"][0]["kwargs"] == {"max_value": 67.0}


def test_f99_each_kind_of_bad_file_is_held_for_its_own_reason(ran):
    _, verdicts, _ = ran
    assert failed(verdicts["nothing"]) == {"records": 0}
    assert failed(verdicts["future"]) == {"days_ahead": 3.5}
    assert failed(verdicts["uncounted"]) == {
        "quarantined_share": pytest.approx(20 / 230),
        "records_unaccounted": 1,
    }
    assert failed(verdicts["huge"]) == {"times_previous": 200}
    assert failed(verdicts["incomplete"]) == {
        "local_identity_share": pytest.approx(90 / 190),
        "facts_unnamed": 3,
        "without_person_share": pytest.approx(10 / 200),
        "facts_undated": 7,
    }


def test_what_could_not_be_checked_is_no_verdict_on_the_data_and_ends_with_70(ran):
    done, verdicts, _ = ran
    assert done.code == 70
    for name in ("torn", "unprofiled"):
        assert verdicts[name]["could_not_check"]
        assert not verdicts[name]["success"]
        assert all(finding["could_not_check"] for finding in verdicts[name]["failed"])
    assert {finding["reason"] for finding in verdicts["torn"]["failed"]} == {"InvalidInputException"}
    assert sum(verdict["could_not_check"] for verdict in verdicts.values()) == 2


def test_results_are_kept_as_rows(ran):
    done, verdicts, _ = ran
    rows = done.rows("landed")
    assert {row["subject"] for row in rows} == set(verdicts)
    assert {row["boundary"] for row in rows} == {"landed"}
    by_file = {name: [row for row in rows if row["subject"] == name] for name in verdicts}
    assert {len(of_file) for of_file in by_file.values()} == {13}
    assert all(row["success"] for row in by_file["good"])
    assert {row["sender"] for row in by_file["good"]} == {"Z90001"}
    records = next(row for row in by_file["good"] if row["column"] == "records")
    assert (records["observed_count"], records["severity"]) == (200, "failing")


def test_pages_show_every_file_its_rules_in_words_and_fetch_nothing(ran):
    done, verdicts, _ = ran
    docs = done.quality / "data_docs"
    assert '<a href="landed/index.html">' in (docs / "index.html").read_text()
    index = (docs / "landed" / "index.html").read_text()
    pages = list((docs / "landed").glob("*/*.html"))
    assert {page.stem for page in pages} == set(verdicts) - {"unprofiled"}, "it has no data to make a page of"
    assert "unprofiled" in index
    assert all(f'href="{page.parent.name}/{page.name}"' in index for page in pages)
    page = next(page for page in pages if page.stem == "future").read_text()
    assert "The newest statement was made no later than a day after the file was received." in page
    assert 'class="failed"' in page
    for html in (index, *(page.read_text() for page in pages)):
        assert not any(mark in html for mark in ("<script", "<img", "<link", "http:", "https:", "src=", "url("))


def test_no_value_leaves_the_staged_files(ran):
    done, verdicts, _ = ran
    assert verdicts["incomplete"]["failed"], "or the search proves nothing"
    assert CANARY not in done.everything_written() + json.dumps(verdicts)


def test_wrong_use_is_told_apart_from_bad_data(start, tmp_path: Path):
    assert start("landed", "--staging", tmp_path / "absent", quality=tmp_path).code == 64
    assert start("landed", quality=tmp_path).code == 64


def test_what_memory_cannot_hold_goes_to_the_folder_given_and_nowhere_else(start, support, tmp_path: Path):
    many = 400_000
    facts = support.FACTS.replace("range(200)", f"range({many})").replace("i % 40", "i")
    counted = {"records": many, "valid": many, "facts": {"appointment.attended": many}}
    support.stage(tmp_path / "staging", "large", facts, **counted)
    given = ("landed", "--staging", tmp_path / "staging", "--memory-limit", "64MB")
    without = start(*given, quality=tmp_path / "without")
    assert (without.code, "OutOfMemoryException" in without.printed) == (70, True)
    spill = tmp_path / "spill"
    assert start(*given, "--spill", spill, quality=tmp_path / "with").code == 0
    assert not list(spill.glob("*"))
