"""Who is registered and who opted out, as the extracts of vendors say it: flags either way round."""

from datetime import UTC, date, datetime

import pytest

from tests.support.gate import Staged
from tests.support.vendors import ONE, said, staged

# --- registrations with inverted flags ---------------------------------------------------------------
PATIENTS = (
    "registration_id,patient_id,nhs_number,date_of_birth,gender,lsoa_code,lsoa_vintage,registration_start,"
    "registration_end,{type1},is_national_data_opted_in,is_deleted,extracted_at"
)


def patient(id: str, type1: str, ndoo: str) -> str:
    return f"r{id},p{id},{ONE},1950-05,2,E01000001,2021,2001-01-01,,{type1},{ndoo},FALSE,2025-07-01T02:00:00Z"


def opt_outs(made: Staged) -> dict[int, list[str]]:
    facts = said(made, "person", "person_opt_out")
    return {n: sorted(opt_out for kind, opt_out in found if kind == "person.opted_out") for n, found in facts.items()}


@pytest.mark.parametrize("flag", ["is_consent_93c1", "is_consent_9nu0"])
def test_an_emis_flag_that_is_false_is_an_opt_out(tmp_path, flag):
    lines = [patient("a", "TRUE", "TRUE"), patient("b", "FALSE", "TRUE"), patient("c", "TRUE", "FALSE")]
    lines += [patient("d", "FALSE", "FALSE"), "re,,,,,,,,,,,TRUE,2025-07-01T02:00:00Z"]
    made = staged(tmp_path, "registrations_emis_csv", PATIENTS.format(type1=flag), *lines)
    assert opt_outs(made) == {1: [], 2: ["type1"], 3: ["ndoo"], 4: ["ndoo", "type1"]}
    assert made.profile["valid"] == 5  # the deleted registration too: it says that nothing holds


def test_an_empty_emis_flag_of_type_1_is_no_opt_out_and_the_national_one_must_be_said(tmp_path):
    """The first is made from a code that most records have not; of the second nothing says what empty means."""
    lines = [patient("a", "", "TRUE"), patient("b", "", "FALSE"), patient("c", "FALSE", ""), patient("d", "", "")]
    lines += [patient("e", "No", "TRUE"), patient("f", "TRUE", "No")]
    made = staged(tmp_path, "registrations_emis_csv", PATIENTS.format(type1="is_consent_93c1"), *lines)
    assert opt_outs(made) == {1: [], 2: ["ndoo"]}
    assert made.refused_lines == [
        (4, "required", "ndoo"), (5, "required", "ndoo"), (6, "domain", "type1"), (7, "domain", "ndoo"),
    ]  # fmt: skip


# --- registrations as SystmOne's extracts have them ----------------------------------------------------
SR = (
    "RowIdentifier,Patient_ID,NHS_Number,Test_Patient,Date_Birth,Gender,Date_Registration,Date_Deregistration,"
    "Date_Death,Registration_Status,ND_Opt_Out_Preference,Date_Extract"
)


def sr(id: int, **other: str) -> str:
    row = {
        "test": "FALSE", "born": "17 May 1950 00:00:00", "start": "29 Sep 2011 14:53:28", "end": "", "died": "",
        "status": "GMS", "ndoo": "FALSE",
    } | other  # fmt: skip
    return (
        f"{id},77{id},{ONE},{row['test']},{row['born']},F,{row['start']},{row['end']},{row['died']},"
        f'"{row["status"]}",{row["ndoo"]},01 Jul 2025 02:00:00'
    )


def test_e33_a_tpp_registration_is_of_the_local_day_and_midnight_is_an_unknown_time(tmp_path):
    made = staged(
        tmp_path,
        "registrations_tpp_csv",
        SR,
        sr(1, start="30 Jun 2024 00:30:00"),
        sr(2, start="30 Jun 2024 00:00:00", end="03 Mar 2025 00:00:00"),
        sr(3, start="30 Mar 2025 01:30:00"),
        sr(4, start="2024-06-30 09:00:00"),
        sr(5, born="17 May 1950"),
    )
    columns = "occurred_at, occurred_on, occurred_precision"
    found = said(made, "registration", columns)
    assert found[1] == [
        ("registration.started", datetime(2024, 6, 29, 23, 30, tzinfo=UTC), date(2024, 6, 30), "second")
    ]
    assert found[2] == [
        ("registration.ended", datetime(2025, 3, 3, tzinfo=UTC), date(2025, 3, 3), "day"),
        ("registration.started", datetime(2024, 6, 30, tzinfo=UTC), date(2024, 6, 30), "day"),
    ]
    assert made.refused_lines == [(4, "nonexistent_time", "registered_at"), (5, "timestamp", "registered_at")]
    described = said(made, "person", "person_birth_month, person_sex")
    assert described[1] == described[5] == [("person.described", date(1950, 5, 1), "female")]


TYPES = {
    "registered": ("GMS", "Standard", "GMS,Contraception"),
    "temporary_resident": (
        "Temporary", "Temporary Resident < 16 days", "Temporary Resident 16 days to 3 months",
        "Temporary Resident (telephone consultation)",
    ),
    "other": (
        "Private", "Immediately Necessary", "Immediately Necessary Treatment", "Emergency", "Minor Surgery",
        "Contraception", "Child Health Surveillance", "Maternity", "Walk-in Patient", "Remotely Registered", "Other",
    ),
}  # fmt: skip


def test_e43_each_tpp_status_of_a_registration_says_whether_it_is_of_the_list(tmp_path):
    words = [(word, kind) for kind, words in TYPES.items() for word in words]
    lines = [sr(n, status=word) for n, (word, _) in enumerate(words, start=1)]
    made = staged(tmp_path, "registrations_tpp_csv", SR, *lines, sr(90, status="Dummy"), sr(91, status=""))
    facts = said(made, "registration", "registration_type")
    assert facts == {n: [("registration.started", kind)] for n, (_, kind) in enumerate(words, start=1)}
    assert [(rule, field) for _, rule, field in made.refused_lines] == [
        ("domain", "registration_type"),
        ("required", "registration_type"),
    ]


def test_e21_tpp_patients_for_tests_and_those_who_only_applied_are_skipped_and_counted(tmp_path):
    lines = [sr(1, test="TRUE"), sr(2, status="Applied"), sr(3), sr(4, test="")]
    made = staged(tmp_path, "registrations_tpp_csv", SR, *lines)
    assert made.profile["skipped_as"] == {"test_patient": 1, "applied": 1}
    assert set(said(made, "registration")) == {3, 4}


def test_a_tpp_preference_that_is_true_is_an_opt_out_and_no_preference_is_none(tmp_path):
    lines = [sr(1, ndoo="TRUE"), sr(2, ndoo="FALSE"), sr(3, ndoo=""), sr(4, ndoo="Y"), "5" + "," * 11]
    lines[-1] = lines[-1] + "01 Jul 2025 02:00:00"
    made = staged(tmp_path, "registrations_tpp_csv", SR, *lines)
    assert opt_outs(made) == {1: ["ndoo"], 2: [], 3: []}
    assert made.refused_lines == [(5, "domain", "ndoo")]
    assert made.profile["valid"] == 4  # the row with its key alone too: it says that nothing holds


def test_e22_a_tpp_registration_ends_with_the_death_unless_it_had_ended_before(tmp_path):
    died = "01 Feb 2025 00:00:00"
    lines = [
        sr(1, died=died),
        sr(2, died=died, end="09 Feb 2025 10:00:00"),
        sr(3, died=died, end="03 Mar 2020 10:00:00"),
    ]
    made = staged(tmp_path, "registrations_tpp_csv", SR, *lines)
    ends = {n: facts[0] for n, facts in said(made, "registration", "occurred_on, registration_end_reason").items()}
    assert ends == {
        1: ("registration.ended", date(2025, 2, 1), "deceased"),
        2: ("registration.ended", date(2025, 2, 1), "deceased"),
        3: ("registration.ended", date(2020, 3, 3), None),
    }


def test_f84_a_tpp_registration_has_its_dates_in_order_and_none_after_its_extract(tmp_path):
    lines = [
        sr(1, start="01 Jul 2025 02:00:01"),
        sr(2, start="02 Jul 2025 00:00:00"),
        sr(3, start="01 Jul 2025 00:00:00"),  # of a time that is not known the day counts
        sr(4, died="02 Jul 2025 00:00:00"),
        sr(5, died="01 Feb 2001 00:00:00"),
        sr(6, end="28 Sep 2011 00:00:00"),
        sr(7, born="01 Oct 2011 00:00:00"),
        sr(8, start="01 Jan 1900 00:00:00", born="01 Jan 1890 00:00:00"),
    ]
    made = staged(tmp_path, "registrations_tpp_csv", SR, *lines)
    assert made.refused_lines == [
        (2, "not_in_future", "registered_at"),
        (3, "not_in_future", "registered_at"),
        (5, "death_not_in_future", "died_at"),
        (6, "died_after_start", "died_at"),
        (7, "ends_after_start", "deregistered_at"),
        (8, "born_before_registration", "date_of_birth"),
        (9, "plausible_date", "registered_at"),
    ]


def test_a_tpp_registration_is_taken_under_the_names_of_its_own_tables(tmp_path):
    header = SR
    for ours, theirs in (
        ("Patient_ID", "IDPatient"), ("NHS_Number", "NHSNumber"), ("Test_Patient", "TestPatient"),
        ("Date_Birth", "DateBirth"), ("Date_Registration", "DateRegistration"),
        ("Date_Deregistration", "DateDeRegistration"), ("Date_Death", "DateDeath"),
        ("Registration_Status", "RegistrationStatus"), ("ND_Opt_Out_Preference", "SRNDOptOutPreference"),
    ):  # fmt: skip
        header = header.replace(ours, theirs)
    made = staged(tmp_path, "registrations_tpp_csv", header, sr(1, ndoo="TRUE"))
    assert made.profile["refused"] is None
    assert opt_outs(made) == {1: ["ndoo"]}
