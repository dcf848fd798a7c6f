"""The same facts as a FHIR bulk export, as one Bundle and as CSV files give the same rows in the marts."""

import pytest

from ingestion.contract import load_contract
from linkwork import engine
from linkwork.log.catalogue import Catalogue
from linkwork.settings import Settings
from tests.support.fhir import ODS, appointment, bundle, coded, ndjson, patient, ref, request, task
from tests.support.marts import build_some

NUMBER = "9990000018"
SERVICE = "ZSP61"
PRACTICE = {"identifier": {"system": ODS, "value": "Z90101"}}
COMPARED = {
    "dim_people": "person_id, identity_quality, sex, birth_month, ethnic_category",
    "fct_appointments": """person_id, practice_code, slot_on, booked_on, status, hcp_type, mode, national_category,
        contact_class""",
    "fct_referrals": """person_id, practice_code, service_code, route, primary_reason_category, decided_on, received_on,
        accepted_on, closed_on, closure_reason, state, enrolment_outcome, age_at_referral""",
}  # fmt: skip
# Bulk exports come a file for each type, in any order.
PATIENT = patient(
    "p1",
    NUMBER,
    gender="female",
    birthDate="1960-02-03",
    extension=[
        {
            "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory",
            "valueCodeableConcept": {"coding": [{"code": "A"}]},
        },
        {"url": "https://example.org/unheard-of", "valueString": "x"},
    ],
    generalPractitioner=[{"identifier": PRACTICE["identifier"] | {"period": {"start": "2020-01-01"}}}],
)
SEEN = appointment(
    "a1",
    "fulfilled",
    specialty=[coded("394814009")],
    serviceType=[{"text": "General Consultation Routine"}],
    extension=[
        {
            "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeliveryChannel",
            "valueCodeableConcept": {"coding": [{"code": "Telephone"}]},
        }
    ],
    participant=[{"actor": ref("Patient", "p1")}, {"actor": PRACTICE}],
)
REQUEST = request(
    "r1",
    requester=ref("Patient", "p1") | PRACTICE,
    reasonCode=[coded("267076002"), coded("105531004")],
)
DONE = task(
    "t1",
    "r1",
    "completed",
    executionPeriod={"start": "2025-05-06", "end": "2025-06-20"},
    owner=ref("Practitioner", "w1"),
)
OTHER = {"resourceType": "Organization", "id": "o1"}

CSV = {
    "registrations_csv": (
        "registration_id,practice_code,patient_id,nhs_number,family_name,given_name,date_of_birth,postcode,sex,"
        "ethnic_category,lsoa_code,lsoa_vintage,long_term_conditions,registration_start,registration_end,end_reason,"
        "extract_at\n"
        f"x1,Z90101,p1,{NUMBER},,,1960-02-03,,2,A,,,,2020-01-01,,,2025-07-01T08:00:00Z\n"
    ),
    "gp_appointments_csv": None,
    "referrals_csv": (
        "referral_id,practice_code,client_id,nhs_number,route,referrer_role,referrer_id,connector_model,reason_codes,"
        "decided_on,received_on,accepted_on,rejected_on,rejection_reason,declined_on,decline_reason,on_hold_on,closed_on,"
        "closure_reason,link_worker_id,notes,extract_at\n"
        f"r1,Z90101,p1,{NUMBER},self,,,,267076002;105531004,2025-05-01,2025-05-02,2025-05-06,,,,,,2025-06-20,completed,"
        "w1,,2025-07-01T08:00:00Z\n"
    ),
}
SLOT = {
    "appointment_id": "a1",
    "practice_code": "Z90101",
    "site_code": "Z90101",
    "patient_id": "p1",
    "nhs_number": NUMBER,
    "booked_at": "2025-05-20 12:00:00",
    "slot_start": "2025-06-02 09:30:00",
    "status": "Attended",
    "hcp_type": "GP",
    "appt_mode": "Telephone",
    "national_category": "General Consultation Routine",
    "context_type": "Care Related Encounter",
    "extract_at": "2025-07-01T08:00:00Z",
}


def taken(install, name: str, files: dict[tuple[str, str], str]) -> dict[str, list[dict]]:
    """The rows of a home that gets these files (feed and file name to text), and nothing else."""
    made = install(name)
    feeds = sorted({feed for feed, _ in files})
    made.run(
        "sender", "add", SERVICE, "--name", "A service", "--source-system", "test",
        *[word for feed in feeds for word in ("--feed", feed)],
    )  # fmt: skip
    for (feed, file), text in files.items():
        folder = made.folder / "landing" / feed / SERVICE
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    made.run("ingest", "--landing", "landing")
    build_some(Settings(home=made.home, keys_dir=made.folder / "keys"), *COMPARED)
    rows = {}
    with engine.connect(made.home / "warehouse" / "warehouse.duckdb", read_only=True) as con:
        for table, columns in COMPARED.items():
            cursor = con.execute(f"select {columns} from {table} order by all")
            names = [d[0] for d in cursor.description or []]
            rows[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    # Each home has pseudonyms of its own, so people are compared by their number in each.
    people = {row["person_id"]: f"person {n}" for n, row in enumerate(rows["dim_people"])}
    assert [load["status"] for load in made.json("load", "list")] == ["committed"] * len(files)
    return {table: [r | {"person_id": people[r["person_id"]]} for r in found] for table, found in rows.items()}


def gp_appointments() -> str:
    installed = Settings.model_fields["contracts_dir"].default / "gp_appointments_csv.yaml"
    columns = [p.header for p in load_contract(installed, Catalogue.current()).properties]
    return ",".join(columns) + "\n" + ",".join(SLOT.get(c, "") for c in columns) + "\n"


@pytest.fixture(scope="module")
def as_csv(install):
    return taken(install, "as_csv", {(feed, "f.csv"): text or gp_appointments() for feed, text in CSV.items()})


FORMS = {
    "bulk": {
        "1.Task.ndjson": ndjson(DONE),
        "2.ServiceRequest.ndjson": ndjson(REQUEST),
        "3.Appointment.ndjson": ndjson(SEEN),
        "4.Patient.ndjson": ndjson(PATIENT, OTHER),
    },
    "bundle": {"all.json": bundle(SEEN, REQUEST, OTHER, PATIENT, DONE, kind="searchset")},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_facts_give_the_same_rows(install, as_csv, form):
    found = taken(install, form, {("fhir_r4_ndjson", name): text for name, text in FORMS[form].items()})
    for table, rows in as_csv.items():
        assert found[table] == rows, table
    assert (len(found["dim_people"]), len(found["fct_referrals"]), len(found["fct_appointments"])) == (1, 1, 1)
