"""The raw text of refused records: encrypted in zone 1, one sealed file a load, one JSON object a record."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ingestion import raw
from ingestion.file_form import File
from linkwork.privacy import vault

LONGEST = 1 << 20  # characters of a record
HEADER = 0  # the line under which a header is kept among the records
ESCAPED = re.compile(r"\\x([89a-f][0-9a-f])")


def keep(
    source: Path,
    records: Iterable[raw.Where],
    target: Path,
    key: bytes,
    leave_out: Callable[[str], bool] = lambda _raw: False,
    form: File | None = None,
    *,
    has_header: bool = False,
) -> None:
    """Add records of `source`, which is not packed, to what is kept of its load.

    Called twice for one load: by the gate for what it refuses, and after the commit for what the register refuses. A
    record for which `leave_out` holds is not kept. `has_header` keeps the first line too, without which the records of
    a CSV file could not be read again. `form` is the contract's.
    """
    records = list(records)
    if not records:
        return
    kept = {where(record): record for record in read(target, key)}
    for line, place, text in raw.between(source, records, form):
        if not leave_out(text):
            one: dict[str, Any] = {"line": line, "raw": text[:LONGEST]} | ({} if place is None else {"record": place})
            if len(text) > LONGEST:  # of what is far too long the beginning tells enough, and the hash which it was
                one["cut"] = {"characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
            kept[line, place] = one
    header_line = [text for _, _, text in raw.between(source, [(1, 1, None)], form)] if has_header else []
    first = header_line[0] if header_line else None
    write(list(kept.values()), target, key, first)


def write(records: list[dict[str, Any]], target: Path, key: bytes, first: str | None = None) -> None:
    """Keep these records of a load and no others, beside the header (that which is kept, where none is given)."""
    if first is None:
        first = header(target, key)
    if first is not None:
        records = [{"line": HEADER, "raw": first}, *records]
    content = "\n".join(json.dumps(record) for record in sorted(records, key=lambda r: (r["line"], r.get("record", 0))))
    vault.seal_bytes(content.encode(), target, key)


def where(record: Mapping[str, Any]) -> tuple[int, int | None]:
    """The line of a kept record, and its place there: null of a row of a workbook, which all its records share."""
    return record["line"], record.get("record")


def read(target: Path, key: bytes) -> list[dict[str, Any]]:
    """The kept records of a load, in the order of their lines; none where nothing is kept of it, or not any more."""
    return [record for record in _all(target, key) if record["line"] != HEADER]


def header(target: Path, key: bytes) -> str | None:
    """The header of the file the records come from, where it has one and it is kept."""
    return next((record["raw"] for record in _all(target, key) if record["line"] == HEADER), None)


def as_file(target: Path, key: bytes, encoding: str) -> bytes:
    """The kept records of a load, each on the lines it stood on, and nothing between: to be read once more.

    A byte that was no text under the contract of its day stands in the kept text as `\\x..`, and is that byte again.
    """
    lines = [(header(target, key) or "").rstrip("\r\n")]
    for record in (one for one in read(target, key) if "cut" not in one):
        lines += [""] * (record["line"] - 1 - len(lines))
        lines[record["line"] - 1 :] = record["raw"].rstrip("\r\n").split("\n")
    text = "\n".join(lines) + "\n"
    if encoding not in ("utf-8", "cp1252"):
        return text.encode(encoding)
    parts = ESCAPED.split(text)  # text and hexadecimal digits in turn
    return b"".join(
        bytes.fromhex(part) if number % 2 else part.encode(encoding, "replace") for number, part in enumerate(parts)
    )


def _all(target: Path, key: bytes) -> list[dict[str, Any]]:
    try:
        content = vault.unseal(target, key)
    except FileNotFoundError:  # looked for beforehand, it could go meanwhile: raw retention ends at any time
        return []
    return [json.loads(line) for line in content.decode().splitlines()]
