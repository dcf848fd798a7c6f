"""A region delivered day by day: the last word on every record is that of the whole region told at once."""

import csv
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import simulator
from tests.unit.test_simulator import DAYS, SEED, everything

PEOPLE, DELIVERIES = 300, 100
KEY = {
    "registrations_csv": "registration_id", "gp_appointments_csv": "appointment_id", "referrals_csv": "referral_id",
    "activity_csv": "event_id", "gp_codes_csv": "entry_id",
}  # fmt: skip
Told = dict[tuple[str, str, str], dict[str, str]]  # feed, sender, record -> its newest row


def made(out: Path, days: int, **settings: int) -> Path:
    simulator.simulate(
        PEOPLE, SEED, out, days=DAYS, deliveries=days, mess="late=0.02,corrected=0.1", both_reported=0.5,
        referred_per_year=0.2, changes=True, **settings,
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("daily") / "region", DELIVERIES)


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("once") / "region", 0)


def landings(root: Path) -> list[Path]:
    return [root / "landing", *sorted(root.glob("days/*/landing"))]


def rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(record, row) of a file, without when the row was asked for."""
    feed = path.parts[-3]
    if path.suffix == ".jsonl":
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            yield event["id"] + event["recordedtime"], {"line": line}
        return
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            row.pop("extract_at", None)
            yield row[KEY[feed]], row


def told(root: Path) -> Told:
    found: Told = {}
    for landing in landings(root):
        # what a system said last that was given up came before what the next one says
        for path in sorted(landing.glob("*/*/*"), key=lambda path: ("_last_" not in path.name, path)):
            found.update({(path.parts[-3], path.parts[-2], record): row for record, row in rows(path)})
    return found


def test_the_last_word_on_every_record_is_that_of_the_region_told_at_once(daily: Path, at_once: Path) -> None:
    # A practice that closed in these days tells nothing of what came after.
    expected, found = ({k: row for k, row in told(r).items() if k[1] != "Z90012"} for r in (at_once, daily))
    assert len(expected) > 3_000
    assert found == expected


def test_every_day_has_a_delivery_and_none_tells_what_that_day_cannot_know(daily: Path) -> None:
    last = DAYS[1] + dt.timedelta(days=1)
    days = [last - dt.timedelta(days=n) for n in reversed(range(DELIVERIES))]
    assert [landing.parent.name for landing in landings(daily)[1:]] == [str(day) for day in days]
    for day, landing in zip(days, landings(daily)[1:], strict=True):
        for path in landing.glob("*/*/*"):
            assert path.stem.endswith(str(day))
            for _, row in rows(path):
                for milestone in ("accepted_on", "rejected_on", "closed_on", "registration_start", "registration_end"):
                    assert row.get(milestone, "") < str(day)
                if row.get("status") in ("Attended", "DNA"):
                    assert row["slot_start"] < str(day)


def test_statuses_go_from_booked_to_what_became_of_the_slot(daily: Path) -> None:
    statuses: dict[str, list[str]] = {}
    for landing in landings(daily):
        for path in sorted(landing.glob("gp_appointments_csv/Z90001/*")):
            for record, row in rows(path):
                statuses.setdefault(record, []).append(row["status"])
    several = [seen for seen in statuses.values() if len(set(seen)) > 1]
    assert {seen[0] for seen in several} <= {"Booked", "Unknown"}
    assert any(seen[0] == "Booked" and seen[-1] == "Attended" for seen in several)


def test_rolling_extracts_reach_back_as_far_as_asked(daily: Path, tmp_path: Path) -> None:
    longer = made(tmp_path / "longer", 2, extract_days=60)
    day = landings(longer)[-1].parent.name
    for root, reach in ((daily, 14), (longer, 60)):
        first = str(dt.date.fromisoformat(day) - dt.timedelta(days=reach))
        starts = [
            row["slot_start"][:10]
            for path in (root / "days" / day / "landing" / "gp_appointments_csv").glob("*/*")
            for _, row in rows(path)
        ]
        assert first <= min(starts) < str(dt.date.fromisoformat(first) + dt.timedelta(days=4))


def test_files_have_the_time_of_their_delivery(daily: Path) -> None:
    landing = landings(daily)[-1]
    at = {path.stat().st_mtime for path in landing.glob("*/*/*")}
    assert at == {dt.datetime.fromisoformat(f"{landing.parent.name}T06:00:00+00:00").timestamp()}


def test_the_same_settings_give_the_same_bytes(at_once: Path, tmp_path: Path) -> None:
    assert everything(made(tmp_path / "again", 0)) == everything(at_once)


@pytest.mark.parametrize("days", [-1, 100_000])
def test_more_days_than_there_are_is_refused(tmp_path: Path, days: int) -> None:
    with pytest.raises(ValueError, match="deliveries must leave 90 days"):
        made(tmp_path / "region", days)
