"""Actions, holds and offers of the synthetic region: what the files say is what the truth says, and can be so."""

import csv
import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import simulator
from tests.unit.test_simulator import DAYS, SEED

PEOPLE = 1500
CUT_OFF = DAYS[1] + dt.timedelta(days=1)
Row = dict[str, Any]
MEANING = {"871691000000100": "offered", "871731000000106": "accepted", "871711000000103": "declined"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region without mess: every record comes, at once, and is right."""
    out = tmp_path_factory.mktemp("plans") / "region"
    simulator.simulate(PEOPLE, SEED, out, days=DAYS, mess="0", referred_per_year=0.2)
    return out


def truth(root: Path, name: str) -> list[Row]:
    found = duckdb.execute("from read_parquet(?)", [str(root / "truth" / f"{name}.parquet")])
    columns = [column for column, *_ in found.description or []]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def events(root: Path) -> Iterator[tuple[str, str, Row]]:
    """(service, type, event) of every message that was recorded in time."""
    for path in sorted(root.glob("landing/link_worker_jsonl/*/*")):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            yield path.parts[-2], event["type"].removeprefix("org.linkwork."), event


def day_of(event: Row) -> dt.date:
    return dt.date.fromisoformat(event["time"][:10])


def table(root: Path, feed: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(sender, row) of every file, the oldest file first."""
    for path in sorted(root.glob(f"landing/{feed}/*/*"), key=lambda path: path.stem[-10:]):
        with path.open(encoding="utf-8", newline="") as file:
            yield from ((path.parts[-2], row) for row in csv.DictReader(file))


def test_every_action_is_told_with_what_became_of_it(root: Path) -> None:
    agreed, statuses = {}, defaultdict(set)
    for service, kind, event in events(root):
        if kind.startswith("action."):
            key = (service, event["data"]["actionId"])
            statuses[key].add((day_of(event), event["data"]["action"]["status"]))
            if kind == "action.set":
                agreed[key] = event["data"] | event["data"]["action"]
    # what is entered after the last extract is not told yet; nothing is entered more than three days late
    settled = DAYS[1] - dt.timedelta(days=4)
    known = [row for row in truth(root, "actions") if row["set_on"] <= settled]
    assert len(known) > 100
    for row in known:
        key = (row["service"], row["action_id"])
        said = agreed[key]
        assert said["referralId"] == row["referral_id"]
        assert (said["what"], said["who"], said.get("confidence")) == (row["what"], row["who"], row["confidence"])
        assert said.get("when") == (str(row["planned_on"]) if row["planned_on"] else None)
        days = {(row["set_on"], "planned"), (row["begun_on"], "in_progress"), (row["ended_on"], row["status"])}
        told = {(day, status) for day, status in statuses[key] if day <= settled}
        assert told == {(day, status) for day, status in days if day and day <= settled}
    ended = Counter(row["status"] for row in known)
    assert set(ended) == {"planned", "in_progress", "done", "refused", "cancelled"}


def test_practical_help_is_given_when_a_link_worker_has_done_it(root: Path) -> None:
    helped = {
        (service, event["data"]["referralId"], day_of(event))
        for service, kind, event in events(root)
        if kind == "support.given"
    }
    hands_on = [row for row in truth(root, "actions") if row["is_hands_on"]]
    assert hands_on
    settled = DAYS[1] - dt.timedelta(days=4)
    for row in hands_on:
        assert (row["who"], row["status"]) == ("link_worker", "done")
        if row["ended_on"] <= settled:
            assert (row["service"], row["referral_id"], row["ended_on"]) in helped


def test_a_hold_is_told_with_its_end_and_some_have_none(root: Path) -> None:
    last = {(sender, row["referral_id"]): row for sender, row in table(root, "referrals_csv")}
    settled = DAYS[1] - dt.timedelta(days=7)  # entries lag at most six days
    told, true = Counter(), Counter()
    for row in truth(root, "referrals"):
        said = last.get((row["service"], row["referral_id"]))
        for what in ("on_hold_on", "resumed_on"):
            if row[what] and row[what] <= settled:
                true[what] += 1
                told[what] += said is not None and said[what] == str(row[what])
            elif said and said[what]:
                assert said[what] == str(row[what])
        if row["resumed_on"]:
            assert row["on_hold_on"] < row["resumed_on"]
    assert told == true
    assert 0 < true["resumed_on"] < true["on_hold_on"]


def test_nobody_is_contacted_while_on_hold(root: Path) -> None:
    holds = {
        (row["service"], row["referral_id"]): (row["on_hold_on"], row["resumed_on"] or dt.date.max)
        for row in truth(root, "referrals")
        if row["on_hold_on"]
    }
    after = 0
    for service, kind, event in events(root):
        if kind.startswith("contact.") and (hold := holds.get((service, event["data"]["referralId"]))):
            day = day_of(event)
            assert not hold[0] < day < hold[1]
            after += day >= hold[1]
    assert after > 10


def test_offers_are_coded_as_the_truth_says(root: Path) -> None:
    """Of each practice, day and meaning there are as many entries as the truth has; other codes are of other things."""
    told = Counter(
        (sender, row["entered_on"], MEANING[row["code"]])
        for sender, row in table(root, "gp_codes_csv")
        if row["code"] in MEANING
    )
    true: Counter[tuple[str, str, str]] = Counter()
    for row in truth(root, "offers"):
        place = row["practice_code"], str(row["offered_on"])
        true[*place, "offered"] += row["offer_coded"]
        true[*place, row["answer"] or "none"] += row["answer_coded"]
        if row["coded_again_on"] and row["coded_again_on"] < CUT_OFF:
            true[row["practice_code"], str(row["coded_again_on"]), "accepted"] += 1
    assert told == +true
    assert {meaning for *_, meaning in told} == {"offered", "accepted", "declined"}
    assert sum(row["code"] not in MEANING for _, row in table(root, "gp_codes_csv")) > 100


def test_who_accepts_an_offer_is_referred_and_nobody_else_by_it(root: Path) -> None:
    offers = truth(root, "offers")
    assert {row["answer"] for row in offers} == {"accepted", "declined", None}
    assert all((row["answer"] == "accepted") == (row["referral_id"] is not None) for row in offers)
    decided = {
        (row["service"], row["referral_id"]): (row["person_id"], row["decided_on"])
        for row in truth(root, "referrals")
        if row["decided_on"]
    }
    accepted = {
        (row["service"], row["referral_id"]): (row["person_id"], row["offered_on"])
        for row in offers
        if row["answer"] == "accepted"
    }
    assert accepted == decided
