"""`erase`: remove one person from everything below the home, for good, with a receipt that identifies nobody.

What is to be done is sealed in zone 1 before anything is touched. Every step looks for what is still there and removes
it, so an erasure that was cut off is carried out again from the start, by `erase --resume` or by the next command that
takes the writer's lock. Tombstones come first: from then on no redelivered file brings the person back.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from typing import Any

from ingestion import erase_received, receipt, withdraw
from ingestion.operation import Operation
from ingestion.stillness import everything_still
from linkwork import projections
from linkwork.log import erase, operations, plan, tombstones
from linkwork.log.commit import Moment, commit
from linkwork.log.failpoints import reached
from linkwork.privacy import orders
from linkwork.privacy.holds import refuse_held, standing
from linkwork.privacy.orders import Order
from linkwork.privacy.scan import scan
from linkwork.privacy.subjects import pseudonyms
from linkwork.privacy.zone1 import Eraser
from linkwork.settings import Settings

SCRUBBED = ("quality", "airflow", "staging")  # below the home: whatever names the person there is removed as a file


def erase_person(settings: Settings, numbers: Iterable[str], subjects: Iterable[bytes], reason: str) -> dict[str, Any]:
    """Erase the person with these NHS numbers (ten checked digits) or pseudonyms. Returns the receipt.

    Raises UsageError where a legal hold forbids it, BusyError where a batch, a build or a publication is at work,
    BadDataError where not every event could be found. Then nothing is begun.
    """
    with everything_still(settings) as work:
        wanted = [*subjects, *(key for n in numbers for key in pseudonyms(n, work.gate.keys))]
        work.store.refresh(evolve=True)
        erase.refuse_hidden(work.store, work.con)
        if standing(settings.log_dir):
            erase.find(work.store, work.con, wanted)
            found = [key for (key,) in work.con.execute("select subject_key from erased_subject").fetchall()]
            refuse_held(settings.log_dir, [*found, *erase.others_of_records(work.store, work.con)], work.gate.keys)
        order = Order(work.id, reason, list(numbers), [s.hex() for s in wanted])
        order.seal(settings, work.gate.keys.zone1)
        return _carry_out(work, order)


def resume(settings: Settings) -> list[dict[str, Any]]:
    """Carry out every erasure that was cut off. Returns their receipts."""
    receipts = []
    for path in orders.unfinished(settings):
        with everything_still(settings) as work:
            order = orders.read(path, work.gate.keys.zone1)
            if order.sender is None:
                erase.refuse_hidden(work.store.refresh(), work.con)
            receipts.append(_carry_out(work, order))
    return receipts


def reapply(settings: Settings) -> dict[str, Any] | None:
    """Erase again whom the tombstones know but a restored copy of the log brought back. None where nobody came back."""
    known = tombstones.all_of(settings.log_dir)
    if not known:
        return None
    with everything_still(settings) as work:
        erase.refuse_hidden(work.store.refresh(), work.con)
        work.con.execute("create or replace temp table tombstone (value blob)")
        work.con.executemany("insert into tombstone values (?)", [[value] for value in known])
        found = work.con.execute(
            f"""select distinct subject_key from (
                select subject_key from {work.store.events.relation()} union select subject_key
                from {work.store.register.relation()}
            ) where subject_key is not null and erasure_hmac(subject_key) in (from tombstone)"""
        ).fetchall()
        if not found:
            return None
        order = Order(work.id, "a restored copy of the log held the erased", [], [key.hex() for (key,) in found])
        order.seal(settings, work.gate.keys.zone1)
        return _carry_out(work, order)


def _carry_out(work: Operation, order: Order) -> dict[str, Any]:
    if order.sender is not None:
        return withdraw.carry_out(work, order)
    settings, keys = work.settings, work.gate.keys
    work.store.refresh(evolve=True)
    erase.find(work.store, work.con, [bytes.fromhex(s) for s in order.subjects])
    order.subjects = [key.hex() for (key,) in work.con.execute("select subject_key from erased_subject").fetchall()]
    erase.add_tombstones(work.store, work.con, order.erasure_id)
    reached("erasure-tombstones")
    erase_received.find_numbers(work, order)
    erase_received.find_lines(work, order)
    order.seal(settings, keys.zone1)
    steps: tuple[tuple[str, Callable[[Operation, Order], None]], ...] = (
        ("zone1", erase_received.clean),
        ("log", _log),
        ("warehouse-and-releases", _warehouse_and_releases),
        ("scrub", _scrub),
    )
    for name, step in steps:
        step(work, order)
        reached(f"erasure-{name}")
    return receipt.finish(work, order)


# --- the steps -----------------------------------------------------------------------------------
def _log(work: Operation, order: Order) -> None:
    masked = order.needles().masked

    def prepare(moment: Moment) -> dict[str, Any]:
        work.store.refresh()
        steps = erase.steps(work.store, work.con, erase.names(work.store, work.con, masked))
        outcome = f"{len(steps['events']['add'])} files of events written anew"
        row = operations.step(
            work.store, work.con, moment, order.erasure_id, command="erase", target="one person", outcome=outcome,
            reason=order.reason,
        )  # fmt: skip
        return {**steps, "operations": row}

    events, rows = erase.counts(work.store, work.con)
    if events or rows or erase.names(work.store, work.con, masked):
        order.note("events", "log", events)
        order.note("register_rows", "log", rows)
        order.seal(work.settings, work.gate.keys.zone1)
        commit(work.store, work.folder, work.id, prepare)
        (work.folder / plan.FILE).unlink()
    else:
        operations.record(
            work.store, command="erase", target="one person", outcome="no event of theirs is in the log",
            reason=order.reason, operation_id=order.erasure_id,
        )  # fmt: skip
    reached("erasure-log-committed")
    # The files that were replaced hold the person: they go now, and with them all that earlier commits replaced.
    plan.sweep(work.store, keep=plan.AT_ONCE)


def _warehouse_and_releases(work: Operation, order: Order) -> None:
    files, releases = projections.record_level(work.settings)
    order.note("files_removed", "warehouse", files)
    order.note("releases_redacted", "releases", releases)
    order.seal(work.settings, work.gate.keys.zone1)
    projections.remove_record_level(work.settings, f"erasure {order.erasure_id}", work.store.next_time())


def _scrub(work: Operation, order: Order) -> None:
    """Pages, results and logs should name nobody; a file that does all the same goes."""
    needles, home = order.needles(), work.settings.home
    eraser = Eraser(needles)
    for folder in (home / name for name in SCRUBBED if (home / name).is_dir()):
        named = {path for path in folder.rglob("*") if eraser.names(os.fsencode(path.name))}
        for path in sorted({folder / hit.path for hit in scan(folder, needles, work.gate.keys.zone1).hits} | named):
            if path.is_symlink() or path.exists():
                order.note("files_removed", str(path.relative_to(home)), 1)
                order.seal(work.settings, work.gate.keys.zone1)
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
