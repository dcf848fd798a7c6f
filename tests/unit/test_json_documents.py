"""Where the records of a JSON document stand; who asks about a line gets the same bytes as who reads."""

import json

import pytest

from linkwork.json_documents import BrokenDocument, elements, form_of

BUNDLE = (
    b'{"resourceType": "Bundle", "entry": [\n {"a": "]}\\""},\n {"b": [1,\n {"entry": [2]}]}, {"c": 1}\n], "x": [3]}\n'
)


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b'[{"a": 1}]', "array"),
        (b"\xef\xbb\xbf [", "array"),
        (b'{"resourceType":"Bundle"}', "bundle"),
        (b'{\n "id": "x",\n "meta": {"resourceType": "Patient"},\n "entry": [{"resourceType": "Patient"}],'
         b'\n "resourceType" : "Bundle"}', "bundle"),
        (b'{"resourceType":"Patient","x":"Bundle"}\n{"resourceType":"Bundle"}\n', "lines"),
        (b'{"a": "resourceType"}\n', "lines"),
        (b'{"broken": \n{"a": 1}\n', "lines"),
        (b'{\n  "resourceType": "Patient",\n  "id": "x"\n}', "document"),
        (b"", "lines"),
        (b"words\n", "lines"),
    ],
)  # fmt: skip
def test_the_first_bytes_say_what_a_file_is(head, form):
    assert form_of(head) == form


def test_the_records_of_a_bundle_stand_on_their_lines():
    found = elements(BUNDLE)
    assert found is not None
    assert [(e.line, e.line_end) for e in found.elements] == [(2, 2), (3, 4), (4, 4)]
    assert [json.loads(BUNDLE[e.start : e.end]) for e in found.elements][1] == {"b": [1, {"entry": [2]}]}
    assert json.loads(found.heads[0]) == {"resourceType": "Bundle", "entry": [], "x": [3]}


def test_bundles_one_after_another_are_told_apart():
    found = elements(BUNDLE + b'{"resourceType":"Bundle"}\n' + BUNDLE)
    assert found is not None
    assert [e.document for e in found.elements] == [0, 0, 0, 2, 2, 2]
    assert len(found.heads) == 3


def test_lines_are_no_document():
    assert elements(b'{"a": 1}\n{"b": 2}\n') is None


@pytest.mark.parametrize("broken", [BUNDLE[:-5], BUNDLE + b"x", b"x" + b"[1]", b'[{"a": 1}', b'[{"a": 1]}', b"[1]]"])
def test_brackets_that_do_not_match_are_told_with_their_line(broken):
    if broken.startswith(b"x"):
        assert elements(broken) is None
        return
    with pytest.raises(BrokenDocument) as raised:
        elements(broken)
    assert raised.value.line >= 1
