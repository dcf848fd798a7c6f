"""Why Great Expectations needs a dialect of its own on DuckDB, and that it has one."""

import pytest
from duckdb_sqlalchemy import Dialect
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import registry
from sqlalchemy.pool import StaticPool

from expectations import dialect


@pytest.fixture(autouse=True)
def _package_dialect_afterwards():
    yield
    registry.impls.pop("duckdb", None)


def fetched_after_return_to_the_pool() -> list[tuple[int]]:
    engine = create_engine(dialect.URL, poolclass=StaticPool)
    with engine.connect() as connection:
        result = connection.execute(text("select i from range(3) as t (i)"))
        cursor = result.cursor
    return list(cursor.fetchall())


def test_a_result_can_be_read_after_its_connection_went_back_to_the_pool():
    dialect.register()
    assert fetched_after_return_to_the_pool() == [(0,), (1,), (2,)]


def test_the_package_alone_loses_that_result_so_the_subclass_is_needed():
    registry.register("duckdb", Dialect.__module__, Dialect.__name__)
    assert fetched_after_return_to_the_pool() == []


def test_statements_keep_their_effect_on_the_one_connection():
    dialect.register()
    engine = create_engine(dialect.URL, poolclass=StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table t as select 7 as n")
    with engine.connect() as connection:
        connection.exec_driver_sql("insert into t values (8)")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select sum(n) from t").scalar() == 15
