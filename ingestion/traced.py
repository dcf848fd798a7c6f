"""The raw text behind a trace: the lines it names, opened from zone 1 with the zone 1 key."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from ingestion import raw, refused
from ingestion.contract import Contract, load_contracts
from linkwork.log.catalogue import Catalogue
from linkwork.privacy import vault
from linkwork.privacy.keys import load_key
from linkwork.settings import Settings


def raw_lines(settings: Settings, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The records that rows of a trace name by load_id, feed, file_sha256 and source_line.

    Returns `records` (load_id, source_line, raw) and `files` (load_id, header, kept: False where raw retention has
    removed the file, missing: how many of its lines could not be given). A refused record is found in what is kept of
    refused records too. Raises UsageError without the zone 1 key and BadDataError where it does not open a file.
    """
    key = load_key(settings, "zone1")
    contracts = load_contracts(settings.contracts_dir, Catalogue.current())
    wanted: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for row in rows:
        if row["file_sha256"] is not None and row["source_line"] is not None:
            wanted[row["load_id"], row["feed"], row["file_sha256"]].add(row["source_line"])
    records, files = [], []
    for (load, feed, sha256), lines in sorted(wanted.items()):
        found, header, kept = _of_file(settings.raw_dir / sha256, contracts.get(feed), lines, key)
        if missing := lines - set(found):
            found |= _of_refused(settings.quarantine_raw_dir / load, missing, key)
        files.append({"load_id": load, "header": header, "kept": kept, "missing": len(lines - set(found))})
        records += [{"load_id": load, "source_line": line, "raw": text} for line, text in sorted(found.items())]
    return {"records": records, "files": files}


def _of_file(
    path: Path, contract: Contract | None, lines: set[int], key: bytes
) -> tuple[dict[int, str], str | None, bool]:
    try:
        content = vault.unseal(path, key)
    except FileNotFoundError:
        return {}, None, False
    form = contract.file if contract else None
    return raw.records(content, form, lines), raw.header(content, form), True


def _of_refused(path: Path, lines: set[int], key: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for record in refused.read(path, key):
        if record["line"] in lines:
            found[record["line"]] = found.get(record["line"], "") + record["raw"]
    return found
