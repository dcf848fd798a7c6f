"""Contacts of which nobody says who the person was seen by: with any clinician, and with a GP in the bounds alone."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Ann was referred on 2 June 2025. Within four weeks before, she was seen by a GP, and by nobody knows whom; after it by
# a nurse and nobody knows whom on one day, by nobody knows whom on another, and by a nurse on a third. Of a slot on the
# 13th neither is known. On the 14th there was a link worker, which is known by the category of the slot.
EVENTS = """
person | record | event                      | on         | says
ann    | A-r    | registration.started       | 2010-01-01 | at=Z97881
cat    | C-r    | registration.started       | 2010-01-01 | at=Z97881
ann    | A1     | referral.received          | 2025-06-02 | at=Z97881; route=gp; decided_on=2025-06-02
ann    | A-1    | appointment.attended       | 2025-05-20 | at=Z97881; load=month
ann    | A-2    | appointment.attended       | 2025-05-21 | at=Z97881; load=month; hcp_type=Unknown
ann    | A-3    | appointment.attended       | 2025-06-10 | at=Z97881; load=month; hcp_type=
ann    | A-4    | appointment.attended       | 2025-06-10 | at=Z97881; load=month; hcp_type=Other Practice staff
ann    | A-5    | appointment.attended       | 2025-06-11 | at=Z97881; load=month; hcp_type=Not Provided
ann    | A-6    | appointment.attended       | 2025-06-12 | at=Z97881; load=month; hcp_type=Other Practice staff
ann    | A-7    | appointment.status_unknown | 2025-06-13 | at=Z97881; hcp_type=
ann    | A-8    | appointment.attended       | 2025-06-14 | at=Z97881; load=month; hcp_type=; {category}
ann    | A2     | referral.received          | 2025-09-20 | at=Z97881; route=gp
ann    | A-9    | appointment.attended       | 2025-09-15 | at=Z97881; hcp_type=
cat    | C-1    | appointment.attended       | 2025-01-02 | at=Z97881
cat    | C-2    | appointment.attended       | 2026-01-31 | at=Z97881
""".replace("{category}", "national_category=Social Prescribing Service")


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z97881", pcn="U97881", icb="QUS")
    at = datetime(2025, 7, 2, 6, tzinfo=UTC)
    fates = dict.fromkeys(("records", "accepted", "duplicate", "superseded", "conflict", "quarantined", "skipped"), 0)
    warehouse.loads.append(
        {
            "load_id": f"{scope}/month", "feed": "gp_appointments_csv", "sender": "Z97881", "file_name": "a.csv",
            "received_at": at, "recorded_at": at, "status": "committed", "contract_version": "2.0.0", **fates,
            "records": 7, "accepted": 7, "events": 7,
        }
    )  # fmt: skip


def test_a_contact_without_a_kind_of_clinician_is_not_one_with_another_clinician(marts: Scenario) -> None:
    rows = marts.rows(
        """select cast(slot_on as varchar) as slot_on, contact_class from fct_appointments
        where practice_code = 'Z97881' and slot_on between '2025-05-01' and '2025-06-30' order by 1, 2"""
    )
    assert [tuple(row.values()) for row in rows] == [
        ("2025-05-20", "gp"),
        ("2025-05-21", "unknown_clinician"),
        ("2025-06-10", "other_clinician"),
        ("2025-06-10", "unknown_clinician"),
        ("2025-06-11", "unknown_clinician"),
        ("2025-06-12", "other_clinician"),
        ("2025-06-13", "not_attended"),
        ("2025-06-14", "link_worker"),
    ]


def reattended(marts: Scenario, measure: str) -> dict[str, Any]:
    return marts.row(
        """select * from rpt_gp_reattendance where period_type = 'month' and area_level = 'pcn' and area_code = 'U97881'
        and period_start = date '2025-06-01' and breakdown = 'none' and window_days = 28 and measure = $measure""",
        measure=measure,
    )


@pytest.mark.parametrize(
    ("measure", "least", "most"),
    [("gp_contacts", (1, 0, 0), (2, 3, 1)), ("all_clinician_contacts", (2, 3, 1), (2, 4, 1))],
)
def test_around_a_referral_it_is_a_contact_with_a_gp_in_the_bounds_alone(
    marts: Scenario, measure: str, least: tuple[int, ...], most: tuple[int, ...]
) -> None:
    row = reattended(marts, measure)
    figures = ("contacts_before", "contacts_after", "people_reattended")
    assert tuple(row[name] for name in figures) == least
    assert tuple(row[f"{name}_most"] for name in figures) == most


@pytest.mark.parametrize(("measure", "least", "most"), [("gp_contacts", 1, 5), ("all_clinician_contacts", 5, 6)])
def test_so_it_is_in_the_demand_on_a_practice(marts: Scenario, measure: str, least: int, most: int) -> None:
    row = marts.row(
        """select * from rpt_practice_demand where practice_code = 'Z97881' and quarter_start = $start
        and measure = $measure""",
        start=date(2025, 4, 1),
        measure=measure,
    )
    assert (row["days_observed"], row["contacts"], row["contacts_most"]) == (91, least, most)


def test_no_referral_is_dated_by_it(marts: Scenario) -> None:
    """The index of a referral without a stated decision is a contact that is known to be with a GP."""
    row = marts.row(
        "select * from fct_reattendance where referral_id = $id and window_days = 28", id=text_id(marts.scope, "A2")
    )
    assert (row["inclusion"], row["index_basis"]) == ("no_index", "none")


def test_they_are_counted_by_sender(marts: Scenario) -> None:
    row = marts.row("select * from rpt_data_quality where sender = 'Z97881'")
    assert (row["appointments"], row["appointments_unclassified"], row["appointments_unknown_clinician"]) == (7, 0, 3)
    assert row["unknown_clinician_share"] == pytest.approx(3 / 7)


def test_the_trace_names_the_slots_that_may_be_with_a_gp(marts: Scenario) -> None:
    rows = marts.rows(
        """select cast(slots.slot_on as varchar) as slot_on, contacts_before, contacts_before_most, contacts_after,
            contacts_after_most
        from trace__reattendance_contacts as traced
        inner join fct_appointments as slots on traced.appointment_id = slots.appointment_id
        where referral_id = $id and window_days = 28 and measure = 'gp_contacts' order by 1""",
        id=text_id(marts.scope, "A1"),
    )
    assert [tuple(row.values()) for row in rows] == [
        ("2025-05-20", 1, 1, 0, 0),
        ("2025-05-21", 0, 1, 0, 0),
        ("2025-06-10", 0, 0, 0, 1),
        ("2025-06-11", 0, 0, 0, 1),
        ("2025-06-13", 0, 0, 0, 1),
    ]
