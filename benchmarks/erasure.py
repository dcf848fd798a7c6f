"""Erasing one person from a compacted log, against reading the bucket that holds them."""

from pathlib import Path
from typing import Any

from benchmarks.big_log import Size
from benchmarks.clock import Moment, median, peak_mib, timed
from benchmarks.homes import borrow
from benchmarks.stages import StageClock
from ingestion.erase import erase_person
from ingestion.upkeep import compact
from linkwork import engine
from linkwork.log.compact import bucket_in, bucket_of
from linkwork.log.store import Store
from linkwork.settings import Settings

FIND, WRITE, REMOVE = "find the person", "write their files anew and commit", "remove what was replaced"
LOG = "in the log: the three above"
STAGES = {
    "erasure-sealed": FIND,
    "erasure-tombstones": FIND,
    "erasure-zone1": "received files",
    "erasure-log-committed": WRITE,
    "erasure-log": REMOVE,
}


def measure(kept: Path, scratch: Path, _size: Size, repeats: int) -> dict[str, Any]:
    """Seconds to compact the log, to read one bucket whole, and to erase a person of it, another in each repeat.

    Raises RuntimeError where nothing was erased.
    """
    settings = borrow(kept, scratch)
    start = Moment.now()
    compacted = compact(settings)
    compacting = Moment.now() - start
    store = Store(settings.log_dir).refresh()
    people = _people(store, repeats + 1)
    reading = median([timed(lambda p=person: _read_bucket(store, p), 1) for person in people[1:]])
    taken = [_erase(settings, person) for person in people][1:]
    stages = {stage: vars(median([one[stage] for one in taken])) for stage in taken[0]}
    return {
        "files_before": compacted["files_before"],
        "files_after": compacted["files_after"],
        "compacting": vars(compacting),
        "reading": vars(reading),
        "stages": stages,
        "repeats": repeats,
        "peak_mib": peak_mib(),
    }


def _erase(settings: Settings, person: bytes) -> dict[str, Moment]:
    with StageClock(STAGES, "warehouse, releases, pages, receipt") as clock:
        receipt = erase_person(settings, [], [person], "benchmark")
    if not receipt["events"]:
        raise RuntimeError("nothing was erased")
    return {
        **clock.stages,
        LOG: sum((clock.stages[stage] for stage in (FIND, WRITE, REMOVE)), Moment(0, 0)),
        "in all": sum(clock.stages.values(), Moment(0, 0)),
    }


def _people(store: Store, number: int) -> list[bytes]:
    with engine.connect() as con:
        found = con.execute(
            f"""select subject_key from {store.events.relation(store.events.files(category="appointment"))}
            where subject_key is not null group by 1 order by hash(subject_key) limit {int(number)}"""
        ).fetchall()
    return [key for (key,) in found]


def _read_bucket(store: Store, person: bytes) -> None:
    files = [f for f in store.events.files() if bucket_in(f.path) == bucket_of(person)]
    with engine.connect() as con:
        con.execute(f"create temp table bucket as from {store.events.relation(files)}")
