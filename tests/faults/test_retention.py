"""The end of raw retention: what identifies people in received files goes, and what the log says of them stays."""

import signal
from datetime import UTC, datetime, timedelta

import pytest

from ingestion import retention
from linkwork.errors import EXIT_DONE, EXIT_USAGE, BusyError
from linkwork.log.changes import finish_left
from linkwork.log.digest import digest
from linkwork.log.failpoints import RETENTION_POINTS
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.settings import Settings
from tests.support.log import at, csv_text, day, deliver, ingest, rows
from tests.support.people import ANNA, NAME, pseudonyms, received, search

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
    first, second = (
        csv_text([{"id": one, "received": day(1), "at": at(1)}, {"id": "R?", "at": at(1)}]) for one in ("r1", "r2")
    )
    for name, content in (("a.csv", first), ("b.csv", second), ("again.csv", first)):
        deliver(home, name, content)
        ingest(home)
    ((last,),) = rows(home, "loads", "max(recorded_at)")
    found = retention.due(home, last + timedelta(days=DAYS))
    (gone,) = found.files
    assert rows(home, "loads", "file_name", f"where file_sha256 = '{gone.name}'") == [("b.csv",)]
    assert [path.name for path in found.texts] == [load for (load,) in loads_of(home, "b.csv")]
    found = retention.due(home, last + timedelta(days=DAYS, microseconds=1))
    assert (len(found.files), len(found.texts)) == (2, 2)


def loads_of(home: Settings, name: str) -> list[tuple[str]]:
    return rows(home, "loads", "load_id", f"where file_name = '{name}'")


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


@pytest.mark.parametrize("days", ["-1", "36501"])
def test_days_that_nobody_means_are_refused(people, linkwork, monkeypatch, days):
    monkeypatch.setenv("LINKWORK_RAW_RETENTION_DAYS", days)
    done = linkwork("load", "expire")
    assert (done.code, "LINKWORK_RAW_RETENTION_DAYS" in done.err) == (EXIT_USAGE, True)


@pytest.mark.parametrize(
    ("point", "left", "said"),
    [("change-announced", 0, "up to"), (*RETENTION_POINTS, 1, "up to"), ("change-made", None, "6 received files")],
)
def test_killed_it_is_put_on_record_and_finished_by_the_next_run(people, kill, point, left, said):
    before = kept(people)
    assert kill(people, "expire", f"{point}:kill") == -signal.SIGKILL
    assert kept(people) == ((0, 0) if left is None else (before[0] - left, before[1]))
    assert on_record(people) == []
    retention.expire(people, after(DAYS + 1))
    finish_left(Store(people.log_dir))
    assert kept(people) == (0, 0)
    outcomes = [outcome for _, outcome in on_record(people)]
    assert len(outcomes) == (1 if left is None else 2)
    assert outcomes[0].startswith(said)
    assert verify(Store(people.log_dir)).problems == []


def test_what_could_not_be_removed_is_not_said_to_be(people, kill):
    before = kept(people)
    assert kill(people, "expire", "expired-one:EROFS:2") == 1
    assert kept(people) == (before[0] - 2, before[1])
    ((_, outcome),) = on_record(people)
    assert outcome.startswith("2 received files and the text of refused records of 0 loads")


def test_a_hold_that_was_cut_off_is_seen(people, kill):
    before = kept(people)
    assert kill(people, "legal-hold place", "change-announced:kill") == -signal.SIGKILL
    assert retention.expire(people, after(DAYS + 1)).is_held
    assert (kept(people), on_record(people)) == (before, [])


def test_an_erasure_that_was_cut_off_comes_first(people, kill):
    before = kept(people)
    assert kill(people, "erase", "erasure-tombstones:kill") == -signal.SIGKILL
    with pytest.raises(BusyError, match="an erasure is not finished"):
        retention.expire(people, after(DAYS + 1))
    assert kept(people) == before


def test_an_erasure_by_pseudonym_says_that_no_number_was_found(people, linkwork):
    """The number stands in what was received, and is needed to search for what names her by it."""
    retention.expire(people, after(DAYS + 1))
    for waiting in people.landing_dir.rglob("*.csv"):
        waiting.unlink()
    (receipt,) = linkwork("erase", "--subject", pseudonyms(people)[0].hex(), *REASON, "--json").json
    (left,) = receipt["not_cleaned"]
    assert left.startswith("text that names the person by an NHS number")
