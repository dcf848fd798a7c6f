"""Take files through the gate and the log, step by step, without the Great Expectations boundary."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion import pipeline
from linkwork import engine, reference
from linkwork.log import register
from linkwork.log.store import Store
from linkwork.privacy.keys import create_keys
from linkwork.settings import Settings

CONTRACT = """
apiVersion: v3.0.2
kind: DataContract
id: test-state
name: test_state
version: 1.0.0
status: active
description: {purpose: A small state feed of referrals.}
schema:
  - name: referral
    properties:
      - {name: id, required: true, grammar: "[a-z0-9]+"}
      - {name: nhs_number, logicalType: nhs_number, zone: 1}
      - {name: received, logicalType: date, format: "%Y-%m-%d"}
      - {name: closed, logicalType: date, format: "%Y-%m-%d"}
      - {name: at, logicalType: timestamp, format: "%Y-%m-%dT%H:%M:%SZ", timezone: UTC, required: true}
file: {format: csv, refusedThreshold: 1.0}
record:
  kind: state
  key: [id]
  reference: id
  assertedAt: at
  subject: {nhs_number: nhs_number, local: id}
  provider: sender
events:
  - {slot: received, type: referral.received, occurred: received}
  - {slot: closed, type: referral.closed, occurred: closed}
""".replace("local: id", "optional: true")

COLUMNS = ("id", "nhs_number", "received", "closed", "at")
SENDER = "S1"


def make_home(folder: Path, contract: str = CONTRACT, **extra: Any) -> Settings:
    """A fresh home with keys, one sender and the given contract."""
    contracts = folder / "contracts"
    contracts.mkdir(parents=True)
    (contracts / "test_state.yaml").write_text(contract)
    settings = Settings(
        home=folder / "data",
        keys_dir=folder / "keys",
        contracts_dir=contracts,
        test_numbers="allow",
        landing=None,
        **extra,
    )
    create_keys(settings)
    add_sender(settings, SENDER, ["test_state"])
    return settings


def add_sender(settings: Settings, code: str, feeds: list[str]) -> None:
    row = {"code": code, "name": code, "kind": "service", "feeds": feeds, "source_system": "test"}
    reference.add_rows(settings.reference_dir, "senders", "code", [row])


def csv_text(rows: Sequence[Mapping[str, str]], columns: Sequence[str] = COLUMNS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def deliver(settings: Settings, name: str, content: str, feed: str = "test_state", sender: str = SENDER) -> Path:
    path = settings.landing_dir / feed / sender / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def ingest(settings: Settings) -> dict[str, Any]:
    """One batch of everything in the landing folder; every staged file passes."""
    batch = pipeline.open_batch(settings)
    for sender in batch["senders"]:
        pipeline.stage_sender(settings, batch["batch_id"], sender)
    pass_all(settings, batch["batch_id"])
    return pipeline.commit_batch(settings, batch["batch_id"])


def pass_all(settings: Settings, batch_id: str) -> None:
    batch_dir = settings.staging_dir / batch_id
    verdicts = {p.parent.name: {"success": True, "failed": []} for p in batch_dir.glob("*/profile.json")}
    (batch_dir / "verdicts.json").write_text(json.dumps({"verdicts": verdicts}))


def rows(settings: Settings, table: str, columns: str, suffix: str = "") -> list[tuple[Any, ...]]:
    """Rows of one of the log's tables, as they stand: of a record or a load the newest row."""
    store = Store(settings.log_dir).refresh()
    relation = {
        "register": lambda: register.newest(store.register.relation()),
        "loads": store.current_loads,
    }.get(table, lambda: getattr(store, table).relation())()
    with engine.asking() as con:
        return con.execute(f"select {columns} from {relation} {suffix}").fetchall()


SHOWN = "source_record_ref, event_type, occurred_on::varchar"


def standing(settings: Settings, prefix: str = "", shown: str = SHOWN) -> list[tuple[Any, ...]]:
    """The effective facts, read from the log alone: per fact the newest assertion, contests and withdrawals out.

    Each as feed, sender and the columns `shown`, of the records whose id begins with `prefix`.
    """
    rank = {"retraction": -1, "contest": 1, "resolution": 2}
    newest: dict[bytes, tuple[Any, ...]] = {}
    feeds = {load: (feed, sender) for load, feed, sender in rows(settings, "loads", "load_id, feed, sender")}
    events = rows(
        settings,
        "events",
        f"event_id, causation_id, origin, fact_id, asserted_at, revision_kind, load_id, {shown}",
        f"where fact_id is not null and coalesce(starts_with(source_record_ref, {engine.text(prefix)}), true)",
    )
    void = {cause for _, cause, origin, *_ in events if origin == "load_retracted"}
    for event, _, origin, fact, at, kind, *said in events:
        if event in void or origin == "load_retracted":
            continue
        order = (at, rank.get(kind, 0))
        if fact not in newest or order > newest[fact][0]:
            newest[fact] = (order, kind, *said)
    return [
        (*feeds[load], *said)
        for _, kind, load, *said in newest.values()
        if kind in ("original", "revision", "resolution")
    ]


def effective(settings: Settings) -> dict[tuple[str, str], str]:
    """Record and slot to day: the effective facts of the small feed of referrals."""
    return {(ref, event_type.split(".")[1]): day for _, _, ref, event_type, day in standing(settings)}


def day(number: int) -> str:
    return f"2025-01-{number:02d}"


def at(number: int) -> str:
    return datetime(2025, 6, number, 2, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
