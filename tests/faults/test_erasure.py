"""F101: one person is erased from a home in which she is everywhere; everybody else stays as they were."""

import json
from types import SimpleNamespace

import pytest

from ingestion import erase, pipeline, recorded
from linkwork.log.envelope import ERASED
from linkwork.log.erase import STUB
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import vault
from linkwork.privacy.keys import load_keys
from tests.support.log import rows
from tests.support.people import (
    ANNA,
    BEN,
    CLEO,
    CLIENT,
    NAME,
    SERVICE,
    copy_of,
    events,
    in_few_files,
    pseudonyms,
    received,
    search,
)  # fmt: skip

REASON = "request of 1 November"
HERS = {"r1", "r3", "r6", "r9", "e1", "e6"}  # the records that name their source


@pytest.fixture(scope="module")
def done(populated, tmp_path_factory):
    """The home before and after; read only."""
    home = copy_of(populated, tmp_path_factory.mktemp("erased") / "copy")
    before = SimpleNamespace(events=events(home), received=received(home), register=_register(home))
    receipt = erase.erase_person(home, [ANNA], [], REASON)
    return SimpleNamespace(home=home, before=before, receipt=receipt)


def _register(home):
    return rows(home, "register", "record_key, subject_key, asserted_at, row_hash, facts", "order by record_key")


def test_she_was_everywhere(populated):
    """What the other tests rely on."""
    found = {hit.path.split("/")[0] for hit in search(populated).hits}
    assert found == {"airflow", "landing", "log", "quality", "restricted"}
    where = {hit.path.split("/")[1] for hit in search(populated).hits if hit.path.startswith(("log", "restricted"))}
    assert where == {"events", "register", "loads", "raw", "quarantine"}
    assert {row["source_record_ref"] for row in events(populated)} >= HERS


def test_f101_no_byte_of_any_file_holds_her(done):
    found = search(done.home)
    assert (found.hits, found.unreadable) == ([], [])
    assert found.files > 50
    assert search(done.home, BEN).hits != []


def test_rows_that_name_her_otherwise_are_gone_from_received_files(done):
    before = "\n".join(line for lines in done.before.received.values() for line in lines)
    after = "\n".join(line for lines in received(done.home).values() for line in lines)
    for value in (ANNA, NAME, CLIENT):
        assert value in before
        assert value not in after


def test_the_log_verifies_and_positions_stay_gap_free(done):
    found = verify(Store(done.home.log_dir))
    assert found.problems == []
    assert (found.events, found.position) == (len(done.before.events),) * 2
    assert found.erased == done.receipt["events"] == 13
    assert [row["global_position"] for row in events(done.home)] == list(range(1, found.events + 1))


def test_a_stub_keeps_position_category_load_and_time_and_nothing_else(done):
    before = {row["global_position"]: row for row in done.before.events}
    stubs = [row for row in events(done.home) if row["event_type"] == ERASED]
    for stub in stubs:
        was = before[stub["global_position"]]
        assert {c: v for c, v in stub.items() if v is not None} == {c: was[c] for c in STUB} | {"event_type": ERASED}
    keys = {*pseudonyms(done.home)}
    hers = {p for p, row in before.items() if row["subject_key"] in keys or row["source_record_ref"] in HERS}
    assert {stub["global_position"] for stub in stubs} == hers


def test_everybody_elses_events_are_as_before(done):
    erased = {row["global_position"] for row in events(done.home) if row["event_type"] == ERASED}
    others = [row for row in done.before.events if row["global_position"] not in erased]
    assert [row for row in events(done.home) if row["event_type"] != ERASED] == others
    assert {row["subject_key"] for row in others} >= {pseudonyms(done.home, n)[0] for n in (BEN, CLEO)}


def test_the_register_loses_her_records_only(done):
    left = _register(done.home)
    assert len(done.before.register) - len(left) == len({*HERS, "g1"})
    assert set(map(str, left)) < set(map(str, done.before.register))


def test_a_stored_file_name_that_held_her_number_is_masked(done):
    names = [name for (name,) in rows(done.home, "loads", "file_name", "order by 1")]
    assert names == ["1.csv", "2.csv", "3.csv", "4-0…0.csv", "e.jsonl", "g.csv"]
    assert set(rows(done.home, "quarantine", "distinct file_name")) == {
        (n,) for n in ("4-0…0.csv", "g.csv", "e.jsonl", "3.csv")
    }


def test_everybody_elses_lines_keep_their_number(done):
    after = received(done.home)
    blanked = 0
    for place, before in done.before.received.items():
        if place.startswith("quarantine"):
            continue
        assert len(after[place]) == len(before)
        for one, other in zip(before, after[place], strict=True):
            assert other in (one, "")
            blanked += one != other
            if any(who in one for who in (BEN, CLEO, "c-dora", "two", "lines")):
                assert other == one
    assert blanked > 10
    kept = [json.loads(line) for p, lines in after.items() if p.startswith("quarantine") for line in lines if line]
    assert [record["line"] for record in kept if record["line"] > 0] == [
        5
    ]  # Ben's, with minutes that are none; headers


def test_a_file_that_waits_is_cleaned_and_one_named_after_her_gets_another_name(done):
    (waiting,) = [path for path in done.home.landing_dir.rglob("*") if path.is_file()]
    assert ANNA not in waiting.name
    assert waiting.suffix == ".csv"
    content = waiting.read_text()
    assert BEN in content
    assert NAME not in content


def test_pages_and_logs_that_name_her_are_removed_and_others_stay(done):
    left = sorted(str(p.relative_to(done.home.home)) for n in ("quality", "airflow")
                  for p in (done.home.home / n).rglob("*") if p.is_file() and "pending" not in p.parts)  # fmt: skip
    assert left == ["quality/other.html"]


def test_the_receipt_identifies_nobody_and_lists_who_else_may_have_rows(done):
    receipt = done.receipt
    assert receipt["unlinked_senders"] == [SERVICE]
    assert (receipt["pseudonyms"], receipt["reason"], receipt["not_cleaned"]) == (2, REASON, [])
    counts = ("events", "register_rows", "raw_records", "files_removed")
    assert all(receipt[c] > 0 for c in counts)
    said = json.dumps(receipt, default=str)
    for value in (ANNA, NAME, CLIENT, *HERS, *(key.hex() for key in pseudonyms(done.home))):
        assert f'"{value}"' not in said
    stored = rows(done.home, "erasures", f"{', '.join(counts)}, unlinked_senders, erasure_id")
    assert stored == [(*(receipt[c] for c in counts), [SERVICE], receipt["erasure_id"])]


def test_one_operation_is_on_record_and_names_nobody(done):
    found = rows(done.home, "operations", "operation_id, target, reason", "where command = 'erase'")
    assert found == [(done.receipt["erasure_id"], "one person", REASON)]


def test_a_commit_that_waited_to_be_judged_is_forgotten(tmp_path):
    """Its segments hold stubs now: what it claimed to have added can be found no more."""
    home = in_few_files(tmp_path)
    assert len(recorded.pending(home)) == 1
    erase.erase_person(home, [ANNA], [], REASON)
    assert pipeline.check_recorded(home, "any") == {"checked": 0}


def test_the_order_is_gone(done):
    assert list((done.home.home / "restricted" / "erasures").iterdir()) == []


def test_what_is_left_of_zone_1_still_opens(done):
    key = load_keys(done.home).zone1
    assert all(vault.unseal(path, key) for path in done.home.raw_dir.iterdir())
