"""Great Expectations on an in-memory DuckDB: the dialect of duckdb-sqlalchemy without transactions.

Great Expectations returns its connection to the pool before it fetches the rows of a query. Returning it
rolls back, and a rollback closes DuckDB's open result: every expectation would end in an exception. So
nothing is rolled back here; hence nothing may begin either, because the next `BEGIN` on the one connection
would find a transaction open, and a `COMMIT` would find none. Checks only read, and the tables they read
are made by statements of their own, so every statement committing by itself is enough.

With SQLAlchemy's StaticPool there is one connection, and with it one in-memory database.
"""

from typing import Any

from duckdb_sqlalchemy import Dialect

URL = "duckdb:///:memory:"


class InMemoryDuckDB(Dialect):  # type: ignore[misc]
    """duckdb-sqlalchemy with every statement on its own."""

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """Nothing begins, so that nothing has to end."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing is open that could be committed."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Keep the open result: it is read after the connection is back in the pool."""


def register() -> None:
    """Make `duckdb://` mean this dialect in this process. The package's own entry point has the same name;
    a dialect registered in the process comes before it."""
    from sqlalchemy.dialects import registry

    registry.register("duckdb", __name__, InMemoryDuckDB.__name__)
