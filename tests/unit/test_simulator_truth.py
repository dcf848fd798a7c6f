"""The truth as it is set: effects by group, engagement by route and deprivation, practices that begin one by one."""

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import simulator
from simulator import world
from simulator.world import region
from simulator.world.dials import Dials

DAYS = (dt.date(2024, 4, 1), dt.date(2025, 9, 30))
PEOPLE, SEED = 2500, 7
Ask = Callable[[str], list[Any]]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Questions to a world with every dial off its default."""
    with simulator.connect() as con:
        dials = Dials(effect_rate_ratio=0.9, effect_for="imd1=1.0,over64=0.4", rollout_months=10, referred_per_year=0.2)
        world.build(con, PEOPLE, SEED, region.Period(*DAYS), dials)
        yield lambda query: con.execute(query).fetchall()


def test_each_group_has_the_effect_that_was_set_for_it(ask: Ask) -> None:
    """Kept visits after the first contact; the first group that fits holds: somebody deprived and old has no effect."""
    kept = dict(
        ask("""
            select p.rate_ratio, avg((a.ref is not null)::integer)
            from slots as s join people as p using (id)
            join (select id, min(first_held) as engaged_from from referrals group by id) as e using (id)
            left join appointments as a on a.ref = s.visit
            where s.day > e.engaged_from and s.visit not in (select decision from referrals where decision is not null)
            group by 1
        """)
    )
    assert kept.keys() == {0.4, 0.9, 1.0}
    assert kept[1.0] == 1
    assert abs(kept[0.9] - 0.9) < 0.04
    assert abs(kept[0.4] - 0.4) < 0.1
    ((of_deprived,),) = ask("select min(rate_ratio) from people where imd_decile <= 2")
    assert of_deprived == 1


def test_no_practice_refers_before_it_takes_up_social_prescribing(ask: Ask) -> None:
    starts = [day for (day,) in ask("select began_on from rollouts order by 1")]
    assert len(set(starts)) == 12
    assert starts[0] == DAYS[0]
    assert 290 < (starts[-1] - starts[0]).days < 310
    assert (
        ask("""
        select r.ref from referrals as r join rollouts as o using (practice_code)
        where least(r.decided, r.received_on) < o.began_on
    """)
        == []
    )
    ((with_referrals,),) = ask("select count(distinct practice_code) from referrals")
    assert with_referrals == 12


def test_route_and_deprivation_decide_who_is_reached(ask: Ask) -> None:
    """At equal chance of everything else: the pull keeps people away, and without a gap there is none."""
    reached = "select avg((first_held is not null)::integer) from referrals where accepted_on is not null and pull"
    near, far = (ask(f"{reached} {side}") for side in ("< 0", "> 0.9"))
    assert near[0][0] > far[0][0]
    with simulator.connect() as con:
        world.build(con, 600, SEED, region.Period(*DAYS), Dials(engagement_gap=0))
        assert con.execute("select distinct pull from referrals").fetchall() == [(0,)]


def test_the_truth_says_what_was_set(tmp_path: Path) -> None:
    out = tmp_path / "region"
    simulator.simulate(400, SEED, out, days=DAYS, effect_rate_ratio=0.7, effect_for="under18=1", rollout_months=6)
    with (out / "truth" / "practices.csv").open() as file:
        assert len({row["refers_from"] for row in csv.DictReader(file)}) == 12
    people, referrals = (str(out / "truth" / f"{name}.parquet") for name in ("people", "referrals"))
    ratios = duckdb.execute("select distinct true_rate_ratio from read_parquet(?) order by 1", [people]).fetchall()
    assert ratios == [(0.7,), (1.0,)]
    ((lost,),) = duckdb.execute(
        "select count(*) from read_parquet(?) as r anti join read_parquet(?) as p using (person_id)",
        [referrals, people],
    ).fetchall()
    assert lost == 0


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"effect_rate_ratio": 0}, "effect_rate_ratio must be above 0"),
        ({"effect_for": "tall=0.5"}, "which is none of"),
        ({"effect_for": "imd1=half"}, "no number"),
        ({"effect_for": "imd1=2.1"}, "imd1 must be above 0 and at most 2, not 2.1: 1 is no effect"),
        ({"effect_rate_ratio": float("nan")}, "effect_rate_ratio must be"),
        ({"rollout_months": 90}, "rollout_months must be"),
        ({"referred_per_year": 0.9}, "referred_per_year must be"),
    ],
)
def test_an_impossible_truth_is_refused(setting: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Dials(**setting)
