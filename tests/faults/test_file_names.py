"""A file named after a person: the NHS number in its name is stored and shown nowhere."""

import pytest

from ingestion.landing import shown
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy.keys import load_keys
from linkwork.privacy.scan import Needles, scan
from tests.support.faults import good, lines, put
from tests.support.log import ingest, rows

NUMBER, OTHER = "9990000018", "9990000026"


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        (f"letter-{NUMBER}.csv", "letter-##########.csv"),
        ("999 000 0018.csv", "### ### ####.csv"),
        (f"{NUMBER}_{OTHER}.csv", "##########_##########.csv"),
        ("9990000019.csv", "9990000019.csv"),  # the check digit does not hold
        ("extract_20250101020000.csv", "extract_20250101020000.csv"),
    ],
)
def test_only_a_valid_number_is_masked(name, stored):
    assert shown(name) == stored


def test_files_named_after_people_are_loaded_and_their_names_masked(home):
    put(home, f"{NUMBER}.csv", lines(good("a"), "b,x,x,x,x"))
    put(home, f"{OTHER}.csv", lines(good("c"), "d,x,x,x,x"))
    put(home, f"again {OTHER}.csv", lines(good("c"), "d,x,x,x,x"))
    ingest(home)
    assert rows(home, "loads", "file_name, status, accepted", "order by all") == [
        ("##########.csv", "committed", 1),
        ("##########.csv", "committed", 1),
        ("again ##########.csv", "noop", 0),
    ]
    assert rows(home, "quarantine", "file_name, source_line") == [("##########.csv", 3)] * 2
    assert list(home.landing_dir.rglob("*.csv")) == []
    found = scan(home.home, Needles.of([OTHER]), load_keys(home).zone1)
    assert found.clean, found.hits  # every record is the other person's: this one stands in names only
    assert verify(Store(home.log_dir)).problems == []
