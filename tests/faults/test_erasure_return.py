"""F102: files that come after an erasure do not bring the person back, whatever form her rows have."""

import pytest

from ingestion import erase
from ingestion.landing import shown
from linkwork.log.envelope import ERASED
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.settings import Settings
from tests.support.faults import fates, put
from tests.support.log import ingest
from tests.support.people import (
    ANNA,
    BEN,
    CLIENT,
    CONTACTS,
    FIRST,
    NAME,
    REFERRALS,
    SERVICE,
    contact,
    copy_of,
    events,
    received,
    referral,
    search,
    text,
)

PRINTED = f"{ANNA[:3]} {ANNA[3:6]} {ANNA[6:]}"


@pytest.fixture(scope="module")
def erased(populated, tmp_path_factory) -> Settings:
    home = copy_of(populated, tmp_path_factory.mktemp("erased") / "copy")
    erase.erase_person(home, [ANNA], [], "asked for")
    for left in home.landing_dir.rglob("*.csv"):
        left.unlink()
    return home


@pytest.fixture
def home(erased, tmp_path) -> Settings:
    return copy_of(erased, tmp_path / "copy")


def delivered(home, content, name="later.csv", feed="referrals_csv"):
    """Deliver a file; she must not be back, in no table, received file or refused record. Returns its fate."""
    before = [row for row in events(home) if row["event_type"] == ERASED]
    put(home, name, content, feed=feed, sender=SERVICE)
    ingest(home)
    assert [row for row in events(home) if row["event_type"] == ERASED] == before
    kept = "\n".join(line for lines in received(home).values() for line in lines)
    assert NAME not in kept
    assert CLIENT not in kept
    assert search(home).clean
    assert verify(Store(home.log_dir)).problems == []
    return fates(home)[shown(name)]


def test_f102_the_very_file_again(home):
    assert delivered(home, FIRST).status == "noop"


def test_f102_the_old_file_with_another_byte(home):
    fate = delivered(home, FIRST + "\n")
    assert (fate.status, fate.records, fate.skipped, fate.events) == ("committed", 8, 5, 0)  # one is blank


def test_an_old_file_of_json_lines(home):
    fate = delivered(home, CONTACTS + "\n\n", feed="link_worker_jsonl")
    assert (fate.skipped, fate.quarantined, fate.duplicate) == (3, 2, 2)
    assert [line for line, _ in fate.refused] == [3, 5]


def test_her_rows_are_skipped_and_counted_and_the_others_are_taken(home):
    hers = [
        referral("r30", ANNA, 9, note=f"{NAME}\n{NAME}"),
        referral("r31", PRINTED, 9, note=NAME),
        referral("r32", ANNA, 9, received="2025-02-30", note=NAME),  # would be refused
        referral("r33", "", 9, CLIENT, note=NAME),  # the sender's own id of her
        referral("r1", "", 9, note=NAME),  # a record of hers that names nobody now
        referral("r3", "9990000034", 9, note=NAME),  # or another number
    ]
    fate = delivered(home, text(REFERRALS, *hers, referral("r40", BEN, 9, note="two\nlines")))
    assert (fate.status, fate.records, fate.skipped, fate.accepted) == ("committed", len(hers) + 1, len(hers), 1)
    assert (fate.quarantined, fate.ids) == (0, ["r40"])


def test_lines_that_cannot_be_read_are_refused_and_their_text_is_not_kept(home):
    hers = [f"r33,{ANNA},{NAME}", f"r34,{PRINTED},{NAME}", f'"r35,{ANNA},{NAME}']
    fate = delivered(home, text(REFERRALS, *hers, referral("r40", BEN, 9)))
    assert (fate.quarantined, fate.accepted) == (3, 1)
    assert [line for line, _ in fate.refused] == [2, 3, 4]


def test_broken_json_that_holds_her_number(home):
    content = "\n".join([contact("e9", ANNA, note=NAME)[:-9], contact("e10", BEN)])
    fate = delivered(home, content, "later.jsonl", feed="link_worker_jsonl")
    assert (fate.quarantined, fate.accepted) == (1, 1)


def test_another_persons_record_that_mentions_her_is_taken_but_its_text_not_kept(home):
    fate = delivered(home, text(REFERRALS, referral("r41", BEN, 9, note=f"sister of {ANNA}, {NAME}")))
    assert (fate.accepted, fate.skipped) == (1, 0)


def test_a_file_named_after_her(home):
    fate = delivered(home, text(REFERRALS, referral("r42", ANNA, 9)), name=f"{ANNA}.csv")
    assert (fate.skipped, fate.events) == (1, 0)
