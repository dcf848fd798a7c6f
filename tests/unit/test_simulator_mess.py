"""The dials of the mess: what each adds to the files of a region, and that it adds nothing else."""

import csv
import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import simulator
from simulator.senders import mess
from tests.unit.test_simulator import DAYS, SEED

PEOPLE = 450


def made(out: Path, dials: str) -> dict[str, Any]:
    return simulator.simulate(PEOPLE, SEED, out, days=DAYS, mess=dials)


def landing(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in (root / "landing").rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean") / "region"
    made(out, "0")
    return out


def test_without_mess_only_what_a_service_itself_puts_right_is_noted(clean: Path) -> None:
    with (clean / "truth" / "faults.csv").open(encoding="utf-8") as file:
        kinds = {fault["kind"] for fault in csv.DictReader(file)}
    assert kinds <= {"correction", "older_extract"}


def test_a_messy_region_is_the_clean_one_and_faulty_lines(clean: Path, tmp_path: Path) -> None:
    """Every line that the truth does not name is a line of the clean region, in the same place, and none is missing."""
    only = ",".join(f"{dial}=0.01" for dial in ("invalid_number", "invalid_value", "broken", "encoding", "duplicated"))
    summary = made(tmp_path / "region", f"{only},blank=0.01,clock=0.01")
    with (tmp_path / "region" / "truth" / "faults.csv").open(encoding="utf-8") as file:
        faults = [fault for fault in csv.DictReader(file) if fault["kind"] not in ("correction", "older_extract")]
    bad = {(f["feed"], f["sender"], f["file"], int(f["line"])) for f in faults}
    expected_kinds = {"invalid_nhs_number", "other_encoding", "skipped_hour", "repeated_hour", "blank_line"}
    assert expected_kinds <= set(summary["faults"])
    expected = landing(clean)
    found = landing(tmp_path / "region")
    assert found.keys() == expected.keys()
    for name, content in found.items():
        _, feed, sender, file_name = name.split("/")
        kept = [line for n, line in enumerate(content.split(b"\n"), 1) if (feed, sender, file_name, n) not in bad]
        assert b"\n".join(kept) == expected[name], name
    assert len(bad) > 100


def test_a_dial_adds_its_own_kinds_in_its_own_share(tmp_path: Path) -> None:
    summary = made(tmp_path / "region", "duplicated=0.02")
    assert set(summary["faults"]) <= {"duplicate_line", "older_extract", "correction"}
    with (tmp_path / "region" / "truth" / "faults.csv").open(encoding="utf-8") as file:
        of_file = Counter(f["file"] + f["sender"] for f in csv.DictReader(file) if f["kind"] == "duplicate_line")
    long = [p for p in (tmp_path / "region" / "landing").rglob("appointments*") if p.read_bytes().count(b"\n") > 200]
    for path in long:
        lines = path.read_bytes().count(b"\n") - 1
        assert abs(of_file[path.name + path.parent.name] - 0.02 * lines) < 2


@pytest.mark.parametrize(("deliveries", "names"), [(1, 0), (30, 1)])
def test_a_sender_is_silent_only_where_there_are_days_enough_to_miss_it(
    tmp_path: Path, deliveries: int, names: int
) -> None:
    out = tmp_path / "region"
    simulator.simulate(
        900, SEED, out, days=DAYS, deliveries=deliveries, extract_days=90, mess="silent=0.1", referred_per_year=0.2
    )
    with (out / "truth" / "faults.csv").open(encoding="utf-8") as file:
        noted = [fault for fault in csv.DictReader(file) if fault["kind"] == "silent_sender"]
    assert len({fault["sender"] for fault in noted}) == names
    with (out / "reference" / "senders.csv").open(encoding="utf-8") as file:
        cadences = {row["code"]: int(row["cadence_days"]) for row in csv.DictReader(file)}
    last = DAYS[1] + dt.timedelta(days=1)
    for fault in noted:
        newest = max(
            dt.date.fromisoformat(path.stem[-10:]) for path in out.rglob(f"{fault['feed']}/{fault['sender']}/*")
        )
        assert newest + dt.timedelta(days=cadences[fault["sender"]]) < last


@pytest.mark.parametrize("given", ["1.5", "-1", "much", "no_such_dial=0.1", "late=2", "late="])
def test_a_dial_that_cannot_be_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"from 0 to 1|no dial"):
        mess.dials(given)


def test_one_number_turns_every_dial_up(tmp_path: Path) -> None:
    assert set(mess.dials("0").values()) == {0.0}
    assert mess.dials("1") == {name: most for name, (_, most) in mess.DIALS.items()}
    assert mess.dials("0.5")["duplicated"] == mess.dials("1")["duplicated"] / 2
    assert mess.dials("late=0.02")["late"] == 0.02
    assert mess.dials("late=0.02")["duplicated"] == 0
