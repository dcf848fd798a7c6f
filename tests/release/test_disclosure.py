"""What of a mart reaches the open tier, and in what form."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from linkwork.engine import connect
from linkwork.errors import BadDataError
from linkwork.release.disclosure import control
from linkwork.release.policy import load_policy

Row = Callable[..., dict[str, Any]]


def shown_others(row: Row, count: int = 5) -> list[dict[str, Any]]:
    """Enough rows that are shown, in the same step, to keep the step below the tolerance."""
    return [row(area=f"Q{n}Z") for n in range(count)]


def one(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    found = [r for r in rows if all(r[key] == value for key, value in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_f109_counts_are_rounded_and_the_rate_comes_from_the_rounded_parts(region: Any, example_row: Row) -> None:
    mart = region.example([example_row(people=112, completed=33, referrals=131)])
    (got,) = region.open_rows(mart)
    assert (got["people"], got["completed"], got["referrals"]) == (110, 35, 130)
    assert got["completed_share"] == pytest.approx(100 * 35 / 110)  # not 100 * 33 / 112
    assert {got[f"{c}_status"] for c in ("people", "completed", "referrals", "completed_share")} == {"shown"}


def test_few_people_hide_every_count_of_their_row(region: Any, example_row: Row) -> None:
    """Twenty appointments of two people say as much about them as the figure two would."""
    mart = region.example([*shown_others(example_row), example_row(people=2, referrals=20, completed=2)])
    got = one(region.open_rows(mart), area="QZZ")
    for column in ("people", "referrals", "completed", "completed_share"):
        assert (got[column], got[f"{column}_status"]) == (None, "suppressed")


def test_f107_a_small_count_of_people_is_hidden_on_its_own(region: Any, example_row: Row) -> None:
    mart = region.example([*shown_others(example_row), example_row(people=112, completed=3)])
    got = one(region.open_rows(mart), area="QZZ")
    assert (got["people"], got["referrals"]) == (110, 130)
    assert (got["completed"], got["completed_status"]) == (None, "suppressed")
    assert (got["completed_share"], got["completed_share_status"]) == (None, "suppressed")


def test_a_small_count_of_events_is_hidden_too(region: Any, example_row: Row) -> None:
    """Three events are of at most three people; rounded they would read as 5, and two as nobody."""
    mart = region.example([*shown_others(example_row), example_row(referrals=2)])
    got = one(region.open_rows(mart), area="QZZ")
    assert (got["referrals"], got["referrals_status"], got["people"]) == (None, "suppressed", 110)


@pytest.mark.parametrize("people", range(8))
def test_f111_a_suppressed_count_is_never_zero_and_zero_is_never_suppressed(
    region: Any, example_row: Row, people: int
) -> None:
    mart = region.example([*shown_others(example_row), example_row(people=people, referrals=people, completed=0)])
    got = one(region.open_rows(mart), area="QZZ")
    expected = (0, "shown") if people == 0 else (None, "suppressed")
    assert (got["people"], got["people_status"]) == expected
    assert (got["referrals"], got["referrals_status"]) == expected
    assert (got["completed"], got["completed_status"]) == (0, "shown")


def test_a_value_the_mart_does_not_have_is_not_called_suppressed(region: Any, example_row: Row) -> None:
    mart = region.example([example_row(completed=None), example_row(area="QYZ", people=0, referrals=0)])
    rows = region.open_rows(mart)
    missing = one(rows, area="QZZ")
    assert (missing["completed"], missing["completed_status"]) == (None, "none")
    assert (missing["completed_share"], missing["completed_share_status"]) == (None, "none")
    assert one(rows, area="QYZ")["completed_share_status"] == "none"  # 33 of nobody


def test_unknown_people_are_treated_as_few(region: Any, example_row: Row) -> None:
    mart = region.example([*shown_others(example_row), example_row(people=None, referrals=50)])
    got = one(region.open_rows(mart), area="QZZ")
    assert (got["referrals"], got["referrals_status"]) == (None, "suppressed")


def test_a_denominator_has_people_of_its_own(region: Any, example_row: Row, example_meta: dict[str, Any]) -> None:
    """None of fifty people completed: that is a result. Nobody's referrals are hidden because of it."""
    example_meta["disclosure"] |= {
        "people": "completed",
        "people_counts": ["people"],
        "people_of": {"referrals": "people"},
    }
    nobody, few = example_row(people=50, completed=0), example_row(area="QYZ", people=50, completed=2)
    mart = region.example([*shown_others(example_row), nobody, few], example_meta)
    rows = region.open_rows(mart)
    got = one(rows, area="QZZ")
    assert (got["referrals"], got["completed"], got["completed_share"]) == (130, 0, 0)
    got = one(rows, area="QYZ")
    assert (got["referrals"], got["completed"], got["completed_share"]) == (130, None, None)
    assert got["completed_share_status"] == "suppressed"


def test_each_breakdown_is_judged_on_its_own(region: Any, example_row: Row, example_meta: dict[str, Any]) -> None:
    """`route` holds the groups of what `reason` names: one sparse breakdown does not take the other away."""
    example_meta["disclosure"] |= {"splits": ["route"], "breakdowns": {"route": "reason"}}
    small = {"people": 3, "referrals": 3, "completed": 1}
    mart = region.example(
        [
            example_row(reason="none"),
            example_row(reason="sex", route="1"),
            example_row(reason="sex", route="2"),
            example_row(reason="age_band", route="0-17", **small),
            example_row(reason="age_band", route="18-64"),
        ],
        example_meta,
    )
    assert {(r["reason"], r["route"]) for r in region.open_rows(mart)} == {
        ("none", "all"),
        ("sex", "1"),
        ("sex", "2"),
    }
    assert [w.split for w in region.publish().withheld] == ["age_band"]


def test_a_breakdown_that_is_not_named_stays_in_the_restricted_tier(
    region: Any, example_row: Row, example_meta: dict[str, Any]
) -> None:
    example_meta["disclosure"] |= {
        "splits": ["route"],
        "breakdowns": {"route": "reason"},
        "only": {"reason": ["none", "sex"]},
    }
    rows = [example_row(reason="none"), example_row(reason="sex", route="1"), example_row(reason="ltc", route="both")]
    mart = region.example(rows, example_meta)
    assert {(r["reason"], r["route"]) for r in region.open_rows(mart)} == {("none", "all"), ("sex", "1")}
    assert region.publish().withheld == []


def test_one_split_at_a_time(region: Any, example_row: Row) -> None:
    mart = region.example(
        [
            example_row(),
            example_row(reason="housing"),
            example_row(route="gp"),
            example_row(reason="housing", route="gp"),
            example_row(reason="none", route="self"),
        ]
    )
    assert {(r["reason"], r["route"]) for r in region.open_rows(mart)} == {
        ("all", "all"),
        ("housing", "all"),
        ("all", "gp"),
        ("none", "self"),
    }


def test_a_split_that_is_null_counts_as_split(region: Any, example_row: Row) -> None:
    mart = region.example([example_row(), example_row(reason="housing")])
    con = connect(region.warehouse)
    con.execute("update marts.rpt_example set route = null where reason = 'housing'")
    con.close()
    assert [r["reason"] for r in region.open_rows(mart)] == ["all"]


@pytest.mark.parametrize(
    ("cut_off", "shown"), [(date(2025, 3, 13), 0), (date(2025, 3, 14), 1), (date(2030, 1, 1), 1), (None, 0)]
)
def test_a_period_is_open_six_weeks_after_its_end_by_the_cut_off_date(
    region: Any, example_row: Row, cut_off: date | None, shown: int
) -> None:
    mart = region.example([example_row(period_end=date(2025, 1, 31))])
    assert len(region.open_rows(mart, cut_off=cut_off)) == shown


def test_intervals_come_from_the_rounded_parts(region: Any, example_meta: dict[str, Any]) -> None:
    example_meta["disclosure"] |= {
        "splits": [],
        "counts": ["contacts"],
        "people_counts": ["done"],
        "rates": {
            "share": {
                "numerator": "done",
                "denominator": "people",
                "per": 100,
                "lower": "share_low",
                "upper": "share_high",
                "kind": "proportion",
            },
            "rate": {
                "numerator": "contacts",
                "denominator": "people",
                "per": 1,
                "lower": "rate_low",
                "upper": "rate_high",
                "kind": "rate",
            },
        },
    }
    example_meta["key"] = ["area"]
    values = "('a', 99, 12, 24), ('b', 102, 0, 0), ('c', 101, 102, 51)"  # people, done, contacts
    mart = region.mart(
        "rpt_intervals",
        "select 'icb' as area_level, a as area, 'month' as period_type, date '2025-01-31' as period_end,"
        " p::bigint as people, d::bigint as done, c::bigint as contacts, 0.5::double as share,"
        " 0.4::double as share_low, 0.6::double as share_high, 1::double as rate, 0::double as rate_low,"
        f" 2::double as rate_high from (values {values}) as v (a, p, d, c)",
        example_meta,
    )
    a, b, c = region.open_rows(mart)
    # 10/100 and 25 contacts of 100 people; golden values of the formulas
    assert (a["share"], a["rate"]) == (10, 0.25)
    assert a["share_low"] == pytest.approx(5.5229, abs=1e-4)
    assert a["share_high"] == pytest.approx(17.4366, abs=1e-4)
    assert 100 * a["rate_low"] == pytest.approx(16.1743, abs=1e-4)
    assert 100 * a["rate_high"] == pytest.approx(36.9065, abs=1e-4)
    assert (b["share_low"], b["rate_low"]) == (0, 0)
    assert b["share_high"] == pytest.approx(3.6993, abs=1e-3)
    assert 100 * b["rate_high"] == pytest.approx(3.6889, abs=1e-4)
    assert c["share_high"] == pytest.approx(100)


def test_dropped_columns_are_not_there_and_still_count_for_suppression(
    region: Any, example_row: Row, example_meta: dict[str, Any]
) -> None:
    example_meta["disclosure"]["drop"] = ["people", "completed_share"]
    mart = region.example([*shown_others(example_row), example_row(people=3, referrals=40, completed=8)], example_meta)
    got = one(region.open_rows(mart), area="QZZ")
    assert not {"people", "people_status", "completed_share", "completed_share_status"} & set(got)
    assert (got["referrals"], got["completed"]) == (None, 10)


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ("5::bigint as sessions", "no declared place"),
        ("0.5::double as mean_age", "no declared place"),
        ("'ab'::blob as subject_key", "no declared place"),
        ("'x' as people_status", "needs for itself"),
    ],
)
def test_a_column_nobody_accounted_for_refuses(
    region: Any, example_row: Row, example_meta: dict[str, Any], extra: str, why: str
) -> None:
    region.example([example_row()])
    con = connect(region.warehouse)
    con.execute("create table marts.base as from marts.rpt_example")
    con.close()
    mart = region.mart("rpt_example", f"select *, {extra} from marts.base", example_meta)
    with pytest.raises(BadDataError, match=why):
        region.open_rows(mart)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"counts": ["referals"]}, "no such column"),
        ({"counts": []}, "no declared place"),
        ({"people_counts": []}, "no declared place"),
        ({"drop": ["reason"]}, "identifies or splits"),
        ({"people": "area"}, "counts people"),
        ({"period_end": "area"}, "must be a DATE"),
        ({"rates": {"completed_share": {"numerator": "area", "denominator": "people"}}}, "is not rounded"),
    ],
)
def test_metadata_that_do_not_fit_the_mart_refuse(
    region: Any, example_row: Row, example_meta: dict[str, Any], change: dict[str, Any], why: str
) -> None:
    example_meta["disclosure"] |= change
    mart = region.example([example_row()], example_meta)
    with pytest.raises(BadDataError, match=why):
        region.open_rows(mart)


@pytest.mark.parametrize("change", [{"disclosure": None}, {"tiers": ["opne"]}, {"key": []}, {"surprise": 1}])
def test_metadata_that_cannot_be_understood_refuse(
    region: Any, example_row: Row, example_meta: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(BadDataError, match="rpt_example"):
        region.example([example_row()], {**example_meta, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"breakdowns": {"area": "reason"}},
        {"people_of": {"completed": "people"}},
        {"people_of": {"referrals": "area"}},
        {"rates": {"completed_share": {"numerator": "completed", "denominator": "people", "lower": "area"}}},
    ],
)
def test_disclosure_rules_that_contradict_themselves_refuse(
    region: Any, example_row: Row, example_meta: dict[str, Any], change: dict[str, Any]
) -> None:
    example_meta["disclosure"] |= change
    with pytest.raises(BadDataError, match="the release metadata of rpt_example is wrong"):
        region.example([example_row()], example_meta)


def test_a_negative_count_refuses(region: Any, example_row: Row) -> None:
    mart = region.example([example_row(completed=-3)])
    with pytest.raises(BadDataError, match="negative in 1 rows"):
        region.open_rows(mart)


def test_opensafely_redacts_zero_too(region: Any, example_row: Row) -> None:
    mart = region.example([*shown_others(example_row), example_row(people=0, referrals=0, completed=0)])
    got = one(region.open_rows(mart, policy="opensafely"), area="QZZ")
    assert (got["people"], got["people_status"]) == (None, "suppressed")


def test_open_columns_are_described(region: Any, example_row: Row) -> None:
    mart = region.example([example_row()])
    con = connect(region.warehouse, read_only=True)
    columns = control(con, mart, load_policy("nhs-hes"), None).columns
    con.close()
    assert columns["people"].startswith("Distinct people referred. Rounded to the nearest 5")
    assert list(columns)[-4:] == [
        "completed",
        "completed_status",
        "completed_share",
        "completed_share_status",
    ]
