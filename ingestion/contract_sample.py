"""The first records of a file nobody has a contract for yet: its form, and its columns as text. Used to draft only."""

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.identifiers import POSTCODE
from linkwork.errors import UsageError

ROWS = 10_000
BYTES = 32 << 20
DELIMITERS = (",", ";", "\t", "|")
SUFFIXES = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
            ".xlsx": "xlsx"}  # fmt: skip
# What no column is called: a long number, a date, an e-mail address, a postcode.
VALUE = re.compile(
    rf"[+-]?[\d.,\s-]+|.*\d{{5}}.*|\d{{1,4}}[-/. ]\d{{1,2}}[-/. ]\d{{1,4}}.*|.*@.*|{POSTCODE}", re.DOTALL
)


@dataclass(frozen=True)
class Sample:
    """What a file looks like: its form as a contract would state it, and each column's first values as text."""

    form: dict[str, Any]
    columns: dict[str, list[str | None]]
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return max((len(values) for values in self.columns.values()), default=0)


def sample(path: Path) -> Sample:
    """Read the head of a CSV, JSON Lines, Parquet or XLSX file. Raises UsageError where it is none, or empty."""
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise UsageError(
            "cannot tell the file's form", where=path.name, do=f"Give it one of the suffixes {', '.join(SUFFIXES)}"
        )
    try:
        found = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet, "xlsx": _xlsx}[form](path)
    except (OSError, UnicodeError, pa.ArrowInvalid, csv.Error, ValueError) as error:
        raise UsageError("cannot read the file", where=path.name, why=type(error).__name__) from None
    if not found.rows:
        raise UsageError("the file has no record to learn from", where=path.name)
    return found


def _decoded(path: Path) -> tuple[str, str]:
    with path.open("rb") as handle:
        head = handle.read(BYTES)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", "ignore"), "utf-16"
    if len(head) == BYTES:
        head = head[: head.rfind(b"\n") + 1]
    try:
        return head.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return head.decode("cp1252"), "cp1252"


def _csv(path: Path) -> Sample:
    text, encoding = _decoded(path)
    lines = text.splitlines(keepends=True)
    rows_by = {d: list(csv.reader(lines[:200], delimiter=d)) for d in DELIMITERS}
    widths = {d: Counter(len(row) for row in rows if row).most_common(1)[0] for d, rows in rows_by.items() if any(rows)}
    if not widths:
        return Sample({}, {})
    delimiter = max(widths, key=lambda d: (widths[d][0] > 1, widths[d][1] * widths[d][0]))
    rows = csv.reader(lines, delimiter=delimiter)
    header = [name.strip() for name in next(rows)]
    if held := [number for number, name in enumerate(header, start=1) if VALUE.fullmatch(name)]:
        raise UsageError(
            "the first line is no header", where=path.name,
            why=f"what stands in column {held[0]} of it is a value",
            do="add a line that names the columns, or ask the sender for one",
        )  # fmt: skip
    columns: dict[str, list[str | None]] = {name: [] for name in header}
    notes = ["the header names a column twice"] if len(columns) < len(header) else []
    for number, row in enumerate(rows):
        if number == ROWS:
            break
        if len(row) == len(header) and any(row):
            for name, value in zip(header, row, strict=True):
                columns[name].append(value)
        elif any(row):
            notes.append(f"record {number + 1} has {len(row)} fields, not {len(header)}: a footer, or a fault")
    form = {"format": "csv", "encoding": encoding, "delimiter": delimiter, "quote": '"'}
    return Sample(form, columns, notes[:5])


def _jsonl(path: Path) -> Sample:
    text, encoding = _decoded(path)
    columns: dict[str, list[str | None]] = {}
    count = 0
    for line in text.splitlines()[:ROWS]:
        if not line.strip():
            continue
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError("a line is no object")
        for name, value in _flat(record, "$"):
            columns.setdefault(name, [None] * count).append(value)
        count += 1
        for values in columns.values():
            values.extend([None] * (count - len(values)))
    return Sample({"format": "jsonl", "encoding": encoding}, columns)


def _flat(record: dict[str, Any], path: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for key, value in record.items():
        if isinstance(value, dict):
            found += _flat(value, f"{path}.{key}")
        else:
            found.append((f"{path}.{key}", _text(value)))
    return found


def _parquet(path: Path) -> Sample:
    file = pq.ParquetFile(path)
    batch = next(file.iter_batches(ROWS), None)
    columns = {} if batch is None else {n: [_text(v) for v in batch.column(n).to_pylist()] for n in batch.schema.names}
    return Sample({"format": "parquet"}, columns)


def _xlsx(path: Path) -> Sample:
    try:
        from openpyxl import load_workbook  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise UsageError("XLSX files cannot be read here", why="openpyxl is not installed") from None
    book = load_workbook(path, read_only=True, data_only=True)
    sheet = next(s for s in book.worksheets if s.sheet_state == "visible")
    rows = sheet.iter_rows(values_only=True, max_row=ROWS + 1)
    header = [str(cell).strip() if cell is not None else "" for cell in next(rows)]
    columns: dict[str, list[str | None]] = {name: [] for name in header if name}
    for row in rows:
        if any(cell is not None for cell in row):
            for name, value in zip(header, row, strict=False):
                if name:
                    columns[name].append(_text(value))
    return Sample({"format": "xlsx"}, columns, [f"only the sheet {sheet.title!r} was looked at"])


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, list) else str(value)
