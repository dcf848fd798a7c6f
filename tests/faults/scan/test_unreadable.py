"""F101: what cannot be searched in full is named, and the proof is incomplete."""

import gzip
import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linkwork import engine
from linkwork.privacy.scan import Limits, scan
from tests.support.scan import (
    CONTAINERS,
    KEY,
    NEEDLES,
    NUMBER,
    ZONE1,
    found,
    noise,
    unreadable,
    write_duckdb,
    write_sealed,
    write_sqlite,
)


@pytest.mark.parametrize("name", [n for n in CONTAINERS if n != "plain.bin"])
def test_a_container_that_was_cut_off_is_named(home, name):
    path = home / "planted" / name
    CONTAINERS[name](path, noise(5, 60_000))
    os.truncate(path, path.stat().st_size * 2 // 3)
    assert set(unreadable(home)) == {f"planted/{name}"}


@pytest.mark.parametrize("name", ["a.parquet", "a.duckdb", "a.xlsx", "a.csv.gz", "a.sqlite", "A.PARQUET"])
def test_a_name_that_promises_a_container_is_held_to_it(home, name):
    (home / "planted" / name).write_bytes(b"these are not the bytes of such a file" * 50)
    assert set(unreadable(home)) == {f"planted/{name}"}


def test_an_empty_file_hides_nothing_whatever_its_name(home):
    (home / "planted" / "a.parquet").touch()
    assert found(home) == set()


@pytest.mark.parametrize("text", ["PARENT GROUP, Tuesdays at the library", "THE OLD DUCK and other places to meet"])
def test_words_that_begin_like_a_container_are_not_taken_for_one(home, text):
    (home / "planted" / "a.txt").write_text(text)
    pq.write_table(pa.table({"c": [text.encode()]}), home / "planted" / "a.parquet")
    assert found(home) == set()


@pytest.mark.parametrize("magic", [b"7z\xbc\xaf\x27\x1c", b"%PDF-1.7", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_format_without_a_reader_is_named(home, magic):
    (home / "planted" / "a.bin").write_bytes(magic + noise(3, 500))
    assert unreadable(home) == {"planted/a.bin": "no reader for this format"}


@pytest.mark.parametrize("key", [None, b"x" * 32])
def test_sealed_files_need_their_key(home, key):
    write_sealed(home / "planted" / "sealed", NUMBER.encode())
    named = set(unreadable(home, key))
    assert "planted/sealed" in named
    assert all(name.startswith(("planted/", "restricted/")) for name in named)


def test_a_sealed_file_that_was_tampered_with_is_named(home):
    path = home / "planted" / "sealed"
    write_sealed(path, b"nobody")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert set(unreadable(home)) == {"planted/sealed"}


def test_a_database_that_another_process_holds_is_named(home):
    path = home / "planted" / "warehouse.duckdb"
    write_duckdb(path, b"x")
    holder = (
        "import sys; from pathlib import Path; from linkwork import engine\n"
        "con = engine.connect(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        assert "in use" in unreadable(home)["planted/warehouse.duckdb"]
        process.stdin.close()
    assert found(home) == set()


def test_deleted_rows_of_a_database_make_the_proof_incomplete(home):
    path = home / "planted" / "warehouse.duckdb"
    write_duckdb(path, KEY)
    with engine.connect(path) as con:
        con.execute("delete from other.facts where id = -1")
    assert "make the file anew" in unreadable(home)["planted/warehouse.duckdb"]


def test_dropped_tables_of_a_database_make_the_proof_incomplete(home):
    path = home / "planted" / "warehouse.duckdb"
    with engine.connect(path) as con:
        con.execute("create table t as select md5(i::varchar) as c from range(200000) r(i)")
    with engine.connect(path) as con:
        con.execute("drop table t")
    assert "make the file anew" in unreadable(home)["planted/warehouse.duckdb"]


@pytest.mark.parametrize(("built_after", "is_complete"), [(2, True), (1, False)])
def test_what_a_warehouse_freed_came_from_the_log_it_was_built_from(home, built_after, is_complete):
    with engine.connect(home / "planted" / "warehouse.duckdb") as con:
        con.execute("create schema log")
        con.execute(f"create table log.pinned as select {built_after} as erasures")
        con.execute("create table t as select md5(i::varchar) as c from range(200000) r(i)")
        con.execute("checkpoint")
        con.execute("drop table t")
    assert scan(home, NEEDLES, ZONE1, erasures=2).complete == is_complete
    assert not scan(home, NEEDLES, ZONE1).complete


def test_rows_that_a_database_keeps_in_its_write_ahead_log_are_found(home):
    path = home / "planted" / "airflow.db"
    con = sqlite3.connect(path)
    con.execute("pragma journal_mode = wal")
    con.execute("create table xcom (value text)")
    con.execute("insert into xcom values (?)", ["-" * 5000 + NUMBER + "-" * 5000])
    con.commit()
    hits = scan(home, NEEDLES, ZONE1)
    con.close()
    assert hits.complete
    assert ("planted/airflow.db", "table xcom, column value") in {(h.path, h.inside) for h in hits.hits}


def test_rows_that_a_killed_process_left_in_the_log_of_duckdb_are_found(home):
    path = home / "planted" / "warehouse.duckdb"
    killed = (
        "import os, sys; from pathlib import Path; from linkwork import engine\n"
        "con = engine.connect(Path(sys.argv[1])); con.execute('create table t as select 1 as a')\n"
        "con.execute('checkpoint'); con.execute('create table u (b bigint)')\n"
        "con.execute('insert into u values (' + sys.argv[2] + ')'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", killed, str(path), NUMBER], check=True)
    log = path.with_name("warehouse.duckdb.wal")
    before = log.read_bytes(), path.read_bytes()
    result = scan(home, NEEDLES, ZONE1)
    assert result.complete
    assert ("planted/warehouse.duckdb", "table main.u, column b") in {(h.path, h.inside) for h in result.hits}
    assert (log.read_bytes(), path.read_bytes()) == before


def test_a_locked_sqlite_is_named(home):
    path = home / "planted" / "airflow.db"
    write_sqlite(path, b"x")
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("begin exclusive")
    assert set(unreadable(home)) == {"planted/airflow.db"}
    con.close()


def test_a_file_that_may_not_be_read_is_named(home, monkeypatch):
    path = home / "planted" / "closed.txt"
    path.write_text("x")
    real_open = os.open

    def refusing(name, *rest, **options):  # root, who runs the tests in a container, may read everything
        if Path(os.fsdecode(name)) == path:
            raise PermissionError
        return real_open(name, *rest, **options)

    monkeypatch.setattr(os, "open", refusing)
    assert unreadable(home) == {"planted/closed.txt": "permission denied"}


def test_a_folder_that_may_not_be_read_is_named(home, monkeypatch):
    real_scandir = os.scandir

    def refusing(folder):
        if Path(folder).name == "planted":
            raise PermissionError
        return real_scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    assert unreadable(home) == {"planted": "permission denied"}


def test_a_file_that_vanishes_during_the_scan_is_named(home):
    path = home / "z.txt"
    path.write_text("x")
    (home / "a.txt").write_text("x")  # read when the folder was listed, and before the other

    def remove(_files, _bytes):
        path.unlink(missing_ok=True)

    assert unreadable(home, progress=remove) == {"z.txt": "it vanished while the home was being read"}


def test_an_entry_with_a_password_is_named(home):
    path = home / "planted" / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "password" in unreadable(home)["planted/a.zip"]


def test_limits_are_reported(home):
    content = noise(4, 100_000)
    for _ in range(5):
        content = gzip.compress(content)
    path = home / "planted" / "deep.gz"
    path.write_bytes(content)
    assert found(home) == set()
    assert "deeper" in unreadable(home, limits=Limits(depth=3))["planted/deep.gz"]
    assert "larger" in unreadable(home, limits=Limits(memory=50_000))["planted/deep.gz"]
    path.write_bytes(gzip.compress(bytes(50 << 20)))
    assert "more than the limit" in unreadable(home, limits=Limits(unpacked=10 << 20))["planted/deep.gz"]
