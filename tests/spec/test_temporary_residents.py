"""A registration that is on no list, as that of a temporary resident: kept, and in no count of registered people."""

from datetime import UTC, date, datetime
from typing import Any

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Practice Z97861 sends appointments all through 2025. Ann and bob are on its list; bob spends a summer at Z97862 as a
# temporary resident. Cat has no other registration than such a one with Z97861, dan one of another kind.
EVENTS = """
person | record | event                | on         | says
ann    | A-r    | registration.started | 2010-01-01 | at=Z97861; type=registered
bob    | B-r    | registration.started | 2010-01-01 | at=Z97861
bob    | B-t    | registration.started | 2025-06-01 | at=Z97862; type=temporary_resident
bob    | B-t    | registration.ended   | 2025-08-31 | at=Z97862; end_reason=other
cat    | C-t    | registration.started | 2025-01-10 | at=Z97861; type=temporary_resident; load=list
cat    | C-p    | person.described     | 2025-01-10 | at=Z97861; sex=female; birth_month=1990-01-01
dan    | D-o    | registration.started | 2010-01-01 | at=Z97861; type=other; load=list
eve    | E-r    | registration.started | 2010-01-01 | at=Z97861; load=list
ann    | A1     | referral.received    | 2025-07-07 | at=Z97861; route=gp; decided_on=2025-07-07
bob    | B1     | referral.received    | 2025-07-07 | at=Z97862; route=gp; decided_on=2025-07-07
cat    | C1     | referral.received    | 2025-07-07 | at=Z97861; route=gp; decided_on=2025-07-07
cat    | C-1    | appointment.attended | 2025-07-20 | at=Z97861
dan    | D1     | referral.received    | 2025-07-07 | at=Z97861; route=gp; decided_on=2025-07-07
zoe    | Z-1    | appointment.attended | 2025-01-01 | at=Z97861
zoe    | Z-2    | appointment.attended | 2026-01-31 | at=Z97861
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for code in ("Z97861", "Z97862"):
        warehouse.practice(code, pcn="U97861", icb="QTR")
    at = datetime(2025, 7, 31, 6, tzinfo=UTC)
    fates = dict.fromkeys(("records", "accepted", "duplicate", "superseded", "conflict", "quarantined", "skipped"), 0)
    warehouse.loads.append(
        {
            "load_id": f"{scope}/list", "feed": "registrations_csv", "sender": "Z97861", "file_name": "list.csv",
            "received_at": at, "recorded_at": at, "status": "committed", "contract_version": "1.1.0", **fates,
            "records": 3, "accepted": 3, "events": 3,
        }
    )  # fmt: skip


def funnel(marts: Scenario, quarter: date = date(2025, 7, 1)) -> dict[str, Any]:
    return marts.row(
        """select people, people_registered, registered from rpt_practice_funnel
        where practice_code = 'Z97861' and period_type = 'quarter' and period_start = $start""",
        start=quarter,
    )


def test_e43_a_temporary_resident_is_in_no_rate_of_registered_people(marts: Scenario) -> None:
    """Four were referred by, or are with, the practice; three are on its list, of whom ann and bob were referred."""
    assert funnel(marts) == {"people": 4, "people_registered": 2, "registered": 3}
    census = marts.row(
        """select sum(people)::bigint as n from fct_registered_people
        where practice_code in ('Z97861', 'Z97862') and census_on = date '2025-07-01'"""
    )
    assert census == {"n": 3}


def test_e43_a_temporary_resident_stays_with_the_practice_that_has_them_on_its_list(marts: Scenario) -> None:
    referral = marts.referral("B1")
    assert (referral["practice_code"], referral["practice_basis"]) == ("Z97861", "registration")


def test_e43_whoever_is_on_no_list_keeps_what_is_stated_of_them(marts: Scenario) -> None:
    for record in ("C1", "D1"):
        referral = marts.referral(record)
        assert (referral["practice_code"], referral["practice_basis"]) == ("Z97861", "stated")
    assert marts.referral("C1")["sex"] == "female"
    person = marts.rows("select 1 from fct_gp_contacts where person_id = $id", id=text_id(marts.scope, "cat"))
    assert len(person) == 1


def test_e43_contacts_of_whoever_has_a_practice_elsewhere_are_not_followed(marts: Scenario) -> None:
    inclusion = {
        record: marts.row(
            "select distinct inclusion from fct_reattendance where referral_id = $id", id=text_id(marts.scope, record)
        )["inclusion"]
        for record in ("A1", "B1", "C1", "D1")
    }
    assert inclusion == {"A1": "included", "B1": "included", "C1": "not_covered", "D1": "not_covered"}


def test_e43_registrations_that_are_on_no_list_are_counted_by_sender(marts: Scenario) -> None:
    row = marts.row("select registrations, registrations_off_list from rpt_data_quality where sender = 'Z97861'")
    assert row == {"registrations": 3, "registrations_off_list": 2}
