"""An erasure finds all of a person's rows of the register, also those that no event and no pseudonym tells of."""

import pytest

from linkwork import engine
from linkwork.log import erase
from linkwork.log.store import Store
from tests.support.register import FEED, commit, key

HERS, ANOTHERS = b"h" * 16, b"a" * 16


def sql(subject):
    return f"unhex('{subject.hex()}')"


@pytest.fixture
def found(tmp_path):
    """A register in which record 1 was first known without her number; S3 and S4 never stated anything of hers."""
    store = Store(tmp_path / "log").refresh()
    with engine.connect() as con:
        commit(store, con, 1, "S1", [1, 2])
        commit(store, con, 2, "S1", [1], sql(HERS))
        commit(store, con, 3, "S2", [3], sql(HERS))
        commit(store, con, 4, "S2", [4], sql(ANOTHERS))
        commit(store, con, 5, "S3", [5], sql(ANOTHERS))
        commit(store, con, 6, "S4", [6])
        erase.find(store, con, [HERS])
        yield store, con


def test_her_records_are_found_by_the_register_alone(found):
    _, con = found
    assert con.execute(f"select count(*) from erased_record where record_key in ({key(1)}, {key(3)})").fetchone() == (
        2,
    )
    assert con.execute("select count(*) from erased_record").fetchone() == (2,)


def test_older_rows_of_her_records_go_whoever_they_named(found):
    store, con = found
    assert erase.counts(store, con) == (0, 3)
    step = erase.steps(store, con, {})["register"]
    assert sorted(path.split("/")[1] for path in step["remove"]) == ["sender=S1", "sender=S1", "sender=S2"]
    assert sum(one["rows"] for one in step["add"]) == 1
    assert all(path.startswith(f"feed={FEED}/") for path in step["remove"])
