"""File names, entries, contracts and values that mean harm."""

import json
import os

import pytest

from ingestion import pipeline
from linkwork.errors import BadDataError
from tests.support.faults import (
    HEADER,
    NUMBER,
    add_feed,
    add_sender,
    at,
    day,
    deliver,
    good,
    ingest,
    lines,
    rows,
    taken,
)
from tests.support.log import CONTRACT, SENDER, pass_all

NAMES = [
    "it's.csv",
    'a";DROP TABLE events;--.csv',
    "new\nline.csv",
    "right\u202eto-left.csv",
    "[bold]x.csv",
    "$(touch owned).csv",
    "*.csv",
    "{a}.csv",
    "-rf.csv",
    "x" * 251 + ".csv",
    "Zoë 🙂.csv",
    "%s%n.csv",
]


def test_f51_hostile_file_names_are_only_names(home, tmp_path):
    for n, name in enumerate(NAMES):
        deliver(home, name, lines(good(f"r{n}")))
    assert ingest(home)["files"]["committed"] == len(NAMES)
    assert sorted(name for (name,) in rows(home, "loads", "file_name")) == sorted(NAMES)
    assert rows(home, "events", "count(*)") == [(len(NAMES),)]
    assert not list(tmp_path.rglob("owned"))
    assert not list(home.landing_dir.rglob("*.csv"))


def test_f51_a_name_that_is_not_utf_8_is_refused_and_the_rest_goes_on(home):
    deliver(home, "ok.csv", lines(good("a")))
    bad = home.landing_dir / "test_state" / SENDER / os.fsdecode(b"\xff\xfe.csv")
    bad.write_text(lines(good("b")))
    assert ingest(home)["files"] == {"committed": 1, "noop": 0, "held": 0, "refused": 1}
    assert ("\\xff\\xfe.csv", "refused", "The name is not UTF-8.") in rows(home, "loads", "file_name, status, detail")
    assert bad.exists()
    assert ingest(home)["new_in_ledger"] == 0  # said once


def test_f51_folders_that_are_no_senders_or_feeds_are_refused_and_the_rest_goes_on(home):
    senders = ["x" * 255, "'; drop table x; --", "..hidden", "UNKNOWN", "S1 ", "[red]", "\u202ereversed"]
    feeds = ["'; drop table x; --", "unknown_csv"]
    deliver(home, "ok.csv", lines(good("a")))
    for sender in senders:
        deliver(home, "x.csv", lines(good("b")), sender=sender)
    for feed in feeds:
        deliver(home, "x.csv", lines(good("b")), feed=feed)
    assert ingest(home)["files"] == {"committed": 1, "noop": 0, "held": 0, "refused": len(senders) + len(feeds)}
    refused = rows(home, "loads", "feed, sender, detail", "where status = 'refused'")
    assert sorted(code for _, code, detail in refused if "not registered" in detail) == sorted(senders)
    assert sorted(feed for feed, _, detail in refused if "No contract describes" in detail) == sorted(feeds)
    assert rows(home, "loads", "count(distinct load_id)") == [(len(refused) + 1,)]


def test_f52_links_pipes_and_folders_are_refused_and_left_alone(home, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text(lines(good("b")))
    folder = home.landing_dir / "test_state" / SENDER
    deliver(home, "ok.csv", lines(good("a")))
    (folder / "link.csv").symlink_to(outside)
    os.mkfifo(folder / "pipe.csv")
    (folder / "folder.csv").mkdir()
    assert ingest(home)["files"] == {"committed": 1, "noop": 0, "held": 0, "refused": 3}
    assert outside.exists()
    assert [ref for (ref,) in rows(home, "events", "source_record_ref")] == ["a"]


def test_f52_a_file_behind_a_linked_folder_is_neither_read_nor_removed(home, tmp_path):
    add_sender(home, "S2", ["test_state"])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f.csv").write_text(lines(good("b")))
    (home.landing_dir / "test_state").mkdir(parents=True)
    (home.landing_dir / "test_state" / "S2").symlink_to(outside)
    assert ingest(home)["files"]["refused"] == 1
    assert (outside / "f.csv").exists()


def staged(home, name: str):
    batch = pipeline.open_batch(home)["batch_id"]
    pipeline.stage_sender(home, batch, SENDER)
    pass_all(home, batch)
    return batch


def test_f53_a_file_replaced_while_it_was_read_is_not_lost(home):
    path = deliver(home, "f.csv", lines(good("a")))
    batch = staged(home, "f.csv")
    path.write_text(lines(good("b")))
    assert pipeline.commit_batch(home, batch)["files"]["refused"] == 1
    assert rows(home, "loads", "detail")[0][0].startswith("The file was changed or removed while it was read")
    assert path.exists()
    assert ingest(home)["events"] == 1
    assert rows(home, "events", "source_record_ref") == [("b",)]


def test_f53_a_file_that_grows_while_it_is_read_is_refused_and_taken_by_the_next_run(home, monkeypatch):
    """It is changed between being listed and being read: what was read is not what was listed."""
    path = deliver(home, "f.csv", lines(good("a"), "b,x,x,x,x"))
    batch = pipeline.open_batch(home)["batch_id"]
    hashed = pipeline._arrival

    def then_it_grows(*arguments):
        arrival = hashed(*arguments)
        path.write_text(lines(good("a"), "b,x,x,x,x", good("c")))
        return arrival

    monkeypatch.setattr(pipeline, "_arrival", then_it_grows)
    pipeline.stage_sender(home, batch, SENDER)
    (profile,) = (home.staging_dir / batch).glob("*/profile.json")
    assert json.loads(profile.read_text())["refused"].startswith("The file was changed or removed while it was read")
    assert [p.name for p in profile.parent.iterdir()] == ["profile.json"]
    assert not list(home.quarantine_raw_dir.iterdir())
    monkeypatch.undo()
    pass_all(home, batch)
    assert pipeline.commit_batch(home, batch)["files"]["refused"] == 1
    assert ingest(home)["files"]["committed"] == 1
    assert rows(home, "events", "source_record_ref", "order by 1") == [("a",), ("c",)]


def test_f54_a_file_and_its_marker_leave_together(home):
    home.landing_marker = ".done"
    path = deliver(home, "f.csv", lines(good("a")))
    assert ingest(home)["files"]["committed"] == 0
    path.with_name("f.csv.done").touch()
    assert ingest(home)["files"]["committed"] == 1
    assert not [p for p in home.landing_dir.rglob("*") if p.is_file()]


def test_f53_a_file_removed_while_it_was_read_stops_nobody(home):
    deliver(home, "a.csv", lines(good("a")))
    path = deliver(home, "b.csv", lines(good("b")))
    batch = staged(home, "f.csv")
    path.unlink()
    assert pipeline.commit_batch(home, batch)["files"] == {"committed": 1, "noop": 0, "held": 0, "refused": 1}
    assert rows(home, "events", "source_record_ref") == [("a",)]


def test_f53_a_repeated_file_replaced_meanwhile_is_not_removed(home):
    taken(home, lines(good("a")))
    path = deliver(home, "f.csv", lines(good("a")))
    batch = staged(home, "f.csv")
    path.write_text(lines(good("c")))
    assert pipeline.commit_batch(home, batch)["files"]["noop"] == 1
    assert ingest(home)["events"] == 1


def test_f54_an_upload_under_way_is_left_alone(home):
    path = deliver(home, "f.csv.part", lines(good("a")))
    assert ingest(home)["files"] == {"committed": 0, "noop": 0, "held": 0, "refused": 0}
    path.rename(path.with_suffix(""))
    assert ingest(home)["files"]["committed"] == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{name: closed,", '{name: "x\\"; drop table y; --",'),
        ("name: test_state\nversion", 'name: "../../x"\nversion'),
        ("status: active", "status: active\nbomb: &a [*a, *a]"),
        ("id: test-state", "id: !!python/object/apply:os.system ['touch owned']"),
    ],
)
def test_f61_f62_a_hostile_contract_stops_with_its_name(home, tmp_path, old, new):
    path = home.contracts_dir / "test_state.yaml"
    assert old in CONTRACT
    path.write_text(CONTRACT.replace(old, new))
    deliver(home, "f.csv", lines(good("a")))
    with pytest.raises(BadDataError) as raised:
        ingest(home)
    assert raised.value.where == str(path)
    assert not list(tmp_path.rglob("owned"))


HOSTILE = [
    "'; drop table events; --",
    "{{ config }}",
    "=HYPERLINK(1)",
    '"quoted"',
    "a,b",
    "<script>",
    "\\N",
    "$$x$$",
    "%(a)s",
]


def test_f63_values_that_look_like_sql_are_stored_as_they_are(home):
    contract = CONTRACT.replace("name: test_state", "name: hostile").replace(
        "      - {name: closed", "      - {name: role}\n      - {name: closed"
    )
    contract = contract.replace("occurred: received}", "occurred: received, payload: {referrer_role: role}}")
    add_feed(home, "hostile", contract)
    header = HEADER.replace("closed", "role,closed")
    quoted = [value.replace('"', '""') for value in HOSTILE]
    content = [f'r{n},{NUMBER},{day(1)},"{value}",,{at(1)}' for n, value in enumerate(quoted)]
    deliver(home, "f.csv", lines(*content, header=header), feed="hostile", sender="S2")
    ingest(home)
    found = rows(home, "events", "referral_referrer_role", "order by source_line")
    assert [value for (value,) in found] == HOSTILE


def test_f63_a_record_whose_key_looks_like_sql_is_refused_without_being_repeated(home):
    found = taken(home, lines(f'"a\'; drop",{NUMBER},{day(1)},,{at(1)}', good("b")))
    assert found.refused == [(2, "grammar")]
    said = json.dumps(rows(home, "quarantine", "rule, field, sentence, violations"))
    assert "drop" not in said
