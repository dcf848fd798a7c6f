"""The raw text of refused records, for who holds the zone 1 key: to look at one, and to send them back."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

from ingestion import refused
from linkwork.errors import UsageError
from linkwork.files import Before, write_new
from linkwork.privacy.keys import load_key
from linkwork.settings import Settings

# What a spreadsheet takes for a formula when a cell begins with it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
FORMS = (".csv", ".jsonl")
SHOWN = ("load_id", "file_name", "line", "record", "rule", "field", "sentence", "status", "refused_at")


Named = tuple[str, int, int | None]  # a load, a line, and the place on it where several records begin there


def texts(settings: Settings, records: Iterable[Named]) -> dict[Named, str]:
    """The kept text of refused records; one that is not kept any more has none.

    Raises UsageError without the zone 1 key, BadDataError where it does not open what is kept.
    """
    key = load_key(settings, "zone1")
    wanted: dict[str, set[tuple[int, int | None]]] = defaultdict(set)
    for load_id, line, place in records:
        wanted[load_id].add((line, place))
    found = {}
    for load_id, places in wanted.items():
        of_load = refused.read(settings.quarantine_raw_dir / load_id, key)
        kept = {refused.where(one): one["raw"].rstrip("\r\n") for one in of_load}
        for line, place in places:
            if (text := kept.get((line, place), kept.get((line, None)))) is not None:
                found[load_id, line, place] = text
    return found


def export(
    settings: Settings, rows: list[dict[str, Any]], target: Path, *, with_raw: bool, before: Before | None = None
) -> None:
    """Write refused records for their sender, as CSV that a spreadsheet may open or as JSON Lines.

    A new file that only its owner can read. Raises UsageError for another form or a file that is there.
    """
    if target.suffix not in FORMS:
        raise UsageError(
            "the form of the file is not known", where=str(target), do=f"end its name in {' or '.join(FORMS)}"
        )
    columns = (*SHOWN, "raw") if with_raw else SHOWN
    named = [(row["load_id"], row["source_line"], row["record"]) for row in rows]
    raw = texts(settings, named) if with_raw else {}
    content = [
        {
            **{c: row.get(c) for c in SHOWN},
            "line": row["source_line"],
            "refused_at": row["refused_at"].isoformat(),
            **({"raw": raw.get(name)} if with_raw else {}),
        }
        for name, row in zip(named, rows, strict=True)
    ]
    written = StringIO(newline="")
    if target.suffix == ".csv":
        writer = csv.writer(written)
        writer.writerow(columns)
        writer.writerows([[_cell(row[c]) for c in columns] for row in content])
    else:
        written.writelines(json.dumps(row) + "\n" for row in content)
    write_new(target, written.getvalue().encode(), 0o600, before)


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
