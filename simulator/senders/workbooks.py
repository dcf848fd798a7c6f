"""Attendance registers as community groups keep them: one workbook an activity, people by session dates.

A register shows who came, who did not and who cancelled, and cannot show who was referred, booked or completed.
"""

import datetime as dt
import re
import zipfile
from pathlib import Path
from typing import Any

import duckdb
from openpyxl import Workbook

from simulator.senders.faults import Draw, Due
from simulator.senders.spoil import wrong
from simulator.senders.telling import Told
from simulator.senders.written import Marked, Written

SAVED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
Row = tuple[tuple[Any, ...], dict[dt.date, str], str]  # who, marks by day, and the kind of fault of a row that is one
LABELS = ("Member no", "Name", "NHS number", "Referred by", "Referral no")


def registers(con: duckdb.DuckDBPyConnection, root: Path, told: Told, draw: Draw) -> tuple[list[Written], list[Marked]]:
    """Write the registers of some groups, one file an activity and extract, with their faults."""
    con.execute(f"""
        create or replace temp table marks as
        select sender, n, folder, extract_day, asset_id, any_value(asset_name) as asset_name,
               any_value(category) as category, any_value(delivery) as delivery, member_id,
               any_value(client_name) as client_name, any_value(nhs_number) as nhs_number,
               any_value(referral_service) as referral_service, any_value(referral_ref) as referral_ref, session_date,
               max_by(case event when 'missed' then 'A' when 'cancelled' then if(cancelled_by = 'person', 'C', 'S')
                      else if(role = 'volunteer', 'V', 'x') end, event_id) as mark,
               max(max(recorded_at)) over (partition by sender, n, asset_id) as updated_at
        from activity_known where {told.senders} and event in ('attended', 'missed', 'cancelled')
        group by sender, n, folder, extract_day, asset_id, member_id, session_date
    """)
    found = con.execute("""
        select sender, n, folder, extract_day, asset_id, asset_name, category, delivery,
               timezone('Europe/London', timezone('UTC', any_value(updated_at))),
               list({'who': [member_id, client_name, nullif(nhs_number, ''), referral_service, referral_ref],
                     'day': session_date, 'mark': mark} order by member_id, session_date)
        from marks group by all order by all
    """).fetchall()
    written, marked = [], []
    for sender, n, folder, day, asset, name, category, delivery, updated, marks in found:
        path = f"{folder}landing/{told.feed.name}/{sender}/{told.feed.stem}_{asset}_{day}.xlsx"
        title = [("Activity code", asset), ("Activity", name), ("Category", category),
                 ("Delivery", "Group" if delivery == "group" else "One to one"),
                 ("Register updated", f"{updated:%d/%m/%Y %H:%M}")]  # fmt: skip
        file = Written(told.feed.name, sender, path, len(marks), day)
        rows = spoiled(people(marks), draw.of_file(sender, f"{asset} {n}", len(marks), False))
        save(root / path, title, rows)
        for number, (_, by_day, kind) in enumerate(rows, len(title) + 2):
            if kind:
                file.records += len(by_day)
                marked.append(Marked(file.feed, sender, file.name, number, kind))
        written.append(file)
    return written, marked


def people(marks: list[dict[str, Any]]) -> list[Row]:
    """A row for each person, in the order of their marks."""
    rows: dict[tuple[Any, ...], dict[dt.date, str]] = {}
    for mark in marks:
        rows.setdefault(tuple(mark["who"]), {})[mark["day"]] = mark["mark"]
    return [(who, by_day, "") for who, by_day in rows.items()]


def spoiled(rows: list[Row], dues: list[Due]) -> list[Row]:
    """The rows, and after some of them one more with a fault: of a member nobody has, or the same once more."""
    found: list[Row] = []
    left, before = list(dues), 0
    for who, by_day, _ in rows:
        found.append((who, by_day, ""))
        while left and left[0].place < before + len(by_day):
            due = left.pop(0)
            day, mark = list(by_day.items())[due.place - before]
            member, name, number, *rest = who
            if due.kind != "duplicate_line":
                member = f"X{due.number:06d}"
            if due.kind == "invalid_nhs_number":
                number = wrong(number or "")
            found.append(((member, name, number, *rest), {day: "?" if due.kind == "unknown_word" else mark}, due.kind))
        before += len(by_day)
    return found


def save(path: Path, title: list[tuple[str, Any]], rows: list[Row]) -> None:
    """One register: labels, header, a row for each person with a mark in the column of each session's date."""
    days = sorted({day for _, by_day, _ in rows for day in by_day})
    book = Workbook()
    sheet = book.active
    for label, value in title:
        sheet.append([f"{label}:", value])
    sheet.append([*LABELS, *(f"{day:%d/%m/%Y}" for day in days)])
    for who, by_day, _ in rows:
        sheet.append([*who, *(by_day.get(day) for day in days)])
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    undated(path)


def undated(path: Path) -> None:
    """Pack a workbook anew without the times at which it was saved."""
    with zipfile.ZipFile(path) as packed:
        parts = [(name, packed.read(name)) for name in packed.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts:
            same = SAVED.sub(b"2020-01-01T00:00:00Z", content) if name == "docProps/core.xml" else content
            packed.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), same, zipfile.ZIP_DEFLATED)
