"""Take files through the gate again that were loaded before, from the encrypted copy of what was received."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from ingestion import intake, raw
from ingestion.arrival import Arrival
from ingestion.contract import Contract
from ingestion.gate import Gate
from linkwork import engine
from linkwork.errors import BadDataError, UsageError
from linkwork.files import private_dir
from linkwork.log.store import Store
from linkwork.privacy import vault
from linkwork.settings import Settings

COLUMNS = (
    "load_id", "feed", "sender", "file_name", "file_sha256", "received_at", "status", "log_version", "source_system",
)  # fmt: skip


def loads_of(store: Store, con: duckdb.DuckDBPyConnection, where: str) -> list[dict[str, Any]]:
    """The newest ledger rows of committed loads, in the order in which they were decided."""
    version = f"(select load_id, min(log_version) as log_version from {store.loads.relation()} group by load_id)"
    cursor = con.execute(
        f"""select {", ".join("v.log_version" if c == "log_version" else f"l.{c}" for c in COLUMNS)}
        from {store.current_loads()} as l inner join {version} as v using (load_id)
        where l.status = 'committed' and {where}
        order by v.log_version, l.received_at, l.feed, l.sender, l.file_name"""
    )
    return engine.dicts(cursor)


def is_kept(settings: Settings, load: dict[str, Any]) -> bool:
    """Whether the file as received is still there."""
    return bool((settings.raw_dir / load["file_sha256"]).exists())


def stage(
    settings: Settings,
    gate: Gate,
    contracts: dict[str, Contract],
    load: dict[str, Any],
    folder: Path,
    content: bytes | None = None,
) -> dict[str, Any]:
    """Stage one kept file (or what is given of it as `content`) below `folder` under its load's own id; returns its
    profile.

    Raises UsageError where no contract describes its feed any more, BadDataError where it cannot be read under the
    present one.
    """
    if load["feed"] not in contracts:
        raise UsageError(f"no contract describes the feed {load['feed']}", where=str(settings.contracts_dir))
    plain = private_dir(settings.plain_dir / folder.name) / load["file_sha256"]
    kept = vault.unseal(settings.raw_dir / load["file_sha256"], gate.keys.zone1) if content is None else content
    plain.write_bytes(kept)
    try:
        arrival = Arrival(
            path=plain,
            feed=load["feed"],
            sender=load["sender"],
            source_system=load["source_system"],
            sha256=load["file_sha256"],
            received_at=load["received_at"],
            load_id=load["load_id"],
            batch_id=folder.name,
            name=load["file_name"],
        )
        gate, contract = replace(gate, quarantine_raw=None), contracts[load["feed"]]
        profile = intake.take(gate, arrival, contract, folder, None, raw.UNPACKED)
    finally:
        plain.unlink()
        plain.parent.rmdir()
    if profile["refused"] is not None:
        raise BadDataError(
            "a file that was loaded before cannot be read under the present contract",
            where=f"{load['feed']}/{load['sender']}/{load['file_name']}",
            why=str(profile["refused"]),
            do="use the contract it was loaded with",
        )
    return profile


def fill_source_systems(store: Store, con: duckdb.DuckDBPyConnection, loads: list[dict[str, Any]], now: str) -> None:
    """The ledger of version 0.1 did not keep the source system: its events did; a load without any takes `now`."""
    for load in (one for one in loads if one["source_system"] is None):
        found = con.execute(
            f"""select any_value(source_system) from {store.events.relation()}
            where load_id = {engine.text(load["load_id"])}"""
        ).fetchone()
        load["source_system"] = (found and found[0]) or now
