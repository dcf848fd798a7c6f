"""Workbooks: one sheet, read as a table of one record a row, or as an attendance register of people by sessions.

A record's line is its row. A row of a register gives a record for each session in which the person is marked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ingestion import workbook
from ingestion.contract import Contract
from ingestion.readers.base import BATCH_ROWS, Batches, FileRefused, Reading
from ingestion.readers.headers import Header, found_header
from ingestion.readers.sessions import Session, sessions_of
from ingestion.sheet_xml import Broken
from ingestion.workbook import Value, Workbook, place, text_of
from linkwork.log import places

Fields = dict[str, str]
UNDER_NO_HEADER = Broken("field_count", "lies under no header")


@dataclass
class _Row:
    """A row of people or records: its number, and its values with merged cells filled where the contract says so."""

    number: int
    values: list[Value]
    texts: Fields = field(default_factory=dict)
    broken: tuple[int, Broken] | None = None  # the first column with a cell that has no value


class XlsxReading(Reading):
    """One pass over a workbook under a contract."""

    def __init__(self, path: Path, contract: Contract) -> None:
        super().__init__(contract)
        assert contract.file.sheet is not None  # noqa: S101 - the contract is checked for it
        self._form = contract.file.sheet
        workbook.check(path)
        self._book = Workbook(path, self._form)
        self.notes += self._book.notes
        self._rows = self._book.rows()
        self._header: Header = found_header(self._rows, contract, self._book.structure)
        self._fields = {p.name: p for p in contract.properties}
        self._once = self._labels()
        self._sessions: list[Session] = sessions_of(self._header, contract, self._book.structure)
        self._refuse_other_columns()
        self._filled = self._merged_values()

    def batches(self) -> Batches:
        """Batches of records in the order of their rows; in a register, of one row in that of its sessions."""
        records = self._register() if self._form.session else self._table()
        rows: list[list[str]] = []
        lines: list[int] = []
        names = [p.name for p in self.contract.properties]
        numbers: list[int] | None = [] if self._form.session else None
        for line, column, fields in records:
            rows.append([fields.get(name, "") for name in names])
            lines.append(line)
            if numbers is not None:
                numbers.append(places.number(line, column))
            if len(rows) == BATCH_ROWS:
                yield self.table_batch(rows, lines, lines, numbers=numbers)
                rows, lines = [], []
                numbers = None if numbers is None else []
        if rows:
            yield self.table_batch(rows, lines, lines, numbers=numbers)

    # --- what stands once ---------------------------------------------------------------------------
    def _labels(self) -> Fields:
        """The fields that stand once above the header, each beside its label or after it in the same cell."""
        once: Fields = {}
        for prop in (p for p in self.contract.properties if p.name in self._form.labels):
            labels = self._form.labels[prop.name]
            values = [value for _, row in self._header.above for value in _beside(row, labels)]
            if len(values) > 1:
                raise FileRefused(f"The label of {prop.name} stands {len(values)} times above the header.")
            if not values and not prop.optionalColumn:
                raise FileRefused(f"No cell above the header is the label {' or '.join(labels)}.")
            if values and isinstance(values[0], Broken):
                raise FileRefused(f"The cell labelled {labels[0]} {values[0].why}.")
            once[prop.name] = text_of(values[0], prop) if values else ""
        return once

    def _refuse_other_columns(self) -> None:
        known = {*self._header.places.values(), *(s.column for s in self._sessions), *self._header.totals}
        self._totals = sorted(self._header.totals)
        self._others = [c for c in self._header.named if c not in known]
        if self._others and self.contract.file.unknownColumns == "refuse":
            shown = ", ".join(place(self._header.row, c) for c in self._others[:10])
            what = "neither a field of the contract nor a session" if self._form.session else "no field of the contract"
            raise FileRefused(
                f"The header has {len(self._others)} column(s) that are {what} ({shown}); "
                "add them to the contract or set unknownColumns to ignore."
            )
        self.skipped |= {"total_column": len(self._totals)} if self._totals else {}
        self.records += len(self._totals)

    def _merged_values(self) -> dict[tuple[int, int], tuple[int, int]]:
        """For each cell of a field named in `merged` that a merged cell hides, the cell that shows its value."""
        columns = {self._header.places[n] for n in self._form.merged if n in self._header.places}
        if self._form.session and set(self._form.merged) & set(self._form.session.marks):
            columns |= {s.column for s in self._sessions}
        shown: dict[tuple[int, int], tuple[int, int]] = {}
        left = 0
        for first_column, first_row, last_column, last_row in self._book.structure.merged:
            if first_row <= self._header.row:
                continue
            hidden = [
                (row, column)
                for row in range(first_row, min(last_row, self._book.structure.rows) + 1)
                for column in range(first_column, last_column + 1)
                if (row, column) != (first_row, first_column)
            ]
            left += first_column not in columns
            shown |= {at: (first_row, first_column) for at in hidden if at[1] in columns and first_column in columns}
        if left:
            self.notes.append(f"{left} merged cell(s) hold for their first cell only")
        return shown

    # --- rows -----------------------------------------------------------------------------------------
    def _rows_of_records(self) -> Iterator[_Row]:
        """The rows below the header that may hold records: not blank, not a total, not hidden where that is a rule."""
        blank = 0
        kept: dict[tuple[int, int], Value] = {}
        sources = set(self._filled.values())
        hidden, hidden_kept = self._book.structure.hidden_rows, 0
        for number, row in self._rows:
            for column in range(1, len(row) + 1):
                at = (number, column)
                if at in sources:
                    kept[at] = row[column - 1]
                elif at in self._filled and row[column - 1] is None:
                    row[column - 1] = kept.get(self._filled[at])
            if not any(_is_filled(value) for value in row):
                blank += 1
                continue
            self.blank += blank
            self.records += blank
            blank = 0
            first = next(value for value in row if _is_filled(value))
            if isinstance(first, str) and first.strip() in self._form.totalRows:
                self._skip("total_row")
            elif number in hidden and self._form.hiddenRows == "skip":
                self._skip("hidden_row")
            else:
                hidden_kept += number in hidden
                yield self._described(number, row)
        if hidden_kept:
            self.notes.append(f"{hidden_kept} hidden row(s) were read")

    def _described(self, number: int, row: list[Value]) -> _Row:
        found = _Row(number, row, dict(self._once))
        for name, column in self._header.places.items():
            value = row[column - 1]
            if isinstance(value, Broken):
                found.broken = found.broken or (column, value)
            else:
                found.texts[name] = text_of(value, self._fields[name])
        return found

    def _table(self) -> Iterator[tuple[int, int, Fields]]:
        for row in self._rows_of_records():
            self.records += 1
            stray = next((c for c in self._header.nameless(row.values) if _is_filled(row.values[c - 1])), None)
            if row.broken:
                self._refuse_cell(row.number, *row.broken)
            elif stray is not None:
                self._refuse_cell(row.number, stray, UNDER_NO_HEADER)
            else:
                yield row.number, 0, row.texts

    def _register(self) -> Iterator[tuple[int, int, Fields]]:
        """One record a person and session with a mark, in the column of the session.

        Empty cells are none, or stand for a mark in sessions held.
        """
        assert self._form.session is not None  # noqa: S101
        marks, empty_mark = self._form.session.marks, self._form.session.emptyCells
        empty = unmarked = 0
        rows: list[_Row] | Iterator[_Row] = self._rows_of_records()
        held: set[int] = set()
        if empty_mark is not None:  # whether a session was held shows in all of its rows
            rows = list(rows)
            held = {s.column for s in self._sessions if any(_mark(row, s) != "" for row in rows)}
        for row in rows:
            given = 0
            self._refuse_nameless(row)
            for session in self._sessions:
                mark = _mark(row, session)
                if mark == "" and session.column in held and empty_mark is not None:
                    empty += 1
                    mark = empty_mark
                if mark == "":
                    empty += 1
                    continue
                given += 1
                if session.hidden and self._form.hiddenColumns == "skip":
                    self._skip("hidden_column")
                    continue
                self.records += 1
                broken = (session.column, mark) if isinstance(mark, Broken) else row.broken
                if broken:
                    self._refuse_cell(row.number, *broken, of=session.column)
                    continue
                dated = {self._form.session.date: session.date} | dict.fromkeys(marks, str(mark))
                yield row.number, session.column, row.texts | dated
            unmarked += given == 0
        stands = "stand for no record" if empty_mark is None else "were empty; in sessions held they stand for a mark"
        self.notes.append(f"{empty} empty cell(s) {stands}")
        if unmarked:
            self.notes.append(f"{unmarked} row(s) without a mark")
        if self._form.hiddenColumns == "read" and (hidden := sum(s.hidden for s in self._sessions)):
            self.notes.append(f"{hidden} hidden session(s) were read")

    def _refuse_nameless(self, row: _Row) -> None:
        """A mark under no date is nobody's session: refused, each cell as a record of its own."""
        for column in self._header.nameless(row.values):
            if _is_filled(row.values[column - 1]):
                self.records += 1
                self._refuse_cell(row.number, column, UNDER_NO_HEADER, of=column)

    def _skip(self, reason: str) -> None:
        self.records += 1
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def _refuse_cell(self, row: int, column: int, broken: Broken, of: int | None = None) -> None:
        """Refuse a record for a cell; `of` is the column of the record, where it is one cell's."""
        self.refuse(row, row, broken.rule, f"The cell {place(row, column)} {broken.why}.", of)


def _is_filled(value: Value) -> bool:
    return value is not None and value != ""


def _mark(row: _Row, session: Session) -> str | Broken:
    """A session's mark, without the spaces around it."""
    value = row.values[session.column - 1]
    return value if isinstance(value, Broken) else text_of(value).strip()


def _beside(row: list[Value], labels: list[str]) -> Iterator[Value]:
    """The values that a row of the title gives for a label: the next filled cell, or what follows in the same one."""
    for column, value in enumerate(row):
        if not isinstance(value, str):
            continue
        text, colon, rest = value.strip().partition(":")
        if text.strip() in labels and colon and rest.strip():
            yield rest.strip()
        elif value.strip().removesuffix(":").strip() in labels:
            yield next((v for v in row[column + 1 :] if _is_filled(v)), None)
