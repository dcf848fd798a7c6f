"""`erase` and `legal-hold` as they are typed: who is meant, what is refused, what is said."""

import json
import os
import zipfile

import pytest

from ingestion import batches
from linkwork import locked
from linkwork.errors import EXIT_BAD_DATA, EXIT_BUSY, EXIT_DONE, EXIT_USAGE
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import subjects, vault
from linkwork.privacy.keys import load_keys
from linkwork.release import building
from tests.support.cli import commands
from tests.support.log import rows
from tests.support.people import ANNA, BEN, CLEO, NAME, copy_of, events, pseudonyms, received, search

FROM_INPUT = ("--nhs-number-file", "-")
REASON = ("--reason", "asked for")


def erased(home):
    return sum(row["event_type"] == "erased" for row in events(home))


def test_a_number_with_spaces_from_standard_input(people, linkwork):
    done = linkwork("erase", *FROM_INPUT, *REASON, "--json", given="\n 999 000-0018 \n\n")
    assert done.code == EXIT_DONE, done.err
    (receipt,) = done.json
    assert receipt["events"] == erased(people) == 13
    assert ANNA not in done.out
    assert linkwork("erase", *FROM_INPUT, "--verify", given=ANNA).code == EXIT_DONE


def test_by_pseudonym_her_number_is_found_in_received_files_and_goes_too(people, linkwork):
    """A line that could not be read names her by number alone, and nobody gave us that."""
    done = linkwork("erase", "--subject", pseudonyms(people)[0].hex().upper(), *REASON, "--json")
    assert (done.code, done.json[0]["events"]) == (EXIT_DONE, 13), done.err
    assert search(people).hits == []
    assert NAME not in str(received(people))


def test_several_numbers_of_one_person_and_her_several_pseudonyms(people, linkwork, tmp_path):
    numbers = tmp_path / "numbers"
    numbers.write_text(f"{ANNA}\n{CLEO}\n")
    done = linkwork("erase", "--nhs-number-file", str(numbers), *REASON, "--json")
    assert done.json[0]["pseudonyms"] == 3  # two numbers and the service's own id
    assert search(people, ANNA, CLEO).hits == []
    assert search(people, BEN).hits != []


def test_somebody_nobody_knows_leaves_a_tombstone_and_changes_no_event(people, linkwork):
    before = events(people)
    done = linkwork("erase", *FROM_INPUT, *REASON, "--json", given="9990000034")
    receipt = done.json[0]
    assert (done.code, receipt["events"], receipt["register_rows"], receipt["raw_records"]) == (EXIT_DONE, 0, 0, 0)
    assert events(people) == before
    mark = subjects.tombstone(pseudonyms(people, "9990000034")[0], load_keys(people))
    assert rows(people, "tombstones", "kind, tombstone") == [("subject", mark)]
    assert len(rows(people, "operations", "1", "where command = 'erase'")) == 1


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        ((*FROM_INPUT, *REASON), "9990000019", "-, line 1"),
        ((*FROM_INPUT, *REASON), f"{ANNA}\n123", "-, line 2"),
        ((*FROM_INPUT, *REASON), "\n \n", "names nobody"),
        ((*FROM_INPUT,), ANNA, "--reason"),
        ((*FROM_INPUT, "--reason", f"she is {ANNA}"), ANNA, "looks like an NHS number"),
        ((*FROM_INPUT, "--reason", "she is 999 000 0018"), ANNA, "looks like an NHS number"),
        (REASON, "", "nobody is named"),
        (("--subject", "abc", *REASON), "", "32 hexadecimal digits"),
        (("--nhs-number-file", "nowhere", *REASON), "", "no such file"),
    ],
)
def test_wrong_use_changes_nothing_and_repeats_no_number(people, linkwork, arguments, given, says):
    done = linkwork("erase", *arguments, given=given)
    assert (done.code, done.out) == (EXIT_USAGE, "")
    assert says in done.err
    for number in (ANNA, "999 000 0018", "9990000019"):
        assert number not in done.err
    assert erased(people) == 0
    assert not Store(people.log_dir).tombstones.exists()


def test_resume_and_reapply_with_nothing_to_do_say_so(linkwork):
    for option in ("--resume", "--reapply"):
        done = linkwork("erase", option)
        assert done.code == EXIT_DONE
        assert "nothing to do" in done.out
        assert linkwork("erase", option, "--json").json == []


def test_pseudonyms_of_retired_keys_are_tombstones_and_needles_too(people, linkwork):
    now = pseudonyms(people)[0]
    retired = people.keys_dir / "retired"
    retired.mkdir()
    (retired / "2024.key").write_text("ab" * 32)
    page = people.quality_dir / "old.html"
    old = pseudonyms(people)[1]
    page.write_text(old.hex())
    assert linkwork("erase", *FROM_INPUT, *REASON, given=ANNA).code == EXIT_DONE
    assert not page.exists()
    marks = {mark for (mark,) in rows(people, "tombstones", "tombstone", "where kind = 'subject'")}
    assert {subjects.tombstone(key, load_keys(people)) for key in (now, old)} < marks
    assert len(marks) == 3  # and the service's own id


def test_a_legal_hold_forbids_the_erasure_until_it_is_lifted(people, linkwork):
    placed = linkwork("legal-hold", "place", *FROM_INPUT, "--reason", "case 12", "--json", given=ANNA)
    hold = placed.json["hold_id"]
    (standing,) = linkwork("legal-hold", "list", "--json").json
    assert (standing["hold_id"], standing["reason"]) == (hold, "case 12")
    refused = linkwork("erase", *FROM_INPUT, *REASON, given=ANNA)
    assert refused.code == EXIT_USAGE
    assert hold in refused.err
    assert "case 12" in refused.err
    assert (erased(people), search(people).hits != []) == (0, True)
    assert linkwork("erase", *FROM_INPUT, *REASON, given=CLEO).code == EXIT_DONE  # somebody else
    assert linkwork("legal-hold", "lift", hold, "--reason", "case closed").code == EXIT_DONE
    assert linkwork("legal-hold", "list", "--json").json == []
    assert linkwork("erase", *FROM_INPUT, *REASON, given=ANNA).code == EXIT_DONE
    commands = [c for (c,) in rows(people, "operations", "command", "where command like 'legal%' order by recorded_at")]
    assert commands == ["legal-hold placed", "legal-hold lifted"]


def test_a_hold_reaches_the_records_of_another_pseudonym_of_the_person(people, linkwork):
    """The service's own id leads to a record that was later known by the number of the held person."""
    linkwork("legal-hold", "place", *FROM_INPUT, "--reason", "case 12", given=ANNA)
    local = next(row["subject_key"] for row in events(people) if row["source_record_ref"] == "e6")
    assert linkwork("erase", "--subject", local.hex(), *REASON).code == EXIT_USAGE
    assert erased(people) == 0


def test_a_hold_names_nobody(people, linkwork):
    linkwork("legal-hold", "place", *FROM_INPUT, "--reason", "case 12", given="9990000034")
    assert search(people, "9990000034").clean
    refused = linkwork("legal-hold", "place", *FROM_INPUT, "--reason", f"case of {ANNA}", given=ANNA)
    assert (refused.code, ANNA in refused.err) == (EXIT_USAGE, False)
    assert len(linkwork("legal-hold", "list", "--json").json) == 1
    assert linkwork("legal-hold", "lift", "nothing", "--reason", "over").code == EXIT_USAGE


def test_while_others_work_it_is_busy_and_changes_nothing(people, linkwork):
    batch = people.staging_dir / "somebodys"
    batch.mkdir(parents=True)
    lock = locked.hold(batch / batches.AT_WORK)  # as whoever takes it in does
    assert "taken in" in _busy(linkwork)
    os.close(lock)
    with writer_lock(people.warehouse_file.parent, 1):
        assert "being built" in _busy(linkwork)
    with writer_lock(people.log_dir, 1):
        assert "being written" in _busy(linkwork)
    with building.building_dir(people.releases_dir):
        assert "being published" in _busy(linkwork)
    assert erased(people) == 0
    assert linkwork("erase", *FROM_INPUT, *REASON, given=ANNA).code == EXIT_DONE


def _busy(linkwork):
    done = linkwork("erase", *FROM_INPUT, *REASON, given=ANNA)
    assert done.code == EXIT_BUSY
    return done.err


def test_verify_finds_her_and_shows_no_number(people, linkwork):
    done = linkwork("erase", *FROM_INPUT, "--verify", "--json", given=ANNA)
    assert (done.code, done.json["clean"]) == (EXIT_BAD_DATA, False)
    assert {hit["kind"] for hit in done.json["hits"]} == {"NHS number", "pseudonym"}
    shown = linkwork("erase", *FROM_INPUT, "--verify", given=ANNA)
    assert "quality/page.html" in shown.err
    for said in (done.out, shown.out, shown.err):
        assert ANNA not in said
        assert pseudonyms(people)[0].hex() not in said
    assert erased(people) == 0


def test_verify_finds_nobody_but_does_not_call_unreadable_content_clean(people, linkwork):
    assert linkwork("erase", *FROM_INPUT, "--verify", given="9990000034").code == EXIT_DONE
    (people.raw_dir / "broken").write_bytes(vault.MAGIC + b"x" * 40)
    done = linkwork("erase", *FROM_INPUT, "--verify", given="9990000034")
    assert done.code == EXIT_BAD_DATA
    assert "restricted/raw/broken" in done.err
    assert "not found in what could be read" in done.out


def test_f104_a_restored_log_is_erased_again_by_its_newer_tombstones(people, tmp_path, monkeypatch, capfd):
    old = copy_of(people, tmp_path / "backup")
    linkwork = commands(people, monkeypatch, capfd)
    assert linkwork("erase", *FROM_INPUT, *REASON, given=ANNA).code == EXIT_DONE
    # The backup goes back in place, with the tombstones of today instead of its own.
    restored = copy_of(old, tmp_path / "restored")
    (people.log_dir / "tombstones").rename(restored.log_dir / "tombstones")
    linkwork = commands(restored, monkeypatch, capfd)
    done = linkwork("erase", "--reapply", "--json")
    assert done.code == EXIT_DONE, done.err
    assert done.json[0]["events"] == erased(restored) == 13
    assert search(restored).hits == []
    assert NAME not in str(received(restored))
    assert verify(Store(restored.log_dir)).problems == []
    assert linkwork("erase", "--reapply", "--json").json == []
    assert json.dumps(done.json).count(ANNA) == 0


def test_of_files_that_wait_only_those_that_hold_her_are_touched(people, linkwork):
    """Of an archive nothing can be cut out: with her in it it goes, without her it stays for the next run."""
    folder = people.landing_dir / "referrals_csv" / "ZSP01"
    for name, number in (("hers.zip", ANNA), ("others.zip", BEN)):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("f.csv", f"r1,{number}\n" * 20)
    (folder / "coming.csv.part").write_text(ANNA)
    (folder / ".f.csv.123.tmp").write_text(ANNA)
    done = linkwork("erase", *FROM_INPUT, *REASON, "--json", given=ANNA)
    assert done.code == EXIT_DONE, done.err
    assert sorted(p.suffix for p in folder.iterdir()) == [".csv", ".part", ".zip"]
    assert (folder / "others.zip").exists()
    assert done.json[0]["not_cleaned"] == ["landing/referrals_csv/ZSP01/coming.csv.part, which no run takes in"]
    assert {hit.path for hit in search(people).hits} == {"landing/referrals_csv/ZSP01/coming.csv.part"}


def test_a_landing_folder_that_is_read_only_is_named_and_not_touched(people, linkwork, monkeypatch, tmp_path):
    people.landing_dir.rename(tmp_path / "elsewhere")
    before = {path: path.read_bytes() for path in (tmp_path / "elsewhere").rglob("*.csv")}
    monkeypatch.setenv("LINKWORK_LANDING", str(tmp_path / "elsewhere"))
    (receipt,) = linkwork("erase", *FROM_INPUT, *REASON, "--json", given=ANNA).json
    assert receipt["not_cleaned"] == ["the landing folder, which is read only"]
    assert {path: path.read_bytes() for path in (tmp_path / "elsewhere").rglob("*.csv")} == before


def test_what_does_not_open_is_named_and_stops_nothing(people, linkwork):
    (people.raw_dir / "broken").write_bytes(vault.MAGIC + b"x" * 40)
    (people.raw_dir / ".cut-off.77.tmp").write_bytes(vault.MAGIC + b"y" * 40)
    (receipt,) = linkwork("erase", *FROM_INPUT, *REASON, "--json", given=ANNA).json
    assert receipt["not_cleaned"] == ["restricted/raw/broken, which does not open"]
    found = search(people)
    assert (found.hits, [one.path for one in found.unreadable]) == ([], ["restricted/raw/broken"])


def test_a_file_the_present_contract_cannot_read_is_named_and_stops_nothing(people, linkwork):
    contract = people.contracts_dir / "link_worker_jsonl.yaml"
    contract.unlink()
    (receipt,) = linkwork("erase", *FROM_INPUT, *REASON, "--json", given=ANNA).json
    (left,) = receipt["not_cleaned"]
    assert left.startswith("rows of load")
    assert left.endswith("no contract describes the feed link_worker_jsonl")
    assert search(people).hits == []
