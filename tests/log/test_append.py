"""What becomes of records, and that the log says so: fates, positions, ids, conservation."""

from ingestion import pipeline, refused
from linkwork.privacy.keys import load_keys
from tests.support.log import at, csv_text, day, deliver, effective, ingest, rows

NUMBER, OTHER = "9990000018", "9990000026"


def record(id: str, received: str = "", closed: str = "", when: int = 1, nhs: str = NUMBER) -> dict[str, str]:
    return {"id": id, "nhs_number": nhs, "received": received, "closed": closed, "at": at(when)}


def test_only_slots_that_changed_become_events(home):
    deliver(home, "1.csv", csv_text([record("a", day(1), when=1)]))
    ingest(home)
    deliver(home, "2.csv", csv_text([record("a", day(1), day(9), when=2)]))
    ingest(home)
    found = rows(home, "events", "event_type, revision_kind", "order by global_position")
    assert found == [("referral.received", "original"), ("referral.closed", "original")]


def test_a_confirmation_adds_nothing_but_moves_the_register_on(home):
    deliver(home, "1.csv", csv_text([record("a", day(1), when=1)]))
    ingest(home)
    deliver(home, "3.csv", csv_text([record("a", day(1), when=3)]))
    assert ingest(home)["events"] == 0
    deliver(home, "2.csv", csv_text([record("a", day(2), when=2)]))
    assert ingest(home)["events"] == 0
    assert effective(home) == {("a", "received"): day(1)}
    assert rows(home, "loads", "duplicate, superseded", "order by file_name") == [(0, 0), (1, 1), (1, 0)]


def test_a_revision_names_the_event_it_restates(home):
    for n, closed in enumerate((day(5), day(6), "", day(7)), start=1):
        deliver(home, f"{n}.csv", csv_text([record("a", closed=closed, when=n)]))
        ingest(home)
    found = rows(home, "events", "revision_kind, causation_id, event_id", "order by global_position")
    assert [kind for kind, _, _ in found] == ["original", "revision", "retraction", "revision"]
    assert [cause for _, cause, _ in found] == [None, *(event_id for _, _, event_id in found[:3])]


def test_e20_a_row_with_its_key_alone_withdraws_every_slot(home):
    deliver(home, "1.csv", csv_text([record("a", day(1), day(2), when=1)]))
    deliver(home, "2.csv", csv_text([record("a", when=2, nhs="")]))
    ingest(home)
    assert effective(home) == {}
    assert sorted(k for (k,) in rows(home, "events", "revision_kind")) == ["original"] * 2 + ["retraction"] * 2


def test_a_conflict_leaves_the_record_without_facts_until_a_newer_assertion(home):
    deliver(home, "1.csv", csv_text([record("a", day(1), when=1)]))
    ingest(home)
    deliver(home, "2.csv", csv_text([record("a", day(2), when=1)]))
    ingest(home)
    assert effective(home) == {}
    assert rows(home, "quarantine", "rule, source_line") == [("conflict", 2)]
    deliver(home, "3.csv", csv_text([record("a", day(1), when=2)]))
    ingest(home)
    assert effective(home) == {("a", "received"): day(1)}


def test_f89_e17_another_person_on_the_same_record_is_quarantined(home):
    deliver(home, "1.csv", csv_text([record("a", day(1), when=1)]))
    ingest(home)
    deliver(home, "2.csv", csv_text([record("a", day(2), when=2, nhs=OTHER)]))
    ingest(home)
    assert effective(home) == {("a", "received"): day(1)}
    assert rows(home, "quarantine", "rule") == [("other_person",)]


def test_e18_the_same_bytes_under_another_name_do_nothing(home):
    content = csv_text([record("a", day(1))])
    deliver(home, "1.csv", content)
    deliver(home, "2.csv", content)
    assert ingest(home)["files"] == {"committed": 1, "noop": 1, "held": 0, "refused": 0}
    deliver(home, "3.csv", content)
    assert ingest(home)["files"]["noop"] == 1
    assert rows(home, "events", "count(*)") == [(1,)]


def test_positions_have_no_gap_and_a_commit_has_one_time(home):
    for n in range(1, 4):
        deliver(home, f"{n}.csv", csv_text([record(f"r{n}{k}", day(k), when=n) for k in range(1, 6)]))
        ingest(home)
    found = rows(home, "events", "global_position, recorded_at", "order by 1")
    assert [p for p, _ in found] == list(range(1, 16))
    times = [t for _, t in found]
    assert len(set(times)) == 3
    assert times == sorted(times)


def test_a_file_without_events_is_committed_and_not_taken_again(home):
    deliver(home, "1.csv", csv_text([record("a", when=1)]))
    first = ingest(home)
    assert (first["files"]["committed"], first["events"]) == (1, 0)
    deliver(home, "1.csv", csv_text([record("a", when=1)]))
    assert ingest(home)["files"]["noop"] == 1


def test_every_record_has_exactly_one_fate(home):
    lines = [record("a", day(1)), record("a", day(1)), record("b", "2025-02-30"), record("c", day(1), nhs="1234567890")]
    deliver(home, "1.csv", csv_text(lines) + "\n" + "x,y\n")
    ingest(home)
    found = rows(home, "loads", "records, accepted, duplicate, conflict, quarantined, skipped")
    assert found == [(6, 1, 1, 0, 3, 1)]
    assert rows(home, "quarantine", "source_line, rule, field", "order by 1") == [
        (4, "date", "received"),
        (5, "nhs_number", "nhs_number"),
        (7, "field_count", None),
    ]


def test_the_raw_text_of_every_refused_record_is_kept_encrypted(home):
    deliver(home, "1.csv", csv_text([record("a", day(1)), record("b", "2025-02-30")]))
    deliver(home, "2.csv", csv_text([record("a", day(2)), record("c", day(3))]))
    ingest(home)
    key = load_keys(home).zone1
    kept = {row["line"]: row["raw"] for path in home.quarantine_raw_dir.iterdir() for row in refused.read(path, key)}
    assert kept[3].startswith(f"b,{NUMBER},2025-02-30")  # refused by the gate
    assert kept[2].startswith(f"a,{NUMBER},{day(2)}")  # contradicts the first file
    assert all(NUMBER.encode() not in path.read_bytes() for path in home.quarantine_raw_dir.iterdir())


def test_a_commit_asked_for_again_gives_the_same_answer(home):
    deliver(home, "1.csv", csv_text([record("a", day(1))]))
    first = ingest(home)
    assert pipeline.commit_batch(home, first["batch_id"]) == first


def test_a_commit_of_nothing_asked_for_again_does_nothing(home):
    batch_id = pipeline.open_batch(home)["batch_id"]
    first = pipeline.commit_batch(home, batch_id)
    assert pipeline.commit_batch(home, batch_id) == first
    assert (first["events"], first["new_in_ledger"]) == (0, 0)
