"""Records of a received file by their first physical line, as they were sent: for who may read zone 1."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice

from ingestion import forms, workbook
from ingestion.contract import File
from ingestion.readers.base import FileRefused
from ingestion.sheet_xml import Broken
from ingestion.sheets import Sheet


def records(content: bytes, form: File | None, starts: Iterable[int]) -> dict[int, str]:
    """The raw text of the records that start on the given lines (from 1), line ends included.

    A CSV record goes on over the physical lines its quotes span. Without `form` (the feed's contract is gone), and
    where the quotes do not match, it is the one line. A line the file does not have is left out. Of a workbook the
    lines are rows, each given as a JSON object of what its filled cells hold, by cell.
    """
    form = forms.form_of(content[:8], form) if form else None
    if workbook.is_workbook(content):
        return _rows(content, form.sheet if form and form.sheet else Sheet(), set(starts))
    lines = content.split(b"\n")
    texts = [_text(line) + "\n" for line in lines[:-1]] + ([_text(lines[-1])] if lines[-1] else [])
    found = {}
    for start in starts:
        if 0 < start <= len(texts):
            length = 1 if form is None or form.format != "csv" else _csv_length(texts, start, form)
            found[start] = "".join(texts[start - 1 : start - 1 + length])
    return found


def header(content: bytes, form: File | None) -> str | None:
    """The header record of a CSV file; None for a form that has none."""
    form = forms.form_of(content[:8], form) if form else None
    return None if form is None or form.format != "csv" else records(content, form, [1]).get(1)


def _rows(content: bytes, sheet: Sheet, wanted: set[int]) -> dict[int, str]:
    found = {}
    try:
        for number, row in workbook.Workbook(io.BytesIO(content), sheet).rows():
            if number in wanted:
                cells = {
                    workbook.place(number, column): f"({value.rule})"
                    if isinstance(value, Broken)
                    else workbook.text_of(value)
                    for column, value in enumerate(row, start=1)
                    if value is not None
                }
                found[number] = json.dumps(cells, ensure_ascii=False) + "\n"
    except FileRefused:  # the contract names another sheet now
        pass
    return found


def _text(line: bytes) -> str:
    return line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "backslashreplace")


def _csv_length(texts: list[str], start: int, form: File) -> int:
    """How many physical lines the record takes, read as the gate reads it."""
    taken = 0

    def counted() -> Iterator[str]:
        nonlocal taken
        for text in islice(texts, start - 1, start - 1 + form.maxRecordLines):
            taken += 1
            yield text

    csv.field_size_limit(form.maxLineLength * form.maxRecordLines)
    try:
        next(csv.reader(counted(), delimiter=form.delimiter, quotechar=form.quote, strict=True))
    except (csv.Error, StopIteration):
        return 1
    return taken
