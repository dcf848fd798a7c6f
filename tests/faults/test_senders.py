"""Who may send, until when, and from which system: files that are refused, and records that a supplier reloaded."""

import os
from datetime import UTC, date, datetime

import pytest

from ingestion import senders
from ingestion.senders import SourceSystem
from linkwork import reference
from linkwork.errors import UsageError
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.faults import fates, good, lines, put, use_installed
from tests.support.log import SENDER, add_sender, ingest, make_home, rows

APPOINTMENTS = (
    "appointment_id,practice_code,site_code,patient_id,nhs_number,booked_at,slot_start,status,hcp_type,staff_role,"
    "appt_mode,national_category,context_type,service_setting,clinician_id,extract_at"
)
PRACTICE = "Z90001"


def appointment(id, slot, extract, status="Attended", nhs="9990000018"):
    return (
        f"{id},{PRACTICE},,p1,{nhs},2024-01-02 09:00:00,{slot} 10:00:00,{status},GP,R0260,Face-to-Face,"
        f"General Consultation Routine,Care Related Encounter,General Practice,c1,{extract}T02:00:00Z"
    )


def register(settings, code=SENDER, feeds=("test_state",), systems="test", **more):
    """Register a sender with source systems as they are written."""
    base = {"code": code, "name": code, "kind": "practice", "feeds": list(feeds), **more}
    known = senders.check(senders.parse(systems))
    reference.add_rows(
        settings.reference_dir, "senders", "code",
        [base | {"source_system": s.name, "valid_from": s.valid_from, "valid_to": s.valid_to} for s in known],
    )  # fmt: skip


def received(settings, name, content, on, **where):
    put(settings, name, content, **where)
    (path,) = settings.landing_dir.rglob(name)
    at = datetime.fromisoformat(f"{on}T06:00:00+00:00").timestamp()
    os.utime(path, (at, at))


@pytest.mark.parametrize(("on", "status", "says"), [
    ("2025-03-31", "refused", "The agreement DSA-12 begins on 2025-04-01; the file was received on 2025-03-31."),
    ("2025-04-01", "committed", None),
    ("2025-09-30", "committed", None),
    ("2025-10-01", "refused", "The agreement DSA-12 ended on 2025-09-30"),
])  # fmt: skip
def test_a_file_outside_the_agreement_is_refused_and_says_why(home, on, status, says):
    days = {"agreement_from": date(2025, 4, 1), "agreement_to": date(2025, 9, 30)}
    register(home, agreement="DSA-12", **days)
    received(home, "f.csv", lines(good("a")), on)
    ingest(home)
    found = fates(home)["f.csv"]
    assert found.status == status
    assert (found.detail or "").startswith(says or "")
    assert len(list(home.landing_dir.rglob("f.csv"))) == (status == "refused")


def test_a_refused_file_is_taken_once_the_agreement_is_renewed(home):
    register(home, agreement="DSA-12", agreement_to=date(2025, 9, 30))
    received(home, "f.csv", lines(good("a")), "2025-10-01")
    ingest(home)
    register(home, agreement="DSA-13", agreement_to=date(2026, 9, 30))
    ingest(home)
    assert fates(home)["f.csv"].status == "committed"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A practice that went over from TPP to EMIS on 1 March 2025, and reloaded its history there under new ids."""
    settings = make_home(tmp_path_factory.mktemp("migrated"))
    use_installed(settings, "gp_appointments_csv")
    register(settings, PRACTICE, ["gp_appointments_csv"], "TPP@..2025-02-28;EMIS@2025-03-01..")
    old = [appointment("t1", "2025-01-10", "2025-02-20"), appointment("t2", "2025-03-05", "2025-02-20", "Booked")]
    new = [
        appointment("e1", "2025-01-10", "2025-03-20"),  # t1, reloaded
        appointment("e2", "2025-03-05", "2025-03-20"),  # t2, which took place in the new system
        appointment("e3", "2025-03-06", "2025-03-20"),
    ]
    late = [appointment("t1", "2025-01-10", "2025-02-27", "DNA")]
    for name, content in (("1-tpp.csv", old), ("2-emis.csv", new), ("3-late.csv", late)):
        text = lines(*content, header=APPOINTMENTS)
        put(settings, name, text, feed="gp_appointments_csv", sender=PRACTICE)
        ingest(settings)
    return settings


def test_e15_what_a_new_supplier_reloaded_is_skipped_and_counted(migrated):
    found = {name: (f.records, f.accepted, f.duplicate, f.skipped) for name, f in fates(migrated).items()}
    assert found == {"1-tpp.csv": (2, 2, 0, 0), "2-emis.csv": (3, 2, 0, 1), "3-late.csv": (1, 1, 0, 0)}
    assert verify(Store(migrated.log_dir)).problems == []


def test_each_record_belongs_to_the_system_in_use_when_it_was_stated(migrated):
    found = rows(migrated, "events", "distinct source_record_ref, source_system", "order by all")
    assert found == [("e2", "EMIS"), ("e3", "EMIS"), ("t1", "TPP"), ("t2", "TPP")]


def test_a_late_file_of_the_old_system_corrects_its_own_record(migrated):
    found = rows(
        migrated, "events", "event_type, revision_kind",
        "where source_record_ref = 't1' and event_type <> 'appointment.booked' order by global_position",
    )  # fmt: skip
    assert found == [("appointment.attended", "original"), ("appointment.missed", "revision")]


@pytest.mark.parametrize("slot", ["2025-02-30", ""])
def test_a_record_of_no_readable_day_is_not_taken_for_history(tmp_path, slot):
    """It was booked before the new system, and may take place in it."""
    settings = make_home(tmp_path)
    use_installed(settings, "gp_appointments_csv")
    register(settings, PRACTICE, ["gp_appointments_csv"], "TPP@..2025-02-28;EMIS@2025-03-01..")
    fine = [appointment(f"e{n}", "2025-03-06", "2025-03-20") for n in range(30)]
    unread = appointment("u", slot, "2025-03-20").replace(",  10:00:00,", ",,").replace(", 10:00:00,", ",,")
    put(settings, "f.csv", lines(*fine, unread, header=APPOINTMENTS), feed="gp_appointments_csv", sender=PRACTICE)
    ingest(settings)
    found = fates(settings)["f.csv"]
    assert (found.accepted, found.skipped, found.quarantined) == (30, 0, 1)


def test_a_registration_from_before_the_new_system_is_no_reload(tmp_path):
    """It goes on: the new system states it, and is the only one that will state its end."""
    settings = make_home(tmp_path)
    register(settings, systems="TPP@..2025-02-28;EMIS@2025-03-01..")
    put(settings, "f.csv", lines(good("a", 1, "2024-01-02")))
    ingest(settings)
    assert fates(settings)["f.csv"].accepted == 1


def test_what_happened_on_the_first_day_of_a_new_system_is_its_own_in_summer_time_too(tmp_path):
    settings = make_home(tmp_path)
    use_installed(settings, "activity_csv")
    register(settings, "ZAB01", ["activity_csv"], "own@..2025-06-30;other@2025-07-01..")
    header = (
        "event_id,referral_service,referral_ref,client_name,nhs_number,event,session_date,asset_id,"
        "asset_name,category,delivery,role,cancelled_by,recorded_at"
    )
    days = [
        f"a{n},,,,9990000018,attended,2025-{day},WALK-1,,,group,participant,,2025-07-03T12:00:00Z"
        for n, day in enumerate(("06-30", "07-01"))
    ]
    put(settings, "f.csv", lines(*days, header=header), feed="activity_csv", sender="ZAB01")
    ingest(settings)
    found = fates(settings)["f.csv"]
    assert (found.status, found.accepted, found.skipped) == ("committed", 1, 1), found.detail
    assert rows(settings, "events", "distinct source_record_ref, occurred_on::varchar") == [("a1", "2025-07-01")]


@pytest.mark.parametrize(("systems", "skipped"), [
    ("TPP@2025-06-02..", 1), ("TPP@..2025-05-31", 1), ("TPP@2025-06-01..2025-06-01", 0),
])  # fmt: skip
def test_a_record_stated_when_no_system_was_in_use_is_skipped(home, systems, skipped):
    register(home, systems=systems)
    put(home, "f.csv", lines(good("a", 1)))  # stated on 1 June 2025
    ingest(home)
    assert fates(home)["f.csv"].skipped == skipped


def test_source_systems_are_written_and_read_alike():
    for text in ("TPP", "TPP@..2025-02-28;EMIS@2025-03-01..", "A B@2020-01-01..2020-12-31"):
        assert ";".join(map(str, senders.parse(text))) == text
    assert senders.parse("TPP@2025-03-01..") == (SourceSystem("TPP", date(2025, 3, 1), None),)


@pytest.mark.parametrize(
    "wrong", ["TPP@2025-13-01..", "TPP@..2025-03-01;EMIS@2025-03-01..", "TPP;EMIS", "A@2025-02-01..2025-01-01"]
)
def test_source_systems_that_overlap_or_have_no_days_are_refused(wrong):
    with pytest.raises(UsageError):
        senders.check(senders.parse(wrong))


def test_senders_registered_by_an_earlier_version_are_still_known(home):
    """Its reference data has no dates of an agreement."""
    add_sender(home, "S9", ["test_state"])
    assert datetime.now(UTC)  # the day does not matter without an agreement
    found = senders.registered(home.reference_dir)["S9"]
    assert (found.source_system, found.agreement_to, found.withdrawn_on) == ("test", None, None)
