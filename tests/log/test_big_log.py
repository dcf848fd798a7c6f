"""The log that the benchmarks make in SQL verifies, and real files of its senders are decided against it."""

import pytest

from benchmarks.big_log import Size, made, settings_of
from benchmarks.feeds import ACTIVITIES, APPOINTMENTS
from benchmarks.homes import borrow, deliver
from linkwork.errors import UsageError
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.log import ingest, rows

SIZE = Size(events=20_000, practices=3, services=2, events_per_load=2_000, loads_per_commit=4)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("big") / "log"
    made(folder, SIZE)
    return folder


def test_it_verifies_and_is_of_the_size_asked_for(kept):
    found = verify(Store(settings_of(kept).log_dir))
    assert (found.problems, found.loads) == ([], 10)
    assert found.events == found.position == pytest.approx(SIZE.events, rel=0.01)


@pytest.mark.parametrize(("feed", "number"), [(APPOINTMENTS, 1), (ACTIVITIES, 4)])
def test_a_real_file_is_decided_against_its_register(kept, tmp_path, feed, number):
    home = borrow(kept, tmp_path)
    (sender, _) = SIZE.senders[number]
    before = Store(home.log_dir).refresh().position()
    deliver(home, feed, [(number, sender)], unchanged=40, changed=16, new=8)
    ingest(home)
    added = f"where global_position > {before}"
    counts = "records, accepted, duplicate, superseded, conflict, quarantined"
    assert rows(home, "loads", counts, "where file_name = 'extract_0000.csv'") == [(64, 24, 40, 0, 0, 0)]
    # A changed row states one fact anew (a slot that was still open, for the first time): its other facts are known.
    new = rows(home, "events", "count(*)", f"{added} and source_line > 57")[0][0]
    kinds = dict(rows(home, "events", "revision_kind, count(*)", f"{added} and source_line <= 57 group by 1"))
    assert kinds == ({"original": 2, "revision": 14} if feed == APPOINTMENTS else {"revision": 16})
    assert new == (15 if feed == APPOINTMENTS else 8)
    causes = rows(home, "events", "causation_id", f"{added} and revision_kind = 'revision'")
    known = rows(home, "events", "event_id", f"where global_position <= {before}")
    assert set(causes) <= set(known)
    assert verify(Store(home.log_dir)).problems == []


def test_a_kept_log_is_used_again_unless_another_size_is_asked_for(tmp_path):
    small, other = (Size(events, practices=1, services=1, events_per_load=100) for events in (200, 400))
    first = made(tmp_path / "log", small)
    stamp = (tmp_path / "log" / "big_log.json").stat()
    assert made(tmp_path / "log", small) == first
    assert (tmp_path / "log" / "big_log.json").stat() == stamp
    assert made(tmp_path / "log", other)["loads"] == 4
    assert verify(Store(settings_of(tmp_path / "log").log_dir)).problems == []


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something else"):
        made(tmp_path, SIZE)
    assert [p.name for p in tmp_path.iterdir()] == ["letters.txt"]
