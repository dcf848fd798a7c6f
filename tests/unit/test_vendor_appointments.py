"""What each status of a vendor's appointment book becomes. Cancelled is not missed."""

from datetime import UTC, date, datetime

import pytest
import yaml

from ingestion.contract import load_contract
from tests.support.gate import CATALOGUE, Staged, stage
from tests.support.vendors import INSTALLED, ONE, TWO, said, staged

# --- the appointment book, as SystmOne's extracts have it -------------------------------------------
TPP = (
    "Appointment_ID,Organisation_Code,Patient_ID,NHS_Number,Test_Patient,Date_Booked,Date_Start,Status,Staff_ID,"
    "Date_Extract"
)
TPP_STATUSES = {
    "Arrived": "appointment.attended",
    "In Progress": "appointment.attended",
    "Finished": "appointment.attended",
    "Visit": "appointment.attended",
    "Waiting": "appointment.attended",
    "Patient Walked Out": "appointment.attended",
    "Did Not Attend": "appointment.missed",
    "No Access Visit": "appointment.missed",
    "Cancelled by Patient": "appointment.cancelled person",
    "Cancelled by Unit": "appointment.cancelled organisation",
    "Cancelled by Other Service": "appointment.cancelled other",
    "Cancelled Due To Death": "appointment.cancelled person",
    "Booked": None,
    "Requested": "no event at all",
    "Blocked": "skipped",
}


def tpp(number: int, status: str = "Finished", start: str = "03 Jun 2025 09:30:00", **other: str) -> str:
    row = {"booked": "01 Jun 2025 10:00:00", "test": "FALSE", "nhs": ONE, "patient": "77"} | other
    return (
        f"{number},z90001,{row['patient']},{row['nhs']},{row['test']},{row['booked']},{start},{status},5,"
        "01 Jul 2025 02:00:00"
    )


@pytest.fixture(scope="module")
def tpp_statuses(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    lines = [tpp(n, status) for n, status in enumerate(TPP_STATUSES, start=1)]
    return staged(tmp_path_factory.mktemp("tpp"), "gp_appointments_tpp_csv", TPP, *lines)


@pytest.mark.parametrize("status", TPP_STATUSES)
def test_a_tpp_status_becomes(tpp_statuses, status):
    number = list(TPP_STATUSES).index(status) + 1
    facts = said(tpp_statuses, "appointment", "appointment_cancelled_by").get(number, [])
    expected = TPP_STATUSES[status]
    if expected in ("skipped", "no event at all"):
        assert facts == []
        return
    outcome = [("appointment.booked", None)]
    if expected:
        event_type, _, by = expected.partition(" ")
        outcome.append((event_type, by or None))
    assert facts == outcome


def test_e27_a_blocked_slot_is_skipped_and_counted_and_a_requested_one_is_a_record(tpp_statuses):
    assert tpp_statuses.profile["skipped_as"] == {"blocked": 1}
    assert tpp_statuses.profile["valid"] == len(TPP_STATUSES) - 1
    assert tpp_statuses.profile["quarantined"] == 0


def test_e21_tpp_patients_for_tests_are_skipped(tmp_path):
    made = staged(tmp_path, "gp_appointments_tpp_csv", TPP, tpp(1, test="TRUE"), tpp(2))
    assert made.profile["skipped_as"] == {"test_patient": 1}
    assert made.profile["valid"] == 1


def test_e18_a_tpp_id_that_comes_twice_is_two_appointments_with_the_whole_key(tmp_path):
    made = staged(
        tmp_path,
        "gp_appointments_tpp_csv",
        TPP,
        tpp(1),
        tpp(1, start="10 Jun 2025 09:30:00"),  # the same id, organisation and patient
        tpp(1, patient="78", nhs=TWO),
    )
    assert made.profile["refused"] is None
    assert made.read("records/*.parquet", "count(distinct record_key)") == [(3,)]


def test_e33_a_tpp_time_is_local_and_midnight_is_an_unknown_time(tmp_path):
    made = staged(
        tmp_path,
        "gp_appointments_tpp_csv",
        TPP,
        tpp(1, start="03 Jun 2025 09:30:00"),
        tpp(2, start="03 Jun 2025 00:00:00", booked="03 Jun 2025 08:00:00"),
    )
    columns = "occurred_at, occurred_on, occurred_precision"
    found = {k: v[1] for k, v in said(made, "appointment", columns).items()}
    assert found == {
        1: ("appointment.attended", datetime(2025, 6, 3, 8, 30, tzinfo=UTC), date(2025, 6, 3), "second"),
        2: ("appointment.attended", datetime(2025, 6, 3, tzinfo=UTC), date(2025, 6, 3), "day"),
    }


def test_a_tpp_row_in_another_form_is_quarantined(tmp_path):
    made = staged(
        tmp_path, "gp_appointments_tpp_csv", TPP, tpp(1, start="2025-06-03 09:30:00"), tpp(2, status="Seen"), tpp(3)
    )
    assert made.refused_lines == [(2, "timestamp", "slot_start"), (3, "domain", "status")]


# --- the appointment book, as EMIS Web's extracts have it -------------------------------------------
EMIS = (
    "slot_id,patient_id,nhs_number,slot_start,slot_end,booked,arrived,sent_in,left,current_status,slot_type,"
    "is_deleted,extracted_at"
)
# The codes of the NHS Data Dictionary, and the words of the system.
EMIS_STATUSES: dict[str, tuple[str, str | None] | None] = {
    "5": ("appointment.attended", None),
    "6": ("appointment.attended", None),
    "7": ("appointment.missed", None),
    "3": ("appointment.missed", None),
    "2": ("appointment.cancelled", "person"),
    "4": ("appointment.cancelled", "organisation"),
    "0": None,
    "Booked": None,
    "Arrived": ("appointment.attended", None),
    "Send In": ("appointment.attended", None),
    "Quiet Send In": ("appointment.attended", None),
    "Start Call": ("appointment.attended", None),
    "Left": ("appointment.attended", None),
    "Visited": ("appointment.attended", None),
    "Telephone - Complete": ("appointment.attended", None),
    "Walked Out": ("appointment.attended", None),
    "DNA": ("appointment.missed", None),
    "Visited - Not In": ("appointment.missed", None),
    "Telephone - Not In": ("appointment.missed", None),
    "Cannot Be Seen": ("appointment.status_unknown", None),
    "Unknown": ("appointment.status_unknown", None),
}
NOBODYS = {"Slot Available": "free_slot", "Blocked": "blocked", "Embargoed": "blocked"}


def emis(id: str, status: str = "5", start: str = "2025-06-03 09:30:00", sent_in: str = "") -> str:
    return f"{id},p{id},{ONE},{start},,2025-06-01 10:00:00,,{sent_in},,{status},GP,FALSE,2025-07-01T02:00:00Z"


def deleted(id: str) -> str:
    return f"{id},,,,,,,,,,,TRUE,2025-07-01T02:00:00Z"


@pytest.fixture(scope="module")
def emis_statuses(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    lines = [emis(str(n), status) for n, status in enumerate((*EMIS_STATUSES, *NOBODYS))]
    return staged(tmp_path_factory.mktemp("emis"), "gp_appointments_emis_csv", EMIS, *lines)


@pytest.mark.parametrize("status", [*EMIS_STATUSES, *NOBODYS])
def test_an_emis_status_becomes(emis_statuses, status):
    number = [*EMIS_STATUSES, *NOBODYS].index(status) + 1
    facts = said(emis_statuses, "appointment", "appointment_cancelled_by").get(number, [])
    if status in NOBODYS:
        assert facts == []
        return
    outcome = EMIS_STATUSES[status]
    assert facts == [("appointment.booked", None), *([outcome] if outcome else [])]


def test_e27_emis_slots_that_are_blocked_or_kept_back_are_skipped_and_counted(emis_statuses):
    assert emis_statuses.profile["skipped_as"] == {"free_slot": 1, "blocked": 2}
    assert emis_statuses.profile["quarantined"] == 0


def without_person(id: str, status: str) -> str:
    return f"{id},,,2025-06-03 09:30:00,,,,,,{status},GP,FALSE,2025-07-01T02:00:00Z"


def test_e27_an_emis_slot_that_nobody_booked_is_no_appointment_and_not_refused(tmp_path):
    """One with a booking or an outcome is somebody's: without a person it is refused."""
    free = [without_person(f"f{n}", status) for n, status in enumerate(("", "0", "Slot Available", "Blocked"))]
    lacking = [without_person(f"x{n}", status) for n, status in enumerate(("5", "3", "Booked", "2", "Unknown"))]
    made = staged(tmp_path, "gp_appointments_emis_csv", EMIS, *free, *lacking, emis("a"), deleted("b"))
    assert made.profile["skipped_as"] == {"free_slot": 3, "blocked": 1}
    assert made.refused_lines == [(line, "required", "patient_id") for line in range(6, 11)]
    assert made.profile["valid"] == 2
    assert set(said(made, "appointment")) == {10}


def test_e33_an_emis_time_is_utc(tmp_path):
    made = staged(tmp_path, "gp_appointments_emis_csv", EMIS, emis("a", start="2025-06-30 23:30:00"))
    ((_, (kind, at, on)),) = [(k, v[1]) for k, v in said(made, "appointment", "occurred_at, occurred_on").items()]
    assert (kind, at, on) == ("appointment.attended", datetime(2025, 6, 30, 23, 30, tzinfo=UTC), date(2025, 7, 1))


def test_e20_a_deleted_emis_slot_is_a_record_without_facts_and_no_one_is_missing(tmp_path):
    made = staged(tmp_path, "gp_appointments_emis_csv", EMIS, emis("a"), deleted("b"), deleted(""))
    assert made.profile["valid"] == 2
    assert made.refused_lines == [(4, "required", "slot_id")]
    assert set(said(made, "appointment")) == {1}


CLASSES = "appointment_hcp_type, appointment_context_type"


def test_an_emis_slot_without_the_columns_does_not_say_what_it_was(tmp_path):
    made = staged(tmp_path, "gp_appointments_emis_csv", EMIS, emis("a"))
    assert said(made, "appointment", CLASSES)[1][1] == ("appointment.attended", None, None)


def test_an_emis_slot_with_the_columns_says_it(tmp_path):
    header = f"{EMIS},hcp_type,context_type"
    made = staged(tmp_path, "gp_appointments_emis_csv", header, f"{emis('a')},GP,Care Related Encounter")
    assert said(made, "appointment", CLASSES)[1][1] == ("appointment.attended", "GP", "Care Related Encounter")


def test_the_slot_types_of_a_practice_say_it_in_a_copy_of_the_contract(tmp_path):
    """The practice's own words, mapped: no Python, two fields from one column."""
    own = yaml.safe_load((INSTALLED / "gp_appointments_emis_csv.yaml").read_text())
    fields = {field["name"]: field for field in own["schema"][0]["properties"]}
    encounter = dict.fromkeys(("GP", "Nurse"), "Care Related Encounter") | {"Letters": "Care Related Activity"}
    mapped = {"source": "slot_type", "unmapped": "null"}
    fields["hcp_type"] = {"name": "hcp_type", **mapped, "values": {"GP": "GP", "Nurse": "Other Practice staff"}}
    fields["context_type"] = {"name": "context_type", **mapped, "values": encounter}
    own["schema"][0]["properties"] = [field for name, field in fields.items() if name != "slot_type"]
    copy = tmp_path / "gp_appointments_emis_csv.yaml"
    copy.write_text(yaml.safe_dump(own, sort_keys=False))
    lines = [emis(n).replace(",GP,FALSE", f",{n},FALSE") for n in ("GP", "Nurse", "Letters", "Other")]
    made = stage(tmp_path, load_contract(copy, CATALOGUE), "\n".join([EMIS, *lines]) + "\n")
    assert [facts[1][1:] for facts in said(made, "appointment", CLASSES).values()] == [
        ("GP", "Care Related Encounter"),
        ("Other Practice staff", "Care Related Encounter"),
        (None, "Care Related Activity"),
        (None, None),
    ]


def test_an_emis_slot_that_says_both_is_counted_as_a_warning(tmp_path):
    made = staged(tmp_path, "gp_appointments_emis_csv", EMIS, emis("a", "3", sent_in="2025-06-03 09:35:00"))
    assert made.profile["warnings"]["missed_but_called_in"] == 1
    assert said(made, "appointment")[1] == [("appointment.booked",), ("appointment.missed",)]
