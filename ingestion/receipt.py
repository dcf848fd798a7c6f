"""The receipt of an erasure: who erased when and why, how much, and what could not be. It identifies nobody."""

from typing import Any

from ingestion.operation import Operation
from linkwork import engine
from linkwork.log import operations
from linkwork.log.rows import fill_rows
from linkwork.log.store import ERASURES
from linkwork.privacy.orders import Order

COUNTS = ("events", "register_rows", "raw_records", "files_removed", "releases_redacted")


def finish(work: Operation, order: Order) -> dict[str, Any]:
    """Write the receipt of an order that was carried out, once, and let go of the order."""
    receipt = _written(work, order)
    order.finish(work.settings)
    return receipt


def _written(work: Operation, order: Order) -> dict[str, Any]:
    """The receipt, with the senders whose rows name nobody by NHS number."""
    work.store.refresh()
    unlinked = work.con.execute(
        f"""select distinct l.sender from {work.store.events.relation()} as e
        inner join {work.store.current_loads()} as l on l.load_id = e.load_id
        where e.identity_quality = 'local' order by 1"""
    ).fetchall()
    receipt = {
        "erasure_id": order.erasure_id,
        "recorded_at": work.store.next_time(),
        "reason": order.reason,
        "actor": operations.actor(),
        "pseudonyms": len(order.subjects),
        **{c: order.total(c) for c in COUNTS},
        "unlinked_senders": [sender for (sender,) in unlinked],
        "not_cleaned": order.left,
    }
    work.store.erasures.refresh(evolve=True)
    written = work.con.execute(
        f"select 1 from {work.store.erasures.relation()} where erasure_id = {engine.text(order.erasure_id)}"
    ).fetchone()
    if not written:
        fill_rows(work.con, "receipt", [receipt], ERASURES)
        work.store.erasures.append(work.con, "select * from receipt")
    return receipt
