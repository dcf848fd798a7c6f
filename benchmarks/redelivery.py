"""A file that was loaded before and arrives again: it must cost its hashing, and little else."""

from pathlib import Path
from typing import Any

from benchmarks.big_log import Size
from benchmarks.clock import Moment, median, peak_mib, timed
from benchmarks.feeds import APPOINTMENTS
from benchmarks.homes import borrow, deliver, pass_all
from ingestion import pipeline
from linkwork.files import sha256_of
from linkwork.settings import Settings

RECORDS = 250_000  # of about 200 bytes each: 50 MB


def measure(kept: Path, scratch: Path, size: Size, repeats: int) -> dict[str, Any]:
    """The ingest steps for a landing folder whose one file was loaded before, those for an empty one, and the hashing.

    Raises RuntimeError where the file is not taken for what it is.
    """
    settings = borrow(kept, scratch)
    number, sender = next((n, code) for n, (code, feed) in enumerate(size.senders) if feed == APPOINTMENTS)

    def deliver_it() -> Path:
        return deliver(settings, APPOINTMENTS, [(number, sender)], new=RECORDS)[0]

    path = deliver_it()
    megabytes = path.stat().st_size / 1e6
    hashing = timed(lambda: sha256_of(path), repeats)
    _expect(_ingest(settings)[0], "committed")
    empty = median([_ingest(settings)[1] for _ in range(repeats + 1)][1:])
    taken = []
    for _ in range(repeats + 1):
        deliver_it()
        files, moment = _ingest(settings)
        _expect(files, "noop")
        taken.append(moment)
    return {
        "megabytes": megabytes,
        "hashing": vars(hashing),
        "empty": vars(empty),
        "redelivered": vars(median(taken[1:])),
        "repeats": repeats,
        "peak_mib": peak_mib(),
    }


def _ingest(settings: Settings) -> tuple[dict[str, int], Moment]:
    """The steps of an ingest but for the boundaries, which are other programs. Returns the files by status."""
    start = Moment.now()
    batch = pipeline.open_batch(settings)
    for sender in batch["senders"]:
        pipeline.stage_sender(settings, batch["batch_id"], sender)
    pass_all(settings, batch["batch_id"])
    summary = pipeline.commit_batch(settings, batch["batch_id"])
    return summary["files"], Moment.now() - start


def _expect(files: dict[str, int], status: str) -> None:
    if files[status] != 1:
        raise RuntimeError(f"the file should be {status}; files by status: {files}")
