"""What each status of each vendor's kind of extract becomes. Cancelled is not missed; silence is not a refusal."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.contract import load_contract
from linkwork.settings import Settings
from tests.support.gate import CATALOGUE, Staged, stage

ONE, TWO = "9990000018", "9990000026"


def staged(folder: Path, feed: str, header: str, *lines: str) -> Staged:
    installed: Path = Settings.model_fields["contracts_dir"].default
    described = load_contract(installed / f"{feed}.yaml", CATALOGUE)
    return stage(folder, described, "\n".join([header, *lines]) + "\n")


def said(made: Staged, category: str, columns: str = "") -> dict[int, list[tuple[Any, ...]]]:
    """The facts of each record by its physical line."""
    shown = f"record_no, event_type{', ' + columns if columns else ''}"
    found: dict[int, list[tuple[Any, ...]]] = {}
    if list((made.folder / "facts" / category).glob("*.parquet")):
        for number, *fact in made.read(f"facts/{category}/*.parquet", shown, "order by record_no, slot, event_type"):
            found.setdefault(number, []).append(tuple(fact))
    return found


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
EMIS_STATUSES = {
    "5": ("appointment.attended", None),
    "6": ("appointment.attended", None),
    "7": ("appointment.missed", None),
    "3": ("appointment.missed", None),
    "2": ("appointment.cancelled", "person"),
    "4": ("appointment.cancelled", "organisation"),
    "0": None,
}


def emis(id: str, status: str = "5", start: str = "2025-06-03 09:30:00", sent_in: str = "") -> str:
    return f"{id},p{id},{ONE},{start},,2025-06-01 10:00:00,,{sent_in},,{status},GP,FALSE,2025-07-01T02:00:00Z"


def deleted(id: str) -> str:
    return f"{id},,,,,,,,,,,TRUE,2025-07-01T02:00:00Z"


def test_each_emis_status_becomes(tmp_path):
    lines = [emis(status, status) for status in EMIS_STATUSES]
    facts = said(staged(tmp_path, "gp_appointments_emis_csv", EMIS, *lines), "appointment", "appointment_cancelled_by")
    booked = ("appointment.booked", None)
    assert dict(zip(EMIS_STATUSES, facts.values(), strict=True)) == {
        status: [booked, *([outcome] if outcome else [])] for status, outcome in EMIS_STATUSES.items()
    }


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
    installed: Path = Settings.model_fields["contracts_dir"].default
    own = yaml.safe_load((installed / "gp_appointments_emis_csv.yaml").read_text())
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


# --- registrations with inverted flags ---------------------------------------------------------------
PATIENTS = (
    "registration_id,patient_id,nhs_number,date_of_birth,gender,lsoa_code,lsoa_vintage,registration_start,"
    "registration_end,{type1},is_national_data_opted_in,is_deleted,extracted_at"
)


def patient(id: str, type1: str, ndoo: str) -> str:
    return f"r{id},p{id},{ONE},1950-05,2,E01000001,2021,2001-01-01,,{type1},{ndoo},FALSE,2025-07-01T02:00:00Z"


@pytest.mark.parametrize("flag", ["is_consent_93c1", "is_consent_9nu0"])
def test_a_flag_that_is_false_is_an_opt_out(tmp_path, flag):
    lines = [patient("a", "TRUE", "TRUE"), patient("b", "FALSE", "TRUE"), patient("c", "TRUE", "FALSE")]
    lines += [patient("d", "FALSE", "FALSE"), "re,,,,,,,,,,,TRUE,2025-07-01T02:00:00Z", patient("f", "", "TRUE")]
    made = staged(tmp_path, "registrations_emis_csv", PATIENTS.format(type1=flag), *lines)
    facts = said(made, "person", "person_opt_out")
    opted_out = {n: sorted(o for kind, o in found if kind == "person.opted_out") for n, found in facts.items()}
    assert opted_out == {1: [], 2: ["type1"], 3: ["ndoo"], 4: ["ndoo", "type1"]}
    assert made.refused_lines == [(7, "required", "type1")]
    assert made.profile["valid"] == 5  # the deleted registration too: it says that nothing holds


# --- referrals ---------------------------------------------------------------------------------------
SR = (
    "RowIdentifier,Patient_ID,NHS_Number,Test_Patient,Practice_Code,Referral_Source,Reason_Code,Referrer_ID,"
    "Date_Received,Date_Accepted,Date_Rejected,Rejection_Reason,Date_Ended,End_Reason,Date_Extract"
)


def sr(id: int, accepted: str = "", rejected: str = "", why: str = "", ended: str = "", reason: str = "") -> str:
    return (
        f"{id},77,{ONE},FALSE,Z90001,GP,871731000000106,4,03 Jun 2025 00:00:00,{accepted},{rejected},{why},"
        f"{ended},{reason},01 Jul 2025 02:00:00"
    )


def test_a_tpp_referral_becomes_its_milestones(tmp_path):
    made = staged(
        tmp_path,
        "referrals_tpp_csv",
        SR,
        sr(1),
        sr(2, accepted="03 Jun 2025 00:00:00"),
        sr(3, rejected="05 Jun 2025 11:00:00", why="No Capacity"),
        sr(4, accepted="04 Jun 2025 09:00:00", ended="20 Jun 2025 00:00:00", reason="Completed"),
        sr(5, ended="20 Jun 2025 00:00:00", reason="Unable to Contact"),
        sr(6, accepted="01 Jun 2025 00:00:00"),
        sr(7, accepted="04 Jun 2025 09:00:00", rejected="05 Jun 2025 11:00:00"),
    )
    facts = said(made, "referral", "occurred_on::varchar, referral_reason, referral_planned")
    received = ("referral.received", "2025-06-03", None, None)
    assert facts == {
        1: [received],
        2: [received, ("referral.accepted", "2025-06-03", None, None)],
        3: [received, ("referral.rejected", "2025-06-05", "no capacity", None)],
        4: [
            ("referral.closed", "2025-06-20", "completed", True),
            received,
            ("referral.accepted", "2025-06-04", None, None),
        ],
        5: [("referral.closed", "2025-06-20", "unable_to_contact", False), received],
    }
    assert made.refused_lines == [(7, "accepted_after_received", "accepted_at"), (8, "one_response", "rejected_at")]


@pytest.mark.parametrize(
    ("milestone", "field"), [("accepted", "accepted_at"), ("rejected", "rejected_at"), ("ended", "ended_at")]
)
def test_f84_a_tpp_referral_passes_no_milestone_after_its_extract(tmp_path, milestone, field):
    """At the second of the extract it does; and of a time that is not known the day counts."""
    days = ("01 Jul 2025 02:00:01", "02 Jul 2025 00:00:00", "01 Jul 2025 02:00:00", "01 Jul 2025 00:00:00")
    made = staged(tmp_path, "referrals_tpp_csv", SR, *(sr(n, **{milestone: on}) for n, on in enumerate(days, start=1)))
    rule = f"{milestone}_not_in_future"
    assert made.refused_lines == [(2, rule, field), (3, rule, field)]
    assert set(said(made, "referral")) == {3, 4}


CHARITYLOG = (
    "Case ID,Client ID,NHS Number,GP Practice,Referred By,Reasons,Referral Stage,Date Received,Date Opened,"
    "Date Closed,Worker,Exported"
)
OPEN, SHUT = "10/06/2025", "20/06/2025"
# Each stage with its dates, and the milestones it becomes.
STAGES: dict[str, tuple[str, str, list[str]]] = {
    "Received": ("", "", []),
    "First contact": ("", "", []),
    "Assessment arranged": ("", "", []),
    "Assessment complete": (OPEN, "", ["accepted"]),
    "Allocated": (OPEN, "", ["accepted"]),
    "First appointment booked": (OPEN, "", ["accepted"]),
    "First appointment attended": (OPEN, "", ["accepted"]),
    "Closed - Complete": (OPEN, SHUT, ["closed completed True", "accepted"]),
    "Closed - No answer": ("", SHUT, ["closed unable_to_contact False"]),
    "Closed - Client declined": ("", SHUT, ["closed declined False", "declined_by_person declined"]),
    "Closed - Client moved away": (OPEN, SHUT, ["closed moved_away False", "accepted"]),
}


def charitylog(id: str, stage: str, opened: str, closed: str) -> str:
    reasons = "SOC:LONELY|871731000000106"
    return f"{id},c{id},{ONE},z90001,Self,{reasons},{stage},01/06/2025,{opened},{closed},w1,01/07/2025 02:00"


def test_e45_each_charitylog_stage_becomes(tmp_path):
    lines = [charitylog(str(n), stage, opened, closed) for n, (stage, (opened, closed, _)) in enumerate(STAGES.items())]
    made = staged(tmp_path, "referrals_charitylog_csv", CHARITYLOG, *lines)
    facts = said(made, "referral", "referral_reason, referral_planned")
    found = {
        stage: sorted(" ".join(str(v) for v in fact if v is not None).removeprefix("referral.") for fact in facts[n])
        for n, stage in enumerate(STAGES, start=1)
    }
    assert found == {stage: sorted([*milestones, "received"]) for stage, (_, _, milestones) in STAGES.items()}


def test_e03_a_charitylog_case_that_declined_after_it_was_open_was_accepted(tmp_path):
    made = staged(
        tmp_path, "referrals_charitylog_csv", CHARITYLOG, charitylog("1", "Closed - Client declined", OPEN, SHUT)
    )
    kinds = {kind for kind, *_ in said(made, "referral")[1]}
    assert kinds == {"referral.received", "referral.accepted", "referral.closed"}


def test_a_charitylog_stage_without_its_date_is_quarantined(tmp_path):
    made = staged(
        tmp_path,
        "referrals_charitylog_csv",
        CHARITYLOG,
        charitylog("1", "Allocated", "", ""),
        charitylog("2", "Closed - No answer", "", ""),
    )
    assert made.refused_lines == [(2, "open_has_a_date", "opened_on"), (3, "closed_has_a_date", "closed_on")]


def test_f84_a_charitylog_case_passes_no_milestone_after_its_export(tmp_path):
    made = staged(
        tmp_path,
        "referrals_charitylog_csv",
        CHARITYLOG,
        charitylog("1", "Allocated", "02/07/2025", ""),
        charitylog("2", "Closed - Complete", OPEN, "02/07/2025"),
        charitylog("3", "Closed - Complete", "01/07/2025", "01/07/2025"),
    )
    assert made.refused_lines == [
        (2, "opened_not_in_future", "opened_on"),
        (3, "closed_not_in_future", "closed_on"),
    ]
    assert set(said(made, "referral")) == {3}


JOY = (
    "Referral ID,Client ID,NHS Number,Practice,Source,Reasons,Status,Created,Accepted,Status Changed,Status Reason,"
    "Exported"
)
JOY_STATUSES: dict[str, list[tuple[Any, ...]]] = {
    "Pending": [],
    "Accepted": [("referral.accepted", None, None)],
    "Declined": [("referral.rejected", "no_capacity", None)],
    "Declined by client": [("referral.declined_by_person", "no_capacity", None)],
    "Auto-declined": [("referral.closed", "no_response_timeout", False)],
    "Completed": [("referral.accepted", None, None), ("referral.closed", "completed", True)],
}


def test_each_joy_status_becomes(tmp_path):
    lines = []
    for number, status in enumerate(JOY_STATUSES):
        accepted = "2025-06-05T10:00:00+01:00" if status in ("Accepted", "Completed") else ""
        lines.append(
            f"j{number},c1,{ONE},Z90001,Marketplace self-referral,,{status},2025-06-03T23:30:00Z,{accepted},"
            "2025-06-17T10:00:00+01:00,no_capacity,2025-07-01T02:00:00Z"
        )
    facts = said(
        staged(tmp_path, "referrals_joy_csv", JOY, *lines), "referral", "referral_reason, referral_planned"
    ).values()
    expected = [[("referral.received", None, None), *said_so] for said_so in JOY_STATUSES.values()]
    assert [sorted(found, key=str) for found in facts] == [sorted(found, key=str) for found in expected]


def test_a_joy_time_brings_its_offset_and_its_day_is_the_local_one(tmp_path):
    line = f"j1,c1,{ONE},Z90001,GP,,Pending,2025-06-03T23:30:00Z,,2025-06-03T23:30:00Z,,2025-07-01T02:00:00+01:00"
    made = staged(tmp_path, "referrals_joy_csv", JOY, line)
    assert said(made, "referral", "occurred_at, occurred_on")[1] == [
        ("referral.received", datetime(2025, 6, 3, 23, 30, tzinfo=UTC), date(2025, 6, 4))
    ]
    assert made.profile["newest_asserted_at"] == "2025-07-01T01:00:00+00:00"


def test_e03_a_joy_referral_that_was_declined_after_it_was_accepted_has_ended(tmp_path):
    line = (
        f"j1,c1,{ONE},Z90001,GP,,Declined,2025-06-03T23:30:00Z,2025-06-05T10:00:00Z,2025-06-17T10:00:00Z,no_capacity,"
        "2025-07-01T02:00:00Z"
    )
    found = said(staged(tmp_path, "referrals_joy_csv", JOY, line), "referral", "referral_reason, referral_planned")[1]
    assert sorted(found, key=str) == [
        ("referral.accepted", None, None),
        ("referral.closed", "declined_by_service", False),
        ("referral.received", None, None),
    ]


def test_a_joy_referral_is_accepted_at_a_time_and_not_before_it_was_made(tmp_path):
    lines = [
        f"j{n},c1,{ONE},Z90001,GP,,Accepted,2025-06-03T23:30:00Z,{at},2025-06-17T10:00:00Z,,2025-07-01T02:00:00Z"
        for n, at in enumerate(("", "2025-06-03T23:29:59Z", "2025-06-03T23:30:00Z"))
    ]
    made = staged(tmp_path, "referrals_joy_csv", JOY, *lines)
    rules = [(2, "accepted_has_a_time", "accepted_at"), (3, "accepted_after_created", "accepted_at")]
    assert made.refused_lines == rules


def test_f84_a_joy_referral_is_not_accepted_after_its_export(tmp_path):
    late, fine = "2025-07-01T03:00:01+01:00", "2025-07-01T03:00:00+01:00"
    lines = [
        f"{id},c1,{ONE},Z90001,GP,,Accepted,2025-06-03T23:30:00Z,{on},2025-06-17T10:00:00Z,,2025-07-01T02:00:00Z"
        for id, on in (("late", late), ("fine", fine))
    ]
    made = staged(tmp_path, "referrals_joy_csv", JOY, *lines)
    assert made.refused_lines == [(2, "accepted_not_in_future", "accepted_at")]
