"""The sessions of a register: which columns are dates, and which dates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ingestion.contract import Contract
from ingestion.readers.base import FileRefused
from ingestion.readers.headers import Header, name_of
from ingestion.sheet_xml import Broken, Structure
from ingestion.sheets import Session as Form
from ingestion.workbook import Value, place, text_of

DAY_NUMBER = re.compile(r"[0-9]{1,2}")


@dataclass(frozen=True)
class Session:
    """A column of a register: its date as text of the contract's form."""

    column: int
    date: str
    hidden: bool


def sessions_of(header: Header, contract: Contract, shape: Structure) -> list[Session]:
    """The sessions in the order of their columns; none of a table.

    Raises FileRefused where a register has none, two have one date, or a day its month does not have.
    """
    form = contract.file.sheet.session if contract.file.sheet else None
    if form is None:
        return []
    known = {*header.places.values(), *header.totals}
    months = dict(_months(header, form, shape)) if form.months else {}
    dated = {}
    for column in (c for c in header.named if c not in known):
        value = header.values[column - 1]
        if isinstance(value, Broken):
            raise FileRefused(f"The header cell {place(header.row, column)} {value.why}.")
        moment = _moment(value, form) or _day_of_month(value, months.get(column), place(header.row, column))
        if moment:
            dated[column] = moment
    if not dated:
        raise FileRefused(f"No cell of the header (row {header.row}) is the date of a session.")
    stated = contract.field(form.date)
    found = [Session(c, text_of(moment, stated), shape.is_hidden_column(c)) for c, moment in dated.items()]
    for one, other in zip(sorted(found, key=_date), sorted(found, key=_date)[1:], strict=False):
        if one.date == other.date:
            both = f"{place(header.row, one.column)}, {place(header.row, other.column)}"
            raise FileRefused(f"Two sessions have the same date ({both}); the contract's form cannot tell them apart.")
    return found


def _date(session: Session) -> str:
    return session.date


def _months(header: Header, form: Form, shape: Structure) -> Iterator[tuple[int, datetime]]:
    """The month of each column: that of the cell above, or of the merged cell that spans it."""
    if not header.above:
        return
    number, row = header.above[-1]
    month = form.months or ""
    for column, value in enumerate(row, start=1):
        if found := value if isinstance(value, datetime) else _parsed(name_of(value), month):
            spanned = [m[2] for m in shape.merged if m[0] == column and m[1] <= number <= m[3]]
            yield from ((c, found) for c in range(column, max(spanned, default=column) + 1))


def _moment(value: Value, form: Form) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return next((found for stated in form.formats if (found := _parsed(name_of(value), stated))), None)


def _day_of_month(value: Value, month: datetime | None, where: str) -> datetime | None:
    text = "" if value is None or isinstance(value, Broken | bool) else text_of(value).strip()
    if month is None or not DAY_NUMBER.fullmatch(text):
        return None
    try:
        return month.replace(day=int(text))
    except ValueError:
        raise FileRefused(f"The header cell {where} is a day its month does not have.") from None


def _parsed(text: str, stated: str) -> datetime | None:
    """Only what prints back the same is of the stated form."""
    try:
        moment = datetime.strptime(text, stated)
    except ValueError:
        return None
    return moment if moment.strftime(stated) == text else None
