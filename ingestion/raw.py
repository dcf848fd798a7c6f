"""Records of a received file by where they begin, as they were sent: for who may read zone 1.

A packed file is unpacked first, as the gate does it, so that lines are those of its content. A record of text is its
physical lines; one of a table (Parquet, a workbook), is its row as a JSON object, and its number stands for its line.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

from ingestion import containers, forms, workbook
from ingestion.containers import Limits, Source
from ingestion.file_form import File
from ingestion.readers import parquet
from ingestion.readers.base import FileRefused
from ingestion.sheets import Sheet
from linkwork import json_documents

# It was within the limits of its day when it was taken in.
UNPACKED = Limits(unpacked=1 << 40, ratio=1 << 20)
HEAD = 1 << 16  # bytes in which the readers look for a line end
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"

# A record: its first physical line and its last, and its place on the first, where several may begin there.
Where = tuple[int, int, int | None]
# Rows by their number, of what is not made of lines.
Rows = Callable[[set[int] | None], Iterator[tuple[int, str]]]


def unpacked(content: bytes) -> bytes:
    """What a received file holds: itself, where it is not packed. Raises FileRefused where it cannot be unpacked."""
    if containers.packing(content, UNPACKED) is None:
        return content
    target = io.BytesIO()
    containers.unpack(content, target, UNPACKED)
    return target.getvalue()


def records(content: bytes, form: File | None, starts: Iterable[int]) -> dict[int, str]:
    """The raw text of the records that start on the given lines (from 1), line ends included.

    A CSV record goes on over the physical lines its quotes span. Without `form` (the feed's contract is gone), and
    where the quotes do not match, it is the one line. A record of a JSON document (an entry of a Bundle) is what stands
    between its brackets; several that begin on one line are given together. A line the file does not have is left out.
    """
    content = unpacked(content)
    if (rows := _table(content, form)) is not None:
        return dict(rows(set(starts)))
    if form is not None and form.format in ("jsonl", "fhir") and (documents := _documents(content)) is not None:
        return _elements(content, documents, set(starts))
    texts = _lines(content, form.encoding if form else "utf-8")
    found = {}
    for start in starts:
        if 0 < start <= len(texts):
            length = 1 if form is None or form.format != "csv" else _csv_length(texts, start, form)
            found[start] = "".join(texts[start - 1 : start - 1 + length])
    return found


def between(path: Path, wanted: Iterable[Where], form: File | None = None) -> Iterator[tuple[int, int | None, str]]:
    """The raw text of records of an unpacked file, by line and place, in the order of the file.

    Of a row of a workbook that gives several records the whole row is the text of each, and stands once.
    """
    wanted = list(wanted)
    lines = {first: last for first, last, _ in wanted}
    if (rows := _table(path, form)) is not None:
        yield from ((number, None, text) for number, text in rows(set(lines)))
        return
    if any(place is not None for _, _, place in wanted):
        content = path.read_bytes()
        yield from _elements_at(content, _documents(content), {(first, place) for first, _, place in wanted})
        return
    yield from ((line, None, text) for line, text in _between_lines(path, lines, form))


def _between_lines(path: Path, lines: Mapping[int, int], form: File | None) -> Iterator[tuple[int, str]]:
    encoding = form.encoding if form else "utf-8"
    with path.open("rb") as handle:
        head = handle.read(HEAD)
        handle.seek(0)
        if _newline(head) == "\r" or head.startswith(UTF_16):
            yield from _joined(lines, enumerate(_lines(handle.read(), encoding), start=1))
        else:
            decoded = (line.decode(encoding, "backslashreplace") for line in handle)
            yield from _joined(lines, enumerate(decoded, start=1))


def everything(content: bytes) -> str | None:
    """All that a received file says, as text to be searched; None for a file of which that cannot be told."""
    try:
        content = unpacked(content)
        if _kind(content) == forms.WORKBOOK:
            return workbook.everything(content)
        if (rows := _table(content, None)) is not None:
            return "".join(text for _, text in rows(None))
    except FileRefused:
        return None
    if content.startswith(UTF_16):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", "replace") if b"\x00" not in content else None


def header(content: bytes, form: File | None) -> str | None:
    """The header record of a CSV file; None for a form that has none."""
    if form is None or form.format != "csv" or _table(content := unpacked(content), form) is not None:
        return None
    return records(content, form, [1]).get(1)


def _kind(source: Source) -> str | None:
    with containers.opened(source) as handle:
        return forms.kind_of(handle.read(forms.HEAD))


def _table(source: Source, form: File | None) -> Rows | None:
    """The rows of a file that is a table, as JSON by their number; None for a file of lines."""
    sheet = form.sheet if form and form.sheet else Sheet()
    match _kind(source):
        case "a Parquet file":
            reader = parquet.rows
        case forms.WORKBOOK:
            reader = partial(workbook.rows, sheet)
        case _:
            return None

    def rows(wanted: set[int] | None) -> Iterator[tuple[int, str]]:
        for number, row in reader(source, wanted):
            yield number, json.dumps(row, ensure_ascii=False, default=str) + "\n"

    return rows


def _lines(content: bytes, encoding: str) -> list[str]:
    """The physical lines of a text, with their ends, as the readers count them."""
    newline = _newline(content[:HEAD])
    if content.startswith(UTF_16):
        encoding = "utf-16"
    text = content.removeprefix(UTF8_MARK).decode(encoding, "backslashreplace")
    lines = text.split(newline)
    return [line + newline for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _newline(head: bytes) -> str:
    return "\r" if b"\r" in head and b"\n" not in head else "\n"


def _joined(lines: Mapping[int, int], physical: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    current: list[str] = []
    start = end = 0
    for number, line in physical:
        if number in lines:
            start, end, current = number, lines[number], []
        if start <= number <= end:
            current.append(line)
            if number == end:
                yield start, "".join(current)


def _documents(content: bytes) -> json_documents.Documents | None:
    try:
        return json_documents.elements(content)
    except json_documents.BrokenDocument:
        return None


def _elements(content: bytes, documents: json_documents.Documents, starts: set[int]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for element in documents.elements:
        if element.line in starts:
            text = content[element.start : element.end].decode("utf-8", "backslashreplace")
            found.setdefault(element.line, []).append(text + "\n")
    return {line: "".join(texts) for line, texts in found.items()}


def _elements_at(
    content: bytes, documents: json_documents.Documents | None, wanted: set[tuple[int, int | None]]
) -> Iterator[tuple[int, int | None, str]]:
    for element in documents.elements if documents else []:
        if (element.line, element.place) in wanted:
            text = content[element.start : element.end].decode("utf-8", "backslashreplace")
            yield element.line, element.place, text + "\n"


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
