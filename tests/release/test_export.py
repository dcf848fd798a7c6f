"""Parquet exports: the same rows give the same bytes, whatever the threads; nothing is changed on the way."""

from pathlib import Path

import pytest

from linkwork.engine import connect
from linkwork.errors import BadDataError
from linkwork.files import sha256_of
from linkwork.release.export import export_table, rows_in

ROWS = 150_000  # more than one row group
SOURCE = (
    "create table facts as select md5(i::varchar) as k, i % 977 as g, nullif(i % 3, 0) as n,"
    " cast(i / 7 as decimal(18, 4)) as d, md5(i::varchar)::blob as b, ['a', i::varchar] as l,"
    " timestamptz '2025-01-01 00:00:00+00' + i * interval 1 second as t from range({rows}) as r(i)"
)


def test_f121_same_rows_same_bytes_twice_and_with_one_thread_or_several(tmp_path: Path) -> None:
    hashes = set()
    for run, (threads, order) in enumerate([(1, "asc"), (1, "asc"), (2, "asc"), (4, "desc")]):
        con = connect(threads=threads)
        con.execute(SOURCE.format(rows=ROWS))
        con.execute(f"create table shuffled as from facts order by g {order}, k {order}")
        done = export_table(con, "shuffled", ["k"], tmp_path / f"{run}.parquet")
        con.close()
        assert done.rows == ROWS
        assert done.sha256 == sha256_of(tmp_path / f"{run}.parquet")
        hashes.add(done.sha256)
    assert len(hashes) == 1


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    con = connect()
    con.execute(SOURCE.format(rows=1000))
    done = export_table(con, "facts", ["g", "k"], tmp_path / "facts.parquet")
    back = f"read_parquet('{tmp_path / 'facts.parquet'}')"
    described = {r[0]: r[1] for r in con.execute(f"describe select * from {back}").fetchall()}
    assert described == done.schema
    for one, other in [("facts", back), (back, "facts")]:
        assert con.execute(f"select count(*) from (from {one} except from {other})").fetchone() == (0,)
    keys = con.execute(f"select g, k from {back}").fetchall()
    assert keys == sorted(keys)


def test_a_table_without_rows_gives_a_file_without_rows_and_the_right_schema(tmp_path: Path) -> None:
    con = connect()
    con.execute(SOURCE.format(rows=0))
    path = tmp_path / "facts.parquet"
    done = export_table(con, "facts", ["k"], path)
    assert (done.rows, rows_in(con, path)) == (0, 0)
    assert done.schema["d"] == "DECIMAL(18,4)"
    described = con.execute(f"describe select * from read_parquet('{path}')").fetchall()
    assert {r[0]: r[1] for r in described} == done.schema


def test_a_key_that_is_not_one_refuses(tmp_path: Path) -> None:
    con = connect()
    con.execute(SOURCE.format(rows=1000))
    with pytest.raises(BadDataError, match="not identified by its key"):
        export_table(con, "facts", ["g"], tmp_path / "facts.parquet")


def test_a_type_that_parquet_would_change_refuses(tmp_path: Path) -> None:
    con = connect()
    con.execute("create table sums as select 1 as k, 12345678901234567890123::hugeint as total")
    with pytest.raises(BadDataError, match="total cannot be exported"):
        export_table(con, "sums", ["k"], tmp_path / "sums.parquet")
