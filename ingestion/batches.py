"""A batch's staging folder: who works on it, what lies in it, and what becomes of one that was left behind."""

import fcntl
import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from ingestion import intake, ledger, raw, recorded, refused
from ingestion.contract import Contract, load_contracts
from ingestion.landing import Landed, held, landed_files, let_go
from ingestion.workers import limits_of
from linkwork import engine, locked, spill
from linkwork.errors import UsageError
from linkwork.files import private_dir, remove, sha256_of, sweep_partials, write_json
from linkwork.log import changes, commit, plan, repair, tombstones
from linkwork.log.catalogue import Catalogue
from linkwork.log.failpoints import reached
from linkwork.log.store import Store
from linkwork.log_lines import LogLines
from linkwork.privacy import orders, vault, zone1
from linkwork.privacy.keys import Keys, load_keys
from linkwork.privacy.subjects import mentioned
from linkwork.settings import Settings

BATCH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
ABANDONED_AFTER_SECONDS = 24 * 3600

log = LogLines("linkwork.ingest")

AT_WORK = "at-work"  # the file that is locked as long as a process works on a batch
_at_work: dict[Path, int] = {}  # the folders of this process, and what locks each


def new_id() -> str:
    """A batch id a person can read: the time in UTC and three random bytes."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def create(settings: Settings, batch_id: str, *, by_scheduler: bool) -> Path:
    """Make the folder, under the writer lock: else somebody could discard it before it is locked.

    A file in it is locked until `leave`, or until this process ends; its workers lock the folder itself, which they may
    do a little longer. A scheduler's tasks outlive the process that opens the batch, and the folder says so.
    """
    if not BATCH_ID.fullmatch(batch_id):
        raise UsageError(f"not a batch id: {batch_id!r}")
    batch_dir = settings.staging_dir / batch_id
    batch_dir.mkdir(parents=True, exist_ok=True)
    kind = "scheduler" if by_scheduler else "process"
    if not by_scheduler:
        _at_work[batch_dir] = locked.hold(batch_dir / AT_WORK)
    write_json(
        batch_dir / "batch.json",
        {
            "batch_id": batch_id,
            "created_at": datetime.now(UTC).isoformat(),
            "owner": {"kind": kind, "host": socket.gethostname(), "pid": os.getpid()},
        },
    )
    return batch_dir


def leave(folder: Path) -> None:
    """Work on a batch no more: what is still there of it the next command finishes or discards."""
    if (descriptor := _at_work.pop(folder, None)) is not None:
        os.close(descriptor)


def finish_earlier(settings: Settings, store: Store, batch_id: str | None = None) -> None:
    """Finish or discard what earlier runs left, a folder of this very batch included. Call it under the writer lock.

    Raises BadDataError where the log has lost a commit that was finished.
    """
    repair.refuse_lost(store)
    changes.finish_left(store)
    for folder in sorted(settings.staging_dir.glob("*/")):
        recover(settings, store, folder, abandoned=folder.name == batch_id)
    repair.put_on_record(store)
    plan.sweep(store)
    _sweep_plain(settings.plain_dir)
    spill.sweep(settings)
    for sealed in (settings.raw_dir, settings.quarantine_raw_dir, orders.folder(settings)):
        vault.sweep(sealed)
    for written in (settings.log_dir, settings.quality_dir / "pending"):
        sweep_partials(written)


def _sweep_plain(folder: Path) -> None:
    """Remove what killed processes left of received files in plain text.

    Outside their own folders only who holds the writer lock unpacks anything, so that all there is left over.
    """
    locked.remove_left(folder, intake.SPILL)
    for left in folder.glob("*"):
        if left.name.startswith(intake.SPILL):
            continue  # of a job that is at work
        remove(left)


def recover(settings: Settings, store: Store, folder: Path, *, abandoned: bool) -> bool:
    """Finish a batch whose events were committed (then true), or discard one nobody works on any more."""
    if folder.name.startswith("."):
        return False
    if commit.recover(store, folder):
        seal_received(settings, folder)
        done = plan.read(folder)
        if done and done["loads_committed"]:
            recorded.hand_over(settings, store, done, store.events.version)
        close(settings, store, folder)
        log.info("finished an earlier batch", batch_id=folder.name)
        return True
    if abandoned or _is_abandoned(folder):
        close(settings, store, folder)
        log.info("discarded an earlier batch", batch_id=folder.name)
    return False


def close(settings: Settings, store: Store, folder: Path) -> None:
    """Let go of a batch that is done or discarded, and of the refused text of its loads that the ledger does not know.

    A file that stays in the landing folder (held, refused, or of a discarded batch) is staged again as another load.
    """
    _forget_refused(settings, store, folder.glob("*/"))
    reached("batch-done")
    leave(folder)
    _wait_for_workers(folder)
    shutil.rmtree(folder)


def start_again(settings: Settings, store: Store, folder: Path, beginnings: Collection[str]) -> None:
    """Remove what an earlier attempt left of the loads whose ids begin so, up to the last full stop.

    The ids count the files of a sender as they lay there then; by now the same id may be that of another file.
    """
    (folder / "verdicts.json").unlink(missing_ok=True)  # a verdict on one would be taken for one on the other
    for note in (folder / ledger.NOTES).glob("*.json"):
        if note.stem.rpartition(".")[0] in beginnings:
            note.unlink()
    loads = [load for load in folder.glob("*/") if load.name.rpartition(".")[0] in beginnings]
    _forget_refused(settings, store, loads)
    for load in loads:
        shutil.rmtree(load)


def _forget_refused(settings: Settings, store: Store, loads: Iterable[Path]) -> None:
    """Remove the refused text of staged loads that the ledger does not know."""
    with engine.asking() as con:
        recorded_loads = f"select distinct load_id from {store.loads.refresh().relation()}"
        known = {load_id for (load_id,) in con.execute(recorded_loads).fetchall()}
    for load in loads:
        if load.name not in known:
            (settings.quarantine_raw_dir / load.name).unlink(missing_ok=True)


def _wait_for_workers(folder: Path) -> None:
    """Workers of a job that was killed end on their own, at once but not in the same instant."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def profiles(batch_dir: Path) -> list[dict[str, Any]]:
    """The profiles of the staged files, in the order of their arrival."""
    found = [json.loads(p.read_text()) for p in batch_dir.glob("*/profile.json")]
    return sorted(found, key=lambda p: (p["received_at"], p["feed"], p["sender"], p["file_name"]))


def verdicts(batch_dir: Path) -> dict[str, dict[str, Any]]:
    path = batch_dir / "verdicts.json"
    return dict(json.loads(path.read_text())["verdicts"]) if path.exists() else {}


def _is_abandoned(folder: Path) -> bool:
    """Nobody works on it: whoever had locked it has ended, or it is a scheduler's and was not written to for a day.

    A process is not looked for by its number: in another container, that shares the home, it has another or none.
    """
    try:
        owner = json.loads((folder / "batch.json").read_text())["owner"]
    except (OSError, ValueError, KeyError):
        owner = {"kind": "process"}  # cut off before it had said so
    if owner["kind"] == "scheduler":
        return time.time() - folder.stat().st_mtime > ABANDONED_AFTER_SECONDS
    return not locked.is_held(folder / AT_WORK)


def seal_received(settings: Settings, folder: Path) -> None:
    """What zone 1 keeps of a committed batch: each file as received, and the text of records the register refused.

    Then the landing folder lets go of the files. A file that was replaced since it was staged stays for the next run.
    """
    keys, erased = load_keys(settings), tombstones.all_of(settings.log_dir)
    done = plan.read(folder) or {"refused": [], "loads_committed": []}
    staged = profiles(folder)
    committed = {(p["feed"], p["sender"], p["file_name"], p["file_sha256"]): p["load_id"] for p in staged}
    without = {p["load_id"]: set(p.get("erased_lines", [])) for p in staged}
    names = {identity[:3] for identity in committed}
    contracts = cache(lambda: load_contracts(settings.contracts_dir, Catalogue.current()))
    for landed in landed_files(settings.landing_dir):
        name = (landed.feed, landed.sender, landed.name)
        if landed.problem is not None or name not in names:
            continue
        with suppress(FileNotFoundError), held(landed.path) as received:
            sha = sha256_of(received)
            load_id = committed.get((*name, sha))
            if load_id is None or load_id not in done["loads_committed"]:
                continue
            theirs = [where for load, *where in done["refused"] if load == load_id]
            kept = [(one[0], one[1], one[2] if len(one) > 2 else None) for one in theirs]  # version 0.1 knew no places
            _keep_refused(settings, keys, received, landed, kept, load_id, contracts)
            reached("refused-kept")
            _seal(received, settings.raw_dir / sha, keys, erased, without[load_id])
            reached("raw-sealed")
            if not settings.landing_is_read_only:
                let_go(settings, landed.path)
    reached("landing-emptied")


def _keep_refused(
    settings: Settings,
    keys: Keys,
    received: Path,
    landed: Landed,
    records: list[raw.Where],
    load_id: str,
    contracts: Callable[[], dict[str, Contract]],
) -> None:
    """The text of records that the register refused; nothing is unpacked where there is none."""
    if not records:
        return
    spill = private_dir(settings.plain_dir)
    contract = contracts().get(landed.feed)
    form = contract.file if contract else None
    with intake.opened(received, landed.path.name, spill, limits_of(settings)) as plain:
        refused.keep(plain, records, settings.quarantine_raw_dir / load_id, keys.zone1, form=form)


def _seal(source: Path, target: Path, keys: Keys, erased: frozenset[bytes], lines: set[int]) -> None:
    """Keep a file as received, but for the records of people who were erased before it came.

    Of what is not made of lines, packed or a table, nothing can be cut out: a file with such a record is not kept.
    """
    if not erased:
        vault.seal(source, target, keys.zone1)
        return
    data = source.read_bytes()

    def names_erased(text: str) -> bool:
        return not erased.isdisjoint(mentioned(text, keys))

    if zone1.is_text(data):
        data, _ = zone1.blanked(data, lines, lambda record: names_erased(record.decode("utf-8", "replace")))
    elif lines or (text := raw.everything(data)) is None or names_erased(text):
        return
    vault.seal_bytes(data, target, keys.zone1)
