"""Workbooks as they really come: what a register's cells are taken for, and which files are refused as a whole."""

import io
import json
import sys
import zipfile
from datetime import UTC, datetime, time, timedelta

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from ingestion import raw
from ingestion.readers.base import FileRefused
from ingestion.readers.xlsx import XlsxReading
from linkwork.processes import run
from linkwork.settings import PROJECT_ROOT
from tests.support.books import (
    DATES,
    FIRST,
    HEADER_ROW,
    TITLE,
    book,
    in_sheet,
    installed,
    large_table,
    register,
    repacked,
)
from tests.support.gate import contract, read_all, stage

TABLE = "{format: xlsx, sheet: {layout: table}}"
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
DECLARED = b"<?xml version='1.0' encoding='UTF-8'?>"


def reading(tmp_path, content, one=None):
    path = tmp_path / "f.xlsx"
    path.write_bytes(content)
    return XlsxReading(path, one or installed())


def read(tmp_path, content, one=None):
    """Records and the reading after it; nothing is lost on the way."""
    done = reading(tmp_path, content, one)
    rows = read_all(done)
    assert done.records == len(rows) + len(done.unreadable) + done.blank + sum(done.skipped.values())
    return rows, done


def marks(rows):
    return [(r["line_no"], r["member_id"], r["session_date"], r["event"]) for r in rows]


def faults(done):
    return [(u.line, u.rule, u.sentence) for u in done.unreadable]


def refusal(tmp_path, content, one=None) -> str:
    with pytest.raises(FileRefused) as raised:
        read(tmp_path, content, one)
    return str(raised.value)


# --- values ---------------------------------------------------------------------------------------------
def test_f58_a_formula_counts_by_its_saved_result(tmp_path):
    content = in_sheet(
        register([["M1", "Ann", "9990000018", "=1+1", "A", None]]), "<f>1+1</f><v />", '<f>"x"</f><v>1</v>'
    )
    rows, _ = read(tmp_path, content)
    assert marks(rows) == [(FIRST, "M1", "2025-06-02", "1"), (FIRST, "M1", "2025-06-09", "A")]


def test_f58_a_formula_without_a_saved_result_costs_its_cell_only(tmp_path):
    rows, done = read(tmp_path, register([["M1", "Ann", "9990000018", "=1+1", "A", None]]))
    assert marks(rows) == [(FIRST, "M1", "2025-06-09", "A")]
    assert faults(done) == [
        (
            FIRST,
            "formula",
            f"The cell D{FIRST} has a formula without a saved result; save the workbook in a spreadsheet program.",
        )
    ]


def test_f58_a_formula_without_a_result_in_a_persons_field_costs_each_of_the_persons_marks(tmp_path):
    rows, done = read(
        tmp_path, register([['="M"&1', "Ann", None, "x", "A", None], ["M2", "Bob", None, "x", None, None]])
    )
    assert marks(rows) == [(FIRST + 1, "M2", "2025-06-02", "x")]
    assert [(u.line, u.rule) for u in done.unreadable] == [(FIRST, "formula")] * 2


def test_f58_an_error_of_the_spreadsheet_is_no_mark(tmp_path):
    content = register([["M1", "Ann", "9990000018", "#REF!", "x", None]])
    rows, done = read(tmp_path, content)
    assert marks(rows) == [(FIRST, "M1", "2025-06-09", "x")]
    assert faults(done) == [(FIRST, "cell_error", f"The cell D{FIRST} holds an error of the spreadsheet.")]


def test_f58_text_that_looks_like_a_number_or_a_date_is_kept_as_it_is(tmp_path):
    one = contract("{name: id}", "{name: day}", "{name: amount}", file=TABLE)
    rows, _ = read(tmp_path, book([["id", "day", "amount"], ["007", "1/2", "1.50"], ["1E5", "2025-01-01", " 1"]]), one)
    assert [(r["id"], r["day"], r["amount"]) for r in rows] == [("007", "1/2", "1.50"), ("1E5", "2025-01-01", " 1")]


def test_f58_numbers_dates_and_times_are_written_without_loss(tmp_path):
    one = contract(
        "{name: id}",
        '{name: day, logicalType: date, format: "%d/%m/%Y"}',
        '{name: at, logicalType: timestamp, format: "%Y-%m-%d %H:%M", timezone: Europe/London}',
        "{name: any}",
        file=TABLE,
    )
    moment = datetime(2025, 6, 2, 9, 30)
    content = book(
        [
            ["id", "day", "at", "any"],
            [1, datetime(2025, 6, 2), moment, 0.1],
            [9990000018, moment, moment + timedelta(seconds=1), time(9, 30)],
            [2.0, "2/6/2025", datetime(2025, 6, 2), timedelta(hours=30, minutes=5)],
            [True, None, None, datetime(2025, 6, 2, 9, 30, 15)],
            ["9", None, None, 871731000000106],
        ]
    )
    rows, _ = read(tmp_path, content, one)
    assert [(r["id"], r["day"], r["at"], r["any"]) for r in rows] == [
        ("1", "02/06/2025", "2025-06-02 09:30", "0.1"),
        ("9990000018", "2025-06-02 09:30:00", "2025-06-02 09:30:01", "09:30:00"),
        ("2", "2/6/2025", "2025-06-02 00:00", "30:05:00"),
        ("TRUE", "", "", "2025-06-02 09:30:15"),
        ("9", "", "", "871731000000106"),
    ]


def test_f42_a_code_of_more_digits_than_a_number_cell_keeps_is_refused(tmp_path):
    one = contract("{name: id}", "{name: code}", file=TABLE)
    rows, done = read(
        tmp_path, book([["id", "code"], ["a", 871731000000106], ["b", 1239511000000100123], ["c", 4e17]]), one
    )
    assert [r["code"] for r in rows] == ["871731000000106"]
    assert [(u.line, u.rule) for u in done.unreadable] == [(3, "precision"), (4, "precision")]


def test_f58_what_a_date_field_would_lose_is_refused_not_cut(tmp_path):
    one = contract("{name: id}", '{name: day, logicalType: date, format: "%d/%m/%Y"}', file=TABLE)
    content = book([["id", "day"], ["a", datetime(2025, 6, 2)], ["b", datetime(2025, 6, 2, 9, 30)], ["c", 45810]])
    assert stage(tmp_path, one, content).refused_lines == [(3, "date", "day"), (4, "spreadsheet_date", "day")]


def test_f58_a_date_cell_is_written_in_a_form_without_zeros_too(tmp_path):
    one = contract("{name: id}", '{name: day, logicalType: date, format: "%-d/%-m/%Y"}', file=TABLE)
    content = book([["id", "day"], ["a", datetime(2025, 6, 2)], ["b", datetime(2025, 11, 30)]])
    rows, _ = read(tmp_path, content, one)
    assert [r["day"] for r in rows] == ["2/6/2025", "30/11/2025"]
    assert stage(tmp_path, one, content).refused_lines == []


@pytest.mark.parametrize("exact", [{"second": 15}, {"second": 15, "microsecond": 370_000}])
def test_f58_a_register_that_says_when_it_was_updated_to_the_second_loses_no_mark(tmp_path, exact):
    title = [[cell.replace(**exact) if isinstance(cell, datetime) else cell for cell in row] for row in TITLE]
    made = stage(tmp_path, installed(), register(title=title))
    assert made.refused_lines == []
    (at,) = made.read("records/*.parquet", "distinct asserted_at")
    assert at == (datetime(2025, 7, 1, 17, 30, **exact, tzinfo=UTC),)


# --- dates ----------------------------------------------------------------------------------------------
def test_f58_dates_of_the_1904_calendar_are_the_same_days(tmp_path):
    assert b'date1904="1"' in zipfile.ZipFile(io.BytesIO(register(epoch=CALENDAR_MAC_1904))).read("xl/workbook.xml")
    one, _ = read(tmp_path, register(epoch=CALENDAR_MAC_1904))
    other, _ = read(tmp_path, register())
    assert one == other
    assert [m[2] for m in marks(one)] == ["2025-06-02", "2025-06-09", "2025-06-02", "2025-06-16"]


def test_f58_the_29_february_1900_of_excel_is_no_day_and_those_around_it_are_right(tmp_path):
    one = contract("{name: id}", '{name: day, logicalType: date, format: "%Y-%m-%d"}', "{name: n}", file=TABLE)
    days = [datetime(1900, 2, 28), datetime(1900, 3, 1), datetime(1900, 1, 1)]
    content = book([["id", "day", "n"], *([str(n), day, 60] for n, day in enumerate(days))])
    rows, _ = read(tmp_path, content, one)
    assert [r["day"] for r in rows] == ["1900-02-28", "1900-03-01", "1900-01-01"]
    assert [r["n"] for r in rows] == ["60"] * 3
    rows, done = read(tmp_path, in_sheet(content, "<v>61</v>", "<v>60</v>"), one)
    assert [r["id"] for r in rows] == ["0", "2"]
    assert faults(done) == [(3, "date", "The cell B3 holds 29 February 1900, a day that never was.")]


# --- sheets, rows and columns ---------------------------------------------------------------------------
def test_f58_hidden_sheets_are_not_read_and_it_is_said(tmp_path):
    made = openpyxl.load_workbook(io.BytesIO(register()))
    for number, state in enumerate(("hidden", "veryHidden")):
        secret = made.create_sheet(state, number)
        secret.sheet_state = state
        secret.append(["Member no", *DATES])
        secret.append(["M9", "x", "x", "x"])
    made.create_sheet("Notes")
    content = io.BytesIO()
    made.save(content)
    rows, done = read(tmp_path, content.getvalue())
    assert {m[1] for m in marks(rows)} == {"M1", "M2"}
    assert done.notes[:2] == ["2 hidden sheet(s) were not read", "1 other visible sheet(s) were not read"]


def test_f58_hidden_rows_and_sessions_are_read_or_skipped_as_the_contract_says(tmp_path):
    def hide(sheet):
        sheet.row_dimensions[FIRST].hidden = True
        sheet.column_dimensions["F"].hidden = True

    rows, done = read(tmp_path, register(change=hide))
    assert len(rows) == 4
    assert {"1 hidden row(s) were read", "1 hidden session(s) were read"} <= set(done.notes)
    one = with_sheet(hiddenRows="skip", hiddenColumns="skip")
    rows, done = read(tmp_path, register(change=hide), one)
    assert marks(rows) == [(FIRST + 1, "M2", "2025-06-02", "V")]
    assert done.skipped == {"hidden_row": 1, "hidden_column": 1}


def test_f58_a_month_merged_over_its_days_dates_them(tmp_path):
    title = [*TITLE, [None, None, None, "June 2025", None, datetime(2025, 7, 1)]]

    def merge(sheet):
        sheet.merge_cells(start_row=len(title), start_column=4, end_row=len(title), end_column=5)

    rows, _ = read(tmp_path, register(title=title, dates=[2, "30", 1], change=merge))
    assert [m[2] for m in marks(rows)] == ["2025-06-02", "2025-06-30", "2025-06-02", "2025-07-01"]
    refused = refusal(tmp_path, register(title=title, dates=[2, 31, 1], change=merge))
    assert refused == "The header cell E5 is a day its month does not have."
    assert "(E5)" in refusal(tmp_path, register(title=title, dates=[2, 30, 1]))  # nothing says the month of E


def test_f58_a_heading_merged_over_two_rows_names_its_column(tmp_path):
    title = [*TITLE, ["Member no", "Name", "NHS number", "June 2025", None, None]]

    def merge(sheet):
        sheet.merge_cells(start_row=4, start_column=4, end_row=4, end_column=6)
        for column in (1, 2, 3):
            sheet.merge_cells(start_row=4, start_column=column, end_row=5, end_column=column)

    rows, _ = read(tmp_path, register(title=title, head=[None] * 3, dates=[2, 9, 16], change=merge))
    assert [m[1:3] for m in marks(rows)][:2] == [("M1", "2025-06-02"), ("M1", "2025-06-09")]


def test_f58_merged_cells_of_people_hold_for_their_first_cell_unless_the_contract_says_otherwise(tmp_path):
    people = [["M1", "Ann", None, "C", None, None], [None, "Ann", None, "x", None, None]]

    def merge(sheet):
        sheet.merge_cells(start_row=FIRST, start_column=1, end_row=FIRST + 1, end_column=1)
        sheet.merge_cells(start_row=FIRST, start_column=4, end_row=FIRST, end_column=6)

    rows, done = read(tmp_path, register(people, change=merge))
    assert [m[1:] for m in marks(rows)] == [("M1", "2025-06-02", "C"), ("", "2025-06-02", "x")]
    assert "2 merged cell(s) hold for their first cell only" in done.notes
    rows, done = read(tmp_path, register(people, change=merge), with_sheet(merged=["member_id", "event"]))
    assert [m[1:] for m in marks(rows)] == [
        ("M1", "2025-06-02", "C"), ("M1", "2025-06-09", "C"), ("M1", "2025-06-16", "C"), ("M1", "2025-06-02", "x")
    ]  # fmt: skip


def test_f58_totals_and_blank_rows_are_counted_and_are_no_records(tmp_path):
    people = [["M1", "Ann", None, "x", "x", None, 2], [], [None, "Total", None, 1, 1, 0, 2]]
    rows, done = read(tmp_path, register(people, dates=[*DATES, "Total"]))
    assert len(rows) == 2
    assert (done.blank, done.skipped) == (1, {"total_column": 1, "total_row": 1})
    assert "1 empty cell(s) stand for no record" in done.notes


def test_f58_links_to_other_workbooks_are_not_followed(tmp_path):
    linked = in_sheet(
        register([["M1", "Ann", None, "=1+1", None, None]]), "<f>1+1</f><v />", "<f>[1]Other!A1</f><v>1</v>"
    )
    part = b'<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    rows, done = read(tmp_path, repacked(linked, lambda _, data: data, {"xl/externalLinks/externalLink1.xml": part}))
    assert [m[3] for m in marks(rows)] == ["1"]
    assert "links to other workbooks were not followed" in done.notes


# --- whole files ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("declared", [ENTITIES, OUTSIDE], ids=["bomb", "outside"])
@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"]
)
def test_f59_entities_in_any_part_refuse_the_workbook(tmp_path, part, declared):
    def change(name, data):
        body = data.removeprefix(DECLARED).lstrip()
        return declared.encode() + body if name == part else data

    expected = "The workbook declares a document type or entities, which no spreadsheet does."
    assert refusal(tmp_path, repacked(register(), change)) == expected


def test_f59_a_text_that_is_shared_between_cells_declares_no_entity_either(tmp_path):
    shared = (
        f'{ENTITIES}<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&c;</t></si></sst>'
    )

    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    listed = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'

    def change(name, data):
        return data.replace(b"</Types>", listed.encode()) if name == "[Content_Types].xml" else data

    content = repacked(register(), change, {"xl/sharedStrings.xml": shared.encode()})
    assert "declares a document type" in refusal(tmp_path, content)


def test_f50_a_workbook_with_a_password_is_refused(tmp_path):
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    locked = container + "EncryptedPackage".encode("utf-16-le") + bytes(64)
    assert refusal(tmp_path, locked) == ("The workbook is locked with a password; save it as .xlsx without a password.")
    assert "is of an old kind (.xls)" in refusal(tmp_path, container + bytes(512))


def test_f50_a_workbook_of_locked_entries_is_refused(tmp_path):
    content = bytearray(register())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    assert "locked with a password" in refusal(tmp_path, bytes(content))


def test_f50_the_gate_says_why_a_locked_workbook_is_refused(tmp_path):
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(512)
    assert "locked with a password" in stage(tmp_path, installed(), locked).profile["refused"]


def test_all_that_a_workbook_says_can_be_searched_hidden_sheets_too():
    made = openpyxl.load_workbook(io.BytesIO(register()))
    secret = made.create_sheet("Old")
    secret.sheet_state = "veryHidden"
    secret.append([9990000026, "A note"])
    made.properties.title = "Register of 9990000034"
    content = io.BytesIO()
    made.save(content)
    said = raw.everything(content.getvalue())
    assert said is not None
    assert [number in said for number in ("9990000018", "9990000026", "9990000034", "9990000042")] == [True] * 3 + [
        False
    ]


def test_f58_macros_and_other_kinds_are_refused(tmp_path):
    def same(_, data):
        return data

    assert "holds macros" in refusal(tmp_path, repacked(register(), same, {"xl/vbaProject.bin": b"x"}))
    assert "binary kind" in refusal(tmp_path, repacked(register(), same, {"xl/workbook.bin": b"x"}))
    assert refusal(tmp_path, b"a,b\n1,2\n") == "The file is not a workbook (.xlsx)."
    assert refusal(tmp_path, b"") == "The file is not a workbook (.xlsx)."
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.csv", "a,b")
    assert refusal(tmp_path, other.getvalue()) == "The file is a zip, but not a workbook (.xlsx)."


def test_f58_a_zip_bomb_is_refused_before_it_is_opened(tmp_path):
    def change(name, data):
        return b" " * (64 << 20) if name == "xl/styles.xml" else data

    assert "times its size, the limit" in refusal(tmp_path, repacked(register(), change))


def test_f58_a_damaged_workbook_is_refused_without_a_word_of_its_content(tmp_path):
    content = register()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    start = entry.header_offset + 30 + len(entry.filename)
    broken = content[: start + 40] + bytes(20) + content[start + 60 :]
    assert refusal(tmp_path, broken) == "The workbook is damaged: it cannot be read to its end."
    assert refusal(tmp_path, in_sheet(content, "</sheetData>", "<a>")) == (
        "The workbook is damaged: it cannot be read to its end."
    )
    assert refusal(tmp_path, content[: len(content) // 2])


def test_f58_a_sheet_that_says_a_wrong_size_is_read_to_its_end(tmp_path):
    for size in ("A1", "A1:XFD1048576"):
        content = in_sheet(register(), 'ref="A1:F6"', f'ref="{size}"')
        assert len(read(tmp_path, content)[0]) == 4


def test_f58_rows_and_cells_out_of_order_are_refused_not_lost(tmp_path):
    assert refusal(tmp_path, in_sheet(register(), f'<row r="{FIRST + 1}"', f'<row r="{FIRST}"')) == (
        f"The rows of the sheet are out of order (row {FIRST})."
    )
    assert "out of order" in refusal(tmp_path, in_sheet(register(), f'<c r="B{FIRST}"', f'<c r="A{FIRST}"'))


def test_f58_a_sheet_wider_than_the_limit_is_refused(tmp_path):
    content = register(change=lambda sheet: sheet.cell(FIRST, 16384, "x"))
    assert refusal(tmp_path, content) == "The sheet is larger than 1,048,576 rows by 1,000 columns, the limit."


# --- the header -----------------------------------------------------------------------------------------
def test_f20_f22_columns_are_found_by_name_wherever_they_stand(tmp_path):
    people = [["x", "Ann", "M1", "A", "S1", "R7"]]
    head = [DATES[0], "Full name", "Member number", DATES[1], "Referred by", "Referral no"]
    rows, _ = read(tmp_path, register(people, dates=[], head=head))
    assert marks(rows) == [(FIRST, "M1", "2025-06-02", "x"), (FIRST, "M1", "2025-06-09", "A")]
    assert (rows[0]["referral_service"], rows[0]["referral_ref"]) == ("S1", "R7")


def test_f21_f22_f23_a_header_that_is_not_the_contracts_is_refused(tmp_path):
    lacking = refusal(tmp_path, register(head=["Number", "Name", "NHS number"]))
    assert lacking == "None of the first 20 rows is the header; expected Member no."
    assert (
        refusal(tmp_path, register(head=["Member no", "Name", "Name"])) == "The header names a column twice (B4, C4)."
    )
    assert refusal(tmp_path, register(dates=[DATES[0], "Shoe size", DATES[2]])) == (
        "The header has 1 column(s) that are neither a field of the contract nor a session (E4); "
        "add them to the contract or set unknownColumns to ignore."
    )
    assert (
        refusal(tmp_path, register(dates=[])) == f"No cell of the header (row {HEADER_ROW}) is the date of a session."
    )
    twice = register(dates=[DATES[0], "02/06/2025", DATES[2]])
    assert refusal(tmp_path, twice).startswith("Two sessions have the same date (D4, E4)")
    assert refusal(tmp_path, register(dates=["=1+1", *DATES[1:]])).startswith("The header cell D4 has a formula")
    assert refusal(tmp_path, book([])) == "The sheet is empty."


def test_f37_labels_that_are_missing_or_stand_twice_refuse_the_register(tmp_path):
    assert refusal(tmp_path, register(title=[TITLE[1][3:]])) == "No cell above the header is the label Activity code."
    assert "stands 2 times" in refusal(tmp_path, register(title=[*TITLE, ["Activity code", "WALK-2"]]))


def test_f38_a_mark_under_no_date_is_refused_and_not_dropped(tmp_path):
    rows, done = read(tmp_path, register(dates=[DATES[0], None, DATES[2]]))
    assert len(rows) == 3
    assert faults(done) == [(FIRST, "field_count", f"The cell E{FIRST} lies under no header.")]


def test_f43_marks_that_no_map_has_are_refused_and_the_rest_is_taken(tmp_path):
    people = [["M1", "Ann", "9990000018", " x ", "?", "N/A"], ["M2", "Bob", None, 1, True, "x"]]
    one = installed()
    one.file.refusedThreshold = 1.0
    staged = stage(tmp_path, one, register(people))
    assert staged.refused_lines == [(FIRST, "domain", "event")] * 2 + [(FIRST + 1, "domain", "event")]
    assert staged.profile["facts"] == {"activity.attended": 3}


def test_empty_cells_stand_for_a_mark_in_sessions_that_were_held_if_the_contract_says_so(tmp_path):
    one = installed()
    one.file.sheet = one.file.sheet.model_copy(
        update={"session": one.file.sheet.session.model_copy(update={"emptyCells": "A"})}
    )
    rows, done = read(
        tmp_path, register([["M1", None, None, "x", None, None], ["M2", None, None, None, "x", None]]), one
    )
    assert [m[1:] for m in marks(rows)] == [
        ("M1", "2025-06-02", "x"), ("M1", "2025-06-09", "A"), ("M2", "2025-06-02", "A"), ("M2", "2025-06-09", "x")
    ]  # fmt: skip
    assert done.notes == ["4 empty cell(s) were empty; in sessions held they stand for a mark"]


def test_a_sheet_is_chosen_by_its_name(tmp_path):
    made = openpyxl.load_workbook(io.BytesIO(register()))
    made.active.title = "Register June"
    made.create_sheet("Notes", 0)
    content = io.BytesIO()
    made.save(content)
    assert "is the header" in refusal(tmp_path, content.getvalue()) or "empty" in refusal(tmp_path, content.getvalue())
    rows, _ = read(tmp_path, content.getvalue(), with_sheet(name="Register .*"))
    assert len(rows) == 4
    assert "0 visible sheets of the name stated" in refusal(tmp_path, content.getvalue(), with_sheet(name="Register"))


def test_the_raw_text_of_a_record_is_its_row_by_cell():
    found = raw.records(register(), installed().file, [FIRST, 99])
    assert list(found) == [FIRST]
    assert json.loads(found[FIRST]) == {
        f"A{FIRST}": "M1", f"B{FIRST}": "Ann", f"C{FIRST}": "9990000018", f"D{FIRST}": "x", f"E{FIRST}": "A"
    }  # fmt: skip
    assert raw.header(register(), installed().file) is None
    assert raw.records(register(), None, [FIRST]) == found


def test_a_feed_of_csv_may_come_as_a_workbook_too(tmp_path):
    """The same records, keys and hashes, whichever form a file has; its first bytes tell."""
    form = "{format: csv, nullTokens: ['', none], alternatives: [xlsx]}"
    one = contract("{name: id}", '{name: day, logicalType: date, format: "%d/%m/%Y"}', "{name: kind}", file=form)
    one.file.refusedThreshold = 1.0
    rows = [["a", "02/06/2025", "x"], ["b", "30/02/2025", "y"], ["c", "16/06/2025", "none"]]
    as_csv = "\n".join(",".join(row) for row in [["id", "day", "kind"], *rows]) + "\n"
    as_dates = [["a", datetime(2025, 6, 2), "x"], rows[1], ["c", datetime(2025, 6, 16), "none"]]
    found = []
    as_book = book([["kind", "id", "day"], *([kind, id, day] for id, day, kind in as_dates)])
    for name, content in (("csv", as_csv), ("xlsx", as_book)):
        (tmp_path / name).mkdir()
        staged = stage(tmp_path / name, one, content)
        assert staged.profile["refused"] is None
        found.append(
            (staged.refused_lines, staged.read("records/*.parquet", "line_no, record_key, row_hash", "order by 1"))
        )
    assert found[0] == found[1]
    assert found[0][0] == [(3, "date", "day")]


PEAK = """
import resource, sys
from pathlib import Path
from ingestion.readers.xlsx import XlsxReading
from tests.support.gate import contract
one = contract("{name: id}", "{name: a}", "{name: b}", file="{format: xlsx, sheet: {layout: table}}")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(batch.num_rows for _, batch in XlsxReading(Path(sys.argv[1]), one).batches())
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_f44_a_workbook_of_100_000_rows_is_read_as_a_stream(tmp_path):
    path = tmp_path / "large.xlsx"
    large_table(path, ["id", "a", "b"], 100_000, lambda n: [f"id{n}", f"a {n * 7919 % 100003}", "b"])
    done = run([sys.executable, "-c", PEAK, str(path)], log=tmp_path / "log.txt", cwd=PROJECT_ROOT)
    assert done.returncode == 0, done.output
    rows, peak = (int(word) for word in done.output.split()[-2:])
    assert rows == 100_000
    assert peak < 150_000  # KiB


def test_no_sentence_or_note_repeats_a_value(tmp_path):
    secret = "9990000018"
    _, done = read(
        tmp_path, register([[secret, secret, "=1+1", "x", None, None], [secret, None, None, "#N/A", None, None]])
    )
    assert len(done.unreadable) == 2
    assert all(secret not in u.sentence for u in done.unreadable)
    assert all(secret not in note for note in done.notes)
    assert secret not in refusal(tmp_path, register(head=[secret, secret, secret]))


def with_sheet(**changes):
    """The installed contract with another way of reading the sheet."""
    one = installed()
    one.file.sheet = one.file.sheet.model_copy(update=changes)
    return one


def test_the_register_of_the_guide_is_read_as_the_guide_says(tmp_path):
    text = (PROJECT_ROOT / "docs" / "guides" / "registers.md").read_text()
    assert "Activity code:  WALK-1" in text
    title = [
        ["Walking group"],
        ["Activity code:", "WALK-1", None, "Register updated:", "01/07/2025 18:30"],
        ["Category: Physical activity"],
        [None, None, None, "June 2025"],
    ]
    people = [
        ["M1", "Ann", "9990000018", "x", "A", None, 1],
        ["M2", "Bob", None, "V", None, "C", 1],
        ["Total", None, None, 2, 0, 0],
    ]

    def merge(sheet):
        sheet.merge_cells("D4:F4")

    staged = stage(tmp_path, installed(), register(people, title=title, dates=[2, 9, 16, "Total"], change=merge))
    profile = staged.profile
    assert (profile["refused"], profile["records"], profile["valid"]) == (None, 6, 4)
    assert profile["skipped_as"] == {"total_column": 1, "total_row": 1}
    assert profile["facts"] == {"activity.attended": 2, "activity.cancelled": 1, "activity.missed": 1}
