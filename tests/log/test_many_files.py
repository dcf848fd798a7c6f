"""Many small files in one batch are committed in blocks of a few, as if they were one."""

import pytest

from linkwork.log import blocks
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.faults import good, lines, put
from tests.support.log import effective, ingest, make_home, rows

SENT = "source_record_ref, event_type, global_position"


def sent(folder, files):
    home = make_home(folder)
    for number in range(files):
        again = [good("shared", 1 + number)] if number % 2 else []  # newer in every second file
        put(home, f"{number:02d}.csv", lines(good(f"r{number}"), *again))
    ingest(home)
    return home


@pytest.mark.parametrize("most", [1, 3])
def test_blocks_of_few_files_give_the_same_log_as_one(tmp_path, monkeypatch, most):
    whole = sent(tmp_path / "whole", 7)
    monkeypatch.setattr(blocks, "LOADS", most)
    made = sent(tmp_path / "blocks", 7)
    assert verify(Store(made.log_dir)).problems == []
    assert sorted(rows(made, "events", SENT)) == sorted(rows(whole, "events", SENT))
    assert effective(made) == effective(whole)
    of_register = "record_key is null, asserted_at, contested, len(facts)"
    assert sorted(rows(made, "register", of_register)) == sorted(rows(whole, "register", of_register))
    assert len(Store(made.log_dir).refresh().events.files()) > len(Store(whole.log_dir).refresh().events.files())


def test_a_block_holds_no_more_files_than_it_may(monkeypatch):
    monkeypatch.setattr(blocks, "LOADS", 3)
    monkeypatch.setattr(blocks, "_whole", lambda _store, _folder, loads: [load["load_id"] for load in loads])
    loads = [{"load_id": n, "records": 20} for n in range(7)]
    assert list(blocks.blocks(None, None, None, loads)) == [[0, 1, 2], [3, 4, 5], [6]]
    monkeypatch.setattr(blocks, "RECORDS", 45)
    assert list(blocks.blocks(None, None, None, loads)) == [[0, 1], [2, 3], [4, 5], [6]]
