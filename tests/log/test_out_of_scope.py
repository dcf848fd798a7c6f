"""A newer version of a record that its contract leaves out withdraws what the older one said, in any order."""

import shutil
from datetime import date
from itertools import permutations

import duckdb
import pytest

from ingestion import batches, pipeline
from ingestion.rebuild import rebuild_register
from ingestion.retract import retract
from ingestion.retry import retry
from linkwork import reference
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.cli import commands
from tests.support.faults import use_installed
from tests.support.feeds import PEOPLE
from tests.support.fhir import SDOH, about, coded, ndjson, request
from tests.support.log import (
    COLUMNS,
    CONTRACT,
    SENDER,
    add_sender,
    at,
    csv_text,
    day,
    deliver,
    effective,
    ingest,
    make_home,
    rows,
    standing,
)
from tests.support.marts import build_some

FHIR, BOOK = "fhir_r4_ndjson", "gp_appointments_tpp_csv"
CLINICAL = {"code": coded("44054006")}
NEED = {"code": coded("105531004"), "recordedDate": "2025-05-01"}
FATES = "records, accepted, duplicate, superseded, conflict, quarantined, skipped, events"


def fates(home, name):
    """What became of the records of a file: its counts that are not 0."""
    (found,) = rows(home, "loads", FATES, f"where file_name = '{name}'")
    return {count: n for count, n in zip(FATES.split(", "), found, strict=True) if n}


def take(home, name, content, **of):
    deliver(home, name, content, **of)
    ingest(home)
    assert verify(Store(home.log_dir), threads=1).problems == []
    return fates(home, name)


def load_of(home, name):
    return rows(home, "loads", "load_id", f"where file_name = '{name}'")[0][0]


# --- resources and rows as senders write them ---------------------------------------------------------

RECODED = {
    "condition": (about("Condition", "x", **NEED), CLINICAL),
    "goal": (
        about("Goal", "x", lifecycleStatus="active", category=[coded("stress", system=SDOH)], startDate="2025-05-01"),
        {"category": [coded("dietary", system="http://terminology.hl7.org/CodeSystem/goal-category")]},
    ),
    "request": (request("x"), {"code": coded("183856001")}),
    "restricted": (
        request("x"),
        {"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}},
    ),
}


@pytest.fixture
def clinic(tmp_path):
    home = make_home(tmp_path)
    use_installed(home, FHIR, BOOK)
    add_sender(home, "S2", [FHIR, BOOK])
    return home


@pytest.mark.parametrize("kind", RECODED)
@pytest.mark.parametrize("newer_first", [False, True])
def test_e19_a_resource_that_is_out_of_scope_now_holds_nothing(clinic, kind, newer_first):
    was, change = RECODED[kind]
    changed = was | change
    older = was | {"meta": {"lastUpdated": "2025-07-01T08:00:00Z"}}
    newer = changed | {"meta": changed["meta"] | {"lastUpdated": "2025-07-02T08:00:00Z"}}
    files = {"1.ndjson": ndjson(older), "2.ndjson": ndjson(newer)}
    of = {"feed": FHIR, "sender": "S2"}
    if newer_first:
        assert take(clinic, "2.ndjson", files["2.ndjson"], **of) == {"records": 1, "skipped": 1}
        assert take(clinic, "1.ndjson", files["1.ndjson"], **of) == {"records": 1, "duplicate": 1, "superseded": 1}
    else:
        said = take(clinic, "1.ndjson", files["1.ndjson"], **of)["events"]
        assert len(standing(clinic)) == said > 0
        assert take(clinic, "2.ndjson", files["2.ndjson"], **of) == {"records": 1, "accepted": 1, "events": said}
    assert standing(clinic) == []


def test_e19_a_need_that_was_recoded_is_in_no_mart(clinic):
    for name, code, month in (("x", NEED, "07"), ("y", NEED, "07"), ("x", NEED | CLINICAL, "08")):
        resource = about("Condition", name, said=f"2025-{month}-01T08:00:00Z", **code)
        deliver(clinic, f"{name}{month}.ndjson", ndjson(resource), feed=FHIR, sender="S2")
        ingest(clinic)
    build_some(clinic, "fct_needs")
    with duckdb.connect(clinic.warehouse_file, read_only=True) as con:
        assert con.execute("select count(*) from fct_needs").fetchall() == [(1,)]


def test_a_newer_version_with_a_sensitive_code_withdraws_the_older_and_is_not_told(clinic):
    of = {"feed": FHIR, "sender": "S2"}
    reference.add_rows(clinic.reference_dir, "sensitive_codes", "code", [{"code": "32911000"}])
    take(clinic, "1.ndjson", ndjson(about("Condition", "x", **NEED)), **of)
    newer = about("Condition", "x", said="2025-07-02T08:00:00Z", **NEED | {"code": coded("32911000")})
    assert take(clinic, "2.ndjson", ndjson(newer), **of) == {"records": 1, "accepted": 1, "events": 1}
    assert standing(clinic) == []
    assert rows(clinic, "events", "need_code", "where revision_kind = 'retraction'") == [(None,)]


TPP = (
    "Appointment_ID,Organisation_Code,Patient_ID,NHS_Number,Test_Patient,Date_Booked,Date_Start,Status,Staff_ID,"
    "Date_Extract\n"
)


def slot(extracted, status="Booked", test="FALSE", booked="01 Jun 2025 10:00:00"):
    row = f"7,Z90001,77,{PEOPLE[0]},{test},{booked},03 Jun 2025 09:30:00,{status},5,0{extracted} Jun 2025 02:00:00"
    return f"{TPP}{row}\n"


@pytest.mark.parametrize("out", [{"status": "Blocked"}, {"test": "TRUE"}], ids=str)
def test_e21_e27_a_slot_that_was_blocked_or_of_a_patient_for_tests_is_booked_no_more(clinic, out):
    of = {"feed": BOOK, "sender": "S2"}
    take(clinic, "1.csv", slot(1), **of)
    assert [kind for *_, kind, _ in standing(clinic)] == ["appointment.booked"]
    assert take(clinic, "3.csv", slot(3, **out), **of) == {"records": 1, "accepted": 1, "events": 1}
    assert take(clinic, "4.csv", slot(4, **out), **of) == {"records": 1, "skipped": 1}
    assert take(clinic, "2.csv", slot(2, "Cancelled by Unit"), **of)["superseded"] == 1
    assert standing(clinic) == []
    assert take(clinic, "5.csv", slot(5), **of) == {"records": 1, "accepted": 1, "events": 1}
    assert [kind for *_, kind, _ in standing(clinic)] == ["appointment.booked"]


def test_an_erasure_finds_what_was_withdrawn_under_an_id_of_the_senders_own(clinic, monkeypatch, capfd):
    """The newer version names the person otherwise, and a log that is compacted is searched no further than need be."""
    of = {"feed": BOOK, "sender": "S2"}
    take(clinic, "1.csv", slot(1), **of)
    nameless = slot(3, test="TRUE").replace(PEOPLE[0], "")
    assert take(clinic, "3.csv", nameless, **of) == {"records": 1, "accepted": 1, "events": 1}
    assert rows(clinic, "loads", "file_name, identity_local", "order by 1") == [("1.csv", 0), ("3.csv", 1)]
    linkwork = commands(clinic, monkeypatch, capfd)
    assert linkwork("log", "compact").code == 0
    done = linkwork("erase", "--nhs-number-file", "-", "--reason", "asked for", given=PEOPLE[0])
    assert done.code == 0, done.err
    assert rows(clinic, "events", "1", "where record_key is not null or subject_key is not null") == []


def test_how_far_ahead_a_file_speaks_is_told_of_what_is_out_of_scope_too(clinic):
    """A wrong time of such a row would outrank all that comes: the file is held as it is for any other row."""
    deliver(clinic, "1.csv", slot(1, test="TRUE").replace("01 Jun 2025 02", "01 Jun 2062 02"), feed=BOOK, sender="S2")
    batch = pipeline.open_batch(clinic)["batch_id"]
    pipeline.stage_sender(clinic, batch, "S2")
    (profile,) = batches.profiles(clinic.staging_dir / batch)
    assert (profile["skipped"], profile["newest_asserted_at"]) == (1, None)
    assert profile["days_since_newest"] < -365 * 30
    batches.leave(clinic.staging_dir / batch)


def test_a_row_that_cannot_be_read_withdraws_nothing_although_it_is_out_of_scope(clinic):
    of = {"feed": BOOK, "sender": "S2"}
    take(clinic, "1.csv", slot(1), **of)
    assert take(clinic, "2.csv", slot(2, "Blocked", booked="yesterday"), **of) == {"records": 1, "skipped": 1}
    assert len(standing(clinic)) == 1


# --- a small feed whose contract leaves out what was closed on one day ----------------------------------

NARROW = CONTRACT.replace(
    "events:", f'skip:\n  - {{name: out, when: {{in: {{closed: ["{day(9)}"]}}}}, sentence: Out of scope.}}\nevents:'
)
IN, OUT = {"received": day(1)}, {"received": day(1), "closed": day(9)}


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path, NARROW)


def use(home, contract):
    (home.contracts_dir / "test_state.yaml").write_text(contract)


def send(home, name, when, said, person=PEOPLE[0]):
    return take(home, name, csv_text([{"id": "a", "nhs_number": person, "at": at(when), **said}], COLUMNS))


def test_what_was_never_in_scope_is_known_by_its_key_and_time_alone(home):
    assert send(home, "1.csv", 1, OUT) == {"records": 1, "skipped": 1}
    known = rows(home, "register", "subject_key, facts, contested, resolved, generation")
    assert known == [(None, [], False, False, None)]
    send(home, "2.csv", 2, {**OUT, "received": day(2)})
    assert rows(home, "register", "count(distinct row_hash), epoch(max(asserted_at))")[0][0] == 1
    assert rows(home, "events", "1") == []


@pytest.mark.parametrize("order", permutations(range(3)), ids=str)
def test_two_versions_of_one_time_end_as_the_one_in_scope(home, order):
    """Nothing is contested: at one time the source said one thing, and contracts differ about it."""
    files = [("1.csv", 1, {"received": day(3)}), ("2.csv", 2, OUT), ("3.csv", 2, IN)]
    for n in order:
        send(home, *files[n])
    assert effective(home) == {("a", "received"): day(1)}
    assert rows(home, "quarantine", "rule") == []


def test_a_wider_contract_brings_in_what_was_left_out_when_it_comes_again(home):
    send(home, "1.csv", 1, OUT)
    use(home, CONTRACT)
    again = csv_text([{"id": "a", "nhs_number": PEOPLE[0], "at": at(1), **OUT}], COLUMNS) + "\n"
    assert take(home, "2.csv", again) == {"records": 2, "accepted": 1, "skipped": 1, "events": 2}  # a blank line
    assert set(effective(home)) == {("a", "received"), ("a", "closed")}


def test_a_narrower_contract_withdraws_with_the_next_version_not_with_the_same(home):
    use(home, CONTRACT)
    send(home, "1.csv", 1, OUT)
    use(home, NARROW)
    again = csv_text([{"id": "a", "nhs_number": PEOPLE[0], "at": at(1), **OUT}], COLUMNS) + "\n"
    assert take(home, "2.csv", again) == {"records": 2, "skipped": 2}
    assert len(effective(home)) == 2
    assert send(home, "3.csv", 2, OUT) == {"records": 1, "accepted": 1, "events": 2}
    assert effective(home) == {}


def test_a_record_of_another_person_withdraws_nothing_and_is_no_error(home):
    send(home, "1.csv", 1, IN)
    assert send(home, "2.csv", 2, OUT, PEOPLE[1]) == {"records": 1, "skipped": 1}
    assert effective(home) == {("a", "received"): day(1)}
    assert send(home, "3.csv", 3, OUT, "") == {"records": 1, "accepted": 1, "events": 1}
    assert rows(home, "quarantine", "rule") == []


def test_what_is_out_of_scope_claims_its_record_for_nobody(home):
    send(home, "1.csv", 1, OUT, PEOPLE[1])
    assert send(home, "2.csv", 2, IN) == {"records": 1, "accepted": 1, "events": 1}
    assert effective(home) == {("a", "received"): day(1)}


def test_a_contest_ends_with_a_newer_version_out_of_scope(home):
    send(home, "1.csv", 1, IN)
    send(home, "2.csv", 1, {"received": day(2)})
    assert rows(home, "register", "contested") == [(True,)]
    assert send(home, "3.csv", 2, OUT)["accepted"] == 1
    assert rows(home, "register", "contested") == [(False,)]
    assert effective(home) == {}


def test_rows_of_another_systems_time_stay_skipped_and_withdraw_nothing(tmp_path):
    home = make_home(tmp_path, NARROW)
    send(home, "1.csv", 2, IN)
    system = {"source_system": "test", "valid_from": date(2025, 6, 3), "valid_to": None}
    sender = {"code": SENDER, "name": SENDER, "kind": "service", "feeds": ["test_state"], **system}
    reference.add_rows(home.reference_dir, "senders", "code", [sender])
    assert send(home, "2.csv", 2, {**OUT, "received": day(2)}) == {"records": 1, "skipped": 1}
    assert send(home, "3.csv", 1, OUT) == {"records": 1, "skipped": 1}
    assert effective(home) == {("a", "received"): day(1)}
    assert len(rows(home, "register", "1")) == 1


# --- what people do ---------------------------------------------------------------------------------------


def test_retracting_the_file_brings_back_what_it_withdrew(home):
    send(home, "1.csv", 1, IN)
    send(home, "2.csv", 2, OUT)
    retract(home, load_of(home, "2.csv"), "the wrong file")
    assert effective(home) == {("a", "received"): day(1)}
    assert send(home, "3.csv", 3, OUT) == {"records": 1, "accepted": 1, "events": 1}
    retract(home, load_of(home, "1.csv"), "the wrong file")
    assert send(home, "4.csv", 2, {"received": day(4)})["superseded"] == 1
    assert effective(home) == {}


def test_a_rebuilt_register_knows_what_was_left_out(home):
    send(home, "1.csv", 2, OUT)
    before = rows(home, "register", "* exclude (number)")
    shutil.rmtree(home.log_dir / "register")
    rebuild_register(home, "it was lost")
    assert rows(home, "register", "* exclude (number)") == before
    assert send(home, "2.csv", 1, IN)["superseded"] == 1


def test_a_refused_record_that_a_retry_finds_out_of_scope_is_skipped_and_withdraws(home):
    send(home, "1.csv", 1, IN)
    use(home, CONTRACT.replace('format: "%Y-%m-%d"}\n      - {name: at', 'format: "%d/%m/%Y"}\n      - {name: at'))
    assert send(home, "2.csv", 2, OUT)["quarantined"] == 1
    assert take(home, "3.csv", csv_text([{"id": "b", "at": at(2), **OUT}], COLUMNS))["quarantined"] == 1
    use(home, NARROW)
    done = retry(home)
    assert {count: done[count] for count in ("accepted", "skipped", "still_refused", "events")} == {
        "accepted": 1, "skipped": 1, "still_refused": 0, "events": 1,
    }  # fmt: skip
    assert fates(home, "2.csv") == {"records": 1, "accepted": 1, "events": 1}
    assert fates(home, "3.csv") == {"records": 1, "skipped": 1}
    assert rows(home, "quarantine", "status, outcome", "where status is not null order by all") == [
        ("retried", "accepted"), ("retried", "skipped"),
    ]  # fmt: skip
    assert effective(home) == {}
    assert retry(home)["operation_id"] is None  # nothing is open any more
