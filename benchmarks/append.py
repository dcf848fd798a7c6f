"""Appending a batch to a log: 20 practices send 1,000 records each, half of them known and unchanged."""

from pathlib import Path
from typing import Any

from benchmarks.big_log import Size
from benchmarks.clock import Moment, median, peak_mib
from benchmarks.feeds import APPOINTMENTS
from benchmarks.homes import borrow, deliver, pass_all
from benchmarks.stages import StageClock
from ingestion import pipeline
from linkwork import engine
from linkwork.log.store import Store
from linkwork.settings import Settings

SENDERS = 20
UNCHANGED, CHANGED, NEW = 500, 250, 250
COMMIT = {
    "in-step": "open the log",
    "segments-written": "read the register, decide, write the events",
    "plan-written": "write register, ledger, quarantine index, operations",
    "carried-out": "commit the tables",
}
EXPECTED = {"accepted": SENDERS * (CHANGED + NEW), "duplicate": SENDERS * UNCHANGED}


def measure(kept: Path, scratch: Path, size: Size, repeats: int) -> dict[str, Any]:
    """Seconds by stage, the median of the repeats after one batch that only warms the caches."""
    taken = [append_once(kept, scratch, size, number) for number in range(repeats + 1)][1:]
    stages = {stage: vars(median([one[stage] for one in taken])) for stage in taken[0]}
    return {"stages": stages, "repeats": repeats, "peak_mib": peak_mib()}


def append_once(kept: Path, scratch: Path, size: Size, number: int) -> dict[str, Moment]:
    """Append one batch to a fresh copy of the log. Returns the time of each stage.

    Raises RuntimeError where the batch was not decided as it must be: then the time would mean nothing.
    """
    settings = borrow(kept, scratch)
    senders = [(n, code) for n, (code, feed) in enumerate(size.senders) if feed == APPOINTMENTS][:SENDERS]
    deliver(settings, APPOINTMENTS, senders, unchanged=UNCHANGED, changed=CHANGED, new=NEW, extract=number)
    started = Moment.now()
    batch = pipeline.open_batch(settings)
    opened = Moment.now()
    for sender in batch["senders"]:
        pipeline.stage_sender(settings, batch["batch_id"], sender)
    staged = Moment.now()
    pass_all(settings, batch["batch_id"])
    with StageClock(COMMIT, "seal the files in zone 1, sum up") as clock:
        summary = pipeline.commit_batch(settings, batch["batch_id"])
    found = _fates(settings, summary["batch_id"])
    if found != EXPECTED:
        raise RuntimeError(f"the batch was decided as {found}, not {EXPECTED}")
    return {
        "open the batch": opened - started,
        "stage 20 files": staged - opened,
        **{f"commit: {stage}": taken for stage, taken in clock.stages.items()},
        "commit": sum(clock.stages.values(), Moment(0, 0)),
    }


def _fates(settings: Settings, batch_id: str) -> dict[str, int]:
    loads = Store(settings.log_dir).loads.refresh()
    sums = ", ".join(f"coalesce(sum({fate}), 0)::bigint" for fate in EXPECTED)
    with engine.connect() as con:
        row = con.execute(f"select {sums} from {loads.relation()} where batch_id = {engine.text(batch_id)}").fetchone()
    return dict(zip(EXPECTED, row or (), strict=True))
