"""Boundary `released`: does each table about to be published hold what it declares, and no small number?

One subject per table of `tables.json`. `batch` holds one row of measures (`row_kind` table) and, of an open
table, its own rows (`row_kind` row), of which only the columns that a rule needs.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from expectations.subjects import BATCH, Rule, Subject, filled, measured, none_where
from linkwork.engine import name, text

SUITE = "released"
Table = Mapping[str, Any]


def rules(table: Table, policy: Mapping[str, Any]) -> list[Rule]:
    """Row counts and keys for every table; for an open one, small numbers, rounding and what is left."""
    every = [
        # Where few people live, or in its first weeks, a region may have nothing to show: that must not keep
        # the other tables, and the restricted tier, from being published.
        measured("table_rows", "The table holds at least one row.", at_least=1, severity="warning"),
        measured("table_rows_unaccounted", "The file holds as many rows as the release declares.", at_most=0),
        measured("table_rows_empty", "No row is empty, as the row of a model without input would be.", at_most=0),
    ]
    return [*every, *(_open_rules(table, policy) if table["tier"] == "open" else ())]


def _open_rules(table: Table, policy: Mapping[str, Any]) -> list[Rule]:
    smallest = int(policy["suppress_from"]) if policy["show_zero"] else 0
    largest, base = int(policy["suppress_to"]), int(policy["round_to"])
    share = float(policy["min_shown_share"])
    cells = _cells(table)
    behind = {column: _people_of(table, column) for column in table["disclosure"]["counts"] if column in cells}
    return [
        measured("table_shown_share", f"At least {share:.0%} of the counts are shown.", at_least=share),
        measured("table_bytes_columns", "No column holds bytes, as pseudonyms do.", at_most=0),
        *(filled(column, f"Every row has its {column}.", rows="row") for column in table["key"]),
        _unique(table["key"]),
        *(
            Rule(
                "ExpectColumnValuesToNotBeInSet",
                f"No {column} from {smallest} to {largest} is shown.",
                column,
                {"value_set": list(range(smallest, largest + 1))},
                rows="row",
            )
            for column in cells
        ),
        *(
            none_where(
                f"row_kind = 'row' and {name(column)} % {base} <> 0",
                f"Every {column} shown is a multiple of {base}.",
                column,
            )
            for column in cells
        ),
        *(
            none_where(
                f"row_kind = 'row' and {name(column)} is not null and {name(people)} is null",
                f"No {column} is shown where the people behind it are not.",
                column,
            )
            for column, people in behind.items()
            if people in cells
        ),
    ]


def _unique(key: list[str]) -> Rule:
    what = "No two rows have the same key."
    if len(key) == 1:
        return Rule("ExpectColumnValuesToBeUnique", what, key[0], rows="row")
    return Rule("ExpectCompoundColumnsToBeUnique", what, arguments={"column_list": list(key)}, rows="row")


def subjects(release: Path) -> Iterator[Subject]:
    """One subject for each table that `tables.json` declares, named `<tier>/<table>`."""
    try:
        declared = json.loads((release / "tables.json").read_bytes())
        found = [(t, rules(t, declared["policy"]), _batch_sql(t, release)) for t in declared["tables"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"tables.json cannot be used ({type(error).__name__})"
        some = [measured("table_rows", "The release declares its tables.", at_least=1)]
        yield Subject("tables.json", SUITE, some, (), problem=problem)
        return
    for table, suite, sql in found:
        yield Subject(f"{table['tier']}/{table['table']}", f"{SUITE}.{table['tier']}", suite, [sql])


def _people_of(table: Table, column: str) -> str:
    """The column with the people behind a count: its own, where the mart declares one, else the row's."""
    rules = table["disclosure"]
    return str((rules.get("people_of") or {}).get(column, rules["people"]))


def _cells(table: Table) -> list[str]:
    """Every column of counts that the open table shows."""
    rules = table["disclosure"]
    columns = dict.fromkeys([rules["people"], *rules["people_counts"], *rules["counts"]])
    return [column for column in columns if column not in rules["drop"]]


def _batch_sql(table: Table, release: Path) -> str:
    cells = _cells(table) if table["tier"] == "open" else []
    columns = ", ".join(name(c) for c in dict.fromkeys([*table["key"], *cells]))
    source = f"read_parquet({text(release / table['path'])})"
    shown = " + ".join(f"count({name(c)})" for c in cells) or "0"
    hidden = " + ".join(f"count(*) filter ({name(c + '_status')} = 'suppressed')" for c in cells) or "0"
    empty = " and ".join(f"{name(c)} is null" for c in table["key"])
    rows = f"union all by name select 'row' as row_kind, {columns} from {source}" if table["tier"] == "open" else ""
    return f"""create or replace table {BATCH} as
        select
            'table' as row_kind,
            count(*) as table_rows,
            abs(count(*) - {int(table["rows"])}) as table_rows_unaccounted,
            count(*) filter ({empty}) as table_rows_empty,
            coalesce(({shown}) / nullif(({shown}) + ({hidden}), 0), 1) as table_shown_share,
            (select count(*) from (describe select * from {source}) where column_type = 'BLOB')
                as table_bytes_columns
        from {source}
        {rows}"""
