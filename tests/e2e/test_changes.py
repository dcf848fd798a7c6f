"""A practice that changes its system: what became of its records, good and bad, against what the truth says."""

import csv
import datetime as dt
from collections import Counter
from collections.abc import Callable

import duckdb
import pytest

import simulator
from linkwork.settings import Settings
from simulator import world
from simulator.senders.faults import OF_LINES
from simulator.world.dials import Dials
from simulator.world.region import Period
from tests.support import injected
from tests.support.delivery import take
from tests.support.installation import Installation
from tests.support.marts import build_some

MIGRATED = "Z90004"
PEOPLE, SEED = 400, 7  # of the region that comes day by day
FEED = "gp_appointments_tpp_csv"  # in which most kinds of faults can be


@pytest.fixture(scope="module")
def changed(install: Callable[[str], Installation]) -> Installation:
    made = install("changed")
    said = ["--preset", "pcn", "--people", "1500", "--seed", "7", "--mess", "1", "--feeds", f"{MIGRATED}={FEED}"]
    made.run("simulate", *said, "--out", "region")
    made.run("reference", "load", "--all", "region/reference")
    made.run("ingest", "--landing", "region/landing", expect=3)
    for load in made.json("load", "list"):
        if load["status"] == "held":
            made.run("load", "release", load["load_id"], "--reason", "a small file, in which few have no number")
    made.run("ingest", "--landing", "region/landing", expect=3)  # the file of a sender that nobody registered
    return made


def of_new_system(made: Installation) -> tuple[str, list[dict[str, str]]]:
    """The newest file of the practice, which the new system sent, and the faults in it."""
    files = [
        load["file_name"] for load in made.json("load", "list") if (load["feed"], load["sender"]) == (FEED, MIGRATED)
    ]
    newest = max(name for name in files if not {"again", "resent", "last"} & set(name.replace(".", "_").split("_")))
    with (made.folder / "region" / "truth" / "practices.csv").open(encoding="utf-8") as file:
        (since,) = (row["next_system_from"] for row in csv.DictReader(file) if row["practice_code"] == MIGRATED)
    assert newest.partition("_")[2] > since
    return newest, [
        fault for fault in injected.noted(made, "region") if (fault["sender"], fault["file"]) == (MIGRATED, newest)
    ]


def test_every_fault_in_a_region_that_changes_meets_its_fate(changed: Installation):
    assert injected.unmet(changed, "region") == []


def test_what_the_new_system_sends_again_is_skipped_with_its_faults_and_the_rest_is_not(changed: Installation):
    newest, faults = of_new_system(changed)
    skipped = {fault["kind"] for fault in faults if fault["expected_fate"] == "skipped"}
    assert {"invalid_nhs_number", "unknown_word", "skipped_hour", "repeated_hour"} <= skipped
    assert not {"impossible_date", "missing_required"} & skipped  # it may be of any day
    assert "duplicate_line" in skipped
    assert skipped & OF_LINES <= {"blank_line"}
    (load,) = (
        load for load in changed.json("load", "list") if (load["sender"], load["file_name"]) == (MIGRATED, newest)
    )
    fates = Counter(fault["expected_fate"] for fault in faults)
    assert fates["quarantined"] > 0
    assert (load["quarantined"], load["duplicate"]) == (fates["quarantined"], fates["duplicate"])
    assert load["skipped"] > load["accepted"] > 0


def test_after_the_last_day_the_log_has_every_appointment_of_both_systems(install: Callable[[str], Installation]):
    """Delivered day by day, long after the change: the old system's last extract is all that tells of its time."""
    made = install("both_systems")
    said = ["--people", str(PEOPLE), "--seed", str(SEED), "--changes", "--days", "2", "--mess", "0"]
    made.run("simulate", *said, "--out", "region")
    made.run("reference", "load", "--all", "region/reference")
    for landing in (made.folder / "region" / "landing", *sorted(made.folder.glob("region/days/*/landing"))):
        take(made, str(landing))
    build_some(Settings(home=made.home, keys_dir=made.folder / "keys", test_numbers="allow"), "fct_appointments")
    period = Period(*simulator.DEFAULT_DAYS)
    ended = period.cut_off - dt.timedelta(days=4)  # by when every outcome is recorded
    with simulator.connect() as con:
        world.build(con, PEOPLE, SEED, period, Dials(changes=True))
        true = dict(
            con.execute(
                """select case outcome when 'Attended' then 'attended' when 'DNA' then 'missed' end as status, count(*)
                from appointments where practice_code = ? and day < ? group by 1""",
                [MIGRATED, ended],
            ).fetchall()
        )
    with duckdb.connect(str(made.home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        (schema,) = con.execute(
            "select schema_name from duckdb_tables() where table_name = 'fct_appointments'"
        ).fetchone()
        found = con.execute(
            f"""select source_system, if(status in ('attended', 'missed'), status, null), count(*)
            from {schema}.fct_appointments
            where practice_code = ? and contact_class is distinct from 'duplicate' and slot_on < ? group by all""",
            [MIGRATED, ended],
        ).fetchall()
    told: Counter[str | None] = Counter()
    for _, status, number in found:
        told[status] += number
    assert {system for system, *_ in found} == {"synthetic-gp", "synthetic-gp-next"}
    assert dict(told) == true
