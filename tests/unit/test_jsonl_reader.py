"""JSON Lines: one object a line, the contract's paths as text, a broken line refused by its own number."""

import json

import pytest

from ingestion.readers.base import FileRefused
from ingestion.readers.jsonl import JsonlReading
from tests.support.gate import contract, read_all

ONE = contract(
    "{name: id, source: $.id}",
    "{name: text, source: $.data.text}",
    "{name: items, source: $.data.items}",
    file="{format: jsonl}",
)


def read(tmp_path, content: str | bytes):
    path = tmp_path / "f.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reading = JsonlReading(path, ONE)
    rows = read_all(reading)
    assert reading.records == len(rows) + len(reading.unreadable) + reading.blank
    return [(r["line_no"], r["id"], r["text"]) for r in rows], [(u.line, u.rule) for u in reading.unreadable]


def line(**content) -> str:
    return json.dumps(content, ensure_ascii=False) + "\n"


def test_a_broken_line_is_refused_by_its_own_number_and_the_rest_is_read(tmp_path):
    rows, bad = read(tmp_path, line(id="a") + '{"id": "b", \n' + line(id="c"))
    assert rows == [(1, "a", ""), (3, "c", "")]
    assert bad == [(2, "json")]


@pytest.mark.parametrize(
    "broken",
    [
        '["id", "b"]',
        '"b"',
        "7",
        "null",
        "b",
        '{"id": "b"} {"id": "c"}',
        "{'id': 'b'}",
        '{"id": NaN}',
        '{"id": "b", "data": {"items": [1, -Infinity]}}',
        '{"id": "b", "x":NaN}',
        '{"id": "\\ud800"}',
        '{"id": "b",}',
        '{"id": "b", "data": {"items": [1, ]}}',
        '{"id": nan}',
        '{"id": -inf}',
    ],
)
def test_a_line_that_is_not_one_valid_object_is_refused(tmp_path, broken):
    rows, bad = read(tmp_path, line(id="a") + broken + "\n" + line(id="z"))
    assert [r[1] for r in rows] == ["a", "z"]
    assert bad == [(2, "json")]


@pytest.mark.parametrize("text", ["score: NaN", "a,Infinity", 'he said "NaN": so', "[NaN]", "back\\slash: NaN"])
def test_words_inside_a_text_are_only_words(tmp_path, text):
    rows, bad = read(tmp_path, line(id="a", data={"text": text}))
    assert (rows, bad) == ([(1, "a", text)], [])


@pytest.mark.parametrize("doubled", ['"id": "c"', '"data": {"text": "x", "text": "y"}'])
def test_a_key_that_is_said_twice_is_refused(tmp_path, doubled):
    rows, bad = read(tmp_path, line(id="a") + f'{{"id": "b", {doubled}}}\n' + line(id="z"))
    assert ([r[1] for r in rows], bad) == (["a", "z"], [(2, "repeated_key")])


@pytest.mark.parametrize("content", ['[{"id": "a"}, {"id": "b"}]', '[\n{"id": "a"},\n{"id": "b"},\n]\n'])
def test_an_array_file_is_refused(tmp_path, content):
    with pytest.raises(FileRefused, match="one JSON array"):
        read(tmp_path, content)


def test_a_byte_order_mark_is_taken_away_and_utf_16_refused(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbf" + line(id="a").encode())[0] == [(1, "a", "")]
    with pytest.raises(FileRefused, match="UTF-16"):
        read(tmp_path, line(id="a").encode("utf-16"))


def test_blank_lines_are_counted_and_numbers_stay_physical(tmp_path):
    rows, bad = read(tmp_path, "\n" + line(id="a") + "  \n\r\n" + line(id="b"))
    assert (rows, bad) == ([(2, "a", ""), (5, "b", "")], [])


def test_windows_line_ends_and_a_missing_last_one_change_nothing(tmp_path):
    assert read(tmp_path, '{"id": "a"}\r\n{"id": "b"}')[0] == [(1, "a", ""), (2, "b", "")]


def test_a_byte_that_is_not_utf_8_costs_its_line_only(tmp_path):
    rows, bad = read(tmp_path, line(id="a").encode() + b'{"id": "\xe9"}\n' + line(id="é").encode())
    assert rows == [(1, "a", ""), (3, "é", "")]
    assert bad == [(2, "encoding")]


@pytest.mark.parametrize("number", [9007199254740993, 18446744073709551615, 12345678901234567890123456])
def test_whole_numbers_of_any_size_are_kept_exactly(tmp_path, number):
    assert read(tmp_path, f'{{"id": {number}}}\n')[0] == [(1, str(number), "")]


def test_missing_null_and_empty_are_all_empty_and_extra_keys_are_not_read(tmp_path):
    content = (
        line(extra="x") + line(id=None) + line(id="") + line(id="a", data=None) + line(id="b", data={"text": None})
    )
    rows, bad = read(tmp_path, content)
    assert rows == [(1, "", ""), (2, "", ""), (3, "", ""), (4, "a", ""), (5, "b", "")]
    assert bad == []


def test_values_that_look_like_sql_or_paths_are_only_text(tmp_path):
    for text in ("'; drop table lines; --", "$.id", "a\nb", '"', "\\"):
        assert read(tmp_path, line(id="a", data={"text": text}))[0] == [(1, "a", text)]


QUOTED = contract(
    """{name: id, source: '$."Fall Nr."'}""",
    """{name: text, source: '$."Datum der Überweisung"."NHS No."'}""",
    """{name: items, source: '$."a ""b"'}""".replace('""', "'' "),
    file="{format: jsonl, unknownKeys: refuse}",
)


def test_keys_of_any_letters_are_read_and_judged_as_others_are(tmp_path):
    content = (
        line(**{"Fall Nr.": "a", "Datum der Überweisung": {"NHS No.": "9"}, "a ' b": "x"})
        + '{"Fall Nr.": "b", "Fall Nr.": "c"}\n'
        + '{"Fall Nr.": "d", "Datum der Überweisung": {"NHS No.": 1, "NHS No.": 2}}\n'
        + line(**{"Fall Nr.": "e", "Datum der Überweisung": {"NHS No": 1}})
        + line(**{"Fall Nr.": "f", "Other": 1})
    )
    path = tmp_path / "f.jsonl"
    path.write_text(content)
    reading = JsonlReading(path, QUOTED)
    assert [(r["id"], r["text"], r["items"]) for r in read_all(reading)] == [("a", "9", "x")]
    assert [(u.line, u.rule) for u in reading.unreadable] == [
        (2, "repeated_key"), (3, "repeated_key"), (4, "unknown_key"), (5, "unknown_key"),
    ]  # fmt: skip
