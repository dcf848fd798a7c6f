"""The first records of a file nobody has a contract for yet: its form, and its columns as text. Used to draft only."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion import contract_header, paths
from linkwork.errors import UsageError

ROWS = 10_000
BYTES = 32 << 20
DELIMITERS = (",", ";", "\t", "|")
SUFFIXES = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
            ".xlsx": "xlsx"}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """What a file looks like: its form as a contract would state it, and each column's first values as text."""

    form: dict[str, Any]
    columns: dict[str, list[str | None]]
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return max((len(values) for values in self.columns.values()), default=0)


@dataclass(frozen=True)
class _Read:
    """What a reader found: the names of the columns in order, and below each its values."""

    form: dict[str, Any]
    names: list[str]
    columns: list[list[str | None]]
    keys: list[str]  # what the file says and the draft would repeat
    doubt: str | None = None  # why these may be values
    notes: list[str] = field(default_factory=list)


LINE = ("the first line may be no header", "Add a line that names the columns, or ask the sender for one")
MAY_BE_VALUES = {
    "csv": LINE,
    "xlsx": LINE,
    "parquet": ("the columns may be called by values", "Ask the sender for columns with names"),
    "jsonl": ("the keys of the records may be values", "Ask the sender for records with the same keys in each"),
}


def sample(path: Path, *, header: bool = False) -> Sample:
    """Read the head of a CSV, JSON Lines, Parquet or XLSX file.

    `header` is a person's word that the first line, or what else names the columns, holds names. Raises UsageError
    where the file is none of these, or empty, or where what should name its columns may be somebody's values.
    """
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise UsageError(
            "cannot tell the file's form", where=path.name, do=f"Give it one of the suffixes {', '.join(SUFFIXES)}"
        )
    try:
        read = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet, "xlsx": _xlsx}[form](path)
    except (OSError, UnicodeError, pa.ArrowInvalid, csv.Error, ValueError) as error:
        raise UsageError("cannot read the file", where=path.name, why=type(error).__name__) from None
    if not any(read.columns):
        raise UsageError("the file has no record to learn from", where=path.name)
    what, do = MAY_BE_VALUES[form]
    if read.doubt and not header:
        do = f"{do}. If they are names, not values: look, and say so with --header"
        raise UsageError(what, where=path.name, why=read.doubt, do=do)
    if number := contract_header.names_a_person(read.keys):
        why = f"number {number} of the names has a form that identifies a person"
        raise UsageError(what, where=path.name, why=why, do=do)
    columns: dict[str, list[str | None]] = {}
    for name, values in zip(read.names, read.columns, strict=True):
        if name:
            columns.setdefault(name, values)
    return Sample(read.form, columns, [*_unnamed(read.names), *read.notes][:5])


def _unnamed(names: list[str]) -> list[str]:
    found = [f"column {n} has no name and is left out" for n, name in enumerate(names, start=1) if not name]
    given = [name for name in names if name]
    twice = f"{len(given) - len(set(given))} column(s) have a name that another has, and are left out"
    return found + ([twice] if len(set(given)) < len(given) else [])


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


def _csv(path: Path) -> _Read:
    text, encoding = _decoded(path)
    lines = text.splitlines(keepends=True)
    rows_by = {d: list(csv.reader(lines[:200], delimiter=d)) for d in DELIMITERS}
    widths = {d: Counter(len(row) for row in rows if row).most_common(1)[0] for d, rows in rows_by.items() if any(rows)}
    if not widths:
        return _table({}, [], [])
    delimiter = max(widths, key=lambda d: (widths[d][0] > 1, widths[d][1] * widths[d][0]))
    rows = csv.reader(lines, delimiter=delimiter)
    names = [name.strip() for name in next(rows)]
    taken, notes = [], []
    for number, row in zip(range(1, ROWS + 1), rows, strict=False):
        if len(row) == len(names) and any(row):
            taken.append(row)
        elif any(row):
            notes.append(f"record {number} has {len(row)} fields, not {len(names)}: a footer, or a fault")
    return _table({"format": "csv", "encoding": encoding, "delimiter": delimiter, "quote": '"'}, names, taken, notes)


def _table(
    form: dict[str, Any], names: list[str], rows: Iterable[Sequence[str | None]], notes: list[str] | None = None
) -> _Read:
    columns: list[list[str | None]] = [[] for _ in names]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return _named(form, names, columns, notes)


def _named(
    form: dict[str, Any], names: list[str], columns: list[list[str | None]], notes: list[str] | None = None
) -> _Read:
    doubt = contract_header.doubt(names, columns) if any(columns) else None
    return _Read(form, names, columns, names, doubt, notes or [])


def _jsonl(path: Path) -> _Read:
    text, encoding = _decoded(path)
    records = [json.loads(line) for line in text.splitlines()[:ROWS] if line.strip()]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a line is no object")
    columns: dict[str, list[str | None]] = {}
    keys: dict[str, None] = {}
    for count, record in enumerate(records):
        for name, value in _flat(record, "$", keys):
            columns.setdefault(name, [None] * count).append(value)
        for values in columns.values():
            values.extend([None] * (count + 1 - len(values)))
    doubt = contract_header.doubt_of_keys(records)
    left = sum(paths.step(key) is None for key in keys)
    notes = [f"{left} key(s) have characters that no path can name, and are left out"] if left else []
    form = {"format": "jsonl", "encoding": encoding}
    return _Read(form, list(columns), list(columns.values()), list(keys), doubt, notes)


def _flat(record: dict[str, Any], path: str, keys: dict[str, None]) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for key, value in record.items():
        keys[key] = None
        step = paths.step(key)
        if step is None:
            continue
        if isinstance(value, dict):
            found += _flat(value, path + step, keys)
        else:
            found.append((path + step, _text(value)))
    return found


def _parquet(path: Path) -> _Read:
    file = pq.ParquetFile(path)
    batch = next(file.iter_batches(ROWS), None)
    names = [] if batch is None else batch.schema.names
    columns = [[_text(value) for value in column.to_pylist()] for column in (batch.columns if batch else [])]
    return _named({"format": "parquet"}, names, columns)


def _xlsx(path: Path) -> _Read:
    try:
        from openpyxl import load_workbook  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise UsageError("XLSX files cannot be read here", why="openpyxl is not installed") from None
    book = load_workbook(path, read_only=True, data_only=True)
    visible = [s for s in book.worksheets if s.sheet_state == "visible"]
    first, *rest = visible[0].iter_rows(values_only=True, max_row=ROWS + 1)
    width = max((n for row in (first, *rest) for n, cell in enumerate(row, start=1) if cell is not None), default=0)
    names, *rows = ([_text(cell) for cell in (*row, *[None] * width)[:width]] for row in (first, *rest))
    notes = ["only the first visible sheet was looked at"] if len(visible) > 1 else []
    named = [name.strip() if name else "" for name in names]
    return _table({"format": "xlsx"}, named, (row for row in rows if any(row)), notes)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, default=str) if isinstance(value, list) else str(value)
