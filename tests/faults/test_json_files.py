"""JSON Lines as they really come, under the contract of the link-worker systems, all files in one batch."""

import json
from dataclasses import dataclass, field

import pytest

from ingestion import raw
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.faults import NUMBER, fates, put, use_installed
from tests.support.gate import contract, stage
from tests.support.log import add_sender, ingest, make_home, rows

FEED = "link_worker_jsonl"


def event(id: object, **data: object) -> dict:
    return {
        "specversion": "1.0",
        "id": id,
        "source": "urn:linkwork:synthetic:S2",
        "type": "org.linkwork.contact.held",
        "time": "2025-07-01T09:00:00Z",
        "recordedtime": "2025-07-01T18:00:00Z",
        "data": {"clientId": "c1", "nhsNumber": NUMBER, "channel": "telephone", "minutes": 30, **data},
    }


def text(*events: dict | str) -> str:
    return "\n".join(e if isinstance(e, str) else json.dumps(e) for e in events) + "\n"


def without(one: dict, key: str) -> dict:
    return {k: v for k, v in one.items() if k != key}


def doubled(one: dict, pair: str) -> str:
    return json.dumps(one)[:-1] + f", {pair}}}"


@dataclass(frozen=True)
class Case:
    """A file, its refused lines with their rules, and the ids of the events it added."""

    name: str
    content: str | bytes
    refused: list[tuple[int, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    status: str = "committed"


WRONG_TYPES = [1.7, "many", True, [30], {"n": 30}, 1e9]
NO_JSON = ['"minutes": 30,', '"minutes": nan', '"minutes": 030', "'minutes': 30", '"minutes": 30, // a note']
NO_NUMBER_NO_TEXT = ['"minutes": NaN', '"minutes": -Infinity', '"minutes": 30, "note": "\\ud800"']
CASES = [
    Case("f70_broken_line", text(event("70a"), '{"id": "70b", ', event("70c")), [(2, "json")], ["70a", "70c"]),
    Case(
        "f70_what_only_lenient_readers_take",
        text(
            event("70d"), *(json.dumps(event(f"70{n}")).replace('"minutes": 30', bad) for n, bad in enumerate(NO_JSON))
        ),
        [(n, "json") for n in range(2, 7)],
        ["70d"],
    ),
    Case(
        "f71_wrong_types_are_never_rounded",
        text(*(event(f"71{n}", minutes=m) for n, m in enumerate(WRONG_TYPES))),
        [(n, "grammar") for n in range(1, 7)],
    ),
    Case("f71_a_number_as_text", text(event("71x", minutes="31")), ids=["71x"]),
    Case(
        "f72_keys_said_twice",
        text(doubled(event("72a"), '"id": "72b"'), doubled(event("72c"), '"x": {"minutes": 1}'))
        + text(json.dumps(event("72d")).replace('"minutes": 30', '"minutes": 30, "minutes": 31')),
        [(1, "repeated_key"), (3, "repeated_key")],
        ["72c"],
    ),
    Case(
        "f73_missing_null_and_extra_keys",
        text(
            without(event("73a"), "type"),
            {**event("73b"), "time": None},
            {**event("73c"), "unheard": "of"},
            event("73d", channel=None),
        ),
        [(1, "required"), (2, "required")],
        ["73c", "73d"],
    ),
    Case("f74_array_file", json.dumps([event("74a"), event("74b")]) + "\n", status="refused"),
    Case(
        "f60_nested_without_end",
        text(event("60a"), doubled(event("60b"), f'"x": {"[" * 100_000 + "]" * 100_000}'))
        + text(doubled(event("60c"), '"x": ' + '{"y": ' * 70 + "1" + "}" * 70), doubled(event("60d"), '"x": [[[1]]]')),
        [(2, "depth"), (3, "depth")],
        ["60a", "60d"],
    ),
    Case("f75_byte_order_mark", b"\xef\xbb\xbf" + text(event("75a")).encode(), ids=["75a"]),
    Case("f76_ids_that_are_large_numbers", text(event(9007199254740993)), ids=["9007199254740993"]),
    Case(
        "f77_what_is_no_number_and_no_text",
        text(
            *(json.dumps(event(f"77{n}")).replace('"minutes": 30', bad) for n, bad in enumerate(NO_NUMBER_NO_TEXT)),
            event("77n", outcome="a\x00b"),
            event("77z", note="score: NaN"),
        ),
        [(1, "json"), (2, "json"), (3, "json"), (4, "control_character")],
        ["77z"],
    ),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = make_home(tmp_path_factory.mktemp("jsonl"))
    use_installed(settings, FEED)
    add_sender(settings, "S2", [FEED])
    for case in CASES:
        put(settings, f"{case.name}.jsonl", case.content, feed=FEED, sender="S2")
    ingest(settings)
    return settings


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_f60_f70_to_f77_a_file_meets_its_fate(home, case):
    fate = fates(home)[f"{case.name}.jsonl"]
    assert (fate.status, fate.refused, fate.ids) == (case.status, case.refused, case.ids)
    assert fate.records == fate.accepted + fate.quarantined


def test_f71_f73_values_are_what_was_sent(home):
    found = rows(home, "events", "source_record_ref, engagement_minutes, engagement_channel", "order by 1")
    assert {ref: (minutes, channel) for ref, minutes, channel in found if ref in ("71x", "73c", "73d")} == {
        "71x": (31, "telephone"),
        "73c": (30, "telephone"),
        "73d": (30, None),
    }


def test_the_log_is_whole(home):
    assert verify(Store(home.log_dir)).problems == []


ARRAY = contract("{name: id, source: $.id}", "{name: n, source: $.n}", file="{format: jsonl, array: accept}")


def test_f74_an_array_is_read_where_the_contract_says_so(tmp_path):
    """CloudEvents in batches are such a file. Records stand on their lines, and a broken one costs itself only."""
    content = '[\n {"id": "a", "n": 1},\n {"id": "b",\n  "n": 2}, {"id": "c",, "n": 3}\n]\n'
    made = stage(tmp_path, ARRAY, content)
    assert made.read("records/*.parquet", "line_no, line_end", "order by 1") == [(2, 2), (3, 4)]
    assert made.refused_lines == [(4, "json", None)]
    assert raw.records(content.encode(), ARRAY.file, [3, 4]) == {
        3: '{"id": "b",\n  "n": 2}\n',
        4: '{"id": "c",, "n": 3}\n',
    }
    assert stage(tmp_path, ARRAY, "[]\n").profile["records"] == 0
    cut = stage(tmp_path, ARRAY, content[:30]).profile
    assert "brackets do not match" in cut["refused"]


def test_f73_a_key_the_contract_does_not_know_is_refused_where_it_says_so(tmp_path):
    strict = contract(
        "{name: id, source: $.id}", "{name: t, source: $.d.t}", file="{format: jsonl, unknownKeys: refuse}"
    )
    made = stage(
        tmp_path, strict, text({"id": "a", "d": {"t": 1}}, {"id": "b", "x": 1}, {"id": "c", "d": {"t": 1, "u": 2}})
    )
    assert made.refused_lines == [(2, "unknown_key", None), (3, "unknown_key", None)]


def test_f36_a_line_that_is_too_long_costs_itself_only_and_no_memory(tmp_path):
    short = contract("{name: id, source: $.id}", "{name: n, source: $.n}", file="{format: jsonl, maxLineLength: 40}")
    made = stage(tmp_path, short, text({"id": "a"}, {"id": "b" * 50_000_000}, {"id": "c"}))
    assert (made.refused_lines, made.profile["valid"]) == ([(2, "encoding", None)], 2)
