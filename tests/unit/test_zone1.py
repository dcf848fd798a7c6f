"""Taking records out of a text: exactly those asked for, and every other physical line keeps its place."""

import csv
import gzip
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork.privacy.scan import Needles
from linkwork.privacy.zone1 import Eraser, blanked, is_text

NUMBER, OTHER = "9990000042", "9990000050"
ERASER = Eraser(Needles.of([NUMBER]))
VALUES = st.text(st.sampled_from("ab ,;\"\n'{é"), max_size=8)


def as_csv(records: list[list[str]], end: str, delimiter: str) -> list[str]:
    """Each record as it is written, with its line end."""
    written = []
    for record in records:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator=end).writerow(record)
        written.append(out.getvalue())
    return written


@given(
    st.lists(st.tuples(st.booleans(), VALUES, VALUES), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.booleans(),
)
def test_of_a_csv_file_exactly_the_records_asked_for_are_blanked(people, end, delimiter, by_line):
    rows = [["a" + text, NUMBER if hers and not by_line else OTHER, note] for hers, text, note in people]
    header, *records = as_csv([["id", "nhs", "note"], *rows], end, delimiter)
    starts, line = [], 2
    for record in records:
        starts.append(line)
        line += record.count("\n")
    lines = {start for start, (hers, *_) in zip(starts, people, strict=True) if hers and by_line}
    rest, count = blanked("".join([header, *records]).encode(), lines, ERASER.names)
    expected = [
        "".join(end if part.endswith(end) else "\n" for part in record.splitlines(keepends=True) if "\n" in part)
        if hers
        else record
        for record, (hers, *_) in zip(records, people, strict=True)
    ]
    assert count == sum(hers for hers, *_ in people)
    assert rest.decode() == "".join([header, *expected])


@given(st.lists(st.tuples(st.booleans(), VALUES), max_size=12), st.booleans())
def test_of_json_lines_exactly_the_lines_asked_for_are_blanked(people, ends):
    """A quote within a text opens nothing."""
    lines = [json.dumps({"nhs": NUMBER if hers else OTHER, "note": note}) for hers, note in people]
    text = "\n".join(lines) + ("\n" if ends and lines else "")
    rest, count = blanked(text.encode(), set(), ERASER.names)
    kept = ["" if hers else line for line, (hers, _) in zip(lines, people, strict=True)]
    assert count == sum(hers for hers, _ in people)
    assert rest.decode() == "\n".join(kept) + ("\n" if ends and lines else "")


def test_a_stray_quote_swallows_no_other_record():
    text = f'id,nhs,note\na,{OTHER},5" nail\nb,{NUMBER},x\nc,{OTHER},6" nail\nd,{OTHER},"open\ne,{OTHER},y\n'
    rest, count = blanked(text.encode(), set(), ERASER.names)
    assert count == 1
    assert rest.decode() == text.replace(f"b,{NUMBER},x", "")


def test_a_record_is_known_by_any_of_its_lines():
    text = f'id,nhs,note\na,{OTHER},"one\ntwo {NUMBER}\nthree"\nb,{OTHER},x\n'
    assert blanked(text.encode(), set(), ERASER.names) == (f"id,nhs,note\n\n\n\nb,{OTHER},x\n".encode(), 1)
    assert blanked(text.encode(), {2}, lambda _: False)[1] == 1


def test_a_text_without_the_person_stays_as_it_is():
    data = f'\ufeffid,nhs\r\na,{OTHER}\r\n"b\rc",{OTHER}'.encode()
    assert ERASER.rest(data, set()) == (data, 0)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.csv", f"a,{NUMBER}\n" * 20)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"nhs": [NUMBER] * 20}), out, compression="zstd")
    return out.getvalue()


@pytest.mark.parametrize(
    "data", [zipped(), parquet(), gzip.compress(NUMBER.encode()), b"\x00" + NUMBER.encode()],
    ids=["zip", "parquet", "gzip", "other binary"],
)  # fmt: skip
def test_nothing_of_another_kind_of_file_stays(data):
    assert not is_text(data)
    assert ERASER.rest(data, set()) == (None, 0)
