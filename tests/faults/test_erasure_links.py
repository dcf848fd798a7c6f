"""Two NHS numbers of one person: an erasure follows the links that hold, and no others."""

import pytest

from ingestion import erase, retract
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import subjects
from linkwork.privacy.keys import load_keys
from tests.support.faults import good, lines, put
from tests.support.log import add_sender, at, day, ingest, rows
from tests.support.people import search

OLD, KEPT, OTHER = "9990000018", "9990000026", "9990000042"
LINKS = """
apiVersion: v3.0.2
kind: DataContract
id: test-links
name: test_links
version: 1.0.0
status: active
description: {{}}
schema:
  - name: link
    properties:
      - {{name: id, required: true, grammar: "[a-z0-9]+"}}
      - {{name: nhs_number, logicalType: nhs_number, zone: 1, required: true}}
      - {{name: status, required: true, grammar: "[a-z]+"}}
      - {{name: since, logicalType: date, format: "%Y-%m-%d", required: true}}
      - {{name: at, logicalType: timestamp, format: "%Y-%m-%dT%H:%M:%SZ", timezone: UTC, required: true}}
file: {{format: csv, refusedThreshold: 1.0}}
record: {{kind: event, key: [id], reference: id, assertedAt: at, subject: {{nhs_number: nhs_number}}}}
events:
  - slot: link
    type: person.merged
    when: {{in: {{status: [merged]}}}}
    occurred: since
    constants: {{merged_into: "{key}"}}
  - slot: link
    type: person.unmerged
    when: {{in: {{status: [unmerged]}}}}
    occurred: since
    constants: {{merged_into: "{key}"}}
"""


@pytest.fixture
def linked(home):
    """A home with records of three people, and a feed of links to the one whose number is kept."""
    key = subjects.pseudonyms(KEPT, load_keys(home))[0]
    escaped = "".join(f"\\\\x{byte:02X}" for byte in key)
    (home.contracts_dir / "test_links.yaml").write_text(LINKS.format(key=escaped))
    add_sender(home, "L1", ["test_links"])
    put(home, "r.csv", lines(good("a", nhs=OLD), good("b", nhs=KEPT), good("c", nhs=OTHER)))
    ingest(home)
    return home


def link(home, *stated, name="l.csv"):
    put(home, name, lines(*stated, header="id,nhs_number,status,since,at"), feed="test_links", sender="L1")
    assert ingest(home)["events"] == len(stated)


def erased(home, number):
    """Whose records an erasure takes: of the referrals a (the old number), b (the kept), c (another person)."""
    erase.erase_person(home, [number], [], "asked for")
    assert verify(Store(home.log_dir)).problems == []
    assert search(home, number).hits == []
    left = {ref for (ref,) in rows(home, "events", "source_record_ref", "where category = 'referral'")}
    return {"a", "b", "c"} - left


@pytest.mark.parametrize("number", [OLD, KEPT])
def test_both_numbers_go_whichever_is_given(linked, number):
    link(linked, f"l1,{OLD},merged,{day(1)},{at(1)}")
    assert erased(linked, number) == {"a", "b"}
    assert search(linked, OLD, KEPT).hits == []
    assert search(linked, OTHER).hits != []


def test_a_chain_is_followed_to_its_end(linked):
    link(linked, f"l1,{OLD},merged,{day(1)},{at(1)}", f"l2,{OTHER},merged,{day(1)},{at(1)}")
    assert erased(linked, OLD) == {"a", "b", "c"}


def test_a_link_that_ended_leads_to_nobody_but_goes_itself(linked):
    link(linked, f"l1,{OLD},merged,{day(1)},{at(1)}", f"l2,{OLD},unmerged,{day(2)},{at(2)}")
    assert erased(linked, KEPT) == {"b"}
    assert rows(linked, "events", "count(*)", "where person_merged_into is not null") == [(0,)]
    put(linked, "again.csv", lines(f"l1,{OLD},merged,{day(1)},{at(3)}", header="id,nhs_number,status,since,at"),
        feed="test_links", sender="L1")  # fmt: skip
    assert ingest(linked)["events"] == 0
    assert search(linked, KEPT).clean


def test_a_link_that_was_corrected_leads_to_nobody(linked):
    link(linked, f"l1,{OLD},merged,{day(1)},{at(1)}")
    link(linked, f"l1,{OLD},unmerged,{day(1)},{at(2)}", name="l2.csv")
    assert erased(linked, KEPT) == {"b"}


def test_a_link_whose_file_was_retracted_leads_to_nobody(linked):
    link(linked, f"l9,9990000069,unmerged,{day(1)},{at(1)}", name="other.csv")
    link(linked, f"l1,{OLD},merged,{day(1)},{at(1)}")
    ((load,),) = rows(linked, "loads", "load_id", "where file_name = 'l.csv'")
    retract.retract(linked, load, "sent by mistake")
    assert erased(linked, OLD) == {"a"}
