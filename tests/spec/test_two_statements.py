"""Requester and performer both speak of a referral; an appointment and its encounter both say what became of it."""

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, key, text_id

EVENTS = """
person | record | event                     | on         | says
ann    | R1     | referral.received         | 2025-05-01 | at=Z90801; route=self; stated_by=requester
bob    | R2     | referral.received         | 2025-05-01 | at=Z90801; stated_by=requester
bob    | R2     | referral.cancelled        | 2025-05-09 | stated_by=requester; cancelled_by=requester
cat    | R3     | referral.received         | 2025-05-01 | at=Z90801; stated_by=requester
cat    | R3     | referral.entered_in_error | 2025-05-02 | stated_by=requester; asserted=2025-05-02
cat    | C1     | contact.held              | 2025-05-08 | referral=R3; provider_code=ZSP81
"""
PRACTICE = {"pcn": "U99801", "icb": "QF8"}


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z90801", **PRACTICE)
    # Records of the performer are others, and tell of the requester's stream.
    for record, stream, event, on in (
        ("T1", "R1", "referral.received", "2025-05-03"),
        ("T1", "R1", "referral.accepted", "2025-05-05"),
        ("T9", "R9", "referral.received", "2025-05-03"),
    ):
        warehouse.event(scope, "ann", record, event, on, stated_by="performer", provider_code="ZSP81", referral=stream)
        warehouse.events[-1]["stream_id"] = warehouse.events[-1]["correlation_id"]
    slot = key(scope, "A1")
    for record, event, mode in (
        ("A1", "appointment.booked", "Telephone"),
        ("A1", "appointment.missed", "Telephone"),
        ("E1", "appointment.attended", "Face-to-Face"),
    ):
        warehouse.event(scope, "eve", record, event, "2025-06-02", at="Z90801", mode=mode)
        warehouse.events[-1]["stream_id"] = slot


def test_the_performer_says_when_it_was_received_and_by_whom(marts: Scenario) -> None:
    referral = marts.referral("R1")
    assert (str(referral["decided_on"]), str(referral["received_on"])) == ("None", "2025-05-03")
    assert (str(referral["accepted_on"]), referral["service_code"]) == ("2025-05-05", "ZSP81")
    assert (referral["route"], referral["state"]) == ("self", "active")


def test_e05_a_cancelled_referral_counts_and_one_entered_in_error_does_not(marts: Scenario) -> None:
    cancelled = marts.referral("R2")
    assert (cancelled["state"], str(cancelled["cancelled_on"]), cancelled["cancelled_by"]) == (
        "cancelled",
        "2025-05-09",
        "requester",
    )
    assert cancelled["is_ended"]
    assert marts.rows("select 1 from fct_referrals where referral_id = $id", id=text_id(marts.scope, "R3")) == []
    row = marts.row("""
        select referrals from rpt_uptake
        where period_type = 'month' and area_level = 'pcn' and area_code = 'U99801' and breakdown = 'none'
            and stage = 'referred'
    """)
    assert row["referrals"] == 2


def test_a_contact_of_a_referral_entered_in_error_is_still_a_contact_and_waits_for_nothing(marts: Scenario) -> None:
    contact = marts.row("select has_referral from fct_contacts where service_code = 'ZSP81'")
    assert not contact["has_referral"]
    missing = "select 1 from fct_pending_references where referral_id = $id"
    assert marts.rows(missing, id=text_id(marts.scope, "R3")) == []


def test_what_a_performer_alone_says_is_pending_and_no_referral(marts: Scenario) -> None:
    row = marts.row(
        "select categories, facts from fct_pending_references where referral_id = $id", id=text_id(marts.scope, "R9")
    )
    assert row == {"categories": "referral", "facts": 1}
    assert marts.rows("select 1 from fct_referrals where referral_id = $id", id=text_id(marts.scope, "R9")) == []


def test_an_appointment_and_its_encounter_are_one_slot_and_to_be_seen_outweighs(marts: Scenario) -> None:
    rows = marts.rows("select status, mode from fct_appointments where practice_code = 'Z90801'")
    assert rows == [{"status": "attended", "mode": "Face-to-Face"}]
