"""Values that are wrong in the domain: dates, clocks, ages, NHS numbers, under the contracts the project ships."""

from datetime import UTC, datetime

import pytest

from ingestion.contract import load_contract
from linkwork.settings import Settings
from tests.support.faults import NUMBER, Fate, fates, lines, put, use_installed
from tests.support.gate import CATALOGUE, stage, tolerant
from tests.support.log import add_sender, ingest, make_home, rows

APPOINTMENTS, REGISTRATIONS = "gp_appointments_csv", "registrations_csv"
A_HEADER = (
    "appointment_id,practice_code,site_code,patient_id,nhs_number,booked_at,slot_start,status,hcp_type,staff_role,"
    "appt_mode,national_category,context_type,service_setting,clinician_id,extract_at"
)
R_HEADER = (
    "registration_id,practice_code,patient_id,nhs_number,family_name,given_name,date_of_birth,postcode,sex,"
    "ethnic_category,lsoa_code,lsoa_vintage,long_term_conditions,registration_start,registration_end,end_reason,extract_at"
)
EXTRACT = "2025-11-01T02:00:00Z"


def slot(
    id: str, start: str, *, booked: str = "", nhs: str = NUMBER, status: str = "Attended", at: str = EXTRACT
) -> str:
    return f"{id},Z90001,Z90001,p{id},{nhs},{booked},{start},{status},GP,R0260,Telephone,,,,c1,{at}"


def registered(
    id: str, *, born: str = "1950-05-05", start: str = "2001-01-01", end: str = "", vintage: str = "2021"
) -> str:
    return f"{id},Z90001,p{id},{NUMBER},F,G,{born},AA1 1AA,2,A,E01000001,{vintage},DM;CHD,{start},{end},,{EXTRACT}"


SLOTS = {
    "f81_no_such_day": (slot("s1", "2025-02-30 09:00:00"), "timestamp"),
    "f81_no_such_hour": (slot("s2", "2025-02-03 25:00:00"), "timestamp"),
    "f81_another_order": (slot("s3", "03/02/2025 09:00"), "timestamp"),
    "f82_an_offset_is_not_dropped": (slot("s4", "2025-07-01 09:00:00+01:00"), "timestamp"),
    "f82_the_hour_the_clocks_skip": (slot("s5", "2025-03-30 01:30:00"), "nonexistent_time"),
    "f82_summer_time": (slot("s6", "2025-07-01 00:00:00"), None),
    "f82_the_hour_that_comes_twice": (slot("s7", "2025-10-26 01:30:00"), None),
    "f83_a_day_for_a_time": (slot("s8", "2025-07-01"), "timestamp"),
    "f84_outcome_in_the_future": (slot("s9", "2025-12-24 09:00:00"), "seen_before_extract"),
    "f84_default_date": (slot("s10", "1900-01-01 00:00:00"), "plausible_date"),
    "f84_booked_after_it_started": (
        slot("s11", "2025-07-01 09:00:00", booked="2025-07-02 09:00:00"),
        "booked_before_slot",
    ),
    "f84_booked_for_the_future": (
        slot("s12", "2025-12-24 09:00:00", booked="2025-10-01 09:00:00", status="Booked"),
        None,
    ),
    "f85_wrong_check_digit": (slot("s13", "2025-07-01 09:00:00", nhs="9990000019"), "nhs_number"),
    "f85_check_digit_of_ten": (slot("s14", "2025-07-01 09:00:00", nhs="9990000000"), "nhs_number"),
    "f85_nine_digits": (slot("s15", "2025-07-01 09:00:00", nhs="999000001"), "nhs_number"),
    "f85_as_printed": (slot("s16", "2025-07-01 09:00:00", nhs="999 000 0018"), None),
    "f85_no_number_but_a_local_id": (slot("s17", "2025-07-01 09:00:00", nhs=""), None),
}
REGISTERED = {
    "f83_a_time_for_a_day": (registered("r1", start="2001-01-01 00:00:00"), "date"),
    "f84_born_after_registration": (registered("r2", born="2002-01-01"), "born_before_registration"),
    "f84_default_date": (registered("r3", start="1900-01-01", born="1890-01-01"), "plausible_date"),
    "f84_in_the_future": (registered("r4", start="2031-01-01"), "not_in_future"),
    "f84_ended_before_it_started": (registered("r5", end="2000-12-31"), "ends_after_start"),
    "f90_an_unknown_vintage": (registered("r6", vintage="2001"), "grammar"),
    "f90_either_vintage": (registered("r7", vintage="2011"), None),
}


def put_all(settings) -> None:
    use_installed(settings, APPOINTMENTS, REGISTRATIONS)
    add_sender(settings, "Z90001", [APPOINTMENTS, REGISTRATIONS])
    for feed, header, cases in ((APPOINTMENTS, A_HEADER, SLOTS), (REGISTRATIONS, R_HEADER, REGISTERED)):
        content = lines(*(line for line, _ in cases.values()), header=header)
        put(settings, f"{feed}.csv", content, feed=feed, sender="Z90001")
    ingest(settings)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = make_home(tmp_path_factory.mktemp("values"))
    put_all(settings)
    return settings


@pytest.mark.parametrize(("feed", "cases"), [(APPOINTMENTS, SLOTS), (REGISTRATIONS, REGISTERED)])
def test_f81_to_f90_e17_e35_each_record_is_taken_or_refused_by_its_rule(home, feed, cases):
    fate: Fate = fates(home)[f"{feed}.csv"]
    expected = {name: (line, rule) for line, (name, (_, rule)) in enumerate(cases.items(), start=2) if rule}
    assert fate.refused == list(expected.values())
    assert fate.accepted == len(cases) - len(expected)


def test_f82_e33_e34_times_are_converted_and_days_are_local(home):
    columns = "source_record_ref, occurred_at, occurred_on"
    attended = rows(home, "events", columns, "where event_type = 'appointment.attended'")
    found = {ref: (at, str(on)) for ref, at, on in attended}
    assert found["s6"] == (datetime(2025, 6, 30, 23, tzinfo=UTC), "2025-07-01")
    assert found["s7"] == (datetime(2025, 10, 26, 1, 30, tzinfo=UTC), "2025-10-26")


def test_f84_e35_an_appointment_to_come_is_booked_and_has_no_outcome(home):
    assert rows(home, "events", "event_type", "where source_record_ref = 's12'") == [("appointment.booked",)]


MILESTONES = ("accepted", "rejected", "declined", "on_hold", "closed", "transferred", "reopened", "resumed")


def test_f84_a_referral_passes_no_milestone_after_the_extract_that_reports_it(tmp_path):
    """On the day of the extract it does, and of a night in summer that is the local day."""
    contract = load_contract(Settings.model_fields["contracts_dir"].default / "referrals_csv.yaml", CATALOGUE)
    every = [p.name for p in contract.properties]

    def referral(id: str, on: str, *passed: str) -> str:
        row = {"referral_id": id.replace("_", "-"), "client_id": "c1", "route": "gp", "received_on": "2025-06-01"}
        row |= {"extract_at": "2025-06-30T23:30:00Z"} | {f"{m}_on": on for m in passed}
        if "resumed" in passed:
            row |= {"on_hold_on": "2025-06-02"}
        return ",".join(row.get(name, "") for name in every)

    late = [referral(f"late-{m}", "2025-07-02", m) for m in MILESTONES]
    fine = [referral(f"fine-{m}", "2025-07-01", m) for m in MILESTONES]
    made = stage(tmp_path, tolerant(contract), lines(*late, *fine, header=",".join(every)))
    assert made.profile["valid"] == len(fine)
    assert [found[1:] for found in made.refused_lines] == [(f"{m}_not_in_future", f"{m}_on") for m in MILESTONES]


def test_f85_a_number_as_printed_is_the_same_person_and_a_local_id_another(home):
    keys = dict(
        rows(home, "events", "source_record_ref, (subject_key, identity_quality)", "where category = 'appointment'")
    )
    assert keys["s16"] == keys["s6"]
    assert keys["s17"][0] != keys["s6"][0]
    assert (keys["s6"][1], keys["s17"][1]) == ("nhs_number", "local")


def test_f85_e21_numbers_of_the_test_range_are_refused_unless_allowed(tmp_path):
    settings = make_home(tmp_path).model_copy(update={"test_numbers": "quarantine"})
    put_all(settings)
    rules = {rule for _, rule in fates(settings)[f"{APPOINTMENTS}.csv"].refused}
    assert "test_number" in rules
    assert {ref for (ref,) in rows(settings, "events", "source_record_ref", "where category = 'appointment'")} == {
        "s17"
    }
