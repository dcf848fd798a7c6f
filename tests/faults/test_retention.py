"""The end of raw retention: what identifies people in received files goes, and what the log says of them stays."""

import signal
from datetime import UTC, datetime, timedelta

import pytest

from ingestion import retention
from linkwork.errors import EXIT_DONE, EXIT_USAGE
from linkwork.log.digest import digest
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.settings import Settings
from tests.support.log import at, csv_text, day, deliver, ingest, rows
from tests.support.people import ANNA, NAME, received, search

REASON = ("--reason", "a complaint")
DAYS = 90


def kept(home: Settings) -> tuple[int, int]:
    """How many received files and how many texts of refused records lie in zone 1."""
    return tuple(len(list(folder.glob("*"))) for folder in (home.raw_dir, home.quarantine_raw_dir))  # type: ignore[return-value]


def on_record(home: Settings) -> list[tuple[str, str]]:
    return rows(home, "operations", "command, outcome", "where command = 'load expire' order by recorded_at")


def after(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_it_goes_after_ninety_days_and_the_log_says_what_it_said(people):
    before, content = kept(people), digest(Store(people.log_dir).refresh())
    assert min(before) > 0
    assert retention.expire(people, after(DAYS - 1)).files == []
    assert (kept(people), on_record(people)) == (before, [])
    gone = retention.expire(people, after(DAYS + 1))
    assert (len(gone.files), len(gone.texts)) == before
    assert kept(people) == (0, 0)
    assert NAME not in str(received(people))
    assert not [hit for hit in search(people).hits if hit.path.startswith("restricted/")]
    assert (digest(Store(people.log_dir).refresh()), verify(Store(people.log_dir)).problems) == (content, [])
    ((_, outcome),) = on_record(people)
    assert outcome.startswith(f"{before[0]} received files and the text of refused records of {before[1]} loads")


def test_one_that_came_again_counts_from_then(home):
    first, second = (csv_text([{"id": one, "received": day(1), "at": at(1)}]) for one in ("r1", "r2"))
    for name, content in (("a.csv", first), ("b.csv", second), ("again.csv", first)):
        deliver(home, name, content)
        ingest(home)
    ((last,),) = rows(home, "loads", "max(recorded_at)")
    (gone,) = retention.due(home, last + timedelta(days=DAYS)).files
    assert rows(home, "loads", "file_name", f"where file_sha256 = '{gone.name}'") == [("b.csv",)]
    assert len(retention.due(home, last + timedelta(days=DAYS, microseconds=1)).files) == 2


def test_every_ingest_does_it(people):
    ingest(people)
    assert min(kept(people)) > 0
    assert on_record(people) == []
    soon = people.model_copy(update={"raw_retention_days": 0})
    ingest(soon)
    assert kept(people) == (0, 0)
    ingest(soon)
    assert len(on_record(people)) == 1  # where nothing goes, nothing is said


def test_a_legal_hold_keeps_it(people, linkwork, monkeypatch):
    monkeypatch.setenv("LINKWORK_RAW_RETENTION_DAYS", "0")
    before = kept(people)
    placed = linkwork("legal-hold", "place", "--nhs-number-file", "-", *REASON, "--json", given=ANNA).json
    assert "kept by a legal hold" in linkwork("load", "expire").out
    assert (kept(people), on_record(people)) == (before, [])
    assert linkwork("legal-hold", "lift", placed["hold_id"], *REASON).code == EXIT_DONE
    assert linkwork("load", "expire", "--json").json["files"] == before[0]
    assert kept(people) == (0, 0)


def test_a_dry_run_says_what_would_go_and_removes_nothing(people, linkwork, monkeypatch):
    monkeypatch.setenv("LINKWORK_RAW_RETENTION_DAYS", "0")
    before = kept(people)
    said = linkwork("load", "expire", "--dry-run").out
    assert f"{before[0]} received files and the text of refused records of {before[1]} loads" in " ".join(said.split())
    assert (kept(people), on_record(people)) == (before, [])
    assert "are removed" in linkwork("load", "expire").out
    assert "0 received files" in linkwork("load", "expire").out


def test_days_before_none_are_refused(people, linkwork, monkeypatch):
    monkeypatch.setenv("LINKWORK_RAW_RETENTION_DAYS", "-1")
    done = linkwork("load", "expire")
    assert (done.code, "LINKWORK_RAW_RETENTION_DAYS" in done.err) == (EXIT_USAGE, True)


@pytest.mark.parametrize("point", ["operations-written", "operations-durable"])
def test_killed_it_is_finished_by_the_next_run(people, kill, point):
    before = kept(people)
    assert kill(people, "expire", f"{point}:kill") == -signal.SIGKILL
    assert kept(people) == before
    assert len(on_record(people)) == (point == "operations-durable")
    retention.expire(people, after(DAYS + 1))
    assert kept(people) == (0, 0)
    assert verify(Store(people.log_dir)).problems == []
