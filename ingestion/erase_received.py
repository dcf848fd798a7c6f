"""The part of an erasure that concerns files as they were received: which lines are the person's, and taking them out.

The log names the lines of a person's events. Others are found by the gate, which recognises the tombstones: a row that
repeated what was known, or was refused, may name the person by the sender's own id alone.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ingestion import raw, refused, regate
from ingestion.landing import landed_files
from ingestion.operation import Operation
from linkwork import engine
from linkwork.errors import BadDataError, UsageError
from linkwork.files import PARTIAL, remove, sha256_of, write_whole
from linkwork.log import erase, tombstones
from linkwork.privacy import orders, vault
from linkwork.privacy.orders import Order
from linkwork.privacy.scan import scan
from linkwork.privacy.subjects import numbers_of, pseudonyms
from linkwork.privacy.zone1 import Eraser


def find_numbers(work: Operation, order: Order) -> None:
    """Add the NHS numbers of the person that were not given, from the received files that are kept.

    Whoever is erased by a pseudonym, or was merged with another, is named there by a number nobody gave us.
    """
    keys = work.gate.keys
    known = {key for number in order.numbers for key in pseudonyms(number, keys)}
    wanted = {bytes.fromhex(s) for s in order.subjects} - known
    if wanted:
        found = {n for text in _texts(work, order) for n in numbers_of(text, wanted, keys)}
        order.numbers = sorted({*order.numbers, *found})
    if not order.numbers:
        order.leave(
            "text that names the person by an NHS number: none was given, or found in what is kept of received files"
        )


def find_lines(work: Operation, order: Order) -> None:
    """Add the lines of the person's records in received files: those of events, and those the gate recognises."""
    for sha, line in erase.lines(work.store, work.con):
        order.add_lines(sha, [line])
    gate = replace(work.gate, tombstones=tombstones.all_of(work.settings.log_dir))
    for sender in erase.senders(work.store, work.con):
        loads = regate.loads_of(work.store, work.con, f"sender = {engine.text(sender)}")
        loads = [load for load in loads if regate.is_kept(work.settings, load)]
        regate.fill_source_systems(work.store, work.con, loads, work.source_system(sender))
        for load in loads:
            try:
                profile = regate.stage(work.settings, gate, work.contracts, load, work.folder)
            except (UsageError, BadDataError) as error:
                # No reason to stop an erasure: what names the person by NHS number is found all the same.
                order.leave(f"rows of load {load['load_id']} without an NHS number: {error.what}")
            else:
                order.add_lines(load["file_sha256"], profile["erased_lines"])
            shutil.rmtree(work.folder / load["load_id"], ignore_errors=True)


def clean(work: Operation, order: Order) -> None:
    """Take the person out of received files, of the text of refused records, and of the landing folder."""
    settings = work.settings
    for folder in (settings.raw_dir, settings.quarantine_raw_dir, orders.folder(settings), settings.landing_dir):
        if not (folder == settings.landing_dir and settings.landing_is_read_only):
            _remove_partial(folder)
    for left in settings.plain_dir.glob("*"):  # what a killed gate had written there
        remove(left)
    eraser = Eraser(order.needles())
    _clean_raw(work, order, eraser)
    _clean_refused(work, order, eraser)
    if settings.landing_is_read_only:
        order.leave("the landing folder, which is read only")
    else:
        _clean_landing(work, order, eraser)


def _clean_raw(work: Operation, order: Order, eraser: Eraser) -> None:
    folder, key = work.settings.raw_dir, work.gate.keys.zone1
    known = {folder / sha for sha, lines in order.lines.items() if lines and (folder / sha).exists()}
    for path in sorted(known | _holding(work, order, folder)):
        if (data := _unsealed(work, order, path)) is not None:
            lines = set(order.lines.get(path.name, []))
            _clean(work, order, eraser, path, data, lines, lambda target, rest: vault.seal_bytes(rest, target, key))


def _clean_refused(work: Operation, order: Order, eraser: Eraser) -> None:
    key = work.gate.keys.zone1
    loads = work.con.execute(f"select load_id, file_sha256 from {work.store.current_loads()}").fetchall()
    theirs = {(load_id, line) for load_id, sha in loads for line in order.lines.get(sha, [])}
    for path in vault.sealed(work.settings.quarantine_raw_dir):
        if _unsealed(work, order, path) is None:
            continue
        records = refused.read(path, key)
        kept = [r for r in records if not eraser.names(r["raw"].encode()) and (path.name, r["line"]) not in theirs]
        if len(kept) < len(records):
            _note(work, order, "raw_records", f"quarantine/{path.name}", len(records) - len(kept))
            refused.write(kept, path, key)


def _clean_landing(work: Operation, order: Order, eraser: Eraser) -> None:
    landing = work.settings.landing_dir
    for path in _waiting(landing):
        if eraser.names(os.fsencode(path.name)):
            suffix = "" if eraser.names(os.fsencode(path.suffix)) else path.suffix
            path.rename(path.with_name(f"{sha256_of(path)[:16]}{suffix}"))
    holding, waiting = _holding(work, order, landing), _waiting(landing)
    for path in sorted(waiting & holding):
        _clean(work, order, eraser, path, path.read_bytes(), set(), write_whole)
    for path in sorted(holding - waiting):
        order.leave(f"landing/{path.relative_to(landing)}, which no run takes in")


def _clean(
    work: Operation,
    order: Order,
    eraser: Eraser,
    path: Path,
    data: bytes,
    lines: set[int],
    write: Callable[[Path, bytes], None],
) -> None:
    rest, records = eraser.rest(data, lines)
    if rest is None:
        _note(work, order, "files_removed", f"{path.parent.name}/{path.name}", 1)
        path.unlink()
    elif records:
        _note(work, order, "raw_records", f"{path.parent.name}/{path.name}", records)
        write(path, rest)


def _holding(work: Operation, order: Order, folder: Path) -> set[Path]:
    """The files of a folder in which the scan finds the person, or that it cannot search in full."""
    if not folder.is_dir():
        return set()
    found = scan(folder, order.needles(), work.gate.keys.zone1)
    return {folder / hit.path for hit in found.hits} | {folder / other.path for other in found.unreadable}


def _waiting(landing: Path) -> set[Path]:
    return {landed.path for landed in landed_files(landing) if landed.problem is None}


def _unsealed(work: Operation, order: Order, path: Path) -> bytes | None:
    """A sealed file's content; None, and named in the receipt, where it does not open, for us or anybody."""
    try:
        return vault.unseal(path, work.gate.keys.zone1)
    except BadDataError:
        order.leave(f"restricted/{path.parent.name}/{path.name}, which does not open")
        return None


def _remove_partial(folder: Path) -> None:
    """What a killed writer had written under a temporary name."""
    for path in folder.rglob(".*.tmp"):
        if PARTIAL.fullmatch(path.name):
            path.unlink()


def _note(work: Operation, order: Order, what: str, where: str, number: int) -> None:
    order.note(what, where, number)
    order.seal(work.settings, work.gate.keys.zone1)


def _texts(work: Operation, order: Order) -> Iterator[str]:
    """What is kept as text of received files."""
    settings = work.settings
    for path in (*vault.sealed(settings.raw_dir), *vault.sealed(settings.quarantine_raw_dir)):
        data = _unsealed(work, order, path)
        if data is not None and (text := raw.everything(data)) is not None:
            yield text
    for path in sorted(_waiting(settings.landing_dir)):
        if (text := raw.everything(path.read_bytes())) is not None:
            yield text
