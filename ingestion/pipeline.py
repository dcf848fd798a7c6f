"""The job of ingestion in five steps, as the command line and the DAGs both run them.

    open_batch      finish or discard what an earlier run left, name the batch, list the senders with files
    stage_sender    take each file of one sender through its contract (in parallel, if wanted)
    check_landed    Great Expectations on the staged files: a file that fails is held, the others go on
    commit_batch    one commit to the event log, under the writer lock
    check_recorded  Great Expectations on what the commit added

Each step takes and gives plain values, so that a scheduler can pass them on.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ingestion import batches, erase, ledger, recorded, retention
from ingestion.arrival import Arrival
from ingestion.contract import Contract, load_contracts
from ingestion.gate import Gate
from ingestion.held import decisions
from ingestion.landing import Landed, held, landed_files, let_go, ready_files, shown
from ingestion.senders import Sender, registered
from ingestion.worker import CHANGED, Job
from ingestion.workers import Workers
from linkwork import engine, quality, reference
from linkwork.files import sha256_of
from linkwork.log import append, plan
from linkwork.log.catalogue import Catalogue
from linkwork.log.failpoints import reached
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store
from linkwork.log_lines import LogLines
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import load_keys, remember_keys
from linkwork.settings import Settings

CATALOGUE = Catalogue.current()
SENDER_CODE = re.compile(reference.CODE)
REPEATED = "The same bytes were loaded before."
RETRACTED = "The same bytes were loaded before and retracted; only a file that differs is taken."

log = LogLines("linkwork.ingest")


def open_batch(settings: Settings, batch_id: str | None = None) -> dict[str, Any]:
    """Start a batch. Earlier staging folders are finished, or discarded where nobody works on them any more.

    An erasure that was cut off is carried out first, and what was kept for as long as raw retention says is removed.
    """
    erase.resume(settings)
    retention.expire(settings)
    by_scheduler, batch_id = batch_id is not None, batch_id or batches.new_id()
    keys = load_keys(settings)
    store = Store(settings.log_dir)
    with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
        remember_keys(keys, settings.log_dir)
        batches.finish_earlier(settings, store, batch_id)
        batches.create(settings, batch_id, by_scheduler=by_scheduler)
    reached("batch-opened")
    senders = sorted({f.sender for f in ready_files(settings)})
    return {"batch_id": batch_id, "senders": senders}


def stage_sender(settings: Settings, batch_id: str, sender: str) -> dict[str, Any]:
    """Stage every new file of one sender. A file that cannot be taken is refused with a sentence; the rest goes on."""
    return stage_senders(settings, batch_id, [sender])[0]


def stage_senders(settings: Settings, batch_id: str, senders: list[str]) -> list[dict[str, Any]]:
    """Stage every new file of some senders, side by side in worker processes; anew where it was begun before."""
    batch_dir = settings.staging_dir / batch_id
    contracts = load_contracts(settings.contracts_dir, CATALOGUE)
    store = Store(settings.log_dir)
    known = store.events.refresh().transactions()
    registry, retracted = registered(settings.reference_dir), ledger.retracted(store)
    decided = decisions(store)
    if plan.app(batch_id) not in known:  # else the commit is finished with the loads as they lie there
        batches.start_again(settings, store, batch_dir, {_loads_of(batch_id, sender) for sender in senders})
    outcomes: dict[str, dict[str, Any]] = {
        sender: {"sender": sender, "files": 0, "records": 0, "refused": 0} for sender in senders
    }

    def jobs() -> Iterator[Job]:
        """The files that are to be read; what is known of the others without that is noted."""
        for sender in senders:
            outcome, history, seen = outcomes[sender], ledger.history(store, shown(sender)), set[str]()
            for number, landed in enumerate(ready_files(settings, sender)):
                try:
                    arrival = _arrival(landed, batch_id, number, registry.get(sender))
                except FileNotFoundError:
                    continue  # another run has committed it and taken it away since it was listed
                outcome["files"] += 1
                problem = landed.problem or _not_expected(landed, contracts, registry)
                decision = decided.get((landed.feed, sender, arrival.sha256))
                if decision is not None and not decision.is_release:
                    ledger.note(batch_dir, arrival, status="noop", detail=decision.detail())
                elif problem is None and (append.file_app(arrival.sha256) in known or arrival.sha256 in seen):
                    undone = arrival.sha256 in retracted
                    ledger.note(batch_dir, arrival, status="noop", detail=RETRACTED if undone else REPEATED)
                elif problem is not None:
                    ledger.note(batch_dir, arrival, status="refused", detail=problem)
                    outcome["refused"] += 1
                else:
                    seen.add(arrival.sha256)
                    yield Job(arrival, history.get(landed.feed))

    with Workers(settings, Gate.of(settings, load_keys(settings)), contracts, batch_dir) as workers:
        for job, profile in workers.stage(jobs()):
            outcome = outcomes[job.arrival.sender]
            if profile is None:
                outcome["files"] -= 1  # it was taken away before it was read
            else:
                outcome["records"] += profile["records"]
                outcome["refused"] += profile["refused"] is not None
    for outcome in outcomes.values():
        log.info("staged", **outcome)
    return list(outcomes.values())


def check_landed(settings: Settings, batch_id: str) -> dict[str, Any]:
    """Judge the staged files with Great Expectations; the verdicts decide which are committed."""
    batch_dir = settings.staging_dir / batch_id
    staged = [p for p in batches.profiles(batch_dir) if p["refused"] is None]
    if not staged:
        return {"checked": 0, "held": 0}
    # A file that could not be judged is held like one that failed; only a missing answer stops the batch.
    quality.judge(settings, "landed", ["--staging", str(batch_dir)], batch_id, answer=batch_dir / "verdicts.json")
    verdicts = batches.verdicts(batch_dir)
    return {"checked": len(verdicts), "held": sum(not v["success"] for v in verdicts.values())}


def commit_batch(settings: Settings, batch_id: str) -> dict[str, Any]:
    """Append what passed, in one commit, and record what became of every file."""
    batch_dir = settings.staging_dir / batch_id
    keys = load_keys(settings)
    store = Store(settings.log_dir)
    with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
        # A scheduler asks again where it lost the answer: the batch is finished if need be, and says the same.
        finished = batch_dir.exists() and batches.recover(settings, store, batch_dir, abandoned=False)
        if finished or not batch_dir.exists():
            return ledger.of_batch(store, batch_id)
        landed = _by_name(landed_files(settings.landing_dir))
        good, others = _sorted_out(store.refresh(), batch_dir, landed)
        result = None
        with engine.connect(
            memory_limit=settings.memory_limit,
            threads=settings.threads,
            spill=settings.spill_dir,
            files=(settings.home,),
        ) as con:
            hmac_sql.install(con, keys)
            if good:
                result = append.append(store, con, batch_dir, good)
            written = ledger.record(store, con, others)
        reached("ledger-recorded")
        batches.seal_received(settings, batch_dir)
        reached("sealed")
        loaded = (row for row in others if row["status"] == "noop" and row["detail"] in (REPEATED, RETRACTED))
        for repeated in loaded if not settings.landing_is_read_only else ():
            if (path := _as_staged(landed, repeated)) is not None:
                let_go(settings, path)
        statuses = [row["status"] for row in others] + ["committed"] * len(good)
        summary = ledger.summary(
            store,
            batch_id,
            result.events if result else 0,
            result.version if result else None,
            {s: statuses.count(s) for s in ledger.STATUSES},
            written + len(good),
        )
        if result:
            recorded.hand_over(settings, store, result.plan, result.version)
        batches.close(settings, store, batch_dir)
    log.info("committed", **{k: v for k, v in summary.items() if k != "batch_id"})
    return summary


def _sorted_out(
    store: Store, batch_dir: Path, landed: dict[tuple[str, str, str], list[Path]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The profiles of the files to commit, and the ledger's rows of all others."""
    verdicts, others = batches.verdicts(batch_dir), ledger.notes(batch_dir)
    good: list[dict[str, Any]] = []
    known, decided = set(store.events.transactions()), decisions(store)
    for profile in batches.profiles(batch_dir):
        sha = profile["file_sha256"]
        verdict = verdicts.get(profile["load_id"])
        decision = decided.get((profile["feed"], profile["sender"], sha))
        passed = verdict is not None and (verdict["success"] or decision is not None)
        if profile["refused"] is not None:
            others.append(ledger.row_of(profile, "refused", profile["refused"]))
        elif append.file_app(sha) in known:
            others.append(ledger.row_of(profile, "noop", REPEATED))
        elif decision is not None and not decision.is_release:
            others.append(ledger.row_of(profile, "noop", decision.detail()))
        elif not passed:
            others.append(ledger.row_of(profile, "held", ledger.why_held(verdict)))
        elif _as_staged(landed, profile) is None:
            others.append(ledger.row_of(profile, "refused", CHANGED))
        else:
            known.add(append.file_app(sha))
            if decision is not None and verdict is not None and not verdict["success"]:
                profile["detail"] = decision.detail(ledger.why_held(verdict))
            good.append(profile)
    return good, others


def check_recorded(settings: Settings, batch_id: str) -> dict[str, Any]:
    """Judge what the batch added, and what an earlier one did that was cut off before it was judged.

    Raises LinkworkError where the log does not hold what it should.
    """
    checked = 0
    for path in recorded.pending(settings):
        output = path.with_suffix(".verdict.json")
        quality.judge(settings, "recorded", ["--input", str(path), "--output", str(output)], path.stem)
        checked += len(json.loads(path.read_text())["loads"])
        path.unlink()
        output.unlink(missing_ok=True)
    return {"checked": checked}


def run(settings: Settings) -> dict[str, Any]:
    """All five steps in this process, as `linkwork ingest` does."""
    batch = open_batch(settings)
    try:
        stage_senders(settings, batch["batch_id"], batch["senders"])
        landed = check_landed(settings, batch["batch_id"])
        committed = commit_batch(settings, batch["batch_id"])
        checked = check_recorded(settings, batch["batch_id"])
    finally:
        batches.leave(settings.staging_dir / batch["batch_id"])
    return {**committed, "landed": landed, "recorded": checked}


def _not_expected(landed: Landed, contracts: dict[str, Contract], senders: dict[str, Sender]) -> str | None:
    """Why a file is not read at all."""
    if landed.feed not in contracts:
        return f"No contract describes the feed {landed.feed}."
    if landed.sender not in senders:
        return "The sender is not registered; add it with `linkwork sender add`."
    return senders[landed.sender].refusal(landed.feed, landed.received_at)


def _arrival(landed: Landed, batch_id: str, number: int, sender: Sender | None) -> Arrival:
    sha = ""
    if landed.problem is None:
        with held(landed.path) as path:
            sha = sha256_of(path)
    return Arrival(
        path=landed.path,
        feed=landed.feed,
        sender=landed.sender,
        source_system=sender.source_system if sender else "",
        sha256=sha,
        received_at=landed.received_at,
        load_id=f"{_loads_of(batch_id, landed.sender)}.{number:04d}",
        batch_id=batch_id,
        cadence_days=sender.cadence_days if sender else None,
    )


def _loads_of(batch_id: str, sender: str) -> str:
    """What the ids of a sender's loads begin with; a file's number follows.

    The ids name files: a folder that cannot be a sender's code is named by its hash.
    """
    hashed = hashlib.sha256(os.fsencode(sender)).hexdigest()[:16]
    return f"{batch_id}.{sender if SENDER_CODE.fullmatch(sender) else hashed}"


def _by_name(landed: list[Landed]) -> dict[tuple[str, str, str], list[Path]]:
    """The landed files by feed, sender and name as it is shown, which two may share."""
    found: dict[tuple[str, str, str], list[Path]] = {}
    for one in landed:
        found.setdefault((one.feed, one.sender, one.name), []).append(one.path)
    return found


def _as_staged(landed: dict[tuple[str, str, str], list[Path]], row: dict[str, Any]) -> Path | None:
    """The file of a profile or ledger row, if it still lies in the landing folder as it was when it was staged."""
    for path in landed.get((row["feed"], row["sender"], row["file_name"]), []):
        with suppress(FileNotFoundError), held(path) as there:
            if sha256_of(there) == row["file_sha256"]:
                return path
    return None
