"""Records of a received file by their first physical line, as they were sent: for who may read zone 1."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice

from ingestion.contract import File
from linkwork import json_documents


def records(content: bytes, form: File | None, starts: Iterable[int]) -> dict[int, str]:
    """The raw text of the records that start on the given lines (from 1), line ends included.

    A CSV record goes on over the physical lines its quotes span. Without `form` (the feed's contract is gone), and
    where the quotes do not match, it is the one line. A record of a JSON document (an entry of a Bundle) is what stands
    between its brackets; several that begin on one line are given together. A line the file does not have is left out.
    """
    if form is not None and form.format != "csv" and (documents := _documents(content)) is not None:
        wanted = set(starts)
        parts: dict[int, list[str]] = {}
        for element in documents.elements:
            if element.line in wanted:
                parts.setdefault(element.line, []).append(_text(content[element.start : element.end]) + "\n")
        return {line: "".join(texts) for line, texts in parts.items()}
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
    return None if form is None or form.format != "csv" else records(content, form, [1]).get(1)


def _documents(content: bytes) -> json_documents.Documents | None:
    try:
        return json_documents.elements(content)
    except json_documents.BrokenDocument:
        return None


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
