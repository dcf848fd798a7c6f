"""A log that version 0.1.0 wrote: it opens, takes what comes next, and folds into the marts of a log written today."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion import upkeep
from linkwork import engine
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.settings import Settings
from tests.fixtures import make_log
from tests.support.log import add_sender, csv_text, deliver, ingest, rows
from tests.support.marts import build, build_untested

FIXTURE = Path(make_log.__file__).parent / "log-0.1.0"
FILES = FIXTURE / "files" / "landing"
NEWER = "2025-05-01T02:00:00Z"
# How a file came to us is not what it says; ids of loads are of the run that took it.
DELIVERY = {
    "load_id", "received_at", "month", "last_good_at", "last_bad_at", "files_noop", "contract_version", "last_new_on",
    "last_repeated_on",
}  # fmt: skip


@pytest.fixture
def as_it_was(tmp_path: Path) -> Settings:
    """A home with the log, reference data and keys of the fixture."""
    shutil.copytree(FIXTURE, tmp_path / "home", ignore=shutil.ignore_patterns("files"))
    return make_log.settings_of(tmp_path / "home")


@pytest.fixture
def old(as_it_was: Settings) -> Settings:
    """The same, compacted once, as one does after upgrading."""
    upkeep.compact(as_it_was)
    return as_it_was


def sent() -> Iterator[tuple[str, str, Path]]:
    """Feed, sender and path of every file the fixture was made from."""
    for path in sorted(FILES.glob("*/*/*")):
        yield path.parts[-3], path.parts[-2], path


def fates(done: dict[str, Any], settings: Settings) -> dict[str, int]:
    """How many records of a batch met which fate."""
    counts = ("accepted", "duplicate", "conflict", "quarantined")
    columns = ", ".join(f"coalesce(sum({c}), 0)::int" for c in counts)
    (found,) = rows(settings, "loads", columns, f"where batch_id = {engine.text(done['batch_id'])}")
    return {count: number for count, number in zip(counts, found, strict=True) if number}


def events(settings: Settings, after: int) -> list[tuple[Any, ...]]:
    """Type, kind and record of the events after a position."""
    columns = "event_type, revision_kind, source_record_ref, schema_version"
    return rows(settings, "events", columns, f"where global_position > {after} order by global_position")


def referral_again(closed: str, reason: str) -> str:
    header = make_log.REFERRALS.split(",")
    line = (FILES / "referrals_csv" / make_log.SERVICE / "referrals_2.csv").read_text().splitlines()[1]
    row = dict(zip(header, line.split(","), strict=True))
    return csv_text([row | {"closed_on": closed, "closure_reason": reason, "extract_at": NEWER}], header)


def test_it_opens_and_verifies(as_it_was: Settings) -> None:
    before = events(as_it_was, 0)
    (problem,) = verify(Store(as_it_was.log_dir)).problems
    assert "`linkwork log compact` writes them anew" in problem  # a file with a Bloom filter
    upkeep.compact(as_it_was)
    proof = verify(Store(as_it_was.log_dir))
    assert proof.problems == []
    assert proof.events == proof.position == len(before) > 20
    assert events(as_it_was, 0) == before
    assert {version for *_, version in before} == {1}


def test_the_same_files_say_nothing_new(old: Settings) -> None:
    before = events(old, 0)
    for feed, sender, path in sent():
        deliver(old, path.name, path.read_text(), feed=feed, sender=sender)
    done = ingest(old)
    assert done["files"]["noop"] == len(list(sent()))
    assert events(old, 0) == before
    assert verify(Store(old.log_dir)).problems == []


def test_the_same_records_in_other_files_are_duplicates_and_no_conflicts(old: Settings) -> None:
    """Other bytes, so each record is looked at. The cancelled slot is told in the words of today's contract, and the
    link worker's records have fields that did not exist."""
    before = events(old, 0)
    for feed, sender, path in sent():
        head, *lines = path.read_text().splitlines()
        lines = lines if path.suffix == ".csv" else [head, *lines]
        first = [head] if path.suffix == ".csv" else []
        text = "\n".join([*first, *reversed(lines), lines[0]]) + "\n"
        deliver(old, path.name, text, feed=feed, sender=sender)
    done = ingest(old)
    met = fates(done, old)
    assert met["duplicate"] > 25
    # One contradicted another of its instant when the log was written, and still does; it is in its file twice.
    assert (met.get("conflict", 0), met.get("accepted", 0)) == (2, 0)
    assert events(old, 0) == before
    assert verify(Store(old.log_dir)).problems == []


def test_a_newer_extract_adds_what_changed_and_nothing_else(old: Settings) -> None:
    """Person and start of the registration are stated again in today's catalogue, whose columns are more."""
    header = make_log.REGISTRATIONS.split(",")
    lines = (FILES / "registrations_csv" / make_log.PRACTICE / "registrations.csv").read_text().splitlines()[1:]
    people = [dict(zip(header, line.split(","), strict=True)) | {"extract_at": NEWER} for line in lines]
    people[0] |= {"registration_end": "2025-04-20", "end_reason": "moved_away"}
    deliver(old, "newer.csv", csv_text(people, header), feed="registrations_csv", sender=make_log.PRACTICE)
    deliver(old, "newer.csv", referral_again("2025-03-25", "completed"), feed="referrals_csv", sender=make_log.SERVICE)
    before = len(events(old, 0))
    done = ingest(old)
    assert fates(done, old) == {"accepted": 2, "duplicate": 1}
    assert sorted(events(old, before)) == [
        ("referral.closed", "revision", "r1", 3),
        ("registration.ended", "original", None, 3),
    ]
    assert verify(Store(old.log_dir)).problems == []


def test_a_new_field_says_something_from_the_first_record_that_fills_it(old: Settings) -> None:
    """`value` and `unit` came with version 1.1.0 of the contract and 2 of the catalogue."""
    plain = '{"specversion":"1.0","id":"m1","type":"org.linkwork.measure.recorded","time":"2025-03-01T10:00:00Z",'
    plain += f'"recordedtime":"{make_log.LATER}","data":{{"referralId":"r1","nhsNumber":"{make_log.ANN}",'
    filled = plain.replace(make_log.LATER, NEWER) + '"value":"81.5","unit":"kg"}}\n'
    empty = plain + '"value":null,"unit":null}}\n'
    plain = plain[:-1] + "}}\n"
    met = []
    for number, text in enumerate((plain, empty + plain, filled)):
        deliver(old, f"{number}.jsonl", text, feed="link_worker_jsonl", sender=make_log.SERVICE)
        met.append(fates(ingest(old), old))
    assert met == [{"accepted": 1}, {"duplicate": 2}, {"accepted": 1}]
    columns = "revision_kind, engagement_value::varchar, engagement_unit"
    told = rows(old, "events", columns, "where event_type = 'measure.recorded' order by global_position")
    assert told == [("original", None, None), ("revision", "81.500", "kg")]


def test_a_new_type_of_event_enters_an_old_log(old: Settings) -> None:
    add_sender(old, "ZREG1", ["person_links_csv"])
    content = "link_id,retired_nhs_number,kept_nhs_number,status,effective_on,recorded_at\n"
    content += f"L1,{make_log.BEN},{make_log.ANN},merged,2025-04-02,{NEWER}\n"
    deliver(old, "links.csv", content, feed="person_links_csv", sender="ZREG1")
    before = len(events(old, 0))
    ingest(old)
    assert events(old, before) == [("person.merged", "original", "L1", 3)]
    people = dict(rows(old, "events", "distinct source_record_ref, subject_key", "where category = 'appointment'"))
    merged = rows(old, "events", "subject_key, person_merged_into", "where event_type = 'person.merged'")
    assert merged == [(people["a3"], people["a1"])]  # as version 0.1.0 named them
    assert verify(Store(old.log_dir)).problems == []


def test_a_changed_meaning_is_read_in_todays_words_and_the_marts_are_those_of_a_new_log(
    old: Settings, tmp_path: Path
) -> None:
    shutil.copytree(FIXTURE / "keys", tmp_path / "fresh" / "keys")
    fresh = make_log.settings_of(tmp_path / "fresh")
    shutil.copytree(old.reference_dir, fresh.reference_dir)
    for batch in make_log.BATCHES:
        for feed, sender, name, lines in batch:
            deliver(fresh, name, "\n".join(lines) + "\n", feed=feed, sender=sender)
        ingest(fresh)
    told = "distinct appointment_cancelled_by", "where event_type = 'appointment.cancelled'"
    assert rows(old, "events", *told) == [("practice",)]
    assert rows(fresh, "events", *told) == [("organisation",)]
    for settings in (old, fresh):
        deliver(settings, "r.csv", referral_again("2025-03-25", "completed"), feed="referrals_csv", sender="ZSP01")
        ingest(settings)
    build(old)
    build_untested(fresh)
    ours, theirs = marts(old), marts(fresh)
    assert ours.keys() == theirs.keys() > {"fct_referrals", "fct_appointments", "rpt_uptake", "fct_loads"}
    for name, content in ours.items():
        assert content == theirs[name], name
    cancelled = [row for row in ours["fct_appointments"] if row["cancelled_by"]]
    assert [row["cancelled_by"] for row in cancelled] == ["organisation"]
    assert ours["fct_contacts"] and ours["fct_activities"] and ours["rpt_uptake"]


def marts(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Every mart's rows, in order, without what tells of the delivery."""
    with engine.connect(settings.warehouse_file, read_only=True) as con:
        names = con.execute("""select table_name from information_schema.tables
            where table_schema = 'main' and regexp_matches(table_name, '^(dim|fct|rpt)_') order by 1""").fetchall()
        found = {}
        for (name,) in names:
            cursor = con.execute(f"select * from {engine.name(name)}")
            columns = [d[0] for d in cursor.description or []]
            told = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            kept = [{c: v for c, v in row.items() if c not in DELIVERY} for row in told]
            found[name] = sorted(kept, key=str)
    return found
