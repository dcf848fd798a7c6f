"""The same books as other systems tell them: feeds of the kind that EMIS Web, SystmOne, Charitylog, Joy and FHIR give.

What a system has no word for it does not say: an unknown outcome stays booked, a reason without a code is left out.
"""

from collections.abc import Mapping

from simulator.senders.feeds import Feed, instant, optional

TPP_TIME = "'%d %b %Y %H:%M:%S'"


def utc(local: str) -> str:
    """SQL of a local time of England, in UTC."""
    return f"timezone('UTC', timezone('Europe/London', {local}))"


def london(utc_time: str) -> str:
    """SQL of a time of UTC, as the clocks of England show it."""
    return f"timezone('Europe/London', timezone('UTC', {utc_time}))"


def one_of(sql: str, words: Mapping[str, str], other: str = "null") -> str:
    """SQL of another system's word for a value."""
    whens = " ".join(f"when '{ours}' then '{theirs}'" for ours, theirs in words.items())
    return f"case {sql} {whens} else {other} end"


def digits(sql: str) -> str:
    """SQL of an id's digits, for systems whose ids are numbers."""
    return f"regexp_replace({sql}, '[^0-9]', '', 'g')"


def emis(offset: str, when: str = "true") -> str:
    """SQL of a time of EMIS Web: UTC, so many minutes after the slot's start."""
    return f"if({when}, ({utc('slot_start')} + interval '{offset} minutes')::varchar, null)"


CAME = "status = 'Attended'"
EMIS_APPOINTMENTS = Feed(
    "gp_appointments_emis_csv", "appointments", "appointment_slot",
    {
        "slot_id": "appointment_id", "patient_id": "patient_id", "nhs_number": "nhs_number", "slot_start": emis("0"),
        "slot_end": emis("10"), "booked": f"{utc('booked_at')}::varchar", "arrived": emis("-3", CAME),
        "sent_in": emis("2", CAME), "left": emis("12", CAME),
        "current_status": one_of("status", {"Attended": "5", "DNA": "3", "Cancelled by Patient": "2",
                                            "Cancelled by Unit": "4"}, "'0'"),
        "slot_type": "national_category", "clinician_id": "clinician_id", "is_deleted": "'FALSE'",
        "extracted_at": "asked_at::varchar",
    },
    record_id="slot_id", date="slot_start", word="current_status", timed=True, deletion="is_deleted",
)  # fmt: skip
TPP_APPOINTMENTS = Feed(
    "gp_appointments_tpp_csv", "appointments", "SRAppointment",
    {
        "Appointment_ID": digits("appointment_id"), "Organisation_Code": "site_code",
        "Patient_ID": digits("patient_id"), "NHS_Number": "nhs_number", "Test_Patient": "'FALSE'",
        "Date_Booked": f"strftime(booked_at, {TPP_TIME})", "Date_Start": f"strftime(slot_start, {TPP_TIME})",
        "Status": one_of("status", {"Attended": "Finished", "DNA": "Did Not Attend",
                                    "Cancelled by Patient": "Cancelled by Patient",
                                    "Cancelled by Unit": "Cancelled by Unit"}, "'Booked'"),
        "Mode": one_of("appt_mode", {"Face-to-Face": "Face to Face (Surgery)", "Telephone": "Telephone/Audio",
                                     "Home Visit": "Face to Face (Home Visit)", "Video/Online": "Video with Audio"},
                       "'Not an Appointment'"),
        "HCP_Type": "hcp_type", "Staff_Role": "staff_role", "National_Category": "national_category",
        "Context_Type": "context_type", "Staff_ID": digits("clinician_id"),
        "Date_Extract": f"strftime({london('asked_at')}, {TPP_TIME})",
    },
    record_id="Appointment_ID", date="Date_Start", number="NHS_Number", word="Status", local_time=True,
    new_id="99%07d", test_column="Test_Patient",
    never="30 Feb 2024 10:00:00", moment=TPP_TIME.strip("'"), booked="Date_Booked",
)  # fmt: skip
EMIS_REGISTRATIONS = Feed(
    "registrations_emis_csv", "registrations", "patient",
    {
        "registration_id": "registration_id", "patient_id": "patient_id", "nhs_number": "nhs_number",
        "date_of_birth": "strftime(date_of_birth, '%Y-%m')", "gender": "sex", "lsoa_code": "lsoa_code",
        "lsoa_vintage": "lsoa_vintage", "registration_start": "registration_start",
        "registration_end": "registration_end", "is_consent_93c1": "'TRUE'", "is_national_data_opted_in": "'TRUE'",
        "is_deleted": "'FALSE'", "extracted_at": "asked_at::varchar",
    },
    record_id="registration_id", date="registration_start",
)  # fmt: skip


def tpp_day(day: str) -> str:
    """SQL of a day as SystmOne writes it: at midnight, which says that the time of day is not known."""
    return f"strftime(({day})::date, {TPP_TIME})"


TPP_REGISTRATIONS = Feed(
    "registrations_tpp_csv", "registrations", "SRPatientRegistration",
    {
        "RowIdentifier": digits("registration_id"), "Patient_ID": digits("patient_id"), "NHS_Number": "nhs_number",
        "Test_Patient": "'FALSE'", "Date_Birth": tpp_day("date_of_birth"),
        "Gender": one_of("sex", {"1": "M", "2": "F", "9": "I"}, "'U'"), "LSOA_Code": "lsoa_code",
        "LSOA_Vintage": "lsoa_vintage", "Date_Registration": tpp_day("registration_start"),
        "Date_Deregistration": tpp_day("registration_end"),
        "Date_Death": tpp_day("if(end_reason = 'deceased', registration_end, null)"), "Registration_Status": "'GMS'",
        "ND_Opt_Out_Preference": "null", "Date_Extract": f"strftime({london('asked_at')}, {TPP_TIME})",
    },
    record_id="RowIdentifier", date="Date_Registration", number="NHS_Number", word="Registration_Status",
    local_time=True, new_id="99%07d", test_column="Test_Patient",
    never="30 Feb 2024 10:00:00", moment=TPP_TIME.strip("'"), booked="",
)  # fmt: skip
UK_DAY = "'%d/%m/%Y'"
CLOSED = {
    "completed": "Closed - Complete", "onward_referral": "Closed - Complete", "declined": "Closed - Client declined",
    "moved_away": "Closed - Client moved away", "deceased": "Closed - Client moved away",
}  # fmt: skip
ENDED_EARLY = "accepted_on is null and coalesce(rejected_on, declined_on) is not null"
CHARITYLOG = Feed(
    "referrals_charitylog_csv", "referrals", "cases",
    {
        "Case ID": "referral_id", "Client ID": "client_id", "Client": "client_name", "NHS Number": "nhs_number",
        "GP Practice": "practice_code",
        "Referred By": one_of("route", {"gp": "GP", "practice_staff": "Practice staff", "self": "Self",
                                        "voluntary_sector": "Voluntary sector",
                                        "local_authority": "Local authority"}, "'Other'"),
        "Reasons": "replace(reason_codes, ';', '|')",
        "Referral Stage": f"""
            case when closed_on is not null then {one_of("closure_reason", CLOSED, "'Closed - No answer'")}
                 when {ENDED_EARLY} then if(declined_on is null, 'Closed - No answer', 'Closed - Client declined')
                 when accepted_on is not null then 'Allocated' else 'Received' end""",
        "Date Received": f"strftime(received_on, {UK_DAY})", "Date Opened": f"strftime(accepted_on, {UK_DAY})",
        "Date Closed": f"""
            strftime(coalesce(closed_on, if({ENDED_EARLY}, coalesce(rejected_on, declined_on), null)), {UK_DAY})""",
        "Worker": "link_worker_id", "Notes": "notes",
        "Exported": f"strftime({london('asked_at')}, '%d/%m/%Y %H:%M')",
    },
    frozenset({"Notes"}), record_id="Case ID", date="Date Received", number="NHS Number", word="Referred By",
    name_column="Client", never="30/02/2024",
)  # fmt: skip
JOY = Feed(
    "referrals_joy_csv", "referrals", "joy_referrals",
    {
        "Referral ID": "referral_id", "Client ID": "client_id", "NHS Number": "nhs_number", "Practice": "practice_code",
        "Source": one_of("route", {"gp": "GP", "practice_staff": "Practice", "self": "Marketplace self-referral",
                                   "voluntary_sector": "Community organisation", "local_authority": "Council"},
                         "'Other'"),
        "Reasons": "reason_codes",
        "Status": """
            case when rejected_on is not null then 'Declined' when declined_on is not null then 'Declined by client'
                 when closed_on is not null and closure_reason in ('completed', 'onward_referral') then 'Completed'
                 when accepted_on is not null then 'Accepted' else 'Pending' end""",
        "Created": "received_on || 'T12:00:00Z'", "Accepted": "accepted_on || 'T12:00:00Z'",
        "Status Changed": """
            coalesce(rejected_on, declined_on, if(closure_reason in ('completed', 'onward_referral'), closed_on, null),
                     accepted_on, received_on) || 'T12:00:00Z'""",
        "Status Reason": "coalesce(rejection_reason, decline_reason)", "Exported": instant("asked_at"),
    },
    record_id="Referral ID", date="Created", number="NHS Number", word="Source", timed=True,
)  # fmt: skip
ODS, NHS = "https://fhir.nhs.uk/Id/ods-organization-code", "https://fhir.nhs.uk/Id/nhs-number"
ETHNIC = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory"
REASON_CANCELLED = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"


def resource(kind: str, **members: str) -> str:
    """SQL of a FHIR resource on one line; a member whose SQL is null is left out."""
    said = ", ".join(optional(name.rstrip("_"), sql) for name, sql in members.items())
    return f"""concat('{{"resourceType":"{kind}",', concat_ws(',', {said}), '}}')"""


def identifier(system: str, value: str) -> str:
    return f"{{'system': '{system}', 'value': {value}}}"


FHIR_PATIENTS = Feed(
    "fhir_r4_ndjson", "registrations", "Patient",
    line=resource(
        "Patient", id="patient_id", meta=f"{{'lastUpdated': {instant('asked_at')}}}",
        identifier=f"if(nhs_number = '', null, [{identifier(NHS, 'nhs_number')}])",
        gender=one_of("sex", {"1": "male", "2": "female", "9": "other"}, "'unknown'"),
        birthDate="date_of_birth::varchar",
        extension=f"""[{{'url': '{ETHNIC}', 'valueCodeableConcept': {{'coding': [{{'code': ethnic_category}}]}}}}]""",
        generalPractitioner=f"""[{{'identifier': {{'system': '{ODS}', 'value': practice_code, 'period':
            {{'start': registration_start::varchar,
              'end': if(end_reason = 'deceased', null, registration_end::varchar)}}}}}}]""",
        deceasedDateTime="if(end_reason = 'deceased', registration_end::varchar, null)",
    ),
)  # fmt: skip
FHIR_APPOINTMENTS = Feed(
    "fhir_r4_ndjson", "appointments", "Appointment",
    line=resource(
        "Appointment", id="appointment_id", meta=f"{{'lastUpdated': {instant('asked_at')}}}",
        status=one_of("status", {"Attended": "fulfilled", "DNA": "noshow", "Cancelled by Patient": "cancelled",
                                 "Cancelled by Unit": "cancelled"}, "'booked'"),
        cancelationReason=f"""if(status like 'Cancelled%', {{'coding': [{{'system': '{REASON_CANCELLED}',
            'code': if(status = 'Cancelled by Unit', 'prov', 'pat')}}]}}, null)""",
        serviceType="[{'text': national_category}]",
        start=instant(utc("slot_start")), created=instant(utc("booked_at")),
        participant=f"""[
            {{'actor': {{'reference': 'Patient/' || patient_id,
                         'identifier': if(nhs_number = '', null, {identifier(NHS, "nhs_number")})}}}},
            {{'actor': {{'reference': 'Practitioner/' || clinician_id, 'identifier': null}}}},
            {{'actor': {{'reference': null, 'identifier': {identifier(ODS, "practice_code")}}}}}]""",
    ),
)  # fmt: skip
VENDORS = (
    EMIS_APPOINTMENTS, EMIS_REGISTRATIONS, TPP_APPOINTMENTS, TPP_REGISTRATIONS, CHARITYLOG, JOY, FHIR_PATIENTS,
    FHIR_APPOINTMENTS,
)  # fmt: skip
