"""Outcomes: the first and the last measure of one episode, and what is said where there are not both."""

from decimal import Decimal
from typing import Any

import pytest
from scipy import stats

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Each raw sum as seven answers; the metric scores are those of the published table.
SUMS = {
    14: "2,2,2,2,2,2,2",
    17: "3,3,3,2,2,2,2",
    20: "3,3,3,3,3,3,2",
    21: "3,3,3,3,3,3,3",
    25: "4,4,4,4,3,3,3",
    30: "5,5,4,4,4,4,4",
    33: "5,5,5,5,5,4,4",
}
METRIC = {14: 15.32, 17: 16.88, 20: 18.59, 25: 22.35, 30: 27.03, 33: 30.70}

# Service LB is known until August, LD until January. All are received in March; ann comes back in August.
REFERRALS = """
person | record | event             | on         | says
ann | A1 | referral.received | 2025-03-01 | provider_code=LB; at=Z97402; route=gp
ann | A2 | referral.received | 2025-08-20 | provider_code=LB; at=Z97402; route=gp
bob | B1 | referral.received | 2025-03-02 | provider_code=LB; at=Z97402; route=gp
cat | C1 | referral.received | 2025-03-03 | provider_code=LB; at=Z97402; route=self
dan | D1 | referral.received | 2025-03-03 | provider_code=LB; at=Z97402; route=gp
eve | E1 | referral.received | 2025-03-03 | provider_code=LB; at=Z97402; route=gp
fay | F1 | referral.received | 2025-03-03 | provider_code=LB; at=Z97402; route=gp
guy | G1 | referral.received | 2025-03-03 | provider_code=LB; at=Z97402; route=gp
hal | H1 | referral.received | 2025-03-03 | provider_code=LB; at=Z97402; route=gp
ida | I1 | referral.received | 2025-03-03 | provider_code=LB; at=Z97402; route=gp
joy | J1 | referral.received | 2025-03-03 | provider_code=LD; at=Z97402; route=gp
kim | K1 | referral.received | 2025-03-03 | provider_code=LB; at=V81999; route=self
lee | L1 | referral.received | 2025-03-03 | provider_code=LB; at=V81999; route=gp
lee | L2 | referral.received | 2025-04-15 | provider_code=LB; at=V81999; route=gp
mia | M1 | referral.received | 2025-03-03 | provider_code=LB; at=V81999; route=gp
mia | R  | registration.started | 2025-03-02 | at=V81999
mia | R  | registration.ended | 2025-04-20 | end_reason=deceased
ann | A1 | referral.closed   | 2025-07-01 | reason=completed
bob | B1 | referral.closed   | 2025-07-01 | reason=completed
cat | C1 | referral.closed   | 2025-07-01 | reason=completed
dan | D1 | referral.closed   | 2025-05-01 | reason=completed
hal | H1 | referral.rejected | 2025-03-09 | reason=outside area
ann | P  | person.described  | 2025-01-01 | at=Z97402; sex=female; long_term_conditions=DEP
"""
# Whose contact was held when, and what their answers added up to on which days.
MEASURES = {
    ("ann", "A1", "LB", "2025-03-10"): {"2025-03-12": 30, "2025-05-01": 20, "2025-06-28": 33, "2025-07-20": 14},
    ("ann", "A2", "LB", "2025-08-25"): {"2025-08-26": 21},
    ("bob", "B1", "LB", "2025-03-10"): {"2025-03-09": 14, "2025-07-03": 17},
    ("cat", "C1", "LB", "2025-03-10"): {"2025-03-24": 25, "2025-06-01": 20},
    ("dan", "D1", "LB", "2025-03-10"): {"2025-03-12": 25, "2025-04-08": 20},
    ("fay", "F1", "LB", "2025-03-10"): {"2025-03-25": 25, "2025-07-01": 20},
    ("guy", "G1", "LB", "2025-03-10"): {"2025-03-12": 25},
    ("joy", "J1", "LD", "2025-03-10"): {"2025-03-12": 25},
    ("kim", "K1", "LB", "2025-03-10"): {"2025-03-12": 25, "2025-06-12": 33},
    ("lee", "L1", "LB", "2025-03-10"): {"2025-03-12": 25},
    ("lee", "L2", "LB", "2025-04-20"): {"2025-06-12": 33},
    ("mia", "M1", "LB", "2025-03-10"): {"2025-03-12": 25},
}
OTHERS = """
person | record | event            | on         | says
eve | e-c  | contact.held     | 2025-03-10 | referral=E1; provider_code=LB
eve | e-m1 | measure.recorded | 2025-03-12 | referral=E1; provider_code=LB; instrument=SWEMWBS; items=5,,4,4,4,4,4
eve | e-m2 | measure.recorded | 2025-06-12 | referral=E1; provider_code=LB; instrument=SWEMWBS; items=5,4,4,4,4,4
ann | a-o1 | measure.recorded | 2025-03-12 | referral=A1; provider_code=LB; instrument=ONS4; items=4,7,9,8
ann | a-o2 | measure.recorded | 2025-06-28 | referral=A1; provider_code=LB; instrument=ONS4; items=6,7,8,3
bob | b-p1 | measure.recorded | 2025-03-12 | referral=B1; provider_code=LB; instrument=PHQ-9; items=2,2,2,2,2,2,1,1,1
bob | b-p2 | measure.recorded | 2025-06-12 | referral=B1; provider_code=LB; instrument=PHQ-9; items=1,1,1,1,1,1,1,1,1
joy | j-c  | contact.missed   | 2026-01-20 | referral=J1; provider_code=LD
ida | i-m  | measure.recorded | 2026-03-01 | referral=I1; provider_code=LB; instrument=SWEMWBS; items=5,4,4,4,4,4,4
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.practice("Z97402", pcn="U97402", icb="QV2")
    warehouse.add(scope, REFERRALS)
    warehouse.add(scope, OTHERS)
    for (person, referral, service, contact), sums in MEASURES.items():
        says = {"referral": referral, "provider_code": service}
        warehouse.event(scope, person, f"{referral}-c", "contact.held", contact, **says)
        for day, raw in sums.items():
            taken = {"instrument": "SWEMWBS", "items": SUMS[raw], **says}
            warehouse.event(scope, person, f"{referral}-{day}", "measure.recorded", day, **taken)


def pair(marts: Scenario, referral: str, instrument: str = "SWEMWBS", result: str = "score") -> dict[str, Any]:
    return marts.row(
        "select * from fct_outcome_pairs where referral_id = $id and instrument = $instrument and result = $result",
        id=text_id(marts.scope, referral),
        instrument=instrument,
        result=result,
    )


def outcome(
    marts: Scenario, instrument: str = "SWEMWBS", result: str = "score", group: str = "all", practice: str = "Z97402"
) -> dict[str, Any]:
    """The row of the month of March; `group` is one of long-term conditions, or all."""
    return marts.row(
        """select * from rpt_outcomes where period_type = 'month' and period_start = date '2025-03-01'
        and area_level = 'practice' and area_code = $practice and instrument = $instrument and result = $result
        and breakdown_group = $group and breakdown = if($group = 'all', 'none', 'ltc_group')""",
        instrument=instrument,
        result=result,
        group=group,
        practice=practice,
    )


@pytest.mark.parametrize(
    ("referral", "state"),
    [
        ("A1", "paired"),
        ("D1", "follow_up_missing"),  # 27 days apart are too few, and the episode ended
        ("E1", "not_scored"),
        ("F1", "measured_late"),  # 15 days after the first contact
        ("G1", "follow_up_open"),  # its service has reported 167 days beyond the baseline
        ("J1", "follow_up_missing"),  # its service has reported 314 days beyond it
        ("H1", "not_measured"),
        ("I1", "baseline_open"),  # a measure dated after the cut-off is still to come
    ],
)
def test_every_referral_has_one_state_judged_by_its_own_service(marts: Scenario, referral: str, state: str) -> None:
    assert pair(marts, referral)["state"] == state


def test_the_baseline_is_the_first_and_the_follow_up_the_nearest_to_the_end(marts: Scenario) -> None:
    ours = pair(marts, "A1")
    assert (str(ours["baseline_on"]), str(ours["follow_up_on"])) == ("2025-03-12", "2025-06-28")
    before, after = pair(marts, "B1"), pair(marts, "C1")
    assert str(before["baseline_on"]) == "2025-03-09", "a measure before the first contact is a baseline"
    assert str(after["baseline_on"]) == "2025-03-24", "so is one 14 days after it"


def test_e01_measures_of_another_episode_are_no_pair(marts: Scenario) -> None:
    again = pair(marts, "A2")
    assert (again["state"], again["baseline"], again["follow_up"]) == ("follow_up_open", Decimal("19.25"), None)


def test_e01_a_referral_that_comes_again_within_an_episode_belongs_to_it(marts: Scenario) -> None:
    one = pair(marts, "L1")
    assert (one["state"], one["referrals"], str(one["follow_up_on"])) == ("paired", 2, "2025-06-12")
    again = marts.rows("select * from fct_outcome_pairs where episode_id = $id", id=text_id(marts.scope, "L2"))
    assert again == []


def test_e22_of_who_died_no_follow_up_is_to_come(marts: Scenario) -> None:
    assert (pair(marts, "M1")["state"], str(pair(marts, "M1")["ended_on"])) == ("follow_up_missing", "2025-04-20")


def test_swemwbs_changes_on_its_metric_scale(marts: Scenario) -> None:
    """The same gain of three on the raw sum is 3.67 or 1.56, and only the first is a reliable change."""
    ann, bob, cat = (pair(marts, r) for r in ("A1", "B1", "C1"))
    assert [p["change"] for p in (ann, bob, cat)] == [Decimal("3.67"), Decimal("1.56"), Decimal("-3.76")]
    assert [p["reliably_improved"] for p in (ann, bob, cat)] == [1, 0, 0]
    assert [p["not_reliably_changed"] for p in (ann, bob, cat)] == [0, 1, 0]
    assert [p["reliably_deteriorated"] for p in (ann, bob, cat)] == [0, 0, 1]


def test_how_many_were_referred_and_measured_stands_beside_the_mean(marts: Scenario) -> None:
    row = outcome(marts)
    assert (row["referred"], row["with_baseline"], row["paired"], row["people"]) == (10, 6, 3, 3)
    assert (row["follow_up_missing"], row["follow_up_open"], row["baseline_open"]) == (2, 1, 1)
    assert (row["measured_late"], row["not_scored"], row["not_measured"]) == (1, 1, 1)
    assert row["follow_up_share"] == pytest.approx(3 / 5)
    assert row["baseline_share"] == pytest.approx(6 / 9)
    assert (row["reliably_improved"], row["not_reliably_changed"], row["reliably_deteriorated"]) == (1, 1, 1)
    assert (row["has_enough_pairs"], row["reliable_change"]) == (False, Decimal("2.87"))


def test_means_and_intervals_are_those_of_the_pairs(marts: Scenario) -> None:
    first, last = [METRIC[n] for n in (30, 14, 25)], [METRIC[n] for n in (33, 17, 20)]
    changes = [b - a for a, b in zip(first, last, strict=True)]
    low, high = stats.ttest_1samp(changes, 0).confidence_interval(0.95)
    row = outcome(marts)
    assert row["mean_baseline"] == pytest.approx(sum(first) / 3)
    assert row["mean_follow_up"] == pytest.approx(sum(last) / 3)
    assert (row["mean_change_lower"], row["mean_change_upper"]) == pytest.approx((low, high), rel=1e-7)
    assert row["sum_change"] == Decimal("1.47")


def test_one_pair_has_a_mean_and_no_interval(marts: Scenario) -> None:
    row = outcome(marts, practice="UNKNOWN")
    assert row["paired"] >= 1
    alone = outcome(marts, "PHQ-9")
    assert (alone["paired"], alone["mean_change"], alone["mean_change_lower"]) == (1, -6, None)


def test_ons4_has_no_total_and_of_anxiety_less_is_better(marts: Scenario) -> None:
    rows = marts.rows("select distinct result from fct_outcome_pairs where instrument = 'ONS4'")
    assert {row["result"] for row in rows} == {"satisfaction", "worthwhile", "happiness", "anxiety"}
    found = {row["result"]: outcome(marts, "ONS4", row["result"]) for row in rows}
    moved = {result: (row["better"], row["same"], row["worse"]) for result, row in found.items()}
    assert moved == {"satisfaction": (1, 0, 0), "worthwhile": (0, 1, 0), "happiness": (0, 0, 1), "anxiety": (1, 0, 0)}
    assert (found["anxiety"]["mean_change"], found["anxiety"]["mean_improvement"]) == (-5, 5)
    assert found["anxiety"]["reliably_improved"] is None, "no reliable change is agreed, so none is claimed"


def test_less_depression_is_an_improvement(marts: Scenario) -> None:
    row = outcome(marts, "PHQ-9")
    assert (row["mean_change"], row["reliably_improved"], row["reliably_deteriorated"]) == (-6, 1, 0)


def test_bands_are_of_the_same_pairs_first_and_last(marts: Scenario) -> None:
    rows = marts.rows(
        """select result, band, at_baseline, at_follow_up, share_at_baseline from rpt_outcome_bands
        where period_type = 'month' and area_level = 'practice' and area_code = 'Z97402' and breakdown = 'none'
        and instrument = 'ONS4'"""
    )
    bands = {(row["result"], row["band"]): (row["at_baseline"], row["at_follow_up"]) for row in rows}
    assert bands == {
        ("satisfaction", "low"): (1, 0),
        ("satisfaction", "medium"): (0, 1),
        ("worthwhile", "high"): (1, 1),
        ("happiness", "very_high"): (1, 0),
        ("happiness", "high"): (0, 1),
        ("anxiety", "high"): (1, 0),
        ("anxiety", "low"): (0, 1),
    }
    assert {row["share_at_baseline"] for row in rows} == {0, 1}


def test_long_term_conditions_are_a_cut_of_outcomes(marts: Scenario) -> None:
    mental = outcome(marts, group="mental")
    assert (mental["referred"], mental["paired"], mental["mean_change"]) == (1, 1, pytest.approx(3.67))
    assert outcome(marts, group="unknown")["paired"] == 2
    bands = marts.rows("select distinct breakdown from rpt_outcome_bands")
    assert {"ltc_group", "ltc_count_band"} <= {row["breakdown"] for row in bands}


def test_e08_referrals_without_a_practice_are_kept_as_unknown(marts: Scenario) -> None:
    """In every area level and breakdown every episode of every scenario counts once, and has every referral."""
    whole = marts.row("select count(*) as n from fct_referrals where episode_sequence = 1")["n"]
    referrals = marts.rows(
        "select distinct sum(referrals)::bigint as n from fct_outcome_pairs group by instrument, result"
    )
    assert referrals == marts.rows("select count(*) as n from fct_referrals")
    rows = marts.rows(
        """select distinct sum(referred)::bigint as n from rpt_outcomes where period_type = 'year'
        group by area_level, breakdown, instrument, result"""
    )
    assert [row["n"] for row in rows] == [whole]
