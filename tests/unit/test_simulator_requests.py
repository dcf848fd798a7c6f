"""One referral, two senders: practices report what they sent, and the truth says which two records are one."""

import csv
import datetime as dt
from pathlib import Path

import pytest

import simulator

DAYS = (dt.date(2024, 4, 1), dt.date(2025, 9, 30))
Pairs = list[dict[str, str]]
Records = dict[tuple[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("region") / "synthetic"
    simulator.simulate(3000, 7, out, days=DAYS, both_reported=0.8)
    return out


@pytest.fixture(scope="module")
def pairs(root: Path) -> Pairs:
    return table(root / "truth" / "referral_pairs.csv")


@pytest.fixture(scope="module")
def records(root: Path) -> Records:
    """The last extract's record of each referral, by sender and reference, without the lines that were made faulty."""
    bad = {
        (f["sender"], f["file"], f["line"]) for f in table(root / "truth" / "faults.csv") if f["kind"] != "correction"
    }
    found = {}
    for path in sorted((root / "landing" / "referrals_csv").glob("*/referrals_2025-10-01.csv")):
        with path.open(encoding="utf-8") as file:
            reader = csv.DictReader(file)
            for record in reader:
                if (path.parent.name, path.name, str(reader.line_num)) not in bad:
                    found[path.parent.name, record["referral_id"]] = record
    return found


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def both(pairs: Pairs, records: Records) -> list[tuple[dict[str, str], dict[str, str], str]]:
    """(the practice's record, the service's, what the truth says they share) of each pair whose lines are clean."""
    found = [
        (records.get((p["practice_sender"], p["practice_reference"])),
         records.get((p["service_sender"], p["service_reference"])), p["shared_reference"])
        for p in pairs
    ]  # fmt: skip
    whole = [(asked, done, shared) for asked, done, shared in found if asked and done]
    assert len(whole) > len(pairs) * 0.9
    return whole


def medical(records: Records) -> list[dict[str, str]]:
    """The records of services that a practice sent."""
    return [
        r for (sender, _), r in records.items() if sender.startswith("ZSP") and r["route"] in ("gp", "practice_staff")
    ]


def test_about_the_share_asked_for_is_reported_by_practice_and_service(pairs: Pairs, records: Records) -> None:
    assert 0.7 < len(pairs) / len(medical(records)) < 0.9
    assert len({(p["practice_sender"], p["practice_reference"]) for p in pairs}) == len(pairs)
    assert len({(p["service_sender"], p["service_reference"]) for p in pairs}) == len(pairs)


def test_a_pair_is_one_person_and_the_service_has_it_up_to_28_days_after_the_decision(
    pairs: Pairs, records: Records
) -> None:
    lags = []
    for asked, done, _ in both(pairs, records):
        assert asked["nhs_number"] == done["nhs_number"]
        assert asked["client_id"] != done["client_id"]
        decided, sent, received = (
            dt.date.fromisoformat(d) for d in (asked["decided_on"], asked["received_on"], done["received_on"])
        )
        assert decided <= sent <= received
        lags.append((received - decided).days)
        assert asked["accepted_on"] == asked["closed_on"] == ""
    assert min(lags) == 0
    assert 14 < max(lags) <= 28


def test_what_no_service_entered_is_told_apart_and_some_of_it_is_near_a_referral(
    root: Path, pairs: Pairs, records: Records
) -> None:
    """A rule that links by person and time alone must be able to fail on it."""
    alone = {(r["practice_sender"], r["practice_reference"]) for r in table(root / "truth" / "requests_alone.csv")}
    paired = {(p["practice_sender"], p["practice_reference"]) for p in pairs}
    stated = {key for key, record in records.items() if record["stated_by"] == "requester"}
    assert alone
    assert not alone & paired
    assert stated <= alone | paired
    received: dict[str, list[dt.date]] = {}
    for (sender, _), record in records.items():
        if sender.startswith("ZSP") and record["nhs_number"]:
            received.setdefault(record["nhs_number"], []).append(dt.date.fromisoformat(record["received_on"]))
    days = [
        abs((day - dt.date.fromisoformat(records[key]["received_on"])).days)
        for key in alone & stated
        for day in received.get(records[key]["nhs_number"], [])
    ]
    assert min(days) <= 14


def test_some_share_a_reference_and_most_do_not(pairs: Pairs, records: Records) -> None:
    found = both(pairs, records)
    assert all(asked["shared_reference"] == done["shared_reference"] == shared for asked, done, shared in found)
    shared = [reference for *_, reference in found if reference]
    assert len(shared) == len(set(shared))
    assert 0.05 < len(shared) / len(found) < 0.3


def test_a_practice_names_the_service_and_rarely_the_wrong_one(pairs: Pairs, records: Records) -> None:
    service = {(p["practice_sender"], p["practice_reference"]): p["service_sender"] for p in pairs}
    named = [records[key]["service_code"] == true for key, true in service.items() if key in records]
    assert 0.9 < sum(named) / len(named) < 1
    assert all(not r["service_code"] for (sender, _), r in records.items() if sender.startswith("ZSP"))


def test_practices_are_registered_to_send_referrals_only_where_they_do(root: Path, tmp_path: Path) -> None:
    simulator.simulate(300, 7, tmp_path / "without", days=DAYS)
    for place, expected in ((root, True), (tmp_path / "without", False)):
        senders = {row["code"]: row["feeds"].split(";") for row in table(place / "reference" / "senders.csv")}
        assert ("referrals_csv" in senders["Z90001"]) is expected
        assert bool(list((place / "landing" / "referrals_csv").glob("Z9*"))) is expected
    assert table(tmp_path / "without" / "truth" / "referral_pairs.csv") == []


def test_a_share_above_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both_reported must be"):
        simulator.simulate(300, 7, tmp_path / "out", both_reported=1.2)


def test_of_a_smaller_share_the_pairs_are_some_of_those_of_a_larger_one(root: Path, tmp_path: Path) -> None:
    """Who is reported twice at 0.2 is so at 0.8; what the services have is the same."""
    out = tmp_path / "few"
    simulator.simulate(3000, 7, out, days=DAYS, both_reported=0.2)
    few, most = (
        {(p["service_sender"], p["service_reference"]) for p in table(place / "truth" / "referral_pairs.csv")}
        for place in (out, root)
    )
    assert few < most
    assert 0.15 < len(few) / len(most) < 0.35
    alone_few, alone_most = (table(place / "truth" / "requests_alone.csv") for place in (out, root))
    assert 0 < len(alone_few) < len(alone_most)
