"""`erase`: remove one person from everything below the home, for good, with a receipt that identifies nobody.

What is to be done is sealed in zone 1 before anything is touched. Every step looks for what is still there and removes
it, so an erasure that was cut off is carried out again from the start, by `erase --resume` or by the next command that
takes the writer's lock. Tombstones come first: from then on no redelivered file brings the person back.
"""

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import Any

from ingestion import refused
from ingestion.landing import landed_files
from ingestion.operation import Operation, operation
from linkwork import engine
from linkwork.errors import BusyError
from linkwork.log import erase, operations, plan, tombstones
from linkwork.log.commit import Moment, commit
from linkwork.log.failpoints import reached
from linkwork.log.rows import fill_rows
from linkwork.log.store import ERASURES
from linkwork.privacy import orders, projections
from linkwork.privacy.holds import refuse_held
from linkwork.privacy.orders import Order
from linkwork.privacy.scan import scan
from linkwork.privacy.subjects import pseudonyms
from linkwork.privacy.zone1 import Cleaned, Eraser
from linkwork.settings import Settings

SCRUBBED = ("quality", "airflow", "staging")  # below the home: whatever names the person there is removed as a file


def erase_person(settings: Settings, numbers: Iterable[str], subjects: Iterable[bytes], reason: str) -> dict[str, Any]:
    """Erase the person with these NHS numbers (ten checked digits) or pseudonyms. Returns the receipt.

    Raises UsageError where a legal hold forbids it, BusyError where a batch, a build or a publication is at work.
    """
    with _everything_still(settings) as work:
        wanted = [*subjects, *(key for n in numbers for key in pseudonyms(n, work.gate.keys))]
        refuse_held(settings.log_dir, wanted, work.gate.keys)
        order = Order(work.id, reason, list(numbers), [s.hex() for s in wanted])
        order.seal(settings, work.gate.keys.zone1)
        return _carry_out(work, order)


def resume(settings: Settings) -> list[dict[str, Any]]:
    """Carry out every erasure that was cut off. Returns their receipts."""
    receipts = []
    for path in orders.unfinished(settings):
        with _everything_still(settings) as work:
            receipts.append(_carry_out(work, orders.read(path, work.gate.keys.zone1)))
    return receipts


def reapply(settings: Settings) -> dict[str, Any] | None:
    """Erase again whom the tombstones know but a restored copy of the log brought back. None where nobody came back."""
    known = tombstones.all_of(settings.log_dir)
    with _everything_still(settings) as work:
        work.store.refresh()
        work.con.execute("create or replace temp table tombstone (value blob)")
        work.con.executemany("insert into tombstone values (?)", [[value] for value in known])
        found = work.con.execute(
            f"""select distinct subject_key from (
                select subject_key from {work.store.events.relation()} union select subject_key
                from {work.store.register.relation()}
            ) where subject_key is not null and erasure_hmac(subject_key) in (from tombstone)"""
        ).fetchall() if known else []  # fmt: skip
        if not found:
            return None
        order = Order(work.id, "a restored copy of the log held the erased", [], [key.hex() for (key,) in found])
        order.seal(settings, work.gate.keys.zone1)
        return _carry_out(work, order)


@contextmanager
def _everything_still(settings: Settings) -> Any:
    """Hold every lock under which the person's data could be copied while it is being removed."""
    with operation(settings) as work, projections.nobody_at_work(settings):
        if batches := [p for p in settings.staging_dir.glob("[!.]*/") if p.name != work.id]:
            raise BusyError(
                "a batch is being taken in",
                where=str(batches[0]),
                why="it may hold the person's records",
                do="wait until it has ended and try again",
            )
        yield work


def _carry_out(work: Operation, order: Order) -> dict[str, Any]:
    settings, keys = work.settings, work.gate.keys
    work.store.refresh(evolve=True)
    erase.find(work.store, work.con, [bytes.fromhex(s) for s in order.subjects])
    order.subjects = [key.hex() for (key,) in work.con.execute("select subject_key from erased_subject").fetchall()]
    erase.add_tombstones(work.store, work.con, order.erasure_id)
    reached("erasure-tombstones")
    for sha, line in erase.lines(work.store, work.con):
        order.lines.setdefault(sha, [])
        order.lines[sha] = sorted({*order.lines[sha], line})
    order.seal(settings, keys.zone1)
    steps: tuple[Callable[[Operation, Order], None], ...] = (
        _zone1, _log, _warehouse_and_releases, _scrub,
    )  # fmt: skip
    for step in steps:
        step(work, order)
        reached(f"erasure{step.__name__}".replace("_", "-"))
    receipt = _receipt(work, order)
    order.finish(settings)
    return receipt


# --- the steps -----------------------------------------------------------------------------------
def _zone1(work: Operation, order: Order) -> None:
    settings, key = work.settings, work.gate.keys.zone1
    eraser, done = Eraser(order.needles()), Cleaned()
    for path in sorted(settings.raw_dir.glob("[!.]*")):
        done += eraser.clean_sealed(path, set(order.lines.get(path.name, [])), key)
    theirs = _lines_of_loads(work, order)
    for path in sorted(settings.quarantine_raw_dir.glob("[!.]*")):
        records = refused.read(path, key)
        kept = [
            r for r in records
            if not eraser.names(r["raw"].encode()) and (path.name, r["line"]) not in theirs
        ]  # fmt: skip
        if len(kept) < len(records):
            done += Cleaned(len(records) - len(kept))
            refused.write(kept, path, key)
    if not settings.landing_is_read_only:
        for landed in landed_files(settings.landing_dir):
            if landed.problem is None:
                done += eraser.clean_plain(landed.path)
    order.count("raw_records", done.records)
    order.count("files_removed", done.dropped)


def _lines_of_loads(work: Operation, order: Order) -> set[tuple[str, int]]:
    found = work.con.execute(f"select load_id, file_sha256 from {work.store.current_loads()}").fetchall()
    return {(load_id, line) for load_id, sha in found for line in order.lines.get(sha, [])}


def _log(work: Operation, order: Order) -> None:
    def prepare(moment: Moment) -> dict[str, Any]:
        work.store.refresh()
        steps = erase.steps(work.store, work.con)
        outcome = f"{len(steps['events']['add'])} files of events written anew"
        row = operations.step(
            work.store, work.con, moment, order.erasure_id, command="erase", target="one person", outcome=outcome,
            reason=order.reason,
        )  # fmt: skip
        return {**steps, "operations": row}

    events, rows = erase.counts(work.store, work.con)
    if events or rows:
        order.count("events", events)
        order.count("register_rows", rows)
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
    removed = projections.remove(work.settings, f"erasure {order.erasure_id}", work.store.next_time())
    order.count("files_removed", removed.files)
    order.count("releases_redacted", len(removed.releases))
    order.seal(work.settings, work.gate.keys.zone1)


def _scrub(work: Operation, order: Order) -> None:
    """Pages, results and logs should name nobody; a file that does all the same goes."""
    needles = order.needles()
    for name in SCRUBBED:
        folder = work.settings.home / name
        if not folder.is_dir():
            continue
        for path in sorted({hit.path for hit in scan(folder, needles, work.gate.keys.zone1).hits}):
            if (folder / path).is_file():
                (folder / path).unlink()
                order.count("files_removed", 1)


def _receipt(work: Operation, order: Order) -> dict[str, Any]:
    """Who erased when and why, how much, and what could not be: which senders' rows name nobody by NHS number."""
    work.store.refresh()
    unlinked = work.con.execute(
        f"""select distinct l.sender from {work.store.events.relation()} as e
        inner join {work.store.current_loads()} as l on l.load_id = e.load_id
        where e.identity_quality = 'local' order by 1"""
    ).fetchall()
    not_cleaned = ["the landing folder, which is read only"] if work.settings.landing_is_read_only else []
    receipt = {
        "erasure_id": order.erasure_id,
        "recorded_at": work.store.next_time(),
        "reason": order.reason,
        "actor": operations.actor(),
        "pseudonyms": len(order.subjects),
        **{c: order.done.get(c, 0) for c in ("events", "register_rows", "raw_records")},
        **{c: order.done.get(c, 0) for c in ("files_removed", "releases_redacted")},
        "unlinked_senders": [sender for (sender,) in unlinked],
        "not_cleaned": not_cleaned,
    }
    work.store.erasures.refresh(evolve=True)
    written = work.con.execute(
        f"select 1 from {work.store.erasures.relation()} where erasure_id = {engine.text(order.erasure_id)}"
    ).fetchone()
    if not written:
        fill_rows(work.con, "receipt", [receipt], ERASURES)
        work.store.erasures.append(work.con, "select * from receipt")
    return receipt
