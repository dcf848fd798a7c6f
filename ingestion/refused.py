"""The raw text of refused records: encrypted in zone 1, one sealed file a load, one JSON object a record."""

import codecs
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from linkwork.privacy import vault

HEADER = 0  # the line under which a header is kept among the records
ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")


def keep(
    source: Path,
    lines: Mapping[int, int],
    target: Path,
    key: bytes,
    leave_out: Callable[[str], bool] = lambda _raw: False,
    *,
    has_header: bool = False,
) -> None:
    """Add records of `source` to what is kept of its load. `lines` maps a record's first physical line to its last.

    Called twice for one load: by the gate for what it refuses, and after the commit for what the register refuses. A
    record for which `leave_out` holds is not kept. `has_header` keeps the first line too, without which the records of
    a CSV file could not be read again.
    """
    if not lines:
        return
    kept = {record["line"]: record for record in read(target, key)} if target.exists() else {}
    current: list[bytes] = []
    start = end = 0
    first: str | None = None
    with source.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if number == HEADER + 1 and has_header:
                first = line.removeprefix(codecs.BOM_UTF8).decode("utf-8", "backslashreplace")
            if number in lines:
                start, end, current = number, lines[number], []
            if start <= number <= end:
                current.append(line)
                if number == end and not leave_out(raw := b"".join(current).decode("utf-8", "backslashreplace")):
                    kept[start] = {"line": start, "raw": raw}
                    if raw.encode() != b"".join(current):
                        kept[start]["escaped"] = True
    write(list(kept.values()), target, key, first)


def write(records: list[dict[str, Any]], target: Path, key: bytes, first: str | None = None) -> None:
    """Keep these records of a load and no others, beside the header (that which is kept, where none is given)."""
    if first is None and target.exists():
        first = header(target, key)
    if first is not None:
        records = [{"line": HEADER, "raw": first}, *records]
    content = "\n".join(json.dumps(record) for record in sorted(records, key=lambda one: one["line"]))
    vault.seal_bytes(content.encode(), target, key)


def read(target: Path, key: bytes) -> list[dict[str, Any]]:
    """The kept records of a load, in the order of their lines."""
    return [record for record in _all(target, key) if record["line"] != HEADER]


def header(target: Path, key: bytes) -> str | None:
    """The header of the file the records come from, where it has one and it is kept."""
    return next((record["raw"] for record in _all(target, key) if record["line"] == HEADER), None)


def as_file(target: Path, key: bytes) -> bytes:
    """The kept records of a load, each on the lines it stood on, and nothing between: to be read once more."""
    lines = [(header(target, key) or "").rstrip("\r\n").encode()]
    for record in read(target, key):
        lines += [b""] * (record["line"] - 1 - len(lines))
        lines[record["line"] - 1 :] = _as_sent(record).rstrip(b"\r\n").split(b"\n")
    return b"\n".join(lines) + b"\n"


def _as_sent(record: dict[str, Any]) -> bytes:
    """The bytes of a record; of one that was not UTF-8 each other byte stands as `\\x..` in its text."""
    text: bytes = record["raw"].encode()
    return ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text) if record.get("escaped") else text


def _all(target: Path, key: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in vault.unseal(target, key).decode().splitlines()]
