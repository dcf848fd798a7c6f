"""A DuckDB file that keeps freed blocks is written anew, so that everything in it can be searched."""

from pathlib import Path

import pytest

from linkwork import engine
from linkwork.database_file import without_freed_blocks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with two tables, one with a constraint, and a view that names its catalogue."""
    made = tmp_path / "warehouse.duckdb"
    with engine.connect(made) as con:
        con.execute("create schema marts")
        con.execute("create table marts.kept (n bigint not null, said varchar)")
        con.execute("insert into marts.kept select range, 'row ' || range from range(100000)")
        con.execute("create table marts.dropped as select range as n, md5(range::varchar) as said from range(500000)")
        con.execute("create view marts.looked_at as select count(*) as n from warehouse.marts.kept")
    return made


def free(path: Path) -> int:
    with engine.connect(path, read_only=True) as con:
        return int(engine.row(con, "select sum(free_blocks) from pragma_database_size()")[0])


def test_a_file_without_freed_blocks_stays_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    assert not without_freed_blocks(path, memory_limit="1GB", threads=2)
    assert path.read_bytes() == before


def test_a_file_with_freed_blocks_is_written_anew_with_all_that_it_held(path: Path) -> None:
    with engine.connect(path) as con:
        con.execute("create table marts.later as select range as n, md5(range::varchar) as said from range(100000)")
        con.execute("checkpoint")
        con.execute("drop table marts.dropped")
    assert free(path) > 0
    assert without_freed_blocks(path, memory_limit="1GB", threads=2)
    assert free(path) == 0
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with engine.connect(path, read_only=True) as con:
        assert con.execute("select n from marts.looked_at").fetchall() == [(100_000,)]
        assert con.execute("select count(*), sum(n) from marts.kept").fetchall() == [(100_000, 4_999_950_000)]
        assert con.execute("select table_name from duckdb_tables() order by 1").fetchall() == [("kept",), ("later",)]
        nullable = "select is_nullable from duckdb_columns() where table_name = 'kept' and column_name = 'n'"
        assert con.execute(nullable).fetchall() == [(False,)]
