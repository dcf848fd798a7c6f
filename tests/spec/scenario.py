"""What a spec test works with: the built rows, by the names its own module gave to people and referrals."""

from typing import Any

import duckdb

from tests.spec.warehouse import text_id


class Scenario:
    """The built rows as one test module sees them: people and referrals by the names it gave them."""

    def __init__(self, con: duckdb.DuckDBPyConnection, scope: str) -> None:
        self.con, self.scope = con, scope

    def rows(self, query: str, **names: Any) -> list[dict[str, Any]]:
        """Rows of a query as dictionaries; `$name` stands for a value."""
        cursor = self.con.execute(query, names) if names else self.con.execute(query)
        columns = [d[0] for d in cursor.description or []]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def row(self, query: str, **names: Any) -> dict[str, Any]:
        """The only row of a query."""
        rows = self.rows(query, **names)
        assert len(rows) == 1, rows
        return rows[0]

    def referral(self, record: str) -> dict[str, Any]:
        """The row of fct_referrals of a record named in this module."""
        return self.row("select * from fct_referrals where referral_id = $id", id=text_id(self.scope, record))
