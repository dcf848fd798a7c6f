"""What sources owe, and appointments that two systems of a practice state: as of the cut-off, 31 January 2026."""

from datetime import UTC, date, datetime

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Z90881 went over from TPP to EMIS on 1 December 2025; Z90882 never said which system it uses when.
EVENTS = """
person | record | event                | on         | says
ann    | T1     | appointment.booked   | 2025-12-05 | at=Z90881; source_system=TPP; load=p1
ann    | E1     | appointment.attended | 2025-12-05 | at=Z90881; source_system=EMIS; load=p2
bob    | T2     | appointment.attended | 2025-11-20 | at=Z90881; source_system=TPP; load=p1
bob    | E2     | appointment.attended | 2025-11-20 | at=Z90881; source_system=EMIS; load=p2
cat    | T3     | appointment.attended | 2025-12-06 | at=Z90881; source_system=TPP; staff_role=R0260; load=p1
cat    | E3     | appointment.attended | 2025-12-06 | at=Z90881; source_system=EMIS; staff_role=R9999; load=p2
dan    | E4     | appointment.attended | 2025-12-07 | at=Z90881; source_system=EMIS; load=p2
dan    | E5     | appointment.attended | 2025-12-07 | at=Z90881; source_system=EMIS; load=p2
eve    | X1     | appointment.attended | 2025-12-07 | at=Z90882; source_system=B; load=q1
eve    | X2     | appointment.attended | 2025-12-07 | at=Z90882; source_system=A; load=q1
       | N1     | appointment.attended | 2025-12-08 | at=Z90881; source_system=TPP; load=p1
       | N2     | appointment.attended | 2025-12-08 | at=Z90881; source_system=EMIS; load=p2
"""
FEED = "gp_appointments_csv"


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for code in ("Z90881", "Z90882"):
        warehouse.practice(code, pcn="U99881", icb="QP8")

    def sender(code: str, system: str = "A", **more: object) -> None:
        row = {"code": code, "name": f"Source {code}", "kind": "practice", "feeds": [FEED], "source_system": system}
        warehouse.senders.append({**row, "cadence_days": 7, **more})

    sender("Z90881", "TPP", valid_to=date(2025, 11, 30))
    sender("Z90881", "EMIS", valid_from=date(2025, 12, 1))
    sender("Z90882", valid_from=None)
    sender("Z90883")
    sender("Z90884")
    sender("Z90885", first_expected=date(2026, 1, 1))
    sender("Z90886", first_expected=date(2026, 3, 1))
    sender("Z90887", cadence_days=None)
    sender("Z90888", withdrawn_on=date(2025, 12, 1))

    def load(code: str, day: date, name: str, status: str = "committed", version: str = "1.0.0") -> None:
        at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        fates = ("records", "accepted", "duplicate", "superseded", "conflict", "quarantined", "skipped")
        zero = dict.fromkeys(fates, 0)
        counted = sum(f"load={name}\n" in line + "\n" for line in EVENTS.splitlines())
        warehouse.loads.append(
            {
                "load_id": f"{scope}/{name}", "feed": FEED, "sender": code, "file_name": f"{name}.csv",
                "received_at": at, "recorded_at": at, "status": status, "contract_version": version, **zero,
                "events": counted,
            }
        )  # fmt: skip

    load("Z90881", date(2026, 1, 20), "p1")
    load("Z90881", date(2026, 1, 28), "p2", version="1.1.0")
    load("Z90882", date(2026, 1, 30), "q1")
    load("Z90883", date(2026, 1, 10), "silent")
    load("Z90883", date(2026, 1, 12), "bad", "refused")
    load("Z90884", date(2026, 1, 10), "once")
    load("Z90884", date(2026, 1, 30), "again", "noop")
    load("Z90887", date(2025, 1, 10), "whenever")
    load("Z90889", date(2026, 1, 10), "stranger", "refused")


def classes(marts: Scenario, *records: str) -> list[str]:
    return [
        str(marts.row("select contact_class from fct_appointments where appointment_id = $id",
                      id=text_id(marts.scope, record))["contact_class"])
        for record in records
    ]  # fmt: skip


def test_e15_of_a_slot_that_two_systems_state_the_system_of_its_day_counts(marts: Scenario) -> None:
    assert classes(marts, "T1", "E1") == ["duplicate", "gp"]
    assert classes(marts, "T2", "E2") == ["gp", "duplicate"]


def test_another_role_or_nobody_named_is_no_duplicate(marts: Scenario) -> None:
    assert classes(marts, "T3", "E3", "N1", "N2") == ["gp"] * 4


def test_two_slots_of_one_system_are_two(marts: Scenario) -> None:
    assert classes(marts, "E4", "E5") == ["gp", "gp"]


def test_where_nobody_said_which_system_was_in_use_the_first_by_name_counts(marts: Scenario) -> None:
    assert classes(marts, "X1", "X2") == ["duplicate", "gp"]


def test_what_is_left_out_is_counted_by_source(marts: Scenario) -> None:
    found = marts.rows("select sender, appointments_left_out from fct_sources where sender like 'Z9088_' order by 1")
    assert {r["sender"]: r["appointments_left_out"] for r in found if r["appointments_left_out"]} == {
        "Z90881": 2, "Z90882": 1,
    }  # fmt: skip


def test_f99_a_source_that_falls_silent_or_repeats_itself_is_named(marts: Scenario) -> None:
    found = marts.rows(
        "select sender, state, expected_on, days_overdue from fct_sources where sender like 'Z9088_' order by 1"
    )
    assert {r["sender"]: (r["state"], r["expected_on"], r["days_overdue"]) for r in found} == {
        "Z90881": ("on_time", date(2026, 2, 4), 0),
        "Z90882": ("on_time", date(2026, 2, 6), 0),
        "Z90883": ("silent", date(2026, 1, 17), 14),
        "Z90884": ("repeats", date(2026, 1, 17), 14),  # yesterday's file again
        "Z90885": ("never_delivered", date(2026, 1, 1), 30),
        "Z90886": ("on_time", date(2026, 3, 1), 0),
        "Z90887": ("unscheduled", None, 0),
        "Z90889": ("not_registered", None, 0),
    }


def test_f99_the_quality_mart_names_it_too_beside_its_contract_version(marts: Scenario) -> None:
    found = marts.rows(
        """select sender, source_state, contract_version from rpt_data_quality
        where sender in ('Z90881', 'Z90883', 'Z90884') group by all order by 1"""
    )
    assert [tuple(row.values()) for row in found] == [
        ("Z90881", "on_time", "1.1.0"), ("Z90883", "silent", "1.0.0"), ("Z90884", "repeats", "1.0.0"),
    ]  # fmt: skip
