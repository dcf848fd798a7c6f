"""A region in which much goes wrong: every fault that was put in has the outcome that the truth says."""

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest

from ingestion.sources import sources
from linkwork import engine
from linkwork.log.store import Store
from linkwork.settings import Settings
from simulator.senders.faults import OUTCOMES
from tests.support import injected
from tests.support.delivery import take
from tests.support.installation import Installation

# Systems that mark patients for tests, say 00:00:00 for a time they do not know, or say that a record is deleted.
MARKING = (
    "Z90003=gp_appointments_emis_csv,Z90006=gp_appointments_tpp_csv+registrations_tpp_csv,"
    "Z90010=gp_appointments_tpp_csv"
)
OF_FILES = {"file_repeated", "unregistered_sender", "older_extract", "half_file", "columns_added", "unknown_column"}


@pytest.fixture(scope="module")
def messy(install: Callable[[str], Installation]) -> Installation:
    made = install("messy")
    made.run("simulate", "--people", "500", "--seed", "3", "--mess", "1", "--feeds", MARKING, "--out", "region")
    made.run("reference", "load", "--all", "region/reference")
    made.run("ingest", "--landing", "region/landing", expect=3)
    return made


def test_every_fault_meets_its_fate_its_rule_and_its_alarm(messy: Installation):
    assert injected.unmet(messy, "region") == []


def test_e34_an_hour_that_comes_twice_is_the_instant_that_the_truth_names(messy: Installation):
    """No practice is open at that hour: whatever the log has of it is one of the injected lines."""
    settings = Settings(home=messy.home, keys_dir=messy.folder / "keys")
    store = Store(settings.log_dir).refresh()
    with engine.connect() as con:
        found = con.execute(f"""
            select loads.feed, loads.sender, loads.file_name,
                   strftime(timezone('UTC', occurred_at), '%Y-%m-%dT%H:%M:%SZ'), count(distinct record_key)
            from {store.events.relation()} as events join {store.current_loads()} as loads using (load_id)
            where event_type in ('appointment.attended', 'appointment.missed', 'appointment.cancelled',
                                 'appointment.booked', 'appointment.status_unknown', 'registration.started')
                and strftime(timezone('Europe/London', occurred_at), '%H:%M') = '01:30'
            group by all
        """).fetchall()
    told = Counter(
        (fault["feed"], fault["sender"], fault["file"], fault["expected_instant"])
        for fault in injected.noted(messy, "region")
        if fault["kind"] == "repeated_hour"
    )
    assert told
    assert {tuple(place): number for *place, number in found} == told
    assert {instant[4:6] + instant[10:] for *_, instant in told} == {"-1T01:30:00Z"}


def test_every_kind_of_fault_is_there(messy: Installation):
    kinds = injected.kinds(injected.noted(messy, "region"))
    assert set(OUTCOMES) | OF_FILES == kinds


def test_faults_in_workbooks_and_parquet_meet_their_fates_too(install: Callable[[str], Installation]):
    made = install("packed")
    feeds = "ZVC01=activity_register_xlsx,ZVC02=activity_csv.parquet,Z90009=registrations_csv.parquet"
    dials = "invalid_number=0.02,invalid_value=0.02,duplicated=0.02"
    packed = ("activity_register_xlsx/ZVC01", "activity_csv/ZVC02", "registrations_csv/Z90009")
    said = ["--people", "4000", "--seed", "3", "--days", "0", "--mess", dials, "--feeds", feeds]
    made.run("simulate", *said, "--out", "region")
    for folder in packed:
        shutil.copytree(made.folder / "region" / "landing" / folder, made.folder / "packed" / folder)
    made.run("reference", "load", "--all", "region/reference")
    take(made, "packed")
    suffixes = (".xlsx", ".parquet")
    noted = [fault for fault in injected.noted(made, "region") if fault["file"].endswith(suffixes)]
    kinds = {suffix: injected.kinds(f for f in noted if f["file"].endswith(suffix)) for suffix in suffixes}
    assert kinds[".xlsx"] == {"invalid_nhs_number", "unknown_word", "duplicate_line"}
    assert kinds[".parquet"] == kinds[".xlsx"] | {"impossible_date", "missing_required"}
    assert [line for line in injected.unmet(made, "region") if any(suffix in line for suffix in suffixes)] == []


def test_f99_day_by_day_a_practice_that_fell_silent_is_named_with_its_feeds_and_no_other(
    install: Callable[[str], Installation],
):
    """Most feeds of a small region have nothing to say on most days; the register says how long that may last."""
    made = install("silence")
    often = ["--referred-per-year", "0.2", "--extract-days", "90"]
    made.run(
        "simulate", "--people", "1000", "--seed", "3", "--days", "7", "--mess", "silent=0.1", *often, "--out", "region"
    )
    made.run("reference", "load", "--all", "region/reference")
    noted = [fault for fault in injected.noted(made, "region") if fault["kind"] == "silent_sender"]
    expected = {(fault["sender"], fault["feed"]): fault["expected_fate"] for fault in noted}
    assert len({sender for sender, _ in expected}) == 1
    assert {feed for _, feed in expected} == {"gp_appointments_csv", "registrations_csv", "gp_codes_csv"}
    take(made, "region/landing")
    settings = Settings(home=made.home, keys_dir=made.folder / "keys")
    alarms = {}
    for day in sorted((made.folder / "region" / "days").iterdir()):
        take(made, str(day / "landing"))
        asked = datetime.fromisoformat(f"{day.name}T12:00:00+00:00")
        found = sources(settings, Store(settings.log_dir).refresh(), asked)
        alarms = {(row["sender"], row["feed"]): row["state"] for row in found if row["days_overdue"]}
        assert alarms.items() <= expected.items(), day.name
    assert alarms == expected
