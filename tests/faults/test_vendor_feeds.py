"""Vendors' extracts of two months, from lines of files to rows of marts: what is taken back, and what is nobody's."""

import pytest

from linkwork import engine
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.faults import fates, lines, put, use_installed
from tests.support.log import add_sender, ingest, make_home, standing
from tests.support.marts import build_some

REFERRALS, BOOK, PATIENTS, LIST = (
    "referrals_emis_csv", "gp_appointments_emis_csv", "registrations_emis_csv", "registrations_tpp_csv",
)  # fmt: skip
ANN, BOB, CAT, DAN, EVE = "9990000018", "9990000026", "9990000034", "9990000042", "9990000050"
JUNE, JULY, AUGUST = "2025-06-01T02:00:00Z", "2025-07-01T02:00:00Z", "2025-08-01T02:00:00Z"
TO_SERVICE, TO_HOSPITAL = "871731000000106", "183519002"
HEADERS = {
    REFERRALS: "referral_id,patient_id,nhs_number,snomed_concept_id,direction,practice_code,target_organisation,"
    "service_type,urgency,mode,referral_made,ended,is_deleted,extracted_at",
    BOOK: "slot_id,patient_id,nhs_number,slot_start,slot_end,booked,arrived,sent_in,left,current_status,slot_type,"
    "is_deleted,extracted_at",
    PATIENTS: "registration_id,patient_id,nhs_number,date_of_birth,gender,lsoa_code,lsoa_vintage,registration_start,"
    "registration_end,is_consent_93c1,is_national_data_opted_in,is_deleted,extracted_at",
    LIST: "RowIdentifier,Patient_ID,NHS_Number,Test_Patient,Date_Birth,Gender,Date_Registration,Date_Deregistration,"
    "Registration_Status,ND_Opt_Out_Preference,Date_Extract",
}  # fmt: skip


def sent(id: str, who: str, at: str, code: str = TO_SERVICE, made: str = "2025-05-06 09:30:00") -> str:
    return f"{id},p{who},{who},{code},Out,Z90003,ZSP01,Assessment,Routine,Written,{made},,FALSE,{at}"


def received(id: str, who: str, at: str, practice: str = "Z90003", of: str = "Assessment", ended: str = "") -> str:
    return f"{id},c{who},{who},{TO_SERVICE},In,{practice},,{of},,,2025-05-08 23:30:00,{ended},FALSE,{at}"


def gone(id: str, feed: str, at: str) -> str:
    return f"{id}{',' * (HEADERS[feed].count(',') - 1)}TRUE,{at}"


def slot(id: str, who: str, status: str, at: str) -> str:
    booked = "2025-05-20 09:00:00" if who else ""
    return f"{id},{f'p{who}' if who else ''},{who},2025-06-10 23:30:00,,{booked},,,,{status},GP,FALSE,{at}"


def patient(id: str, who: str, type1: str, ndoo: str, at: str) -> str:
    return f"{id},p{who},{who},1950-05,2,E01000001,2021,2001-01-01,,{type1},{ndoo},FALSE,{at}"


def listed(id: int, who: str, ndoo: str, month: str, test: str = "FALSE") -> str:
    return f"{id},{who},{who},{test},17 May 1950 00:00:00,F,29 Sep 2011 00:00:00,,GMS,{ndoo},01 {month} 2025 03:00:00"


FILES = {
    ("Z90003", REFERRALS, "june"): [
        sent("a", ANN, JUNE), sent("b", BOB, JUNE), sent("c", ANN, JUNE, TO_HOSPITAL), sent("d", CAT, JUNE),
    ],
    ("Z90003", REFERRALS, "july"): [
        sent("a", ANN, JULY), gone("b", REFERRALS, JULY), sent("c", ANN, JULY, TO_HOSPITAL),
        sent("d", CAT, JULY, TO_HOSPITAL),
    ],
    ("ZSP01", REFERRALS, "june"): [received("x", ANN, JUNE), received("y", CAT, JUNE, "", "Self referral")],
    ("ZSP01", REFERRALS, "july"): [
        received("x", ANN, JULY, ended="2025-06-20 10:00:00"),
        received("y", CAT, JULY, "", "Self referral", ended="2025-07-01 02:00:01"),
        received("z", EVE, JULY),
    ],
    ("Z90003", BOOK, "june"): [
        slot("s1", ANN, "Booked", JUNE), slot("s2", BOB, "Booked", JUNE), slot("s3", "", "Slot Available", JUNE),
        slot("s4", CAT, "Booked", JUNE),
    ],
    ("Z90003", BOOK, "july"): [
        slot("s1", ANN, "Left", JULY), slot("s2", "", "0", JULY), slot("s3", CAT, "DNA", JULY),
        gone("s4", BOOK, JULY), slot("s5", "", "Slot Available", JULY), slot("s6", "", "Left", JULY),
    ],
    ("Z90003", PATIENTS, "june"): [
        patient("r1", ANN, "", "TRUE", JUNE), patient("r2", BOB, "FALSE", "TRUE", JUNE),
        patient("r3", CAT, "", "", JUNE),
    ],
    ("Z90003", PATIENTS, "july"): [
        patient("r1", ANN, "", "TRUE", JULY), patient("r2", BOB, "", "TRUE", JULY), patient("r3", CAT, "", "", JULY),
    ],
    ("Z90001", LIST, "june"): [
        listed(1, DAN, "TRUE", "Jun"), listed(2, EVE, "FALSE", "Jun"), listed(3, BOB, "FALSE", "Jun", test="TRUE"),
    ],
    ("Z90001", LIST, "july"): [
        listed(1, DAN, "", "Jul"), listed(2, EVE, "TRUE", "Jul"), listed(3, BOB, "FALSE", "Jul", test="TRUE"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = make_home(tmp_path_factory.mktemp("vendors"))
    use_installed(settings, *HEADERS)
    add_sender(settings, "Z90001", [LIST])
    add_sender(settings, "Z90003", [REFERRALS, BOOK, PATIENTS])
    add_sender(settings, "ZSP01", [REFERRALS])
    for month in ("june", "july"):
        for (sender, feed, when), content in FILES.items():
            if when == month:
                name = f"{sender}-{feed}-{when}.csv"
                put(settings, name, lines(*content, header=HEADERS[feed]), feed=feed, sender=sender)
        ingest(settings)
    assert verify(Store(settings.log_dir)).problems == []
    build_some(settings, "fct_referrals", "fct_appointments", "fct_exclusions")
    return settings


def mart(home, query):
    with engine.connect(home.warehouse_file, read_only=True) as con:
        return con.execute(query).fetchall()


def fate(home, sender, feed, when):
    one = fates(home)[f"{sender}-{feed}-{when}.csv"]
    return (one.accepted, one.duplicate, one.skipped, one.refused)


def test_every_line_of_emis_referrals_has_its_fate(home):
    assert fate(home, "Z90003", REFERRALS, "june") == (3, 0, 1, [])
    # The one that was deleted and the one that was recoded take back what they said.
    assert fate(home, "Z90003", REFERRALS, "july") == (2, 1, 1, [])
    assert fate(home, "ZSP01", REFERRALS, "july") == (2, 0, 0, [(3, "ended_not_in_future")])


def test_e20_what_was_deleted_or_recoded_is_no_referral_any_more(home):
    standing_now = {(sender, ref, kind) for feed, sender, ref, kind, _ in standing(home) if feed == REFERRALS}
    assert standing_now == {
        ("Z90003", "a", "referral.received"),
        ("ZSP01", "x", "referral.received"), ("ZSP01", "x", "referral.closed"),
        ("ZSP01", "y", "referral.received"),
        ("ZSP01", "z", "referral.received"),
    }  # fmt: skip


def test_a_request_and_its_receipt_in_emis_are_one_referral(home):
    """Received at half past eleven at night in UTC, which is the next day in England; Eve has opted out."""
    found = mart(
        home,
        """select received_on::varchar, closed_on::varchar, closure_reason, service_code, route, link_basis
        from fct_referrals order by route""",
    )
    assert found == [
        ("2025-05-09", None, None, "ZSP01", "self", "none"),
        ("2025-05-09", "2025-06-20", None, "ZSP01", "unknown", "person_service_day"),
    ]


def test_e27_a_free_slot_is_no_appointment_and_one_that_is_free_again_is_booked_no_more(home):
    assert fate(home, "Z90003", BOOK, "june") == (3, 0, 1, [])
    assert fate(home, "Z90003", BOOK, "july") == (4, 0, 1, [(7, "required")])
    assert mart(home, "select status, slot_on::varchar from fct_appointments order by 1") == [
        ("attended", "2025-06-11"),
        ("missed", "2025-06-11"),
    ]


def test_e41_opt_outs_of_vendors_hold_while_their_newest_extract_says_so(home):
    """Bob's flag is empty now and Dan's preference is gone; Eve has stated hers. Nobody guesses Cat's."""
    assert fate(home, "Z90003", PATIENTS, "july") == (1, 1, 0, [(4, "required")])
    assert fate(home, "Z90001", LIST, "july") == (2, 0, 1, [])
    assert mart(home, "from fct_exclusions order by 1") == [("any", 1, 0), ("ndoo", 1, 0)]
    assert mart(home, "select count(*) from fct_referrals") == [(2,)]


def test_f89_a_slot_that_somebody_else_booked_is_refused_also_after_it_was_free(home):
    content = lines(slot("s1", BOB, "Left", AUGUST), slot("s2", CAT, "Left", AUGUST), header=HEADERS[BOOK])
    put(home, "august.csv", content, feed=BOOK, sender="Z90003")
    ingest(home)
    assert fates(home)["august.csv"].refused == [(2, "other_person"), (3, "other_person")]


TPP = (
    "Appointment_ID,Organisation_Code,Patient_ID,NHS_Number,Test_Patient,Date_Booked,Date_Start,Status,Staff_ID,"
    "Date_Extract"
)


def appointment(id: int, status: str, month: str) -> str:
    return f"{id},Z90001,7,{ANN},FALSE,01 May 2025 10:00:00,20 May 2025 09:30:00,{status},5,01 {month} 2025 03:00:00"


def test_e18_two_tpp_rows_of_one_key_that_differ_count_as_none_until_a_newer_extract_has_one(tmp_path):
    """The id is not unique even with organisation, patient and start: the file is taken, the appointment contested."""
    feed = "gp_appointments_tpp_csv"
    home = make_home(tmp_path)
    use_installed(home, feed)
    add_sender(home, "Z90001", [feed])
    others = [appointment(n, "Finished", "Jun") for n in range(2, 50)]
    both = [appointment(1, "Cancelled by Unit", "Jun"), appointment(1, "Finished", "Jun")]
    for name, content in (("june.csv", [*both, *others]), ("july.csv", [appointment(1, "Finished", "Jul")])):
        put(home, name, lines(*content, header=TPP), feed=feed, sender="Z90001")
        ingest(home)
        outcomes = {kind for *_, ref, kind, _ in standing(home) if ref == "1"}
        assert outcomes == ({"appointment.booked", "appointment.attended"} if name == "july.csv" else set())
    june = fates(home)["june.csv"]
    assert (june.status, june.accepted, june.conflict, june.refused) == ("committed", 49, 1, [(3, "conflict")])
