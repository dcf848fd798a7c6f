"""A workbook (XLSX) as rows of values: what its cells show, never a formula, and what each cell has wrong with it.

A sheet is read twice, both times as a stream: once for its structure (merged cells, hidden rows and columns, formulas
without a saved result), which openpyxl does not give while it streams, and once by openpyxl for its values.
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
from openpyxl.utils.cell import get_column_letter
from openpyxl.utils.datetime import MAC_EPOCH
from openpyxl.utils.exceptions import InvalidFileException

from ingestion.containers import Limits, Source, check_zip, opened
from ingestion.properties import Property
from ingestion.readers.base import FileRefused
from ingestion.sheet_xml import NO_DAY, Broken, Structure, refuse_doctype, structure
from ingestion.sheets import Sheet

LIMITS = Limits(unpacked=1 << 30, entries=2000)
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls and of workbooks with a password
ZIP = b"PK\x03\x04"
MACROS = re.compile(r"vbaProject|macrosheets|dialogsheets", re.IGNORECASE)
TAG = re.compile(r"<[^>]*>")
SURE_DIGITS = 10**15  # a number cell keeps 15 digits; what follows was lost at the source

warnings.filterwarnings("ignore", module=r"openpyxl\.")  # it warns of what it leaves out, such as pictures


TOO_LONG = Broken("precision", "holds a number of more digits than a spreadsheet keeps; send the column as text")
AN_ERROR = Broken("cell_error", "holds an error of the spreadsheet")

Value = str | int | float | bool | datetime | date | time | timedelta | Broken | None


def check(path: Path) -> None:
    """Raise FileRefused where a file is not a workbook to open: locked, too large, with macros, of another kind."""
    with path.open("rb") as handle:
        head = handle.read(len(COMPOUND))
        if head == COMPOUND:
            locked = "EncryptedPackage".encode("utf-16-le") in handle.read(1 << 20)
            what = "is locked with a password" if locked else "is of an old kind (.xls)"
            raise FileRefused(f"The workbook {what}; save it as .xlsx without a password.")
    if not head.startswith(ZIP):
        raise FileRefused("The file is not a workbook (.xlsx).")
    names = {entry.filename for entry in check_zip(path, LIMITS)}
    if "[Content_Types].xml" not in names:
        raise FileRefused("The file is a zip, but not a workbook (.xlsx).")
    if any(MACROS.search(name) for name in names):
        raise FileRefused("The workbook holds macros; save it as .xlsx, which has none.")
    if any(name.endswith("workbook.bin") for name in names):
        raise FileRefused("The workbook is of a binary kind (.xlsb); save it as .xlsx.")
    with readable(), zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as part:
                refuse_doctype(part)


class Workbook:
    """One sheet of an open workbook: `structure`, `rows()` and the `notes` about what is left aside."""

    def __init__(self, source: Path | IO[bytes], form: Sheet) -> None:
        self.notes: list[str] = []
        # Opened here, because openpyxl would judge a file by its name.
        self._handle = source.open("rb") if isinstance(source, Path) else source
        with readable():
            self._book = openpyxl.load_workbook(self._handle, read_only=True, data_only=True, keep_links=False)
            self._sheet = self._chosen(form)
            self._note_what_is_left()
            self.structure = self._structure(form)

    def rows(self) -> Iterator[tuple[int, list[Value]]]:
        """Every row from 1 to the last that holds something, each as wide as the sheet."""
        shape = self.structure
        self._sheet.reset_dimensions()  # what the file says of its size may be wrong
        with readable():
            cells = self._sheet.iter_rows(max_row=shape.rows or 1, max_col=shape.columns or 1)
            for number, row in enumerate(cells, start=1):
                if number > shape.rows:
                    break
                yield number, [self._value(number, column, cell) for column, cell in enumerate(row, start=1)]
        self._book.close()
        self._handle.close()

    def _value(self, row: int, column: int, cell: Any) -> Value:
        if broken := self.structure.broken.get((row, column)):
            # The number 60 is a day only where it is shown as one.
            return broken if broken is not NO_DAY or cell.data_type == "d" else cell.value
        value: Value = cell.value
        if cell.data_type == "e":
            return AN_ERROR
        return TOO_LONG if isinstance(value, int | float) and abs(value) >= SURE_DIGITS else value

    def _chosen(self, form: Sheet) -> Any:
        sheets = [sheet for sheet in self._book.worksheets if sheet.sheet_state == "visible"]
        if form.name is not None:
            fitting = pc.match_substring_regex(pa.array([s.title for s in sheets], pa.string()), f"^(?:{form.name})$")
            sheets = [sheet for sheet, fits in zip(sheets, fitting.to_pylist(), strict=True) if fits]
            if len(sheets) != 1:
                raise FileRefused(f"The workbook has {len(sheets)} visible sheets of the name stated, expected one.")
        if not sheets:
            raise FileRefused("The workbook has no visible sheet.")
        return sheets[0]

    def _note_what_is_left(self) -> None:
        hidden = sum(sheet.sheet_state != "visible" for sheet in self._book.worksheets)
        if hidden:
            self.notes.append(f"{hidden} hidden sheet(s) were not read")
        if others := len(self._book.worksheets) - hidden - 1:
            self.notes.append(f"{others} other visible sheet(s) were not read")
        if any("externalLinks/" in name for name in self._book._archive.namelist()):
            self.notes.append("links to other workbooks were not followed")

    def _structure(self, form: Sheet) -> Structure:
        with self._book._archive.open(self._sheet._worksheet_path) as source:
            return structure(source, form.maxRows, form.maxColumns, excel_calendar=self._book.epoch != MAC_EPOCH)


@contextmanager
def readable() -> Iterator[None]:
    """What a damaged or hostile workbook raises, as FileRefused. No message of a library is passed on."""
    try:
        yield
    except FileRefused:
        raise
    except (
        zipfile.BadZipFile, zlib.error, ParseError, ExpatError, InvalidFileException,
        KeyError, IndexError, ValueError, TypeError, AttributeError, EOFError, OSError, NotImplementedError,
    ):  # fmt: skip
        raise FileRefused("The workbook is damaged: it cannot be read to its end.") from None


def text_of(value: Value, prop: Property | None = None) -> str:
    """What a cell holds, as text. A date or time is told in a form of its field, where that loses nothing.

    Numbers are written without an exponent where they are whole.
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case str():
            return value
        case int() | float():
            return _number(value)
        case datetime():
            return _moment(value, prop)
        case timedelta():
            seconds = value.total_seconds()
            return f"{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f}:{seconds % 60:02.0f}"
        case Broken():
            raise ValueError("a broken cell has no text")
    return value.isoformat()


def rows(form: Sheet, source: Source, wanted: set[int] | None) -> Iterator[tuple[int, dict[str, object]]]:
    """The rows of some numbers, or all (None): what their filled cells show, by the name of the cell."""
    try:
        for number, row in Workbook(opened(source), form).rows():
            if wanted is None or number in wanted:
                cells = {place(number, column): value for column, value in enumerate(row, start=1) if value is not None}
                yield number, {at: f"({v.rule})" if isinstance(v, Broken) else text_of(v) for at, v in cells.items()}
    except FileRefused:  # the contract names another sheet now
        return


def everything(source: Source) -> str:
    """All that a workbook says, to be searched: every sheet, hidden ones too, and notes, titles and properties."""
    said: list[str] = []
    with readable(), opened(source) as handle:
        book = openpyxl.load_workbook(handle, read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            said += ["\t".join(text_of(value) for value in row) for row in sheet.iter_rows(values_only=True)]
        for name in book._archive.namelist():
            if not name.startswith("xl/worksheets/sheet"):
                part = book._archive.read(name).decode("utf-8", "replace")
                said += [TAG.sub(" ", part), TAG.sub("", part)]  # a text may be cut into runs
    return "\n".join(said)


def place(row: int, column: int) -> str:
    """The name of a cell, such as `G12`."""
    return f"{get_column_letter(column)}{row}"


def _number(value: int | float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _moment(value: datetime, prop: Property | None) -> str:
    for form in prop.formats if prop else ():
        try:
            if prop and prop.read_back(text := value.strftime(form), form) == value:
                return text
        except ValueError:
            continue
    return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
