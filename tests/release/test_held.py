"""Two releases that differ by few people: nothing of the open tier differs, until enough has changed."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkwork.engine import connect, dicts, text
from linkwork.errors import BusyError
from linkwork.release.disclosure import control
from linkwork.release.held import Served
from linkwork.release.manifest import read_manifest
from linkwork.release.marts import Mart
from linkwork.release.policy import load_policy
from linkwork.release.publish import Published

Row = Callable[..., dict[str, Any]]
CUT_OFF = date(2025, 6, 30)
POLICIES = ("nhs-hes", "opensafely")
REASONS = ("housing", "money", "lonely")
CELLS = ("people", "referrals", "completed", "completed_share")
COUNTS = """
    select 'icb' as area_level, area, 'month' as period_type, date '2025-01-31' as period_end, {reason} as reason,
        'all' as route, cast(sum(referrals) as bigint) as referrals, count(*) as people,
        count(*) filter (completed) as completed, cast(100 * count(*) filter (completed) / count(*) as double)
            as completed_share
    from given group by all"""


class Person(NamedTuple):
    area: str
    reason: str
    referrals: int
    completed: bool


class Open(NamedTuple):
    """The open rows by area and reason, what they were made of, and in how many rows something is held back."""

    rows: dict[tuple[str, str], dict[str, Any]]
    made_of: Served
    held: int


class Log:
    """People in, their open table out, through one mart: each area's total, and one split."""

    def __init__(self, region: Any) -> None:
        self.con = connect()
        self.con.execute("create schema marts")
        self.mart: Mart = region.example([])
        self.releases = 0

    def counts(self, people: list[Person]) -> dict[tuple[str, str], dict[str, Any]]:
        con = self.con
        con.execute(
            "create or replace temp table given (area varchar, reason varchar, referrals bigint, completed boolean)"
        )
        if people:
            con.executemany("insert into given values (?, ?, ?, ?)", [list(person) for person in people])
        con.execute(
            f"create or replace table marts.rpt_example as {COUNTS.format(reason='reason')}"
            f" union all {COUNTS.format(reason=text('all'))}"
        )
        return {(one["area"], one["reason"]): one for one in dicts(con.execute("from marts.rpt_example"))}

    def publish(self, people: list[Person], served: Served | None, policy: str = "nhs-hes") -> Open:
        self.counts(people)
        opened = control(self.con, self.mart, load_policy(policy), CUT_OFF, served)
        rows = dicts(self.con.execute(f"from {opened.relation} order by area, reason"))
        self.releases += 1
        kept = f"kept_{self.releases}"
        self.con.execute(f"create temp table {kept} as {opened.made_of}")
        return Open({(one["area"], one["reason"]): one for one in rows}, Served(kept, kept), opened.held)


@pytest.fixture
def log(region: Any) -> Log:
    return Log(region)


def crowd(count: int, **told: Any) -> list[Person]:
    return [Person(**{"area": "QZZ", "reason": "housing", "referrals": 1, "completed": False, **told})] * count


people = st.builds(
    Person,
    area=st.sampled_from(["QYZ", "QZZ"]),
    reason=st.sampled_from(REASONS),
    referrals=st.sampled_from([1, 1, 2, 40]),
    completed=st.booleans(),
)
deep = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)


@deep
@given(
    given_people=st.lists(people, min_size=1, max_size=90),
    one=st.integers(0, 89),
    more=people,
    policy=st.sampled_from(POLICIES),
)
def test_f108_two_logs_that_differ_by_one_person_give_the_same_open_table(
    log: Log, given_people: list[Person], one: int, more: Person, policy: str
) -> None:
    """Whoever it is: also one with forty referrals, or the only one of a row, or one who makes the eighth."""
    first = log.publish(given_people, None, policy)
    place = one % len(given_people)
    for changed in ([*given_people, more], given_people[:place] + given_people[place + 1 :]):
        second = log.publish(changed, first.made_of, policy)
        assert second.rows == first.rows
        again = log.publish(changed, second.made_of, policy)
        assert (again.rows, again.held) == (second.rows, second.held)


@deep
@given(steps=st.lists(st.lists(people, max_size=25), min_size=2, max_size=6), gone=st.integers(0, 30))
def test_f108_over_many_releases_a_figure_that_changes_is_of_more_people_than_are_held_back(
    log: Log, steps: list[list[Person]], gone: int
) -> None:
    standing: list[Person] = []
    made: dict[tuple[str, str], int] = {}
    before: Open | None = None
    for step in steps:
        standing = [*standing[gone % (len(standing) + 1) :], *step] if len(standing) > 60 else [*standing, *step]
        counts = {key: one["people"] for key, one in log.counts(standing).items()}
        now = log.publish(standing, before.made_of if before else None)
        for key in now.rows.keys() & (before.rows.keys() if before else set()):
            assert before
            old, new = (release.rows[key]["people"] for release in (before, now))
            if old != new:
                assert abs(counts.get(key, 0) - made[key]) > 7
        for key, one in now.rows.items():
            if before is None or key not in before.rows or before.rows[key]["people"] != one["people"]:
                made[key] = counts.get(key, 0)
        before = now


def test_f108_without_the_rule_one_person_would_be_told(log: Log) -> None:
    """Twelve or thirteen: whoever knows that one person was erased would know that there were thirteen."""
    first = log.publish(crowd(13), None)
    assert log.publish(crowd(12), None).rows["QZZ", "all"]["people"] == 10
    held = log.publish(crowd(12), first.made_of)
    assert (held.rows["QZZ", "all"]["people"], held.held) == (15, 2)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (13, 20, 15),  # seven more
        (13, 21, 20),  # eight
        (30, 23, 30),
        (30, 22, 20),
        (7, 8, None),  # hidden, and the range of 1 to 7 stays as wide as it was
        (1, 14, None),
        (1, 15, 15),
        (14, 7, 15),
        (15, 7, None),
    ],
)
def test_f108_a_change_of_eight_goes_through_and_one_of_seven_does_not(
    log: Log, before: int, after: int, shown: int | None
) -> None:
    others = [p for area in "ABCDE" for p in crowd(30, area=area)]  # so that the step is shown
    first = log.publish([*others, *crowd(before)], None)
    second = log.publish([*others, *crowd(after)], first.made_of)
    assert second.rows["QZZ", "all"]["people"] == shown


def test_f108_small_changes_add_up(log: Log) -> None:
    release = log.publish(crowd(30), None)
    shown = []
    for count in range(31, 40):
        release = log.publish(crowd(count), release.made_of)
        shown.append(release.rows["QZZ", "all"]["people"])
    assert shown == [30] * 7 + [40, 40]


def test_f108_the_events_of_one_person_are_one_person_however_many(log: Log) -> None:
    first = log.publish(crowd(30), None)
    second = log.publish([*crowd(30), *crowd(1, referrals=60)], first.made_of)
    assert second.rows["QZZ", "all"]["referrals"] == 30
    third = log.publish([*crowd(37), *crowd(1, referrals=60)], second.made_of)
    assert third.rows["QZZ", "all"]["referrals"] == 95


def test_f108_a_row_of_few_neither_comes_nor_goes(log: Log) -> None:
    first = log.publish(crowd(40), None)
    with_money = log.publish([*crowd(40), *crowd(7, reason="money")], first.made_of)
    assert ("QZZ", "money") not in with_money.rows
    assert ("QZZ", "money") in log.publish([*crowd(40), *crowd(8, reason="money")], with_money.made_of).rows
    few = [p for reason in "abcd" for p in crowd(30, reason=reason)]
    first = log.publish([*few, *crowd(3, reason="money")], None)
    assert first.rows["QZZ", "money"]["people_status"] == "suppressed"
    assert log.publish(few, first.made_of).rows == first.rows
    some = log.publish([*few, *crowd(8, reason="money")], None)
    assert ("QZZ", "money") not in log.publish(few, some.made_of).rows


def test_a_share_of_more_than_there_are_is_not_stated(
    region: Any, example_row: Row, example_meta: dict[str, Any]
) -> None:
    """Nine people fewer, and five of them had completed: the one follows, the other is held back."""
    rates = example_meta["disclosure"]["rates"]["completed_share"]
    rates["kind"] = "proportion"
    chain = Chain(region)
    region.example([example_row(people=33, completed=33)], example_meta)
    chain.publish(1)
    region.example([example_row(people=24, completed=28 - 4)], example_meta)
    chain.publish(2)
    (shown,) = chain.rows()
    assert (shown["people"], shown["completed"], shown["completed_share"]) == (25, 25, 100)
    region.example([example_row(people=16, completed=16 + 1)], example_meta)
    chain.publish(3)
    (shown,) = chain.rows()
    assert (shown["people"], shown["completed"]) == (15, 25)
    assert (shown["completed_share"], shown["completed_share_status"]) == (None, "suppressed")


class Chain:
    """Releases of a region, each compared with the one that is served."""

    def __init__(self, region: Any) -> None:
        self.region, self.kept, self.served = region, Counter[str](), None

    def keep(self, release_id: str, file: Path) -> None:
        self.kept[release_id] += 1
        copy = self.region.warehouse.with_name(f"{release_id}.parquet")
        copy.write_bytes(file.read_bytes())
        self.next = Served(release_id, f"read_parquet({text(copy)})")

    def publish(self, position: int, **options: Any) -> Published:
        done: Published = self.region.publish(position=position, served=self.served, keep=self.keep, **options)
        if "known_at" not in options:
            self.served = self.next
        return done

    def rows(self) -> list[dict[str, Any]]:
        with duckdb.connect() as con:
            path = self.region.settings.releases_dir / "current" / "open" / "rpt_example.parquet"
            return dicts(con.execute(f"from read_parquet({text(path)})"))


def test_f108_the_restricted_tier_follows_at_once_and_the_whole_manifest_alone_tells_how_much_is_held(
    region: Any, example_row: Row
) -> None:
    chain = Chain(region)
    region.example([example_row(people=113), example_row(area="QYZ")])
    first = chain.publish(1)
    region.example([example_row(people=112), example_row(area="QYZ")])
    second = chain.publish(2)
    assert [one["people"] for one in chain.rows() if one["area"] == "QZZ"] == [115]
    with connect(second.path / "restricted" / "marts.duckdb", read_only=True) as con:
        assert con.execute("select people from rpt_example where area = 'QZZ'").fetchone() == (112,)
    told, open_copy = read_manifest(second.path), read_manifest(second.path / "open")
    assert (told.compared_with, told.held_back) == (first.release_id, {"rpt_example": 1})
    assert (open_copy.compared_with, open_copy.held_back) == (None, {})
    blanks = [[t.blank_sha256 for t in one.tables if t.tier == "open"] for one in (first, second)]
    assert blanks[0] == blanks[1]
    assert not list(second.path.rglob("made-of*"))


def test_f108_the_same_state_again_gives_the_same_bytes(region: Any, example_row: Row) -> None:
    chain = Chain(region)
    for position, count in enumerate([113, 112, 131], start=1):
        region.example([example_row(people=count)])
        done = chain.publish(position)
        again = chain.publish(position)
        assert (again.release_id, again.created, again.tables) == (done.release_id, False, done.tables)


def test_f108_a_release_that_was_compared_with_another_than_the_served_one_does_not_become_current(
    region: Any, example_row: Row
) -> None:
    region.example([example_row()])
    first = region.publish(position=1)
    region.example([example_row(people=300)])

    def overtake(_id: str, _file: Path) -> None:
        (region.settings.releases_dir / "current").unlink()
        (region.settings.releases_dir / "current").symlink_to("2-0badcafe")

    with pytest.raises(BusyError, match="another release became current"):
        region.publish(position=3, keep=overtake)
    assert first.current
