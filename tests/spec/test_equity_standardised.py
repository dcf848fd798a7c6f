"""Equity: rates standardised by age and sex, and the slope and relative index of inequality."""

import math
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.spec.registered import add_areas, add_person
from tests.spec.registered import equity_rows as rows
from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Registered with practice Z96304 (network U96304), all born in 1980: how many, how many of those are referred in
# January 2025, and their area.
GROUPS = [(100, 20, "E01996301"), (50, 5, "E01996302"), (10, 2, "E01996303"), (9, 3, "")]
WEIGHTS = [5000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000, 7000, 6500, 6000, 5500, 5000, 4000, 2500, 1500]
WEIGHTS += [1000]


def strata() -> Iterator[tuple[int, str, int, int, int]]:
    """Decile, sex, place of the age band, registered and referred, of network U96303: every stratum has someone."""
    for decile in (1, 10):
        for sex in ("female", "male"):
            for place in range(19):
                registered = 2 + (place + decile) % 3
                referred = 1 if (place * 7 + (0 if decile == 1 else 3)) % (2 if decile == 1 else 3) == 0 else 0
                yield decile, sex, place, registered, referred


def scenario(warehouse: Warehouse, scope: str) -> None:
    add_areas(warehouse)
    for registered, referred, lsoa in GROUPS:
        for n in range(registered):
            on = "2025-01-20" if n < referred else ""
            born = date(1980, 1, 1)
            add_person(warehouse, scope, f"{lsoa} {n}", "Z96304", sex="female", born=born, lsoa=lsoa, referred_on=on)
    for decile, sex, place, registered, referred in strata():
        for n in range(registered):
            on = "2025-01-20" if n < referred else ""
            born = date(2024 - place * 5 - 2, 6, 1)
            lsoa = "E01996301" if decile == 1 else "E01996302"
            name = f"{decile} {sex} {place} {n}"
            add_person(warehouse, scope, name, "Z96303", sex=sex, born=born, lsoa=lsoa, referred_on=on)
    for n in (3, 4):
        warehouse.practice(f"Z9630{n}", pcn=f"U9630{n}", icb="QE2")


def test_standardised_rates_are_those_of_the_definition(marts: Scenario) -> None:
    """Sum of weight times rate over the strata of age and sex, with Dobson's interval; strata of both sexes weigh
    alike."""
    groups = rows(marts, "U96303", "imd_decile")
    found = 0
    for decile in (1, 10):
        mine = [(WEIGHTS[place], n, x) for d, _, place, n, x in strata() if d == decile]
        total = sum(w for w, _, _ in mine)
        events = sum(x for _, _, x in mine)
        rate = 1000 * sum(w * x / n for w, n, x in mine) / total
        variance = 1e6 * sum(w * w * x / n**2 for w, n, x in mine) / total**2
        row = groups[str(decile)]
        assert (row["people"], row["people_standardised"], row["standard_share"]) == (events, events, 1)
        assert row["standardised_rate"] == pytest.approx(rate, rel=1e-9)
        byar = [
            events * (1 - 1 / (9 * events) - 1.959964 / (3 * math.sqrt(events))) ** 3,
            (events + 1) * (1 - 1 / (9 * (events + 1)) + 1.959964 / (3 * math.sqrt(events + 1))) ** 3,
        ]
        interval = [rate + math.sqrt(variance / events) * (limit - events) for limit in byar]
        assert [row["standardised_rate_lower"], row["standardised_rate_upper"]] == pytest.approx(interval, rel=1e-6)
        found += 1
    assert found == 2


def test_a_group_that_misses_parts_of_the_standard_has_no_standardised_rate(marts: Scenario) -> None:
    """All of that network are of one age: nearly nothing of the standard is there."""
    row = rows(marts, "U96304", "imd_decile")["1"]
    assert row["people"] == row["people_standardised"] == 20
    assert row["standard_share"] == pytest.approx(7000 / 200_000)
    assert row["standardised_rate"] is None
    assert rows(marts, "U96303", "age_band")["50-64"]["standardised_rate"] is None


def test_within_a_sex_the_standard_is_one_of_age(marts: Scenario) -> None:
    row = rows(marts, "U96303", "sex")["female"]
    assert row["standard_share"] == 1
    mine = [(place, n, x) for _, sex, place, n, x in strata() if sex == "female"]
    rate = 0.0
    for place, weight in enumerate(WEIGHTS):
        rate += weight * sum(x for p, _, x in mine if p == place) / sum(n for p, n, _ in mine if p == place)
    assert row["standardised_rate"] == pytest.approx(1000 * rate / 100_000, rel=1e-9)


def index(marts: Scenario, area: str, edition: str, basis: str) -> dict[str, Any]:
    return marts.row(
        """select * from rpt_equity_indices where period_type = 'quarter' and period_start = date '2025-01-01'
        and area_code = $area and imd_edition = $edition and basis = $basis and breakdown = 'imd_decile'
        and measure = 'referred'""",
        area=area,
        edition=edition,
        basis=basis,
    )


def test_indices_are_the_ends_of_the_weighted_line(marts: Scenario) -> None:
    """200 per 1,000 of 100 people at ridit 1/3, 100 of 50 people at 5/6: a slope of 200, from 266.7 to 66.7."""
    row = index(marts, "U96304", "2025", "crude")
    assert (row["people"], row["registered"], row["index_groups"]) == (25, 150, 2)
    assert (row["slope_index"], row["relative_index"]) == pytest.approx((200, 4))
    error = math.sqrt((1e6 * 20 / 100**2 + 1e6 * 5 / 50**2) / 0.25)
    assert row["slope_index_upper"] - row["slope_index"] == pytest.approx(1.959964 * error, rel=1e-6)
    assert row["relative_index_lower"] < 4 < row["relative_index_upper"]


def test_who_is_in_no_index_stands_beside_it(marts: Scenario) -> None:
    row = index(marts, "U96304", "2025", "crude")
    assert (row["people_other_edition"], row["people_unknown"], row["registered_unknown"]) == (2, 3, 9)
    whole = rows(marts, "U96304", "none")["all"]
    assert row["people"] + row["people_other_edition"] + row["people_unknown"] == whole["people"]


def test_too_few_people_or_a_group_without_a_rate_give_no_index(marts: Scenario) -> None:
    assert index(marts, "U96304", "2019", "crude")["slope_index"] is None
    assert index(marts, "U96304", "2025", "standardised")["slope_index"] is None
    standardised = index(marts, "U96303", "2025", "standardised")
    rates = rows(marts, "U96303", "imd_decile")
    assert standardised["slope_index"] > 0
    assert rates["1"]["standardised_rate"] > rates["10"]["standardised_rate"]
