"""Workbooks as groups send them, written with openpyxl, and small changes to what lies inside them."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from ingestion.contract import Contract, load_contract
from linkwork.log.catalogue import Catalogue
from linkwork.settings import Settings

FEED = "activity_register_xlsx"
TITLE: list[list[Any]] = [
    ["Walking group"],
    ["Activity code:", "WALK-1", None, "Register updated:", datetime(2025, 7, 1, 18, 30)],
    ["Delivery", "Group", None, "Category: Physical activity"],
]
HEAD: list[Any] = ["Member no", "Name", "NHS number"]
DATES: list[Any] = [datetime(2025, 6, 2), datetime(2025, 6, 9), datetime(2025, 6, 16)]
PEOPLE: list[list[Any]] = [
    ["M1", "Ann", "9990000018", "x", "A", None],
    ["M2", "Bob", None, "V", None, "C"],
]
HEADER_ROW = len(TITLE) + 1
FIRST = HEADER_ROW + 1  # the row of the first person


def installed() -> Contract:
    """The contract of registers that the project ships."""
    folder = Settings.model_fields["contracts_dir"].default
    return load_contract(folder / f"{FEED}.yaml", Catalogue.current())


def register(
    people: list[list[Any]] = PEOPLE,
    dates: list[Any] = DATES,
    title: list[list[Any]] = TITLE,
    head: list[Any] = HEAD,
    change: Callable[[Worksheet], object] = lambda _: None,
    **options: Any,
) -> bytes:
    """A register as the contract describes it; `change` is done to its sheet before it is saved."""
    return book([*title, [*head, *dates], *people], change, **options)


def book(
    rows: list[list[Any]], change: Callable[[Worksheet], object] = lambda _: None, *, epoch: datetime | None = None
) -> bytes:
    """A workbook of one sheet with these rows."""
    made = openpyxl.Workbook()
    if epoch is not None:
        made.epoch = epoch
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    change(sheet)
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def repacked(content: bytes, change: Callable[[str, bytes], bytes], extra: dict[str, bytes] | None = None) -> bytes:
    """The workbook with each part changed by its name and content, and parts added."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
        for name, data in (extra or {}).items():
            new.writestr(name, data)
    return packed.getvalue()


def in_sheet(content: bytes, old: str, new: str) -> bytes:
    """The workbook with a text of its first sheet's XML replaced."""

    def change(name: str, data: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return data
        assert old.encode() in data, data[:2000]
        return data.replace(old.encode(), new.encode())

    return repacked(content, change)


def large_table(path: Path, header: list[str], rows: int, row: Callable[[int], list[str]]) -> None:
    """A workbook of many rows, written as XML straight away: openpyxl would take longer than the test."""
    cells = '<c t="inlineStr"><is><t>{}</t></is></c>'

    def lines() -> Any:
        yield '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        yield f"<row>{''.join(map(cells.format, header))}</row>"
        for number in range(rows):
            yield f"<row>{''.join(map(cells.format, row(number)))}</row>"
        yield "</sheetData></worksheet>"

    with (
        zipfile.ZipFile(io.BytesIO(book([["x"]]))) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for entry in old.infolist():
            if entry.filename != "xl/worksheets/sheet1.xml":
                new.writestr(entry.filename, old.read(entry))
        with new.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for line in lines():
                sheet.write(line.encode())
