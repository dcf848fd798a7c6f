"""A contract that refused too much, corrected, and a retry: real files, real dbt, and the marts row for row.

Beside it a home that had the right contract from the start, and a third to which a withdrawn sender had never sent.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingestion.retry import retry
from ingestion.withdraw import withdraw_sender
from linkwork.engine import connect
from linkwork.settings import Settings
from tests.support.faults import put, use_installed
from tests.support.log import add_sender, ingest, make_home
from tests.support.marts import build, build_untested
from tests.support.people import (
    ANNA,
    BEN,
    CLEO,
    PRACTICE,
    REFERRALS,
    REGISTRATIONS,
    SERVICE,
    referral,
    registration,
    text,
)

OTHER = "ZSP02"
# Referrals of a route the service had not told of, and people of a sex code that was not in the contract.
NARROW = {"referrals_csv": ("self: self", "none: self"), "registrations_csv": ('"2": female', '"8": female')}
APART = ("load_id",)  # it names the run


def files() -> list[tuple[str, str, str, str]]:
    def by(route: str, row: str) -> str:
        return row.replace(",gp,GP,", f",{route},,")

    first = [referral("r1", ANNA, 1), by("self", referral("r2", BEN, 1)), by("self", referral("r3", CLEO, 1))]
    second = [
        by("self", referral("r2", BEN, 2, accepted="2025-05-09")),  # newer than what was refused
        referral("r4", ANNA, 2, received="2025-02-30"),  # wrong under every contract
        by("self", referral("r3", CLEO, 1, accepted="2025-05-07")),  # contradicts the first file
    ]
    people = [registration("g1", ANNA, "A"), registration("g2", BEN, "B"), registration("g3", CLEO, "C")]
    return [
        ("registrations_csv", PRACTICE, "people.csv", text(REGISTRATIONS, *people)),
        ("referrals_csv", SERVICE, "1.csv", text(REFERRALS, *first)),
        ("referrals_csv", OTHER, "o.csv", text(REFERRALS, referral("o1", BEN, 2), referral("o2", ANNA, 2))),
        ("referrals_csv", SERVICE, "2.csv", text(REFERRALS, *second)),
    ]


def home_with(folder: Path, keys_of: Settings | None = None, leave_out: str = "") -> Settings:
    home = make_home(folder)
    if keys_of is not None:
        home = home.model_copy(update={"keys_dir": keys_of.keys_dir})
    use_installed(home, "referrals_csv", "registrations_csv")
    for code, feed in ((PRACTICE, "registrations_csv"), (SERVICE, "referrals_csv"), (OTHER, "referrals_csv")):
        if code != leave_out:
            add_sender(home, code, [feed])
    return home


def correct(home: Settings) -> None:
    use_installed(home, "referrals_csv", "registrations_csv")


def take(home: Settings, leave_out: str = "") -> None:
    """The files, one commit each, all received at the same times wherever they are taken."""
    for number, (feed, sender, name, content) in enumerate(files()):
        if sender != leave_out:
            put(home, name, content, feed=feed, sender=sender)
            at = 1_751_353_200 + number * 86_400  # from 1 July 2025
            os.utime(home.landing_dir / feed / sender / name, (at, at))
            ingest(home)


def tables(home: Settings, build: Callable[[Settings], dict[str, Any]]) -> dict[str, list[tuple[object, ...]]]:
    """Every mart's rows, but for the ids of loads."""
    built = build(home)
    con = connect(Path(built["warehouse"]), read_only=True)
    found = {}
    names = con.execute(
        "select table_name from information_schema.tables where regexp_matches(table_name, '^(dim|fct|rpt)_')"
    ).fetchall()
    for (name,) in names:
        columns = [c for (c, *_) in con.execute(f"describe {name}").fetchall() if c not in APART]
        query = f"select {', '.join(columns)} from {name} order by all"
        found[name] = con.execute(query).fetchall()
    con.close()
    return found


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = home_with(tmp_path_factory.mktemp("right"))
    take(home)
    return home


@pytest.fixture(scope="module")
def marts_if_right(right: Settings) -> dict[str, list[tuple[object, ...]]]:
    found = tables(right, build_untested)
    assert len(found["fct_referrals"]) > 2
    return found


def test_the_marts_after_a_retry_are_those_of_the_right_contract(
    right: Settings, marts_if_right: dict[str, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    home = home_with(tmp_path, right)
    for feed, (old, new) in NARROW.items():
        path = home.contracts_dir / f"{feed}.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    take(home)
    correct(home)
    done = retry(home)
    assert (done["still_refused"], done["conflict"]) == (1, 1)
    assert done["accepted"] > 2
    assert tables(home, build) == marts_if_right


def test_the_marts_after_a_withdrawal_are_those_without_the_sender(right: Settings, tmp_path: Path) -> None:
    home = home_with(tmp_path / "with", right)
    take(home)
    withdraw_sender(home, OTHER, "it was closed")
    without = home_with(tmp_path / "without", right, leave_out=OTHER)
    take(without, leave_out=OTHER)
    assert tables(home, build) == tables(without, build_untested)
