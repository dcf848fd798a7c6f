"""`sender withdraw`: remove everything one sender sent, for good, and take nothing from it any more.

It is an erasure (`ingestion/erase.py`) of what a sender sent instead of one person: sealed as an order before anything
is touched, carried out step by step, each of which looks for what is still there. One that was cut off is carried out
again by the next run, or by `erase --resume`.
"""

from typing import Any

from ingestion import receipt, senders
from ingestion.operation import Operation
from ingestion.stillness import everything_still
from linkwork import projections, reference
from linkwork.errors import UsageError
from linkwork.files import remove
from linkwork.log import operations, plan, withdraw
from linkwork.log.commit import Moment, commit
from linkwork.log.failpoints import reached
from linkwork.privacy.holds import refuse_held, standing
from linkwork.privacy.orders import Order
from linkwork.settings import Settings


def withdraw_sender(settings: Settings, code: str, reason: str) -> dict[str, Any]:
    """Withdraw a sender. Returns the receipt.

    Raises UsageError for a sender nobody knows, or where a legal hold forbids it; BusyError where others are at work.
    """
    operations.refuse_number(reason)
    with everything_still(settings) as work:
        work.store.refresh(evolve=True)
        withdraw.find(work.store, work.con, code)
        sent = work.con.execute("select 1 from withdrawn_load limit 1").fetchone()
        if code not in senders.registered(settings.reference_dir) and sent is None:
            raise UsageError("nobody knows that sender", where=code, do="see `linkwork sender list`")
        if standing(settings.log_dir):
            refuse_held(settings.log_dir, withdraw.subjects(work.store, work.con), work.gate.keys)
        order = Order(work.id, reason, [], [], sender=code)
        order.seal(settings, work.gate.keys.zone1)
        return carry_out(work, order)


def carry_out(work: Operation, order: Order) -> dict[str, Any]:
    """Carry out such an order from its start. Returns the receipt."""
    work.store.refresh(evolve=True)
    assert order.sender is not None  # noqa: S101 - the caller asks only for orders of a sender
    withdraw.find(work.store, work.con, order.sender)
    for name, step in (("register", _register), ("zone1", _zone1), ("log", _log), ("projections", _projections)):
        step(work, order, order.sender)
        reached(f"withdrawal-{name}")
    return receipt.finish(work, order)


def _register(work: Operation, order: Order, code: str) -> None:
    """From now on its files are refused."""
    known = senders.registered(work.settings.reference_dir).get(code)
    if known is not None and known.withdrawn_on is None:
        day = work.store.next_time().astimezone(senders.LOCAL).date()
        rows = senders.rows_of(senders.withdrawn(known, day))
        reference.add_rows(work.settings.reference_dir, "senders", "code", rows)


def _zone1(work: Operation, order: Order, code: str) -> None:
    """Its files as received, the text of its refused records, and what waits in the landing folder."""
    settings = work.settings
    loads = work.con.execute("select load_id, file_sha256, was_committed from withdrawn_load order by 1").fetchall()
    paths = {settings.quarantine_raw_dir / load_id for load_id, _, _ in loads}
    paths |= {settings.raw_dir / sha for _, sha, was_committed in loads if was_committed}
    if settings.landing_is_read_only:
        order.leave("the landing folder, which is read only")
    else:
        paths |= {path for path in settings.landing_dir.glob(f"*/{code}/*") if path.is_file() or path.is_symlink()}
    for path in sorted(path for path in paths if path.is_symlink() or path.exists()):
        order.note("files_removed", f"{path.parent.name}/{path.name}", 1)
        order.seal(settings, work.gate.keys.zone1)
        path.unlink()
    for left in settings.plain_dir.glob("*"):  # what a killed gate had written there
        remove(left)


def _log(work: Operation, order: Order, code: str) -> None:
    def prepare(moment: Moment) -> dict[str, Any]:
        work.store.refresh()
        detail = f"The sender was withdrawn: {order.reason}"
        steps = withdraw.steps(work.store, work.con, code, moment.recorded_at, detail)
        outcome = f"{len(steps['events']['add'])} files of events written anew"
        row = operations.step(
            work.store, work.con, moment, order.erasure_id, command="sender withdraw", target=code, outcome=outcome,
            reason=order.reason,
        )  # fmt: skip
        return {**steps, "operations": row}

    events, rows, loads = withdraw.counts(work.store, work.con, code)
    if events or rows or loads:
        order.note("events", "log", events)
        order.note("register_rows", "log", rows)
        order.seal(work.settings, work.gate.keys.zone1)
        commit(work.store, work.folder, work.id, prepare)
        (work.folder / plan.FILE).unlink()
    else:
        operations.record(
            work.store, command="sender withdraw", target=code, outcome="nothing it sent is in the log",
            reason=order.reason, operation_id=order.erasure_id,
        )  # fmt: skip
    plan.sweep(work.store, keep=plan.AT_ONCE)


def _projections(work: Operation, order: Order, code: str) -> None:
    """Warehouses and restricted tiers go; the next build makes them without the sender."""
    files, releases = projections.record_level(work.settings)
    order.note("files_removed", "warehouse", files)
    order.note("releases_redacted", "releases", releases)
    order.seal(work.settings, work.gate.keys.zone1)
    projections.remove_record_level(work.settings, f"withdrawal {order.erasure_id}", work.store.next_time())
