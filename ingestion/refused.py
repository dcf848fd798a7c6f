"""The raw text of refused records: encrypted in zone 1, one sealed file a load, one JSON object a record."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ingestion import raw
from ingestion.contract import File
from linkwork.privacy import vault


def keep(
    source: Path,
    lines: Mapping[int, int],
    target: Path,
    key: bytes,
    leave_out: Callable[[str], bool] = lambda _raw: False,
    form: File | None = None,
) -> None:
    """Add records of `source`, which is not packed, to what is kept of its load.

    `lines` maps a record's first physical line to its last.

    Called twice for one load: by the gate for what it refuses, and after the commit for what the register refuses. A
    record for which `leave_out` holds is not kept. `form` is the contract's.
    """
    if not lines:
        return
    kept = {record["line"]: record for record in read(target, key)} if target.exists() else {}
    for start, text in raw.between(source, lines, form):
        if not leave_out(text):
            kept[start] = {"line": start, "raw": text}
    write(list(kept.values()), target, key)


def write(records: list[dict[str, Any]], target: Path, key: bytes) -> None:
    """Keep these records of a load and no others."""
    content = "\n".join(json.dumps(record) for record in sorted(records, key=lambda one: one["line"]))
    vault.seal_bytes(content.encode(), target, key)


def read(target: Path, key: bytes) -> list[dict[str, Any]]:
    """The kept records of a load, in the order of their lines."""
    return [json.loads(line) for line in vault.unseal(target, key).decode().splitlines()]
