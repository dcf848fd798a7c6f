"""The raw text of refused records: encrypted in zone 1, one sealed file a load, one JSON object a record."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ingestion import raw, workbook
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
    """Add records of `source` to what is kept of its load. `lines` maps a record's first physical line to its last.

    Called twice for one load: by the gate for what it refuses, and after the commit for what the register refuses. A
    record for which `leave_out` holds is not kept. `form` is the contract's, for a file that is not made of lines.
    """
    if not lines:
        return
    kept = {record["line"]: record for record in read(target, key)} if target.exists() else {}
    for line, text in _texts(source, lines, form):
        if not leave_out(text):
            kept[line] = {"line": line, "raw": text}
    write(list(kept.values()), target, key)


def _texts(source: Path, lines: Mapping[int, int], form: File | None) -> Iterator[tuple[int, str]]:
    """Each record by its first line."""
    with source.open("rb") as handle:
        if workbook.is_workbook(handle.read(8)):
            yield from raw.records(source.read_bytes(), form, lines).items()
            return
    current: list[str] = []
    start = end = 0
    with source.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if number in lines:
                start, end, current = number, lines[number], []
            if start <= number <= end:
                current.append(line.decode("utf-8", "backslashreplace"))
                if number == end:
                    yield start, "".join(current)


def write(records: list[dict[str, Any]], target: Path, key: bytes) -> None:
    """Keep these records of a load and no others."""
    content = "\n".join(json.dumps(record) for record in sorted(records, key=lambda one: one["line"]))
    vault.seal_bytes(content.encode(), target, key)


def read(target: Path, key: bytes) -> list[dict[str, Any]]:
    """The kept records of a load, in the order of their lines."""
    return [json.loads(line) for line in vault.unseal(target, key).decode().splitlines()]
