"""What a source says last is what counts, whatever arrives first; each delivered record is accounted for."""

from datetime import UTC, date, datetime

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# The newer assertion stands first: it arrived first.
EVENTS = """
person | record | event              | on         | says
ann    | A1     | referral.received  | 2024-05-01 | at=Z90401; route=self; asserted=2024-05-20; kind=revision
ann    | A1     | referral.received  | 2024-05-01 | at=Z90401; route=gp; asserted=2024-05-02
ann    | A1     | referral.accepted  | 2024-05-03 | asserted=2024-05-03
ann    | A1     | referral.rejected  | 2024-05-04 | asserted=2024-05-06; kind=revision
bob    | B1     | referral.received  | 2024-05-02 | at=Z90401; route=gp
bob    | B1     | referral.accepted  | 2024-05-03 | asserted=2024-05-03
bob    | B1     | referral.accepted  | 2024-05-03 | asserted=2024-05-09; kind=retraction
cat    | C1     | referral.received  | 2024-05-02 | at=Z90401; route=gp
cat    | C1     | referral.received  | 2024-05-02 | at=Z90401; route=self; asserted=2024-05-02; kind=contest
ann    | A2     | referral.received  | 2024-05-22 | at=Z90401; route=gp
ann    | A2     | referral.accepted  | 2024-05-29 | asserted=2024-05-29; kind=revision
ann    | A2     | referral.accepted  | 2024-05-23 | asserted=2024-05-23
ann    | A2     | referral.accepted  | 2024-05-23 | asserted=2024-05-29; kind=retraction
dan    | D1     | need.recorded      | 2024-05-02 | at=Z90401; code=73438004; verification_status=provisional
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z90401", pcn="U99401", icb="QF1")
    warehouse.senders.append({"code": "ZSP91", "name": "A service", "kind": "service", "valid_from": date(2020, 1, 1)})
    load = {"feed": "referrals_csv", "sender": "ZSP91", "status": "committed"}
    fates = {"records": 20, "accepted": 10, "duplicate": 5, "superseded": 2, "conflict": 1}
    received = {"received_at": datetime(2025, 6, 30, 23, 30, tzinfo=UTC)}  # 1 July in England
    committed = load | fates | received | {"quarantined": 3, "skipped": 1, "events": 14}
    held = load | received | {"status": "held", "records": 7, "events": 0}
    warehouse.loads.append({"load_id": f"{scope}/load", "file_name": "a.csv", **committed})
    warehouse.loads.append({"load_id": f"{scope}/held", "file_name": "b.csv", **held})


def test_e19_the_newest_assertion_wins_whatever_arrived_first(marts: Scenario) -> None:
    assert marts.referral("A1")["route"] == "self"


def test_events_that_exclude_each_other_are_one_fact(marts: Scenario) -> None:
    """First accepted, then corrected to rejected: no trace of the acceptance remains."""
    referral = marts.referral("A1")
    assert (referral["accepted_on"], str(referral["rejected_on"]), referral["state"]) == (
        None,
        "2024-05-04",
        "rejected",
    )


def test_e20_a_retracted_fact_is_gone(marts: Scenario) -> None:
    referral = marts.referral("B1")
    assert (referral["accepted_on"], referral["state"]) == (None, "waiting")


def test_what_is_in_scope_outranks_what_was_left_out_of_the_same_version(marts: Scenario) -> None:
    """A narrow contract withdrew it, a wider one read the same version."""
    assert str(marts.referral("A2")["accepted_on"]) == "2024-05-29"


def test_a_contested_referral_counts_nowhere(marts: Scenario) -> None:
    row = marts.row("""
        select referrals from rpt_uptake
        where period_type = 'month' and area_level = 'pcn' and area_code = 'U99401' and breakdown = 'none'
            and stage = 'referred'
    """)
    assert row["referrals"] == 3


def test_a_need_has_the_category_of_its_code_and_how_sure_the_source_is(marts: Scenario) -> None:
    query = "select category, verification_status from fct_needs where code = '73438004'"
    assert marts.rows(query) == [{"category": "employment_training_volunteering", "verification_status": "provisional"}]


def test_deliveries_are_counted_by_fate_in_the_local_month_of_receipt(marts: Scenario) -> None:
    row = marts.row("select * from rpt_data_quality where sender = 'ZSP91'")
    assert (str(row["month"]), row["files"], row["files_held"]) == ("2025-07-01", 2, 1)
    assert (row["records"], row["records_not_taken"], row["events"]) == (20, 7, 14)
    assert (row["quarantined_share"], row["people"], row["people_registered"]) == (0.15, 4, 0)
