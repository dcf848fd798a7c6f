"""Appointments that do not say whether they were encounters: their contacts are not known, which is not none."""

from datetime import UTC, date, datetime
from typing import Any

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Z97101's system never says what a slot was. Z97102 went over to such a system in the middle of February 2025, and had
# the columns added in April. Z97103 always says it.
EVENTS = """
person | record | event                | on         | says
ann    | A-r    | registration.started | 2010-01-01 | at=Z97101
ann    | A-1    | appointment.attended | 2025-01-01 | at=Z97101; {silent}; load=silent
ann    | A-2    | appointment.attended | 2025-03-31 | at=Z97101; {silent}; load=silent
ann    | A-3    | appointment.attended | 2025-03-30 | at=Z97101; {silent}; staff_role=R9815; load=silent
ann    | A-4    | appointment.missed   | 2025-03-29 | at=Z97101; {silent}; load=silent
ann    | A1     | referral.received    | 2025-02-10 | at=Z97101; route=gp; decided_on=2025-02-10
bob    | B-r    | registration.started | 2010-01-01 | at=Z97102
bob    | B-1    | appointment.attended | 2025-01-01 | at=Z97102
bob    | B-2    | appointment.attended | 2025-01-31 | at=Z97102
bob    | B-3    | appointment.attended | 2025-02-10 | at=Z97102
bob    | B-4    | appointment.attended | 2025-02-20 | at=Z97102; {silent}
bob    | B-5    | appointment.attended | 2025-03-10 | at=Z97102; {silent}
bob    | B-6    | appointment.attended | 2025-04-01 | at=Z97102
bob    | B-7    | appointment.attended | 2025-06-30 | at=Z97102
bob    | B1     | referral.received    | 2025-01-20 | at=Z97102; route=gp; decided_on=2025-01-20
cat    | C-r    | registration.started | 2010-01-01 | at=Z97103
cat    | C-1    | appointment.attended | 2025-01-01 | at=Z97103
cat    | C-2    | appointment.attended | 2025-03-31 | at=Z97103; context_type=Care Related Activity
cat    | C1     | referral.received    | 2025-02-10 | at=Z97103; route=gp; decided_on=2025-02-10
""".replace("{silent}", "hcp_type=; context_type=")


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for code in ("Z97101", "Z97102", "Z97103"):
        warehouse.practice(code, pcn="U97101", icb="QU1")
    at = datetime(2025, 4, 2, 6, tzinfo=UTC)
    fates = dict.fromkeys(("records", "accepted", "duplicate", "superseded", "conflict", "quarantined", "skipped"), 0)
    warehouse.loads.append(
        {
            "load_id": f"{scope}/silent", "feed": "gp_appointments_emis_csv", "sender": "Z97101", "file_name": "a.csv",
            "received_at": at, "recorded_at": at, "status": "committed", "contract_version": "1.0.0", **fates,
            "records": 4, "accepted": 4, "events": 4,
        }
    )  # fmt: skip


def quarter(marts: Scenario, practice: str, start: date = date(2025, 1, 1)) -> dict[str, Any]:
    return marts.row(
        """select * from rpt_practice_demand where practice_code = $practice and quarter_start = $start
        and measure = 'gp_contacts'""",
        practice=practice,
        start=start,
    )


def followed(marts: Scenario, record: str) -> dict[str, Any]:
    return marts.row(
        "select * from fct_reattendance where referral_id = $id and window_days = 28", id=text_id(marts.scope, record)
    )


def test_an_attended_slot_without_a_context_is_unclassified(marts: Scenario) -> None:
    rows = marts.rows(
        "select contact_class, count(*) as n from fct_appointments where practice_code = 'Z97101' group by 1"
    )
    assert {r["contact_class"]: r["n"] for r in rows} == {"unclassified": 2, "link_worker": 1, "not_attended": 1}


def test_they_are_counted_by_sender(marts: Scenario) -> None:
    row = marts.row("select * from rpt_data_quality where sender = 'Z97101'")
    assert (row["appointments"], row["appointments_unclassified"]) == (3, 2)
    assert round(row["unclassified_share"], 4) == 0.6667


def test_a_practice_that_never_says_it_is_not_observed(marts: Scenario) -> None:
    """Missing is shown as missing: no contacts known, which is not the same as none."""
    row = quarter(marts, "Z97101")
    assert (row["registered"], row["days_observed"]) == (1, 0)
    assert (row["contacts"], row["people"], row["rate"]) == (None, None, None)
    referral = followed(marts, "A1")
    assert (referral["inclusion"], referral["gp_contacts_after"]) == ("not_covered", None)
    mart = marts.row(
        """select * from rpt_gp_reattendance where period_type = 'all' and area_level = 'pcn'
        and area_code = 'U97101' and breakdown = 'none' and window_days = 28 and measure = 'gp_contacts'"""
    )
    assert (mart["referrals"], mart["excluded_not_covered"], mart["indexes"]) == (3, 1, 2)


def test_a_practice_that_says_it_is_observed_although_nothing_was_a_contact(marts: Scenario) -> None:
    row = quarter(marts, "Z97103")
    assert (row["days_observed"], row["contacts"]) == (90, 1)
    assert followed(marts, "C1")["inclusion"] == "included"
    assert followed(marts, "C1")["gp_contacts_after"] == 0


def test_months_that_do_not_say_it_are_not_observed_and_their_contacts_do_not_count(marts: Scenario) -> None:
    row = quarter(marts, "Z97102")
    assert (row["days_observed"], row["contacts"]) == (31, 2)
    after = quarter(marts, "Z97102", date(2025, 4, 1))
    assert (after["days_observed"], after["contacts"]) == (91, 2)
    on = marts.rows("select contact_on, is_observed from fct_gp_contacts where practice_code = 'Z97102' order by 1")
    assert [str(r["contact_on"]) for r in on if not r["is_observed"]] == ["2025-02-10"]


def test_a_window_is_cut_where_the_months_stop_saying_it(marts: Scenario) -> None:
    row = followed(marts, "B1")
    assert (row["inclusion"], row["days_before"], row["days_after"]) == ("included", 19, 11)
    assert (row["gp_contacts_before"], row["gp_contacts_after"]) == (1, 1)


def test_the_trace_of_the_demand_adds_up_to_it(marts: Scenario) -> None:
    row = marts.row(
        """select count(*) as n from trace__rpt_practice_demand where practice_code = 'Z97102'
        and quarter_start = date '2025-01-01' and measure = 'gp_contacts'"""
    )
    assert row["n"] == quarter(marts, "Z97102")["contacts"]
