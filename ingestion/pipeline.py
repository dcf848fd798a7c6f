"""The job of ingestion in five steps, as the command line and the DAGs both run them.

    open_batch      finish or discard what an earlier run left, name the batch, list the senders with files
    stage_sender    take each file of one sender through its contract (in parallel, if wanted)
    check_landed    Great Expectations on the staged files: a file that fails is held, the others go on
    commit_batch    one commit to the event log, under the writer lock
    check_recorded  Great Expectations on what the commit added

Each step takes and gives plain values, so that a scheduler can pass them on.
"""

import json
import os
import re
import secrets
import shutil
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from ingestion.contract import load_contracts
from ingestion.gate import Arrival, Gate
from ingestion.landing import Landed, landed_files
from ingestion.senders import Sender, registered
from linkwork import engine, processes
from linkwork.errors import EXIT_BAD_DATA, EXIT_DONE, LinkworkError, UsageError
from linkwork.files import private_dir, sha256_of, write_json
from linkwork.log import append, plan
from linkwork.log.catalogue import Catalogue
from linkwork.log.lock import writer_lock
from linkwork.log.store import LOADS, Store
from linkwork.privacy import hmac_sql, vault
from linkwork.privacy.keys import load_keys, remember_keys
from linkwork.settings import Settings

CATALOGUE = Catalogue.current()
BATCH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
ABANDONED_AFTER_SECONDS = 24 * 3600

log = structlog.get_logger("linkwork.ingest")


def open_batch(settings: Settings, batch_id: str | None = None) -> dict[str, Any]:
    """Start a batch. Earlier staging folders are finished, or discarded where nobody works on them any more."""
    kind = "scheduler" if batch_id else "process"  # a scheduler's tasks outlive the process that opens the batch
    batch_id = batch_id or f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    if not BATCH_ID.fullmatch(batch_id):
        raise UsageError(f"not a batch id: {batch_id!r}")
    keys = load_keys(settings)
    store = Store(settings.log_dir)
    with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
        remember_keys(keys, settings.log_dir)
        for folder in sorted(settings.staging_dir.glob("*/")):
            _recover(settings, store, folder, abandoned=folder.name == batch_id)
        plan.sweep(store)
    batch_dir = settings.staging_dir / batch_id
    batch_dir.mkdir(parents=True, exist_ok=True)
    write_json(
        batch_dir / "batch.json",
        {
            "batch_id": batch_id,
            "created_at": datetime.now(UTC).isoformat(),
            "owner": {"kind": kind, "pid": os.getpid(), "host": socket.gethostname()},
        },
    )
    senders = sorted({f.sender for f in landed_files(settings.landing_dir)})
    return {"batch_id": batch_id, "senders": senders}


def stage_sender(settings: Settings, batch_id: str, sender: str) -> dict[str, Any]:
    """Stage every new file of one sender. A file that cannot be taken is refused with a sentence; the rest goes on."""
    batch_dir = settings.staging_dir / batch_id
    contracts = load_contracts(settings.contracts_dir, CATALOGUE)
    senders = registered(settings.reference_dir)
    store = Store(settings.log_dir)
    known = store.events.refresh().transactions()
    gate = Gate(
        CATALOGUE,
        load_keys(settings),
        settings.test_numbers == "allow",
        settings.quarantine_raw_dir,
        private_dir(settings.home / "restricted" / "spill"),
        settings.memory_limit,
        settings.threads,
    )
    history = _history(store)
    outcome = {"files": 0, "records": 0, "refused": 0}
    seen: set[str] = set()
    for number, landed in enumerate(landed_files(settings.landing_dir, sender)):
        arrival = _arrival(landed, batch_id, number, senders.get(sender))
        problem = landed.problem
        if problem is None and landed.feed not in contracts:
            problem = f"No contract describes the feed {landed.feed}."
        elif problem is None and sender not in senders:
            problem = "The sender is not registered; add it with `linkwork sender add`."
        elif problem is None and landed.feed not in senders[sender].feeds:
            problem = f"The sender is not registered for the feed {landed.feed}."
        if problem is None and (append.file_app(arrival.sha256) in known or arrival.sha256 in seen):
            _note(batch_dir, arrival, status="noop", detail="The same bytes were loaded before.")
        elif problem is not None:
            _note(batch_dir, arrival, status="refused", detail=problem)
            outcome["refused"] += 1
        else:
            seen.add(arrival.sha256)
            previous = history.get((landed.feed, sender))
            profile = gate.stage(arrival, contracts[landed.feed], batch_dir, previous)
            outcome["records"] += profile["records"]
            outcome["refused"] += profile["refused"] is not None
        outcome["files"] += 1
    log.info("staged", sender=sender, **outcome)
    return {"sender": sender, **outcome}


def check_landed(settings: Settings, batch_id: str) -> dict[str, Any]:
    """Judge the staged files with Great Expectations; the verdicts decide which are committed."""
    batch_dir = settings.staging_dir / batch_id
    staged = [p for p in _profiles(batch_dir) if p["refused"] is None]
    if not staged:
        return {"checked": 0, "held": 0}
    # A file that could not be judged is held like one that failed; only a missing answer stops the batch.
    _expectations(
        settings, "landed", ["--staging", str(batch_dir)], batch_id, answer=batch_dir / "verdicts.json"
    )
    verdicts = _verdicts(batch_dir)
    return {"checked": len(verdicts), "held": sum(not v["success"] for v in verdicts.values())}


def commit_batch(settings: Settings, batch_id: str) -> dict[str, Any]:
    """Append what passed, in one commit, and record what became of every file."""
    batch_dir = settings.staging_dir / batch_id
    keys = load_keys(settings)
    store = Store(settings.log_dir)
    profiles = _profiles(batch_dir)
    verdicts = _verdicts(batch_dir)
    good, others = [], _notes(batch_dir)
    with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
        store.refresh()
        taken: set[str] = set()
        for profile in profiles:
            sha = profile["file_sha256"]
            verdict = verdicts.get(profile["load_id"])
            if profile["refused"] is not None:
                others.append(_ledger_row(profile, "refused", profile["refused"]))
            elif store.events.transaction(append.file_app(sha)) is not None or sha in taken:
                others.append(_ledger_row(profile, "noop", "The same bytes were loaded before."))
            elif verdict is None or not verdict["success"]:
                others.append(_ledger_row(profile, "held", _why_held(verdict)))
            else:
                taken.add(sha)
                good.append(profile)
        result = None
        with engine.connect(
            memory_limit=settings.memory_limit, threads=settings.threads, spill=settings.staging_dir / ".spill"
        ) as con:
            hmac_sql.install(con, keys)
            if good:
                result = append.commit(store, con, batch_dir, good)
            written = _record_others(store, con, others)
        paths = {(f.feed, f.sender, f.path.name): f.path for f in landed_files(settings.landing_dir)}
        for profile in good:
            path = paths[profile["feed"], profile["sender"], profile["file_name"]]
            vault.seal(path, settings.raw_dir / profile["file_sha256"], keys.zone1)
            if not settings.landing_is_read_only:
                path.unlink()
        if not settings.landing_is_read_only:
            for note in others:
                if note["status"] == "noop":
                    paths[note["feed"], note["sender"], note["file_name"]].unlink(missing_ok=True)
        statuses = [row["status"] for row in others] + ["committed"] * len(good)
        summary = {
            "batch_id": batch_id,
            "events": result.events if result else 0,
            "position": store.position(),
            "commit_version": result.version if result else None,
            "files": {s: statuses.count(s) for s in ("committed", "noop", "held", "refused")},
            "new_in_ledger": written + len(good),
            "beyond_threshold": sum(1 for row in others if row["status"] in ("held", "refused")),
        }
        if result:
            _hand_to_recorded(settings, result)
        shutil.rmtree(batch_dir)
    log.info("committed", **{k: v for k, v in summary.items() if k != "batch_id"})
    return summary


def check_recorded(settings: Settings, batch_id: str) -> dict[str, Any]:
    """Judge what the commit added. Raises LinkworkError where the log does not hold what it should."""
    path = _recorded_file(settings, batch_id)
    if not path.exists():
        return {"checked": 0}
    output = path.with_name(f"{batch_id}.verdict.json")
    _expectations(settings, "recorded", ["--input", str(path), "--output", str(output)], batch_id)
    checked = len(json.loads(path.read_text())["loads"])
    path.unlink()
    output.unlink(missing_ok=True)
    return {"checked": checked}


def run(settings: Settings) -> dict[str, Any]:
    """All five steps in this process, as `linkwork ingest` does."""
    batch = open_batch(settings)
    for sender in batch["senders"]:
        stage_sender(settings, batch["batch_id"], sender)
    landed = check_landed(settings, batch["batch_id"])
    committed = commit_batch(settings, batch["batch_id"])
    recorded = check_recorded(settings, batch["batch_id"])
    return {**committed, "landed": landed, "recorded": recorded}


# --- helpers ------------------------------------------------------------------------------------------


def _recover(settings: Settings, store: Store, folder: Path, *, abandoned: bool) -> None:
    if folder.name.startswith("."):
        return
    if append.recover(store, folder):
        _finish_raw(settings, store, folder)
        shutil.rmtree(folder)
        log.info("finished an earlier batch", batch_id=folder.name)
    elif abandoned or _is_abandoned(folder):
        shutil.rmtree(folder)
        log.info("discarded an earlier batch", batch_id=folder.name)


def _is_abandoned(folder: Path) -> bool:
    """Nobody works on it: its process has ended, or nothing was written to it for a day."""
    try:
        owner = json.loads((folder / "batch.json").read_text())["owner"]
    except (OSError, ValueError, KeyError):
        return True
    if owner["host"] == socket.gethostname() and owner["kind"] == "process":
        return not Path(f"/proc/{owner['pid']}").exists()
    return time.time() - folder.stat().st_mtime > ABANDONED_AFTER_SECONDS


def _finish_raw(settings: Settings, store: Store, folder: Path) -> None:
    keys = load_keys(settings)
    committed = {p["file_sha256"] for p in _profiles(folder)}
    for landed in landed_files(settings.landing_dir):
        sha = sha256_of(landed.path) if landed.problem is None else ""
        if sha in committed and store.events.transaction(append.file_app(sha)) is not None:
            vault.seal(landed.path, settings.raw_dir / sha, keys.zone1)
            if not settings.landing_is_read_only:
                landed.path.unlink()


def _arrival(landed: Landed, batch_id: str, number: int, sender: Sender | None) -> Arrival:
    sha = sha256_of(landed.path) if landed.problem is None else ""
    load_id = f"{batch_id}.{landed.sender}.{number:04d}"
    return Arrival(
        path=landed.path,
        feed=landed.feed,
        sender=landed.sender,
        source_system=sender.source_system if sender else "",
        sha256=sha,
        received_at=landed.received_at,
        load_id=load_id,
        batch_id=batch_id,
        cadence_days=sender.cadence_days if sender else None,
    )


def _note(batch_dir: Path, arrival: Arrival, *, status: str, detail: str) -> None:
    """What became of a file that is not staged at all."""
    row = dict.fromkeys(LOADS)
    counts = ("records", "accepted", "duplicate", "superseded", "conflict", "quarantined", "skipped", "events")
    row |= dict.fromkeys(counts, 0) | {
        "load_id": arrival.load_id,
        "feed": arrival.feed,
        "sender": arrival.sender,
        "file_name": arrival.path.name,
        "file_sha256": arrival.sha256,
        "received_at": arrival.received_at.isoformat(),
        "batch_id": arrival.batch_id,
        "status": status,
        "detail": detail,
    }
    write_json(batch_dir / "notes" / f"{arrival.load_id}.json", row)


def _notes(batch_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(p.read_text()) for p in sorted((batch_dir / "notes").glob("*.json"))]


def _profiles(batch_dir: Path) -> list[dict[str, Any]]:
    """The profiles of the staged files, in the order of their arrival."""
    found = [json.loads(p.read_text()) for p in batch_dir.glob("*/profile.json")]
    return sorted(found, key=lambda p: (p["received_at"], p["feed"], p["sender"], p["file_name"]))


def _verdicts(batch_dir: Path) -> dict[str, dict[str, Any]]:
    path = batch_dir / "verdicts.json"
    return dict(json.loads(path.read_text())["verdicts"]) if path.exists() else {}


def _why_held(verdict: dict[str, Any] | None) -> str:
    if verdict is None:
        return "The file was not judged."
    return " ".join(str(f["description"]) for f in verdict["failed"]) or "The check could not be run."


def _ledger_row(profile: dict[str, Any], status: str, detail: str) -> dict[str, Any]:
    """A file that adds nothing to the log: its counts are what the gate saw."""
    row = {c: profile.get(c) for c in LOADS}
    zero = dict.fromkeys(("accepted", "duplicate", "superseded", "conflict", "events"), 0)
    return {**row, **zero, "status": status, "detail": detail}


def _record_others(store: Store, con: Any, rows: list[dict[str, Any]]) -> int:
    """Add held, refused and repeated files to the ledger, each once: nothing new is said by saying it again."""
    identity = ("feed", "sender", "file_name", "file_sha256", "status", "detail")
    known = set(
        con.execute(f"select {', '.join(identity)} from {store.loads.relation()}").fetchall()
    )
    new = [
        {**row, "recorded_at": datetime.now(UTC)}
        for row in rows
        if tuple(row[c] for c in identity) not in known
    ]
    loaded = set(
        con.execute(
            f"""select feed, sender, file_name, file_sha256 from {store.loads.relation()}
            where status = 'committed'"""
        ).fetchall()
    )
    # The very file that was committed, still lying in a read-only landing folder, is no redelivery.
    new = [r for r in new if r["status"] != "noop" or tuple(r[c] for c in identity[:4]) not in loaded]
    append.fill_rows(con, "other_rows", new, LOADS)
    store.loads.append(con, "select * from other_rows order by load_id")
    return len(new)


def _history(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    """For each feed and sender what its newest committed file held."""
    with engine.connect() as con:
        found = con.execute(
            f"""select feed, sender, arg_max(records, recorded_at), max(newest_asserted_at), count(*)
            from {store.loads.refresh().relation()} where status = 'committed' group by all"""
        ).fetchall()
    return {
        (feed, sender): {"records": records, "newest_asserted_at": at and at.isoformat(), "loads": loads}
        for feed, sender, records, at, loads in found
    }


def _recorded_file(settings: Settings, batch_id: str) -> Path:
    return settings.quality_dir / "pending" / f"{batch_id}.json"


def _hand_to_recorded(settings: Settings, result: append.Commit) -> None:
    counts = ("load_id", "events", "records", "accepted", "duplicate", "superseded", "conflict", "quarantined", "skipped")
    write_json(
        _recorded_file(settings, result.batch_id),
        {
            "batch_id": result.batch_id,
            "commit_version": result.version,
            "position_before": result.position_before,
            "position_after": result.position,
            "files": [str(p) for p in result.files],
            "loads": [{c: row[c] for c in counts} for row in result.loads],
        },
    )


def _expectations(
    settings: Settings, boundary: str, arguments: list[str], batch_id: str, *, answer: Path | None = None
) -> None:
    """Run one boundary. Where the answer is a file of verdicts it need not be favourable; else it must be."""
    log_file = settings.quality_dir / "logs" / f"{boundary}-{batch_id}.log"
    command = [sys.executable, "-m", "expectations.runner", boundary, *arguments]
    done = processes.run([*command, "--quality", str(settings.quality_dir)], log=log_file)
    if done.returncode == EXIT_DONE or (answer is not None and answer.exists()):
        return
    failed = done.returncode == EXIT_BAD_DATA
    raise LinkworkError(
        f"the {boundary} suite {'failed' if failed else 'could not be run'}",
        where=str(log_file),
        do="see the page under quality/data_docs" if failed else "see the log file",
    )


