"""Activity: sessions of assets, the places at them, and the people who came, each counted as what it is."""

from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# GA and GB are groups, LA is a link-worker service. The choir and the garden are in the directory, with the room that a
# session of the choir has; the second choir session is called off; bowls is an id that two groups use for themselves.
EVENTS = """
person | record | event              | on         | says
ann | A1     | referral.received  | 2025-03-03 | provider_code=LA; route=gp
bob | B1     | referral.received  | 2025-03-04 | provider_code=LA; route=gp
ann | a-s    | signpost.made      | 2025-03-10 | referral=A1; provider_code=LA; asset_id=ta-choir
ann | a-r    | activity.referred  | 2025-03-11 | referral=A1; provider_code=GA; asset_id=ta-choir
bob | b-r    | activity.referred  | 2025-03-11 | referral=B1; provider_code=GA; asset_id=ta-gone
ann | a-b1   | activity.booked    | 2025-03-18 | referral=A1; provider_code=GA; asset_id=ta-choir; called=arts
ann | a-a1   | activity.attended  | 2025-03-18 | referral=A1; provider_code=GA; asset_id=ta-choir; called=arts
ann | a-a1x  | activity.attended  | 2025-03-18 | referral=A1; provider_code=GB; asset_id=ta-choir; called=arts
bob | b-a1   | activity.attended  | 2025-03-18 | referral=B1; provider_code=GA; asset_id=ta-choir; called=arts
cat | c-a1   | activity.attended  | 2025-03-18 | provider_code=GA; asset_id=ta-choir; called=arts; role=carer
dee | d-a1   | activity.attended  | 2025-03-18 | provider_code=GA; asset_id=ta-choir; called=arts; role=volunteer
    | x-a1   | activity.attended  | 2025-03-18 | provider_code=GA; asset_id=ta-choir; called=arts
ann | a-c2   | activity.cancelled | 2025-03-25 | referral=A1; provider_code=GA; asset_id=ta-choir; cancelled_by=provider
bob | b-c2   | activity.cancelled | 2025-03-25 | referral=B1; provider_code=GA; asset_id=ta-choir; cancelled_by=provider
ann | a-a3   | activity.attended  | 2025-03-31 | referral=A1; provider_code=GA; asset_id=ta-choir; called=arts
bob | b-m3   | activity.missed    | 2025-03-31 | referral=B1; provider_code=GA; asset_id=ta-choir; called=arts
cat | c-c3   | activity.cancelled | 2025-03-31 | provider_code=GA; asset_id=ta-choir; cancelled_by=person
ann | a-b4   | activity.booked    | 2025-04-07 | referral=A1; provider_code=GA; asset_id=ta-choir; called=arts
ann | a-b9   | activity.booked    | 2026-02-20 | referral=A1; provider_code=GA; asset_id=ta-choir; called=arts
bob | b-o1   | activity.attended  | 2025-04-08 | referral=B1; provider_code=GA; asset_id=bowls; delivery=one_to_one
cat | c-o1   | activity.attended  | 2025-04-08 | provider_code=GA; asset_id=bowls; delivery=one_to_one
dee | d-o1   | activity.attended  | 2025-04-08 | provider_code=GB; asset_id=bowls
eve | e-o1   | activity.attended  | 2025-04-09 | provider_code=GB; at=V81999; called=no such thing
ann | a-p    | person.described   | 2025-01-01 | at=Z97301; sex=female; long_term_conditions=DEP,DM"""

CHOIR = {"asset_id": "ta-choir", "asset_name": "Choir", "status": "active", "categories": ["Local", "Arts"]}
GARDEN = {"asset_id": "ta-garden", "asset_name": "Garden", "status": "active", "categories": ["Gardening"]}


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for person in ("ann", "bob", "cat", "dee"):
        warehouse.event(scope, person, f"reg-{person}", "registration.started", "2010-01-01", practice_code="Z97301")
    warehouse.practice("Z97301", pcn="U97301", icb="QV1")
    warehouse.reference.setdefault("assets", []).extend([CHOIR | {"session_capacity": 4}, GARDEN])


def asset(marts: Scenario, asset_id: str, month: str = "2025-03-01", group: str = "all") -> dict[str, Any]:
    return marts.row(
        """select * from rpt_activity where month_start = $month::date and asset_id = $asset_id
        and group_code = $group""",
        month=month,
        asset_id=asset_id,
        group=group,
    )


def people(marts: Scenario, category: str, group: str = "all", practice: str = "Z97301") -> dict[str, Any]:
    """The row of the year 2025; `group` is one of long-term conditions, or all."""
    return marts.row(
        """select * from rpt_activity_people where period_type = 'year' and period_start = date '2025-01-01'
        and area_level = 'practice' and area_code = $practice and category = $category and breakdown_group = $group
        and breakdown = if($group = 'all', 'none', 'ltc_group')""",
        practice=practice,
        category=category,
        group=group,
    )


def test_e25_a_group_session_counts_once_however_many_attend(marts: Scenario) -> None:
    choir = asset(marts, "ta-choir")
    assert (choir["sessions"], choir["sessions_held"]) == (3, 2)
    assert choir["attended"] == 6, "five at the first session, one at the last"


def test_one_to_one_each_person_has_a_session(marts: Scenario) -> None:
    assert asset(marts, "bowls", "2025-04-01", "GA")["sessions_held"] == 2


def test_e40_people_and_attendances_are_apart(marts: Scenario) -> None:
    """Ann came twice; who came unknown is an attendance and nobody."""
    choir = asset(marts, "ta-choir")
    assert (choir["people"], choir["attended_by_unknown"], choir["people_put_in_touch"]) == (4, 1, 1)
    assert (choir["signposted"], choir["referred"]) == (1, 1)


def test_e18_an_attendance_that_two_sources_state_counts_once(marts: Scenario) -> None:
    rows = marts.rows(
        """select person_id from fct_asset_uses where asset_id = 'ta-choir' and used_on = date '2025-03-18'
        and asset_use = 'attended' and not is_counted"""
    )
    assert len(rows) == 1
    assert asset(marts, "ta-choir")["booked"] == 1, "a booking is no attendance, and stays beside it"


def test_e26_carers_and_volunteers_are_told_from_participants(marts: Scenario) -> None:
    choir = asset(marts, "ta-choir")
    roles = [choir[f"attended_as_{role}"] for role in ("participant", "carer", "volunteer")]
    assert roles == [4, 1, 1]
    assert choir["attended_without_referral"] == 3


def test_capacity_is_that_of_the_sessions_held(marts: Scenario) -> None:
    """Two sessions of four places; ann, bob, the carer and the unknown at one, ann at the other; no volunteer."""
    choir = asset(marts, "ta-choir")
    assert (choir["sessions_with_capacity"], choir["places"], choir["places_taken"]) == (2, 8, 5)
    assert choir["places_taken_share"] == pytest.approx(5 / 8)
    unknown_room = asset(marts, "bowls", "2025-04-01", "GB")
    assert (unknown_room["places"], unknown_room["places_taken_share"]) == (0, None)


def test_e27_a_cancelled_place_is_not_a_missed_one_and_one_to_come_is_neither(marts: Scenario) -> None:
    choir = asset(marts, "ta-choir")
    assert (choir["missed"], choir["cancelled_by_person"], choir["cancelled_by_provider"]) == (1, 1, 2)
    assert choir["sessions_cancelled"] == 1
    assert choir["missed_share"] == pytest.approx(1 / 7)
    after_cut_off = marts.rows("select * from rpt_activity where month_start > date '2026-01-31'")
    assert after_cut_off == []


def test_e28_a_place_without_an_outcome_is_shown_as_missing(marts: Scenario) -> None:
    april = asset(marts, "ta-choir", "2025-04-01")
    assert (april["booked"], april["outcome_missing"], april["sessions"], april["sessions_held"]) == (1, 1, 1, 0)
    assert april["missed_share"] is None
    assert (april["missed_share_least"], april["missed_share_most"]) == (0, 1), (
        "had it been attended, had it been missed"
    )
    march = asset(marts, "ta-choir")
    assert march["missed_share_least"] == march["missed_share"] == march["missed_share_most"], "all are known"


def test_an_asset_that_nobody_used_has_a_row_of_zeros(marts: Scenario) -> None:
    garden = asset(marts, "ta-garden")
    assert (garden["is_used"], garden["sessions"], garden["people"], garden["places"]) == (False, 0, 0, 0)
    assert (garden["asset_match"], garden["category"]) == ("listed", "nature_gardening")


def test_a_referral_to_an_asset_that_does_not_exist_has_its_own_bucket(marts: Scenario) -> None:
    gone = asset(marts, "ta-gone", group="GA")
    assert (gone["asset_match"], gone["referred"], gone["people_put_in_touch"]) == ("not_listed", 1, 1)
    nameless = asset(marts, "UNKNOWN", "2025-04-01", "GB")
    assert (nameless["asset_match"], nameless["attended"]) == ("not_stated", 1)


def test_two_groups_that_use_one_id_have_two_assets(marts: Scenario) -> None:
    assert [asset(marts, "bowls", "2025-04-01", group)["attended"] for group in ("GA", "GB")] == [2, 1]


def test_categories_roll_up_and_what_no_mapping_knows_is_uncoded(marts: Scenario) -> None:
    assert asset(marts, "ta-choir")["category"] == "arts_culture_heritage"
    assert asset(marts, "UNKNOWN", "2025-04-01", "GB")["category"] == "uncoded"
    everything, arts = people(marts, "all"), people(marts, "arts_culture_heritage")
    assert (everything["attended"], arts["attended"]) == (8, 5)
    assert (everything["people"], arts["people"]) == (4, 4)
    assert arts["signposted"] == 1, "a signpost has the category that the directory gives the asset"


def test_long_term_conditions_are_a_cut_of_activity(marts: Scenario) -> None:
    both = people(marts, "all", "both")
    assert (both["people"], both["attended"], both["attended_per_person"]) == (1, 2, 2)
    assert people(marts, "all", "unknown")["people"] == 3


def test_e08_people_without_a_practice_are_kept_as_unknown(marts: Scenario) -> None:
    """No attendance is lost: of every scenario's, those of a year are in one area of each level."""
    for level in ("practice", "pcn", "icb"):
        placed = marts.row(
            """select sum(attended)::bigint as n from rpt_activity_people where period_type = 'year'
            and area_level = $level and breakdown = 'none' and category = 'all'""",
            level=level,
        )
        assert placed == marts.row("select sum(attended)::bigint as n from rpt_activity")
    assert people(marts, "all", practice="UNKNOWN")["attended"] >= 2


def test_sessions_add_up_to_the_days_on_which_assets_met(marts: Scenario) -> None:
    whole = marts.row("select sum(sessions)::bigint as n, sum(sessions_held)::bigint as held from rpt_activity")
    assert whole == marts.row(
        """select count(distinct session_id) as n,
            count(distinct session_id) filter (asset_use = 'attended') as held from fct_asset_uses"""
    )
