"""Edge cases that belong to no single mart, by number (docs/edge-cases.md): people, places and clocks that change."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Z98101 and Z98102 send their appointments from January 2025 to January 2026, Z98103 never. Z98104 was taken over by
# Z98105, and Z98106 went over to another network and another board, all on 1 July. No list of English practices has
# W98101. The clocks went forward on 30 March.
EVENTS = """
person | record | event                      | on         | says
ann    | A-r1   | registration.started       | 2010-01-01 | at=Z98101
ann    | A-r1   | registration.ended         | 2025-06-30 | at=Z98101; end_reason=moved_away
ann    | A-r2   | registration.started       | 2025-07-01 | at=Z98102
ann    | A1     | referral.received          | 2025-06-16 | at=Z98101; route=gp; decided_on=2025-06-16
ann    | A-1    | appointment.attended       | 2025-07-05 | at=Z98102
bob    | B-r1   | registration.started       | 2010-01-01 | at=Z98101
bob    | B-r1   | registration.ended         | 2025-06-30 | at=Z98101; end_reason=moved_away
bob    | B-r2   | registration.started       | 2025-07-01 | at=Z98103
bob    | B1     | referral.received          | 2025-06-16 | at=Z98101; route=gp; decided_on=2025-06-16
cat    | C1     | referral.received          | 2025-06-30 | at=Z98104; route=gp
cat    | C2     | referral.received          | 2025-07-01 | at=Z98104; route=gp
dan    | D1     | referral.received          | 2025-06-30 | at=Z98106; route=gp
eve    | E1     | referral.received          | 2025-07-01 | at=Z98106; route=gp
fay    | F-r    | registration.started       | 2014-01-01 | at=Z98107
fay    | F-p    | person.described           | 2025-01-01 | at=Z98107; birth_month=2013-06-01
fay    | F1     | referral.received          | 2025-05-31 | at=Z98107; route=other
gus    | G-r    | registration.started       | 2010-01-01 | at=Z98101
gus    | G-r    | registration.ended         | 2025-06-20 | at=Z98101; end_reason=deceased
gus    | G1     | referral.received          | 2025-06-02 | at=Z98101; route=gp; decided_on=2025-06-02
gus    | G-1    | appointment.attended       | 2025-06-10 | at=Z98101
gus    | G-2    | appointment.attended       | 2025-06-25 | at=Z98101
gus    | G-c    | contact.held               | 2025-06-24 | referral=G1; provider_code=ZSP98
hal    | H-1    | appointment.attended       | 2025-05-06 | at=Z98101
hal    | H-1    | appointment.attended       | 2025-05-06 | at=Z98101; kind=retraction; asserted=2025-05-07
hal    | H-2    | appointment.attended       | 2025-05-07 | at=Z98101
ida    | I-1    | appointment.missed         | 2025-05-06 | at=Z98101
ida    | I-2    | appointment.cancelled      | 2025-05-07 | at=Z98101; cancelled_by=person
ida    | I-3    | appointment.status_unknown | 2025-05-08 | at=Z98101
ida    | I-4    | appointment.booked         | 2025-05-09 | at=Z98101
ida    | I-5    | appointment.booked         | 2026-02-20 | at=Z98101
ida    | I-6    | appointment.attended       | 2025-05-10 | at=Z98101; context_type=Care Related Activity
jon    | J-r    | registration.started       | 2010-01-01 | at=Z98101
jon    | J1     | referral.received          | 2025-03-16 | at=Z98101; route=gp; decided_on=2025-03-16
jon    | J-1    | appointment.attended       | 2025-02-16 | at=Z98101
jon    | J-2    | appointment.attended       | 2025-04-13 | at=Z98101
jon    | J-3    | appointment.attended       | 2025-04-14 | at=Z98101
oma    | O-1    | appointment.attended       | 2025-05-06 | at=Z98101; national_category=Social prescribing  service
oma    | O-2    | appointment.attended       | 2025-05-07 | at=Z98101; context_type=Care related encounter; hcp_type=gp
kay    | K1     | referral.received          | 2025-08-01 | at=Z98107; route=gp; occurred_precision=month
lea    | L1     | referral.received          | 2025-06-02 | at=W98101; route=gp
max    | M-r    | registration.started       | 2010-01-01 | at=Z98108
max    | M-p    | person.described           | 2025-01-01 | at=Z98108; lsoa_code=W01998101; lsoa_vintage=2021
max    | M1     | referral.received          | 2025-06-02 | at=Z98108; route=gp
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    # Midnight on 1 July is 23:00 the day before in UTC.
    warehouse.event(scope, "ned", "N-1", "appointment.booked", "2025-06-20", at="Z98101")
    warehouse.events[-1]["appointment_slot_start"] = datetime(2025, 6, 30, 23, tzinfo=UTC)
    for practice in ("Z98101", "Z98102"):
        for day in ("2025-01-01", "2026-01-31"):
            warehouse.event(scope, "zoe", f"{practice} {day}", "appointment.missed", day, at=practice)
    for n in (1, 2, 3, 7, 8):
        warehouse.practice(f"Z9810{n}", pcn=f"U9810{n}", icb="QX1")
    warehouse.practice("Z98104", pcn="U98104", icb="QX1", valid_to=date(2025, 6, 30))
    warehouse.practice("Z98105", pcn="U98105", icb="QX1")
    warehouse.practice("Z98106", pcn="U98106", icb="QX2", valid_to=date(2025, 6, 30))
    warehouse.practice("Z98106", pcn="U98116", icb="QX3", valid_from=date(2025, 7, 1))
    taken_over = {"predecessor_code": "Z98104", "successor_code": "Z98105", "effective_on": date(2025, 7, 1)}
    warehouse.reference.setdefault("practice_successions", []).append(taken_over)


def followed(marts: Scenario, record: str) -> dict[str, Any]:
    return marts.row(
        "select * from fct_reattendance where referral_id = $id and window_days = 28", id=text_id(marts.scope, record)
    )


def slots(marts: Scenario, person: str) -> dict[str, tuple[Any, ...]]:
    """Status and class of each slot of somebody, by its day."""
    rows = marts.rows(
        "select slot_on, status, contact_class from fct_appointments where person_id = $id",
        id=text_id(marts.scope, person),
    )
    return {str(row["slot_on"]): (row["status"], row["contact_class"]) for row in rows}


def referred(marts: Scenario, level: str, area: str, month: str, breakdown: str = "none", group: str = "all") -> int:
    """Referrals received in a month, as uptake has them; none without a row."""
    rows = marts.rows(
        """select referrals from rpt_uptake where period_type = 'month' and period_start = $month::date
        and area_level = $level and area_code = $area and breakdown = $breakdown and breakdown_group = $grp
        and stage = 'referred'""",
        month=month,
        level=level,
        area=area,
        breakdown=breakdown,
        grp=group,
    )
    return sum(row["referrals"] for row in rows)


def test_e11_contacts_follow_whoever_moves_to_a_practice_that_sends_them(marts: Scenario) -> None:
    row = followed(marts, "A1")
    assert marts.referral("A1")["practice_code"] == "Z98101"
    assert (row["days_after"], row["gp_contacts_after"], row["is_followed_through"]) == (28, 1, True)


def test_e11_whoever_moves_where_nobody_watches_is_followed_to_that_day(marts: Scenario) -> None:
    row = followed(marts, "B1")
    assert (row["days_after"], row["is_followed_through"]) == (14, False)


def test_e12_a_practice_that_was_taken_over_keeps_its_history(marts: Scenario) -> None:
    """Cat's second referral still names the code that closed the day before."""
    assert [marts.referral(record)["practice_code"] for record in ("C1", "C2")] == ["Z98104", "Z98105"]
    assert [referred(marts, "practice", "Z98104", month) for month in ("2025-06-01", "2025-07-01")] == [1, 0]
    now = marts.row("select current_practice_code from dim_current_footprint where practice_code = 'Z98104'")
    assert now == {"current_practice_code": "Z98105"}


@pytest.mark.parametrize(("level", "before", "after"), [("pcn", "U98106", "U98116"), ("icb", "QX2", "QX3")])
def test_e13_e14_a_referral_stays_in_the_network_and_board_of_its_day(
    marts: Scenario, level: str, before: str, after: str
) -> None:
    counted = [(referred(marts, level, area, m)) for area in (before, after) for m in ("2025-06-01", "2025-07-01")]
    assert counted == [1, 0, 0, 1]
    now = marts.row(f"select current_{level}_code as now from dim_current_footprint where practice_code = 'Z98106'")
    assert now == {"now": after}


def test_e20_a_slot_that_its_source_deleted_is_gone_and_others_stay(marts: Scenario) -> None:
    """A deletion takes back what the record said; its empty columns are no values."""
    assert slots(marts, "hal") == {"2025-05-07": ("attended", "gp")}


def test_e22_what_is_dated_after_death_is_kept_and_not_followed(marts: Scenario) -> None:
    row = followed(marts, "G1")
    assert (row["days_after"], row["gp_contacts_after"]) == (18, 1)
    assert slots(marts, "gus")["2025-06-25"] == ("attended", "gp")
    contact = marts.row("select contact_on from fct_contacts where person_id = $id", id=text_id(marts.scope, "gus"))
    assert contact["contact_on"] > marts.referral("G1")["died_on"]


def test_e23_a_child_has_the_age_of_the_day_and_a_band_of_its_own(marts: Scenario) -> None:
    """Fay turns twelve the month after."""
    referral = marts.referral("F1")
    assert (referral["age_at_referral"], referral["age_band"]) == (11, "0-17")
    assert referred(marts, "practice", "Z98107", "2025-05-01", "age_band", "0-17") == 1


def test_e27_e28_e30_missed_cancelled_unknown_and_to_come_are_apart_and_no_contacts(marts: Scenario) -> None:
    assert slots(marts, "ida") == {
        "2025-05-06": ("missed", "not_attended"),
        "2025-05-07": ("cancelled", "not_attended"),
        "2025-05-08": ("status_unknown", "not_attended"),
        "2025-05-09": ("booked", "not_attended"),
        "2026-02-20": ("booked", "future"),
        "2025-05-10": ("attended", "not_an_encounter"),
    }
    assert marts.rows("select 1 from fct_gp_contacts where person_id = $id", id=text_id(marts.scope, "ida")) == []


def test_e33_a_day_is_the_local_one(marts: Scenario) -> None:
    assert list(slots(marts, "ned")) == ["2025-07-01"]


def test_e34_a_window_has_calendar_days_whatever_the_clocks_do(marts: Scenario) -> None:
    """The 28th day on either side counts, the 29th does not; one of them had 23 hours."""
    row = followed(marts, "J1")
    assert (row["days_after"], row["gp_contacts_before"], row["gp_contacts_after"]) == (28, 1, 1)


def test_e31_e39_a_category_in_another_spelling_is_the_same_one(marts: Scenario) -> None:
    assert slots(marts, "oma") == {"2025-05-06": ("attended", "link_worker"), "2025-05-07": ("attended", "gp")}
    kept = marts.rows(
        "select national_category, hcp_type from fct_appointments where person_id = $id order by slot_on",
        id=text_id(marts.scope, "oma"),
    )
    assert (kept[0]["national_category"], kept[1]["hcp_type"]) == ("Social prescribing  service", "gp")


def test_e36_a_referral_of_which_the_month_is_known_is_of_that_month(marts: Scenario) -> None:
    assert referred(marts, "practice", "Z98107", "2025-08-01") == 1


def test_e43_whoever_lives_or_is_registered_outside_england_is_kept_without_a_rank(marts: Scenario) -> None:
    """A practice of Wales is in no English area; a resident of Wales belongs to the English practice."""
    welsh_practice, resident = marts.referral("L1"), marts.referral("M1")
    assert [welsh_practice[f"{level}_code"] for level in ("practice", "pcn", "icb")] == ["UNKNOWN"] * 3
    assert (resident["practice_code"], resident["imd_decile"], resident["imd_quintile"]) == (
        "Z98108",
        None,
        "unknown",
    )
    assert referred(marts, "practice", "Z98108", "2025-06-01", "imd_quintile", "unknown") == 1
