"""Equity: people referred per 1,000 registered by group (edge cases by number)."""

from datetime import date

import pytest
from scipy import stats

from tests.spec.registered import add_areas, add_person
from tests.spec.registered import equity_rows as rows
from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Who is registered from before 2025 with practice Z96301 (network U96301, board QE1), all born in 1980: the group, how
# many, how many of those are referred in January 2025, sex, ethnic category and area.
GROUPS = [
    ("deprived", 100, 20, "female", "A", "E01996301"),
    ("rich", 50, 5, "male", "R", "E01996302"),
    ("older vintage", 10, 2, "male", "H", "E01996303"),
    ("nowhere", 8, 3, "not_known", "Z", ""),
]
# Single people of the same board: one moves to another network, one dies, one is referred twice and grows older, one
# is referred from nowhere, one is only the service's.
EVENTS = """
person | record | event                | on         | says
mover  | M-r1   | registration.started | 2010-01-01 | at=Z96301
mover  | M-r1   | registration.ended   | 2025-05-31 | at=Z96301; end_reason=moved_away
mover  | M-r2   | registration.started | 2025-06-01 | at=Z96302
mover  | M1     | referral.received    | 2025-06-05 | at=Z96301; route=gp; provider_code=S1
dead   | D-r    | registration.started | 2010-01-01 | at=Z96302
dead   | D-r    | registration.ended   | 2025-02-10 | at=Z96302; end_reason=deceased
twice  | T-r    | registration.started | 2010-01-01 | at=Z96302
twice  | T-p    | person.described     | 2024-12-01 | at=Z96302; sex=female; birth_month=1975-03-01
twice  | T1     | referral.received    | 2025-02-01 | at=Z96302; route=gp; provider_code=S1
twice  | T2     | referral.received    | 2025-04-01 | at=Z96302; route=gp; provider_code=S2
twice  | T2     | referral.accepted    | 2025-04-02 | provider_code=S2
twice  | T-c    | contact.held         | 2025-04-20 | referral=T2; provider_code=S2
twice  | T2     | referral.closed      | 2025-09-01 | provider_code=S2; reason=completed
lost   | L1     | referral.received    | 2024-02-01 | at=V81999; route=self; provider_code=S1
guest  | G1     | referral.received    | 2025-02-01 | at=Z96302; route=self; provider_code=S1
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    add_areas(warehouse)
    for group, registered, referred, sex, ethnic, lsoa in GROUPS:
        for n in range(registered):
            on = "2025-01-20" if n < referred else ""
            born = date(1980, 1, 1)
            name = f"{group} {n}"
            add_person(warehouse, scope, name, "Z96301", sex=sex, born=born, ethnic=ethnic, lsoa=lsoa, referred_on=on)
    for n in (1, 2):
        warehouse.practice(f"Z9630{n}", pcn=f"U9630{n}", icb="QE1")


def test_rates_are_people_per_1000_registered_with_intervals(marts: Scenario) -> None:
    groups = rows(marts, "U96301", "imd_decile")
    deprived, rich = groups["1"], groups["10"]
    assert (deprived["people"], deprived["registered"], deprived["rate"]) == (20, 100, 200)
    assert (rich["people"], rich["registered"], rich["rate"]) == (5, 50, 100)
    # Byar's from 10 people, exact below.
    assert (deprived["rate_lower"], deprived["rate_upper"]) == pytest.approx((122.114, 308.899), abs=0.001)
    exact = [1000 / 50 * limit for limit in (stats.chi2.ppf(0.025, 10) / 2, stats.chi2.ppf(0.975, 12) / 2)]
    assert [rich["rate_lower"], rich["rate_upper"]] == pytest.approx(exact)


def test_the_edition_is_that_of_the_vintage_and_editions_never_mix(marts: Scenario) -> None:
    """Edge case of two vintages: an area of 2011 has the decile of 2019 and stands apart from those of 2025."""
    groups = rows(marts, "U96301", "imd_decile")
    assert {group: row["imd_edition"] for group, row in groups.items()} == {
        "1": "2025",
        "10": "2025",
        "3": "2019",
        "unknown": "none",
    }
    assert (groups["3"]["people"], groups["3"]["registered"]) == (2, 10)


def test_who_is_unknown_is_shown_with_who_is_registered(marts: Scenario) -> None:
    unknown = rows(marts, "U96301", "imd_decile")["unknown"]
    assert (unknown["people"], unknown["registered"]) == (3, 8 + 1)  # and the mover, whom nobody described
    assert rows(marts, "U96301", "sex")["not_known"]["people"] == 3
    assert rows(marts, "U96301", "age_band")["unknown"]["registered"] == 1


def test_ethnicity_is_shown_in_both_schemes(marts: Scenario) -> None:
    """Chinese is one of other in the NHS Data Dictionary and one of asian in the census of 2021."""
    nhs, census = (rows(marts, "U96301", name) for name in ("ethnic_group", "ethnic_group_census"))
    assert {group: row["people"] for group, row in nhs.items()} == {"white": 20, "other": 5, "asian": 2, "unknown": 3}
    assert {group: row["people"] for group, row in census.items()} == {"white": 20, "asian": 7, "unknown": 3}
    assert (nhs["asian"]["registered"], census["asian"]["registered"]) == (10, 60)


def test_e08_a_referral_without_a_practice_is_kept_without_a_rate(marts: Scenario) -> None:
    row = rows(marts, "UNKNOWN", "none", period="year", start=date(2024, 1, 1))["all"]
    assert row["people"] >= 1
    assert (row["people_registered"], row["rate"], row["rate_upper"]) == (0, None, None)


def test_a_person_nobody_registered_is_counted_but_in_no_rate(marts: Scenario) -> None:
    row = rows(marts, "U96302", "none")["all"]
    assert (row["people"], row["people_registered"]) == (2, 1)


def test_e11_who_moves_is_registered_where_they_were_on_each_day(marts: Scenario) -> None:
    """The mover counts in two quarters here and two there; the referral after the move is the new network's."""
    before, after = (rows(marts, area, "none", period="year")["all"] for area in ("U96301", "U96302"))
    assert before["census_days"] == 4
    assert before["registered"] == pytest.approx(168 + 2 / 4)
    assert after["registered"] == pytest.approx(1 + 2 / 4 + 1 / 4)  # twice; the mover; the dead for one quarter
    assert (before["people"], after["people"]) == (30, 3)


def test_e22_the_dead_are_registered_no_more(marts: Scenario) -> None:
    first, second = (
        rows(marts, "U96302", "none", start=start)["all"]["registered"]
        for start in (date(2025, 1, 1), date(2025, 4, 1))
    )
    assert (first, second) == (2, 1)


def test_e01_e40_a_person_counts_once_in_a_period_with_the_first_referral(marts: Scenario) -> None:
    """Referred at 49 and again at 50, in two quarters: once in the year, at 49; once in each quarter."""
    year = rows(marts, "U96302", "age_band", period="year")
    assert (year["35-49"]["people"], year["35-49"]["referrals"]) == (1, 1)
    assert (year["50-64"]["people"], year["50-64"]["referrals"]) == (0, 1)
    quarter = rows(marts, "U96302", "age_band", start=date(2025, 4, 1))
    assert quarter["50-64"]["people"] == 1


def test_what_became_of_a_referral_counts_in_the_period_of_its_receipt(marts: Scenario) -> None:
    for measure in ("contacted", "completed"):
        first, second = (
            rows(marts, "U96302", "none", measure=measure, start=start)["all"]
            for start in (date(2025, 1, 1), date(2025, 4, 1))
        )
        assert (first["people"], second["people"]) == (0, 1)
        assert (first["rate"], second["rate"]) == (0, 1000)


@pytest.mark.parametrize(
    "breakdown",
    [
        "sex",
        "age_band",
        "ethnic_group",
        "ethnic_group_census",
        "imd_decile",
        "imd_quintile",
        "ltc_group",
        "ltc_count_band",
    ],
)
def test_the_groups_of_a_breakdown_add_up_to_the_whole(marts: Scenario, breakdown: str) -> None:
    keys = "period_type, period_start, area_level, area_code, measure"
    sums = "sum(referrals)::bigint, sum(people)::bigint, round(sum(registered), 6)"
    asked = f"select {keys}, {sums} from rpt_equity where breakdown = '{{}}' group by all order by all"
    assert marts.rows(asked.format(breakdown)) == marts.rows(asked.format("none"))


def test_referrals_add_up_to_those_received(marts: Scenario) -> None:
    for level in ("pcn", "icb"):
        row = marts.row(
            f"""select sum(referrals)::bigint as n from rpt_equity where period_type = 'year' and measure = 'referred'
            and breakdown = 'none' and area_level = '{level}'"""
        )
        assert row == marts.row("select count(*) as n from fct_referrals")


def test_the_trace_of_a_figure_adds_up_to_it(marts: Scenario) -> None:
    keys = "period_type, period_start, area_level, area_code, breakdown, breakdown_group, imd_edition, measure"
    sums = "sum(referrals)::bigint as referrals, sum(people)::bigint as people, sum(people_registered)::bigint as known"
    asked = f"select {keys}, {sums} from {{}} group by all having sum(referrals) > 0 order by all"
    figures = marts.rows(asked.format("rpt_equity"))
    assert len(figures) > 100
    assert figures == marts.rows(asked.format("trace__rpt_equity"))
    people = "select census_on, practice_code, sum({}) as n from {} group by all order by all"
    assert marts.rows(people.format("people", "fct_registered_people")) == marts.rows(
        people.format("1", "trace__fct_registered_people")
    )
