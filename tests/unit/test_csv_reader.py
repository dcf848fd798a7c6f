"""CSV with a fixed dialect: every record is read as it stands or refused by its line, and the next one is intact."""

import pytest

from ingestion.readers.base import FileRefused
from ingestion.readers.csv import CsvReading
from tests.support.gate import contract, read_all

HEADER = "id,name,day"


def described(file: str = "{format: csv}", *more: str):
    return contract(
        "{name: id}", "{name: name, aliases: [label]}", "{name: day, optionalColumn: false}", *more, file=file
    )


def read(tmp_path, content: str | bytes, one=None):
    path = tmp_path / "f.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reading = CsvReading(path, one or described())
    rows = read_all(reading)
    assert reading.records == len(rows) + len(reading.unreadable) + reading.blank  # nothing is lost on the way
    return rows, reading


def values(rows):
    return [(r["line_no"], r["id"], r["name"], r["day"]) for r in rows]


def faults(reading):
    return [(u.line, u.rule, u.sentence) for u in reading.unreadable]


def refusal(tmp_path, content: str | bytes, one=None) -> str:
    with pytest.raises(FileRefused) as raised:
        read(tmp_path, content, one)
    return str(raised.value)


# --- the header -------------------------------------------------------------------------------------
def test_a_reordered_header_is_matched_by_name(tmp_path):
    rows, _ = read(tmp_path, "day,id,name\n2025-01-01,a,x\n")
    assert values(rows) == [(2, "a", "x", "2025-01-01")]


def test_a_missing_header_is_not_eaten_as_one(tmp_path):
    assert refusal(tmp_path, "a,x,2025-01-01\nb,y,2025-01-02\n") == "Line 1 is not the header; expected id,name,day."


def test_missing_columns_are_named(tmp_path):
    assert refusal(tmp_path, "id,day\na,2025-01-01\n") == "The header lacks name; expected id,name,day."
    assert refusal(tmp_path, "id,Name,day\na,b,c\n") == (
        "The header lacks name; expected id,name,day. Not known: column 2; one of them may be it by another name."
    )


def test_a_renamed_column_is_found_by_its_alias(tmp_path):
    rows, _ = read(tmp_path, "id,label,day\na,x,d\n")
    assert values(rows) == [(2, "a", "x", "d")]


def test_an_unknown_column_is_refused_or_ignored_as_the_contract_says(tmp_path):
    content = "id,extra,name,day\na,SECRET,x,d\n"
    assert "1 column(s) the contract does not know" in refusal(tmp_path, content)
    rows, _ = read(tmp_path, content, described("{format: csv, unknownColumns: ignore}"))
    assert values(rows) == [(2, "a", "x", "d")]


def test_an_optional_column_may_be_absent(tmp_path):
    rows, _ = read(tmp_path, "id,name,day\na,x,d\n", described("{format: csv}", "{name: extra, optionalColumn: true}"))
    assert rows[0]["extra"] == ""


def test_a_column_named_twice_is_refused_with_both_places(tmp_path):
    assert refusal(tmp_path, "id,name,day,name\na,x,d,y\n") == "The header names a column twice (columns 2, 4)."


def test_f21_a_record_in_place_of_the_header_is_called_so_whatever_of_it_is_alike(tmp_path):
    for record in ("9990000018,Ann,,", "9990000018,name,,", "9990000018,Ann,name,name"):
        said = refusal(tmp_path, f"{record}\na,x,d,y\n")
        assert said == "Line 1 is not the header; expected id,name,day."


def test_f21_a_record_is_no_header_where_every_column_may_be_absent(tmp_path):
    optional = contract(
        "{name: id, optionalColumn: true}",
        "{name: day, optionalColumn: true}",
        file="{format: csv, unknownColumns: ignore}",
    )
    assert refusal(tmp_path, "9990000018,Ann\na,x\n", optional) == "Line 1 is not the header; expected id,day."


@pytest.mark.parametrize(("other", "shown"), [(";", "';' 2 times"), ("\t", r"'\t' 2 times"), ("|", "'|' 2 times")])
def test_another_delimiter_is_named(tmp_path, other, shown):
    content = f"{HEADER}\na,x,d\nb,y,e\n".replace(",", other)
    assert refusal(tmp_path, content) == f"Line 1 is not the header; expected id,name,day. Found {shown} and no ','."


def test_the_delimiter_is_the_contracts(tmp_path):
    rows, _ = read(tmp_path, "id;name;day\na;x,y;d\n", described("{format: csv, delimiter: ';'}"))
    assert values(rows) == [(2, "a", "x,y", "d")]


def test_an_empty_file_is_refused_and_a_header_alone_has_no_record(tmp_path):
    assert refusal(tmp_path, b"") == "The file is empty: not even a header."
    assert read(tmp_path, HEADER + "\n")[0] == []
    assert read(tmp_path, HEADER)[0] == []


@pytest.mark.parametrize("content", ['"id,name,day\na,b,c\n', b"\xff\xfei\x00d\x00", "id,name\r,day\n"])
def test_an_unreadable_header_refuses_the_file(tmp_path, content):
    assert refusal(tmp_path, content)


# --- bytes and lines --------------------------------------------------------------------------------
def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    rows, _ = read(tmp_path, b"\xef\xbb\xbf" + f"{HEADER}\na,x,d\n".encode())
    assert values(rows) == [(2, "a", "x", "d")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused(tmp_path, encoding):
    content = f"{HEADER}\na,x,d\n".encode(encoding)
    found = refusal(tmp_path, content)
    assert "UTF-16" in found or "Line 1 is not" in found
    if encoding == "utf-16":
        assert found == "The file is UTF-16, expected UTF-8."


def test_a_byte_that_is_not_utf_8_costs_its_record_only(tmp_path):
    rows, reading = read(tmp_path, f"{HEADER}\na,x,d\nb,Zo".encode() + b"\xe9,d\nc,Zo\xc3\xab,d\n")
    assert values(rows) == [(2, "a", "x", "d"), (4, "c", "Zoë", "d")]
    assert faults(reading) == [(3, "encoding", "The line is not UTF-8 at byte 5.")]


def test_line_ends_may_be_mixed(tmp_path):
    rows, reading = read(tmp_path, f"{HEADER}\r\na,x,d\nb,y,e\r\nc,z,f".encode())
    assert values(rows) == [(2, "a", "x", "d"), (3, "b", "y", "e"), (4, "c", "z", "f")]
    assert reading.unreadable == []


def test_line_numbers_are_physical_where_a_field_holds_a_line_end(tmp_path):
    rows, _ = read(tmp_path, f'{HEADER}\na,"one\ntwo\n\nfour",d\nb,"cr\rin",d\nc,x,d\n')
    assert values(rows) == [(2, "a", "one\ntwo\n\nfour", "d"), (6, "b", "cr\rin", "d"), (7, "c", "x", "d")]
    assert [r["line_end"] for r in rows] == [5, 6, 7]


def test_an_overlong_line_costs_its_record_only(tmp_path):
    one = described("{format: csv, maxLineLength: 100}")
    rows, reading = read(tmp_path, f"{HEADER}\na,x,d\nb,{'y' * 200},d\nc,z,d\n", one)
    assert [r["id"] for r in rows] == ["a", "c"]
    assert faults(reading) == [(3, "encoding", "The line is longer than 100 bytes.")]


def test_quotes_delimiters_and_doubled_quotes_inside_a_field_are_kept(tmp_path):
    rows, _ = read(tmp_path, f'{HEADER}\na,"x,""y"" z",d\nb,it\'s,d\n')
    assert [r["name"] for r in rows] == ['x,"y" z', "it's"]


# --- broken records ---------------------------------------------------------------------------------
@pytest.mark.parametrize("fields", ["b", "b,y", "b,y,e,f", "b,y,e,f,g"])
def test_a_wrong_number_of_fields_is_refused_once_and_the_next_record_is_intact(tmp_path, fields):
    rows, reading = read(tmp_path, f"{HEADER}\na,x,d\n{fields}\nc,z,f\n")
    assert values(rows) == [(2, "a", "x", "d"), (4, "c", "z", "f")]
    n = fields.count(",") + 1
    assert faults(reading) == [(3, "field_count", f"The record has {n} fields, expected 3.")]


def test_a_cut_last_line_is_refused(tmp_path):
    rows, reading = read(tmp_path, f"{HEADER}\na,x,d\nb,y")
    assert values(rows) == [(2, "a", "x", "d")]
    assert [u.line for u in reading.unreadable] == [3]


def test_an_open_quote_costs_one_record_and_reading_goes_on_at_the_next_line(tmp_path):
    lines = [f"r{n},x,d" for n in range(200)]
    lines[10] = 'r10,"open,d'
    rows, reading = read(tmp_path, "\n".join([HEADER, *lines]) + "\n")
    assert [r["id"] for r in rows] == [f"r{n}" for n in range(200) if n != 10]
    assert [r["line_no"] for r in rows] == [n + 2 for n in range(200) if n != 10]
    assert faults(reading) == [(12, "quote", "The quotes of the record do not match.")]


def test_an_open_quote_in_the_last_record_costs_that_record(tmp_path):
    rows, reading = read(tmp_path, f'{HEADER}\na,x,d\nb,"open,d\n')
    assert values(rows) == [(2, "a", "x", "d")]
    assert [(u.line, u.rule) for u in reading.unreadable] == [(3, "quote")]


def test_text_after_a_closing_quote_is_refused(tmp_path):
    rows, reading = read(tmp_path, f'{HEADER}\na,"x"y,d\nb,y,d\n')
    assert [r["id"] for r in rows] == ["b"]
    assert [(u.line, u.rule) for u in reading.unreadable] == [(2, "quote")]


def test_several_open_quotes_never_lose_a_line(tmp_path):
    lines = [f'r{n},"open,d' if n % 7 == 3 else f"r{n},x,d" for n in range(120)]
    rows, reading = read(tmp_path, "\n".join([HEADER, *lines]) + "\n", described("{format: csv, maxRecordLines: 5}"))
    covered = sorted([r["line_no"] for r in rows] + [u.line for u in reading.unreadable])
    assert covered == list(range(2, 122))
    assert [u.line for u in reading.unreadable] == [n + 2 for n in range(120) if n % 7 == 3]


def test_blank_lines_and_lines_of_delimiters_are_counted_as_blank(tmp_path):
    rows, reading = read(tmp_path, f"{HEADER}\n\na,x,d\n,,\n\r\n,\n")
    assert values(rows) == [(3, "a", "x", "d")]
    assert (reading.records, reading.blank) == (5, 4)


def test_a_footer_is_refused_as_a_record(tmp_path):
    _, reading = read(tmp_path, f"{HEADER}\na,x,d\nTotal: 1\n")
    assert [(u.line, u.rule) for u in reading.unreadable] == [(3, "field_count")]


def test_no_sentence_repeats_a_value(tmp_path):
    secret = "9990000018"
    _, reading = read(
        tmp_path, f'{HEADER}\n{secret}\n{secret},"{secret}\n{secret},\n'.encode() + secret.encode() + b"\xff\n"
    )
    assert len(reading.unreadable) >= 3
    assert all(secret not in u.sentence for u in reading.unreadable)
