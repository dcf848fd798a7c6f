"""One referral, two senders: the practice's record of what it asked for and the service's of what it received."""

from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# `asked`: the requester states it; `booking`: the shared reference; `why`: the reasons.
EVENTS = """
person | record | event                     | on         | says
ann    | Q1     | referral.received         | 2025-03-03 | at=Z90231; route=gp; provider_code=LA; asked; why=LOCAL:DEBT
ann    | J1     | referral.received         | 2025-03-10 | at=Z90232; route=other; provider_code=LA; reasons=LOCAL:ARTS
ann    | J1     | referral.accepted         | 2025-03-12 | provider_code=LA
ann    | J-c    | contact.held              | 2025-03-13 | provider_code=LA; referral=J1
ann    | Q-c    | contact.held              | 2025-03-20 | provider_code=LA; referral=Q1
ann    | J1     | referral.closed           | 2025-05-01 | provider_code=LA; reason=completed
ann    | Q1     | referral.closed           | 2025-04-01 | provider_code=LA; asked; reason=other
bob    | Q2     | referral.received         | 2025-03-03 | at=Z90231; provider_code=LB; asked; booking=BK-1
bob    | J2     | referral.received         | 2025-04-20 | at=Z90231; provider_code=LA; booking=BK-1
cat    | Q3     | referral.received         | 2025-03-03 | at=Z90231; provider_code=LA; asked
cat    | J3     | referral.received         | 2025-03-18 | at=Z90231; provider_code=LA
dan    | Q4     | referral.received         | 2025-03-03 | at=Z90231; provider_code=LA; asked
dan    | J4     | referral.received         | 2025-03-05 | at=Z90231; provider_code=LA
dan    | J5     | referral.received         | 2025-03-12 | at=Z90231; provider_code=LA
eve    | Q6     | referral.received         | 2025-03-03 | at=Z90231; provider_code=LA; asked; booking=BK-2
fay    | J6     | referral.received         | 2025-03-05 | at=Z90231; provider_code=LA; booking=BK-2
gus    | Q7     | referral.received         | 2025-03-03 | at=Z90231; provider_code=LA; asked; booking=BK-3
gus    | J7     | referral.received         | 2025-03-05 | at=Z90231; provider_code=LA; booking=BK-4
hal    | Q8     | referral.received         | 2025-03-03 | at=Z90231; provider_code=LA; asked
hal    | Q8     | referral.entered_in_error | 2025-03-04 | provider_code=LA; asked
hal    | Q9     | referral.received         | 2025-03-04 | at=Z90231; provider_code=LA; asked
hal    | J9     | referral.received         | 2025-03-06 | at=Z90231; provider_code=LA
ida    | Q10    | referral.received         | 2025-03-03 | at=Z90233; provider_code=LA; asked
local  | J10    | referral.received         | 2025-03-06 | at=Z90233; provider_code=LA; by_local_id; booking=BK-5
ida    | J11    | referral.received         | 2025-03-17 | at=Z90233; provider_code=LA
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    said = {"asked": "stated_by=requester", "booking=": "shared_reference=", "by_local_id": "identity_quality=local"}
    events = EVENTS.replace("why=", "reasons=")
    for short, long in said.items():
        events = events.replace(short, long)
    warehouse.add(scope, events)
    for code in ("Z90231", "Z90232", "Z90233"):
        warehouse.practice(code, pcn="U99231", icb="QU7")


def link(marts: Scenario, record: str) -> tuple[str, str]:
    """Which record's referral a record stands for, and how that is known."""
    row = marts.row(
        "select referral_id, basis from fct_referral_links where record_id = $id", id=text_id(marts.scope, record)
    )
    names = {text_id(marts.scope, f"{kind}{n}"): f"{kind}{n}" for kind in "QJ" for n in range(1, 12)}
    return names[row["referral_id"]], row["basis"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("Q1", ("J1", "person_service_day")),
        ("J1", ("J1", "person_service_day")),
        ("Q2", ("J2", "shared_reference")),  # whatever service and day it has
        ("J2", ("J2", "shared_reference")),
        ("Q3", ("Q3", "none")),  # 15 days apart
        ("J3", ("J3", "none")),
        ("Q4", ("Q4", "ambiguous")),  # two of the service's could be it
        ("J4", ("J4", "ambiguous")),
        ("J5", ("J5", "ambiguous")),
        ("Q6", ("Q6", "none")),  # one reference, two people who are both known
        ("J6", ("J6", "none")),
        ("Q7", ("Q7", "none")),  # two references, so two referrals
        ("J7", ("J7", "none")),
        ("Q9", ("J9", "person_service_day")),  # what was entered in error makes nothing ambiguous
        ("Q10", ("J11", "person_service_day")),
    ],
)
def test_which_records_are_one_referral(marts: Scenario, record: str, expected: tuple[str, str]) -> None:
    assert link(marts, record) == expected


def test_of_the_request_the_requester_is_right_and_of_its_course_the_performer(marts: Scenario) -> None:
    referral = marts.referral("J1")
    assert (referral["practice_code"], referral["route"]) == ("Z90231", "gp")
    assert referral["primary_reason_category"] == "money_benefits"
    assert (str(referral["received_on"]), str(referral["accepted_on"])) == ("2025-03-10", "2025-03-12")
    assert (str(referral["closed_on"]), referral["closure_reason"]) == ("2025-05-01", "completed")
    assert marts.rows("select 1 from fct_referrals where referral_id = $id", id=text_id(marts.scope, "Q1")) == []


def test_what_names_either_record_belongs_to_the_referral(marts: Scenario) -> None:
    assert marts.referral("J1")["contacts_held"] == 2
    contacts = marts.rows(
        "select has_referral from fct_contacts where referral_id = $id", id=text_id(marts.scope, "J1")
    )
    assert contacts == [{"has_referral": True}] * 2
    pending = marts.rows("select referral_id from fct_pending_references")
    assert not {row["referral_id"] for row in pending} & {text_id(marts.scope, r) for r in ("Q1", "J1")}


def test_a_referral_that_two_report_counts_once_and_uptake_says_how_many_are(marts: Scenario) -> None:
    row = cell(marts, "Z90231")
    # Linked: ann, bob, hal. Apart: cat 2, gus 2, eve and fay. Ambiguous: dan's three.
    assert (row["referrals"], row["people"], row["linked"], row["ambiguous"]) == (12, 8, 3, 3)
    assert row["linked_share"] == pytest.approx(3 / 12)
    waits = marts.rows(
        """select distinct referrals, linked, ambiguous, linked_share from rpt_uptake_times
        where area_code = 'Z90231' and period_type = 'year' and breakdown = 'none'"""
    )
    assert [tuple(wait.values()) for wait in waits] == [(12, 3, 3, pytest.approx(3 / 12))]


def test_only_a_reference_joins_who_is_known_by_number_and_who_is_not(marts: Scenario) -> None:
    assert link(marts, "J10") == ("J10", "none")
    assert cell(marts, "Z90233")["linked"] == 1


def cell(marts: Scenario, practice: str) -> dict[str, Any]:
    return marts.row(
        """select * from rpt_uptake where period_type = 'year' and area_level = 'practice' and breakdown = 'none'
        and area_code = $practice and stage = 'referred'""",
        practice=practice,
    )
