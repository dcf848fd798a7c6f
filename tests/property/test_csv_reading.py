"""The CSV reader agrees with a slow reading by Python's csv module on any content, wherever its blocks are cut."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.readers.base import FileRefused
from ingestion.readers.csv import CsvReading
from tests.support.csv_oracle import Expected, expected
from tests.support.gate import contract, read_all

HEADER = b"id,name,day"
MOST_LINES = 4
ONE = contract(
    "{name: id}", "{name: name}", "{name: day}", file=f"{{format: csv, maxRecordLines: {MOST_LINES}, emptyOk: true}}"
)

plain = st.text(st.sampled_from("ab1 é€🙂;\t'-"), max_size=6).map(str.encode)
quoted = st.text(st.sampled_from('ab",é\n'), max_size=8).map(lambda t: f'"{t.replace(chr(34), chr(34) * 2)}"'.encode())
stray = st.sampled_from([b'"', b'a"b', b'"a"b', b'"open', b'x"', b"\xe9", b"\xff\xfe", b"\x00", b'"Zo\xe9"', b'""""'])
fields = st.one_of(plain, plain, quoted, stray)
rows = st.lists(fields, min_size=1, max_size=5).map(b",".join)
right = st.lists(st.one_of(plain, quoted), min_size=3, max_size=3).map(b",".join)
odd = st.sampled_from([b"", b",,", b",,,,", b" ", b"Total: 2", b'"', b'"",""'])
line_ends = st.sampled_from([b"\n", b"\r\n"])


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """A file with a right header, any lines after it, either line end, with or without one at its end."""
    drawn = draw(st.lists(st.tuples(st.one_of(right, right, rows, odd), line_ends), max_size=12))
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    content = mark + HEADER + draw(line_ends) + b"".join(line + end for line, end in drawn)
    return content if draw(st.booleans()) else content.removesuffix(b"\n").removesuffix(b"\r")


def found(path: Path, **how: int) -> Expected:
    """What the reader makes of a file, in the oracle's words."""
    reading = CsvReading(path, ONE, **how)
    taken = [(r["line_no"], r["line_end"], [_text(r[c]) for c in ("id", "name", "day")]) for r in read_all(reading)]
    refused = sorted((u.line, u.rule) for u in reading.unreadable)
    made = Expected(taken, refused, reading.blank)
    assert reading.records == made.records  # nothing is lost on the way
    return made


def _text(value: str) -> str:
    return value.replace("\r\n", "\n")


@given(content=contents())
def test_f28_f31_any_content_is_read_as_python_reads_it(content: bytes, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    path.write_bytes(content)
    assert found(path) == expected(content, 3, MOST_LINES)


@given(content=contents(), block=st.integers(1, 80))
def test_f44_blocks_may_be_cut_anywhere(content: bytes, block: int, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    path.write_bytes(content)
    assert found(path, block=block) == expected(content, 3, MOST_LINES)


def test_the_oracle_says_what_it_should():
    content = HEADER + b'\na,"x\ny",d\n\nb,x\nc,"open,d\nd,x,e\r\n\xff,x,d\n,,\n'
    assert expected(content, 3, MOST_LINES) == Expected(
        taken=[(2, 3, ["a", "x\ny", "d"]), (7, 7, ["d", "x", "e"])],
        refused=[(5, "field_count"), (6, "quote"), (8, "encoding")],
        blank=2,
    )


def test_a_header_is_needed_even_of_a_small_file(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(b"a,b,c\n1,2,3\n")
    with pytest.raises(FileRefused):
        CsvReading(path, ONE)
