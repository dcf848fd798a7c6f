"""A contract whose key is none: a file in which records that differ share their key and time is refused whole."""

import pytest

from linkwork.log.store import Store
from tests.support.faults import fates, good, lines, taken
from tests.support.gate import contract, stage
from tests.support.log import CONTRACT, at, day, effective, ingest, make_home, rows

STRICT = CONTRACT.replace("refusedThreshold: 1.0", "refusedThreshold: 0.25")


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path, STRICT)


def test_a_key_that_does_not_identify_refuses_the_file_and_changes_nothing(home):
    """An appointment's clinic used as its key: three bookings, one key."""
    fate = taken(home, lines(good("clinic1"), good("clinic1", received=day(3)), good("clinic1", received=day(4))))
    assert (fate.status, fate.events, fate.refused) == ("refused", 0, [])
    assert fate.detail.startswith(
        "The key (id) does not identify a record: 3 of 3 records share theirs with another that differs, "
        "first those of the lines 2 and 4."
    )
    assert effective(home) == {}
    assert not Store(home.log_dir).refresh().events.files()


def test_the_message_counts_the_records_and_names_the_first_pair_and_no_value(home):
    content = lines(good("a1"), good("secret"), good("b1"), good("other"), good("secret", received=day(5)))
    fate = taken(home, content + good("other", received=day(6)) + "\n")
    assert "4 of 6 records" in fate.detail
    assert "first those of the lines 3 and 6" in fate.detail
    assert "secret" not in fate.detail
    assert "999" not in fate.detail


def test_a_contradiction_within_the_tolerance_is_a_conflict_of_that_record_alone(home):
    """Two of eight: the file is taken, and the one record is contested."""
    rest = [good(f"r{n}") for n in range(6)]
    fate = taken(home, lines(good("a"), *rest, good("a", received=day(5))))
    assert (fate.status, fate.accepted, fate.conflict, fate.refused) == ("committed", 7, 1, [(9, "conflict")])
    assert ("a", "received") not in effective(home)
    assert len(effective(home)) == 6


def test_one_more_than_the_tolerance_refuses(home):
    rest = [good(f"r{n}") for n in range(5)]
    fate = taken(home, lines(good("a"), *rest, good("a", received=day(5))))
    assert (fate.status, fate.events) == ("refused", 0)


@pytest.mark.parametrize("second", [
    good("a"),  # said twice
    good("a", when=2, received=day(5)),  # stated for another time
    "a,,2025-02-30,," + at(1),  # refused for another reason, so no statement
])  # fmt: skip
def test_what_does_not_contradict_is_no_proof_against_the_key(home, second):
    fate = taken(home, lines(good("a"), second))
    assert fate.status == "committed"
    assert rows(home, "quarantine", "1", "where rule = 'conflict'") == []


def test_a_contract_with_the_whole_key_takes_the_file_that_was_refused(home):
    content = lines(good("clinic1"), good("clinic1", received=day(3)))
    assert taken(home, content, "first.csv").status == "refused"
    path = home.contracts_dir / "test_state.yaml"
    path.write_text(STRICT.replace("key: [id]", "key: [id, received]"))
    ingest(home)  # the file still lies there
    fate = fates(home)["first.csv"]
    assert (fate.status, fate.accepted, fate.conflict) == ("committed", 2, 0)


def test_each_file_is_judged_by_itself(home):
    """That two files differ about one time is a conflict, as ever, and says nothing of the key."""
    assert taken(home, lines(good("a")), "1.csv").status == "committed"
    fate = taken(home, lines(good("a", received=day(9))), "2.csv")
    assert (fate.status, fate.conflict) == ("committed", 1)


def test_an_event_feed_is_proven_too(tmp_path):
    described = contract(
        "{name: id, required: true}",
        '{name: day, logicalType: date, format: "%Y-%m-%d", required: true}',
        file="{format: csv, refusedThreshold: 0}",
        events="[{slot: event, type: contact.held, occurred: day}]",
    )
    staged = stage(tmp_path, described, "id,day\n1,2025-01-01\n2,2025-01-01\n1,2025-01-02\n")
    assert staged.profile["refused"].startswith("The key (id) does not identify a record: 2 of 3 records")
    assert list(staged.folder.glob("*.parquet")) == []
