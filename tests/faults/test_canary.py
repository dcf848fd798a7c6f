"""F68, F91: what identifies a person is found nowhere below the home but in zone 1, and there only sealed.

Every installed feed of the region is delivered with planted values, good records and refused ones; then every file is
searched, byte by byte and, where it is Parquet, value by value.
"""

import json

import pytest
import structlog

from linkwork import engine
from linkwork.log.catalogue import Catalogue
from linkwork.privacy import vault
from linkwork.privacy.keys import key_files, load_keys
from tests.faults.test_values import A_HEADER, R_HEADER
from tests.support.faults import fates, lines, put, use_installed
from tests.support.log import add_sender, ingest, make_home

NUMBER = "9990000042"
PLANTED = {
    "NHS number": NUMBER,
    "NHS number as printed": "999 000 0042",
    "wrong NHS number": "9990000043",
    "family name": "Quillfeather",
    "given name": "Marmaduke",
    "postcode": "ZZ99 9ZZ",
    "day of birth": "1950-05-17",
    "free text": "lonely since the flood",
    "telephone in free text": "07700 900123",
    "local id": "patient-xq-7781",
    "clinician": "clinician-xq-12",
    "link worker": "worker-xq-34",
    "referrer": "referrer-xq-56",
}
P = PLANTED
T = "2025-11-01T02:00:00Z"
REFERRALS = (
    "referral_id,practice_code,client_id,nhs_number,route,referrer_role,referrer_id,connector_model,reason_codes,"
    "decided_on,received_on,accepted_on,rejected_on,rejection_reason,declined_on,decline_reason,on_hold_on,closed_on,closure_reason,"
    "link_worker_id,notes,extract_at"
)
ACTIVITY = (
    "event_id,referral_service,referral_ref,client_name,nhs_number,event,session_date,asset_id,asset_name,category,delivery,"
    "role,cancelled_by,recorded_at"
)


def registration(id: str, nhs: str, start: str) -> str:
    person = f"{P['local id']},{nhs},{P['family name']},{P['given name']},{P['day of birth']},{P['postcode']}"
    return f"{id},Z90001,{person},2,A,E01000001,2021,DM,{start},,,{T}"


def slot(id: str, nhs: str, status: str) -> str:
    who, seen_by = P["local id"], P["clinician"]
    return f"{id},Z90001,Z90001,{who},{nhs},,2025-07-01 09:00:00,{status},GP,R0260,Telephone,,,,{seen_by},{T}"


def referral(id: str, nhs: str, received: str) -> str:
    note = f"{P['free text']} {P['telephone in free text']} {NUMBER}"
    return (
        f"{id},Z90001,{P['local id']},{nhs},gp,GP,{P['referrer']},link_worker,LOCAL:DEBT,,{received},,,,,,,,,"
        f'{P["link worker"]},"{note}",{T}'
    )


def session(id: str, nhs: str, day: str) -> str:
    who = f"{P['given name']} {P['family name']}"
    return f"{id},ZSP01,ref1,{who},{nhs},attended,{day},a1,Choir,arts,group,participant,,{T}"


def contact(id: str, nhs: str, minutes: object) -> str:
    data = {
        "clientId": P["local id"],
        "nhsNumber": nhs,
        "linkWorkerId": P["link worker"],
        "note": f"{P['free text']} {NUMBER}",
        "minutes": minutes,
    }
    return json.dumps(
        {
            "specversion": "1.0",
            "id": id,
            "type": "org.linkwork.contact.held",
            "time": T,
            "recordedtime": T,
            "data": data,
        }
    )


FILES = {
    ("registrations_csv", "Z90001"): lines(
        registration("g1", NUMBER, "2001-01-01"),
        registration("g2", P["NHS number as printed"], "2001-01-01"),
        registration("g3", P["wrong NHS number"], "2001-01-01"),
        registration("g4", NUMBER, "2001-02-30"),
        registration("g5", NUMBER, "2001-01-01") + ",one,more",
        header=R_HEADER,
    ),
    ("gp_appointments_csv", "Z90001"): lines(
        slot("s1", NUMBER, "Attended"), slot("s2", "", "DNA"), slot("s3", NUMBER, P["free text"]), header=A_HEADER
    ),
    ("referrals_csv", "ZSP01"): lines(
        referral("r1", NUMBER, "2025-05-01"),
        referral("r2", "", "2025-05-01"),
        referral("r3", NUMBER, P["family name"]),
        f'"{P["family name"]},{NUMBER}',
        header=REFERRALS,
    ),
    ("activity_csv", "ZVC01"): lines(
        session("v1", NUMBER, "2025-06-01"), session("v2", P["wrong NHS number"], "2025-06-01"), header=ACTIVITY
    ),
    ("link_worker_jsonl", "ZSP01"): "\n".join(
        [contact("c1", NUMBER, 30), contact("c2", NUMBER, P["free text"]), contact("c3", NUMBER, 1)[:-9], ""]
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory, request):
    settings = make_home(tmp_path_factory.mktemp("canary"))
    feeds = sorted({feed for feed, _ in FILES})
    use_installed(settings, *feeds)
    for sender in ("Z90001", "ZSP01", "ZVC01"):
        add_sender(settings, sender, [feed for feed, code in FILES if code == sender])
    for (feed, sender), content in FILES.items():
        put(settings, f"{feed}.txt", content, feed=feed, sender=sender)
    with structlog.testing.capture_logs() as said:
        ingest(settings)
    settings.quality_dir.mkdir(parents=True, exist_ok=True)
    (settings.quality_dir / "said.json").write_text(json.dumps(said, default=str))
    return settings


def texts(path) -> str:
    """Every value of a Parquet file as text."""
    with engine.connect() as con:
        return str(con.execute(f"select columns(*)::varchar from read_parquet({engine.text(path)})").fetchall())


def test_every_feed_gave_good_and_refused_records(home):
    for name, fate in fates(home).items():
        assert fate.accepted > 0, name
        assert fate.quarantined > 0, name


def test_what_was_planted_is_in_the_files_as_sent(home):
    key = load_keys(home).zone1
    raw = b"".join(vault.unseal(p, key) for p in home.raw_dir.iterdir()).decode()
    kept = b"".join(vault.unseal(p, key) for p in home.quarantine_raw_dir.iterdir()).decode()
    for what, value in PLANTED.items():
        assert value in raw, what
    for what in ("NHS number", "wrong NHS number", "family name", "free text", "local id"):
        assert PLANTED[what] in kept, what


def test_f91_no_byte_of_any_file_holds_it_not_even_in_zone_1(home):
    searched = 0
    for path in (p for p in home.home.rglob("*") if p.is_file()):
        searched += 1
        content = path.read_bytes()
        for what, value in PLANTED.items():
            assert value.encode() not in content, f"{what} in {path}"
            assert value.encode("utf-16-le") not in content, f"{what} in {path}"
        assert not path.is_relative_to(home.landing_dir), "a committed file is still in the landing folder"
    assert searched > 20


def test_no_value_of_any_parquet_file_holds_it(home):
    found = [p for p in home.home.rglob("*.parquet") if "restricted" not in p.parts]
    assert len(found) > 8
    shown = {path: texts(path) for path in found}
    for path, text in shown.items():
        for what, value in PLANTED.items():
            assert value not in text, f"{what} in {path}"
    assert any("Choir" in text or "LOCAL:DEBT" in text for text in shown.values())  # the search reads values


def test_f68_no_key_is_anywhere_below_the_home(home):
    secrets = [path.read_text().strip() for path in key_files(home).values()]
    for path in (p for p in home.home.rglob("*") if p.is_file()):
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content
            assert bytes.fromhex(secret) not in content


def test_zone_1_is_closed_to_others(home):
    for path in (home.raw_dir, home.quarantine_raw_dir):
        assert path.stat().st_mode & 0o077 == 0
        assert all(p.stat().st_mode & 0o077 == 0 for p in path.iterdir())


def test_a_birth_date_is_kept_as_a_month_only(home):
    with engine.connect() as con:
        segments = home.log_dir / "events" / "category=person"
        found = con.execute(
            f"select distinct person_birth_month::varchar from read_parquet({engine.text(segments / '*.parquet')})"
        ).fetchall()
    assert found == [("1950-05-01",)]
    assert Catalogue.current().categories["person"].columns["birth_month"] == "date"
