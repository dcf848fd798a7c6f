"""What zone 1 keeps of refused records: once, as long as a row of the ledger speaks of it; nothing half written."""

import fcntl
import json

from ingestion import pipeline
from linkwork.privacy import vault
from tests.support.log import SENDER, csv_text, day, deliver, ingest, rows

WRONG = csv_text([{"id": "a", "received": "2025-02-30", "at": day(1)}])


def hold(settings):
    """A batch whose only file fails at the boundary."""
    batch = pipeline.open_batch(settings)["batch_id"]
    pipeline.stage_sender(settings, batch, SENDER)
    folder = settings.staging_dir / batch
    verdicts = {p.parent.name: {"success": False, "failed": []} for p in folder.glob("*/profile.json")}
    (folder / "verdicts.json").write_text(json.dumps({"verdicts": verdicts}))
    return pipeline.commit_batch(settings, batch)


def kept(settings):
    return {path.name for path in settings.quarantine_raw_dir.iterdir()}


def test_a_file_held_in_every_run_leaves_its_text_once(home):
    deliver(home, "1.csv", WRONG)
    assert hold(home)["files"]["held"] == 1
    (load_id,) = rows(home, "loads", "load_id")
    assert kept(home) == set(load_id)
    hold(home)
    assert kept(home) == set(load_id)


def test_a_batch_that_is_discarded_leaves_no_text(home):
    deliver(home, "1.csv", WRONG)
    batch = pipeline.open_batch(home, "given-up")["batch_id"]
    pipeline.stage_sender(home, batch, SENDER)
    assert len(kept(home)) == 1
    pipeline.open_batch(home, "given-up")  # asked for again: what the first attempt had staged is discarded
    assert kept(home) == set()


def test_what_a_killed_process_had_half_written_goes_and_what_is_being_written_stays(home):
    home.raw_dir.mkdir(parents=True)
    left, written = (home.raw_dir / f".{n}{vault.PARTIAL}" for n in ("left", "written"))
    left.write_bytes(b"LWV1")
    with written.open("wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        ingest(home)
        assert list(home.raw_dir.iterdir()) == [written]
    ingest(home)
    assert list(home.raw_dir.iterdir()) == []
