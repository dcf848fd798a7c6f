"""The raw text of a record by its first physical line."""

import pytest

from ingestion import raw
from ingestion.file_form import File

CSV, JSONL = File(format="csv"), File(format="jsonl")
SENT = b'id,note\r\na,one\r\nb,"two\r\nlines, ""quoted"""\r\nc,last'


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (2, "a,one\r\n"),
        (3, 'b,"two\r\nlines, ""quoted"""\r\n'),
        (5, "c,last"),
    ],
)
def test_a_record_is_given_whole(start: int, text: str):
    assert raw.records(SENT, CSV, [start]) == {start: text}


def test_a_record_is_given_over_all_the_lines_its_quotes_span_in_its_own_dialect():
    form = File(format="csv", delimiter=";", quote="'")
    assert raw.records(b"id;n\na;'x\ny'\nb;\"z\n", form, [2, 4]) == {2: "a;'x\ny'\n", 4: 'b;"z\n'}


def test_quotes_that_do_not_match_give_the_one_line():
    assert raw.records(b'id,n\na,"open\nb,2\n', CSV, [2]) == {2: 'a,"open\n'}


def test_an_open_quote_ends_with_the_longest_record_allowed():
    form = File(format="csv", maxRecordLines=3)
    assert raw.records(b'id,n\na,"open\n1\n2\n3\n4"\n', form, [2]) == {2: 'a,"open\n'}


def test_a_quote_in_json_spans_nothing():
    assert raw.records(b'{"a": "x"}\n{"a": \n', JSONL, [1, 2]) == {1: '{"a": "x"}\n', 2: '{"a": \n'}


def test_without_a_contract_a_record_is_its_line():
    assert raw.records(SENT, None, [3]) == {3: 'b,"two\r\n'}


def test_a_line_the_file_does_not_have_is_left_out():
    assert raw.records(SENT, CSV, [0, 6, 99]) == {}


def test_bytes_that_are_not_utf_8_are_shown_as_escapes():
    assert raw.records(b"id\n\xff\n", CSV, [2]) == {2: "\\xff\n"}


def test_the_header_of_a_csv_file_is_its_first_record_without_the_mark():
    assert raw.header(b"\xef\xbb\xbfid,note\na,b\n", CSV) == "id,note\n"
    assert raw.header(b"{}\n", JSONL) is None
    assert raw.header(b"id\n", None) is None
