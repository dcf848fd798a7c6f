"""The ledger's rows for files that add nothing to the log, and what it remembers of earlier files and batches."""

import json
from pathlib import Path
from typing import Any

from ingestion.arrival import Arrival
from ingestion.landing import shown
from linkwork import engine
from linkwork.files import write_json
from linkwork.log.rows import fill_rows
from linkwork.log.store import LOADS, Store

STATUSES = ("committed", "noop", "held", "refused")
NOTES = "notes"  # the folder of a batch's notes: one a file that is not staged, named by its load


def note(batch_dir: Path, arrival: Arrival, *, status: str, detail: str) -> None:
    """What became of a file that is not staged at all."""
    row: dict[str, Any] = dict.fromkeys(LOADS)
    counts = ("records", "accepted", "duplicate", "superseded", "conflict", "quarantined", "skipped", "events")
    row |= dict.fromkeys(counts, 0) | {
        "load_id": arrival.load_id,
        "feed": shown(arrival.feed),
        "sender": shown(arrival.sender),
        "file_name": arrival.file_name,
        "file_sha256": arrival.sha256,
        "received_at": arrival.received_at.isoformat(),
        "batch_id": arrival.batch_id,
        "status": status,
        "detail": detail,
    }
    write_json(batch_dir / NOTES / f"{arrival.load_id}.json", row)


def notes(batch_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(p.read_text()) for p in sorted((batch_dir / NOTES).glob("*.json"))]


def row_of(profile: dict[str, Any], status: str, detail: str) -> dict[str, Any]:
    """A file that adds nothing to the log: its counts are what the gate saw."""
    row = {c: profile.get(c) for c in LOADS}
    zero = dict.fromkeys(("accepted", "duplicate", "superseded", "conflict", "events"), 0)
    return {**row, **zero, "status": status, "detail": detail}


def why_held(verdict: dict[str, Any] | None) -> str:
    if verdict is None:
        return "The file was not judged."
    return " ".join(str(f["description"]) for f in verdict["failed"]) or "The check could not be run."


def record(store: Store, con: Any, rows: list[dict[str, Any]]) -> int:
    """Add held, refused and repeated files to the ledger, each once: nothing new is said by saying it again."""
    if not rows:
        return 0
    identity = ("feed", "sender", "file_name", "file_sha256", "status", "detail")
    recorded_at = store.next_time()
    known = set(con.execute(f"select {', '.join(identity)} from {store.loads.relation()}").fetchall())
    new = [{**row, "recorded_at": recorded_at} for row in rows if tuple(row[c] for c in identity) not in known]
    loaded = set(
        con.execute(
            f"""select feed, sender, file_name, file_sha256 from {store.current_loads()}
            where status = 'committed'"""
        ).fetchall()
    )
    # The very file that was committed, still lying in a read-only landing folder, is no redelivery.
    new = [r for r in new if r["status"] != "noop" or tuple(r[c] for c in identity[:4]) not in loaded]
    fill_rows(con, "other_rows", new, LOADS)
    store.loads.append(con, "select * from other_rows order by load_id")
    return len(new)


def history(store: Store, sender: str) -> dict[str, dict[str, Any]]:
    """For each feed of a sender what its newest committed file held."""
    store.loads.refresh()
    with engine.asking() as con:
        found = con.execute(
            f"""select feed, arg_max(records, recorded_at), max(newest_asserted_at), count(*)
            from {store.current_loads()} where status = 'committed' and sender = {engine.text(sender)} group by all"""
        ).fetchall()
    return {
        feed: {"records": records, "newest_asserted_at": at and at.isoformat(), "loads": loads}
        for feed, records, at, loads in found
    }


def retracted(store: Store) -> set[str]:
    """The hashes of the files whose loads were retracted."""
    with engine.asking() as con:
        found = con.execute(f"select file_sha256 from {store.current_loads()} where status = 'retracted'").fetchall()
    return {sha for (sha,) in found}


def of_batch(store: Store, batch_id: str) -> dict[str, Any]:
    """What a batch did, from the ledger: for a step that is asked again after it had succeeded.

    A batch that said nothing new left no row, and did nothing.
    """
    store.refresh()
    counted = ", ".join(f"count(*) filter (status = '{s}') as {s}" for s in STATUSES)
    with engine.asking() as con:
        found = con.execute(
            f"""select count(*), coalesce(sum(events), 0)::bigint, max(log_version) filter (status = 'committed'),
                {counted}
            from {store.current_loads(first=True)} where batch_id = {engine.text(batch_id)}"""
        ).fetchone()
    assert found is not None  # noqa: S101 - an aggregate always gives a row
    files = dict(zip(STATUSES, found[3:], strict=True))
    return summary(store, batch_id, found[1], found[2], files, found[0])


def summary(
    store: Store, batch_id: str, events: int, version: int | None, files: dict[str, int], rows: int
) -> dict[str, Any]:
    """What a commit says of itself: events, position, version, files by status, new rows in the ledger."""
    return {
        "batch_id": batch_id,
        "events": events,
        "position": store.position(),
        "commit_version": version,
        "files": files,
        "new_in_ledger": rows,
        "beyond_threshold": files["held"] + files["refused"],
    }
