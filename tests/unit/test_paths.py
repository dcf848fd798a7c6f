"""Paths of a contract: what each finds, one parse for all, and what is no path."""

import json

import pytest

from ingestion.paths import Paths
from linkwork import engine

RECORD = {
    "id": "a",
    "n": 12345678901234567890,
    "flag": False,
    "type": [
        {"coding": [{"system": "s", "code": "1"}, {"system": "t", "code": "2"}]},
        {"coding": [{"system": "s", "code": "3"}]},
    ],
    "identifier": [{"system": "https://x.y/z", "value": "v"}, {"system": "other", "value": "w"}],
    "subject": {
        "reference": "https://server/fhir/Patient/p-1/_history/2",
        "identifier": {"system": "nhs", "value": "n"},
    },
    "focus": {"identifier": {"value": "f"}},
    "participant": [{"actor": {"reference": "Location/l"}}, {"actor": {"reference": "Patient/p2"}}],
    "items": [{"answer": [{"v": 1}]}, {}, {"answer": [{"v": 3}]}],
    "questionnaire": "https://x.y/Questionnaire/PHQ-9|2.0",
    "on": "2025-06",
    "Datum der Überweisung": {"NHS No.": "9", "a.b or |c[0]": "q", "O'Brien; drop table x": "r", "Name *": "s"},
    "Éléments à part": [{"n° 1": "i", "k": "x"}, {"n° 1": "j", "k": "y"}],
    "2nd": "second",
}


def found(path: str, *, is_list: bool = False, **variables: str) -> str:
    paths = Paths({"x": (path, is_list)}, {"listed": ["3", "2"]})
    with engine.connect(threads=1) as con:
        given = {name: variables.get(name) for name in ("fullUrl", "timestamp", "deleted")}
        columns = ", ".join(f"?::varchar as {engine.name(n)}" for n in given)
        query = f"select {paths.columns('nested')['x']} from (select {paths.parsed('?::varchar')} as nested, {columns})"
        row = con.execute(query, [json.dumps(RECORD), *given.values()]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("id", "a"),
        ("$.id", "a"),
        ("$.n", "12345678901234567890"),
        ("$.flag", "false"),
        ("$.nothing.there", ""),
        ("$.type[1].coding[0].code", "3"),
        ("$.type[*].coding[system=t].code", "2"),
        ("$.identifier[system=https://x.y/z].value", "v"),
        ("$.identifier[system=absent].value", ""),
        ("$.subject.identifier{system=nhs}.value", "n"),
        ("$.subject.identifier{system=chi}.value", ""),
        ("$.type[*].coding[*]{code in listed}.code", "2"),
        ("$.type[*].coding[system=s]{code in listed}.code", "3"),
        ("$.identifier[*]{system!=other}.value", "v"),
        ("$.identifier[*]{use!=old}.value", "v"),
        ("$.focus.identifier{assigner}.value", ""),
        ("$.focus.identifier{value}.value", "f"),
        ("$.subject.reference|id(Patient)", "p-1"),
        ("$.subject.reference|id(Group)", ""),
        ("$.subject.reference|type", "Patient"),
        ("$.participant[*].actor.reference|type", "Location"),
        ("$.questionnaire|type", ""),
        ("$.participant[*].actor.reference|id(Patient)", "p2"),
        ("$.id|as(Encounter)", "Encounter/a"),
        ("$.questionnaire|tail", "PHQ-9"),
        ("$.questionnaire|version", "2.0"),
        ("$.questionnaire|canonical", "https://x.y/Questionnaire/PHQ-9"),
        ("$.on|precision", "month"),
        ("$.on|instant", ""),
        ('$."Datum der Überweisung"."NHS No."', "9"),
        ('$."Datum der Überweisung"."a.b or |c[0]"', "q"),
        ('$."Datum der Überweisung"."a.b or |c[0]"|as(X)', "X/q"),
        ('$.absent or $."Datum der Überweisung"."a.b or |c[0]" or $.id', "q"),
        ('$."Datum der Überweisung"."O\'Brien; drop table x"', "r"),
        ('$."Datum der Überweisung"."Name *"', "s"),
        ('$."Éléments à part"[*]."n° 1"', "i"),
        ('$."Éléments à part"["n° 1"=j].k', "y"),
        ('$."Datum der Überweisung"{"NHS No.=9"}."NHS No."', ""),
        ('$."Datum der Überweisung"{"NHS No."=9}."Name *"', "s"),
        ('$."2nd"', "second"),
        ('$."id"', "a"),
        ("$.absent or $.id", "a"),
        ("$.absent or @deleted or @fullUrl|tail", "uuid-1"),
    ],
)
def test_a_path_finds_its_text(path, text):
    assert found(path, fullUrl="urn:uuid:uuid-1") == text


def test_a_list_takes_all_and_what_a_member_lacks_keeps_its_place():
    assert json.loads(found("$.type[*].coding[system=s].code", is_list=True)) == ["1", "3"]
    assert json.loads(found("$.items[*].answer[0].v", is_list=True)) == ["1", "", "3"]
    assert found("$.items[*].answer[0].absent or $.nothing[*].v", is_list=True) == ""


@pytest.mark.parametrize(
    "path",
    [
        "$",
        "$.",
        "$.a b",
        "$.a'",
        "$..a",
        "$.a[b]",
        "$.a[b='c']",
        "a.b",
        "@unheard",
        "$.a|shout",
        "$.a|id",
        "$.a|id(x) --",
        "$.a or",
        "$.a[*",
        "$.a{b",
        "$.a{b in nothing}.c",
        "$.a; drop table x",
        "NHS No.",
        '"NHS No."',
        '$."',
        '$.""',
        '$."a',
        '$."a"b',
        '$."a""b"',
        '$."a\\"b"',
        '$."*"',
        '$."a\nb"',
        '$."a\x00"',
        '$."a" or',
        '$."' + "a" * 201 + '"',
    ],
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError):
        Paths({"x": (path, False)})


@pytest.mark.parametrize("other", ["$.a.b", "$.a[*].b", "$.A"])
def test_two_paths_that_cannot_both_be_right_are_refused(other):
    with pytest.raises(ValueError, match=r"another path|letters' case"):
        Paths({"x": ("$.a", False), "y": (other, False)})
