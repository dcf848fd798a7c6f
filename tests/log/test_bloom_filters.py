"""No file hides rows from a look-up by a key: none is written so, and those of an earlier version are written anew."""

import re
from pathlib import Path

import pytest

from ingestion import erase, upkeep
from linkwork import engine
from linkwork.errors import BadDataError
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import orders
from tests.support.log import at, csv_text, day, deliver, ingest, make_home

ROOT = Path(__file__).parents[2]
PEOPLE = [f"99900000{n}" for n in ("18", "26", "34", "42")]
AS_EARLIER = "format parquet"
LOOK_UPS = {
    "a literal": "select count(*) from {rows} where subject_key = {literal}",
    "a list": "select count(*) from {rows} where subject_key in ({literal}, {literal})",
    "a join": "select count(*) from {rows} inner join asked using (subject_key)",
    "a semi join": "select count(*) from {rows} semi join asked using (subject_key)",
    "a subquery": "select count(*) from {rows} where subject_key in (select subject_key from asked)",
}


def delivered(home):
    """A file with ten referrals of each of four people: pseudonyms that repeat are encoded by a dictionary."""
    records = [
        {"id": f"r{n}", "nhs_number": PEOPLE[n % 4], "received": day(1 + n % 20), "at": at(1)} for n in range(40)
    ]
    deliver(home, "1.csv", csv_text(records))
    ingest(home)


def hidden(home):
    """By which look-ups which tables give too few rows of a person."""
    store = Store(home.log_dir).refresh()
    found = set()
    with engine.connect() as con:
        for table in (store.events, store.register):
            rows = table.relation()
            con.execute(f"create or replace temp table whole as from {rows}")
            counted = con.execute(
                "select subject_key, count(*) from whole where subject_key is not null group by 1"
            ).fetchall()
            assert len(counted) == 4
            for key, expected in counted:
                literal = "'" + "".join(f"\\x{byte:02X}" for byte in key) + "'::blob"
                con.execute("create or replace temp table asked as select ?::blob as subject_key", [key])
                for name, query in LOOK_UPS.items():
                    if con.execute(query.format(rows=rows, literal=literal)).fetchone() != (expected,):
                        found.add((table.path.name, name))
    return found


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    """A log as an earlier version wrote it."""
    with monkeypatch.context() as patched:
        patched.setattr(engine, "PARQUET", AS_EARLIER)
        home = make_home(tmp_path / "earlier")
        delivered(home)
    return home


def test_every_row_of_a_person_is_found_by_every_look_up(tmp_path):
    home = make_home(tmp_path / "home")
    delivered(home)
    assert hidden(home) == set()
    assert verify(Store(home.log_dir)).problems == []


def test_an_earlier_log_is_named_and_erasure_waits_until_it_is_compacted(earlier):
    (problem,) = verify(Store(earlier.log_dir)).problems
    assert "`linkwork log compact`" in problem
    with pytest.raises(BadDataError, match="linkwork log compact"):
        erase.erase_person(earlier, [PEOPLE[1]], [], "asked")
    assert orders.unfinished(earlier) == []  # nothing was begun, so that files are taken in and marts built as before
    before = everything(earlier)
    upkeep.compact(earlier)
    assert everything(earlier) == before
    assert verify(Store(earlier.log_dir)).problems == []
    assert hidden(earlier) == set()
    assert erase.erase_person(earlier, [PEOPLE[1]], [], "asked")["events"] == 10


def test_a_bucket_that_was_compacted_then_is_written_anew_too(earlier, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(engine, "PARQUET", AS_EARLIER)
        upkeep.compact(earlier)
    before = everything(earlier)
    assert upkeep.compact(earlier)["written"] > 0
    assert everything(earlier) == before
    assert verify(Store(earlier.log_dir)).problems == []
    assert upkeep.compact(earlier)["written"] == 0


@pytest.mark.parametrize("folder", ["linkwork", "ingestion"])
def test_parquet_is_written_in_the_one_way(folder):
    written = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in path.read_text().splitlines()
        if re.search(r"format parquet", line) and not line.startswith("PARQUET = ")
    ]
    assert written == []


def everything(home):
    store = Store(home.log_dir).refresh()
    with engine.connect() as con:
        return [
            con.execute(f"select * from {table.relation()} order by all").fetchall()
            for table in (store.events, store.register)
        ]
