"""Each kind of damage to a log is found and named; what no commit names is listed and no damage."""

import shutil

import pytest

from ingestion import erase
from linkwork import engine
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import holds
from linkwork.privacy.keys import load_keys
from tests.support.cli import commands
from tests.support.log import at, csv_text, day, deliver, ingest, make_home
from tests.support.people import copy_of, pseudonyms

HELD, ERASED = "9990000034", "9990000018"
TABLES = ("events", "register", "loads", "quarantine", "operations", "erasures", "tombstones", "holds")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("damage") / "whole")
    for n in (1, 2):
        rows = [{"id": f"r{k}", "nhs_number": ERASED, "received": day(n), "at": at(n)} for k in range(1, 3)]
        rows += [{"id": f"s{n}", "received": day(n), "at": at(n)}, {"id": f"q{n}", "received": "never", "at": at(n)}]
        deliver(home, f"{n}.csv", csv_text(rows))
        ingest(home)
    holds.place(home.log_dir, pseudonyms(home, HELD), "case 12", load_keys(home))
    erase.erase_person(home, [ERASED], [], "asked for")
    assert verify(Store(home.log_dir)).problems == []
    return home


@pytest.fixture
def home(made, tmp_path):
    return copy_of(made, tmp_path / "copy")


@pytest.fixture
def store(home):
    return Store(home.log_dir).refresh()


def problems(home):
    return verify(Store(home.log_dir)).problems


@pytest.mark.parametrize("table", TABLES)
def test_f09_a_flipped_byte_and_a_missing_file_of_any_table_are_named(home, store, table):
    log_table = getattr(store, table)
    path = log_table.path / log_table.files()[0].path
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2] + bytes([good[len(good) // 2] ^ 1]) + good[len(good) // 2 + 1 :])
    assert problems(home) == [f"changed file: {path} (its bytes do not match the hash in its name)"]
    path.unlink()
    assert problems(home) == [f"missing file: {path}"]


def test_everything_broken_is_named_at_once(home, store):
    paths = [store.events.path / f.path for f in store.events.files()]
    for path in paths:
        path.write_bytes(b"x")
    assert [str(path) in problem for path, problem in zip(sorted(paths), problems(home), strict=True)] == [True] * len(
        paths
    )


def test_a_segment_that_stands_twice_breaks_positions_and_ids(home, store):
    one = next(f for f in store.events.files() if f.rows > 1)
    _recommit(store, one, remove=False)
    found = problems(home)
    assert any("positions are not gap-free" in p for p in found)
    assert any("events repeat an event_id" in p for p in found)


def test_a_segment_that_is_gone_from_the_table_breaks_positions(home, store):
    store.events.commit([], {}, remove=[store.events.files()[0]])
    found = problems(home)
    assert any("positions are not gap-free" in p for p in found)
    assert any("has other events than its ledger row says" in p for p in found)


@pytest.mark.parametrize(
    "changed", [{"rows": 7}, {"lowest": {"global_position": 99}}, {"highest": {"recorded_at": None}}]
)
def test_statistics_that_do_not_match_are_named(home, store, changed):
    one = store.events.files()[0]
    path = _recommit(store, one, remove=True, **changed)
    assert problems(home) == [f"the statistics of {path} do not match its rows"]


def _recommit(store, one, *, remove, rows=None, lowest=None, highest=None):
    """Add the same bytes again in another folder, with other statistics."""
    path = store.events.path / f"category={one.partition['category']}" / "b00" / one.path.split("/")[-1]
    path.parent.mkdir(exist_ok=True)
    shutil.copy(store.events.path / one.path, path)
    statistics = {
        "numRecords": rows or one.rows,
        "minValues": {k: v for k, v in {**one.lowest, **(lowest or {})}.items() if v is not None},
        "maxValues": {k: v for k, v in {**one.highest, **(highest or {})}.items() if v is not None},
    }
    store.events.commit([(path, one.partition, statistics)], {}, remove=[one] if remove else [])
    return path.relative_to(store.events.path)


@pytest.mark.parametrize(
    ("replaced", "found"),
    [
        ("records + 1 as records", "the records of load {load} do not add up"),
        ("quarantined + 1 as quarantined, records + 1 as records", "load {load} has other refused records in the "
         "quarantine index than in the ledger"),
        ("events + 1 as events", "load {load} has other events than its ledger row says"),
        ("'other' as file_sha256", "load {load} is in the ledger but its file is not in the log's transactions"),
    ],
)  # fmt: skip
def test_a_ledger_that_does_not_add_up_is_named(home, store, replaced, found):
    with engine.connect() as con:
        (load,) = con.execute(f"select min(load_id) from {store.current_loads()}").fetchone()
        store.loads.append(
            con,
            f"""select * replace ({replaced}, recorded_at + interval 1 hour as recorded_at)
            from {store.current_loads()} where load_id = {engine.text(load)}""",
        )
    assert problems(home) == [found.format(load=load)]


def test_a_refused_record_the_ledger_does_not_know_is_named(home, store):
    with engine.connect() as con:
        store.quarantine.append(con, f"select * replace (99 as source_line) from {store.quarantine.relation()} limit 1")
    (problem,) = problems(home)
    assert "has other refused records in the quarantine index" in problem


def test_a_register_behind_the_last_commit_and_a_lost_one_are_told_apart(home, store):
    whole = store.register.path
    kept = whole.with_name("kept")
    shutil.copytree(whole, kept)
    deliver(home, "3.csv", csv_text([{"id": "n", "received": day(3), "at": at(3)}]))
    ingest(home)
    shutil.rmtree(whole)
    assert problems(home) == ["the register is lost; `linkwork log rebuild-register` makes it anew"]
    shutil.rmtree(whole)
    kept.rename(whole)
    assert problems(home) == ["the register has not followed the last commit; `linkwork ingest` finishes it"]


def test_files_no_commit_names_are_listed_and_no_damage(home, store):
    orphan = store.events.path / "category=referral" / "left.parquet"
    orphan.write_bytes(b"left by a killed writer")
    found = verify(Store(home.log_dir))
    assert (found.problems, found.orphans) == ([], [str(orphan)])
    ingest(home)
    assert not orphan.exists()


def test_the_command_ends_with_65_and_names_the_file(home, store, monkeypatch, capfd):
    linkwork = commands(home, monkeypatch, capfd)
    assert linkwork("log", "verify", "--json").json["problems"] == []
    path = store.loads.path / store.loads.files()[0].path
    path.unlink()
    broken = linkwork("log", "verify")
    assert broken.code == 65
    assert str(path) in broken.err
