"""Is every column of a mart accounted for before it goes to the open tier? If not, the release is refused."""

import duckdb

from linkwork.errors import BadDataError
from linkwork.release.marts import Disclosure, Mart

WHOLE_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"} | {
    f"U{kind}" for kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}
LABELS = {"VARCHAR", "BOOLEAN", "DATE"}  # may pass undeclared: names, codes, flags, dates of periods


def column_types(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column -> DuckDB type, in order. BadDataError if there is no such relation."""
    try:
        return {row[0]: row[1] for row in con.execute(f"describe select * from {relation}").fetchall()}
    except duckdb.CatalogException as error:
        raise BadDataError(
            "a mart is not in the warehouse",
            where=relation,
            why="dbt's manifest names it, but it was not built",
            do="run `linkwork build` again and look at its failures",
        ) from error


def check_columns(mart: Mart, types: dict[str, str]) -> None:
    """Raise BadDataError for the first column whose place in the open tier is not clear."""
    rules = mart.meta.disclosure
    if rules is None:
        return
    named = [
        *mart.meta.key,
        *(rules.area_level, rules.period_type, rules.period_end),
        *rules.splits,
        *rules.breakdowns.values(),
        *rules.only,
        *rules.cells,
        *rules.derived,
        *rules.labels,
        *rules.drop,
    ]
    if unknown := [column for column in named if column not in types]:
        _refuse(mart, unknown[0], "is named in the release metadata, but the mart has no such column")
    if dropped := [c for c in (*mart.meta.key, *rules.splits) if c in rules.drop]:
        _refuse(mart, dropped[0], "is dropped, but it identifies or splits a row")
    if taken := [f"{c}_status" for c in (*rules.cells, *rules.rates) if f"{c}_status" in types]:
        _refuse(mart, taken[0], "has a name that the open tier needs for itself")
    _check_types(mart, rules, types)
    for column, rate in rules.rates.items():
        for part in (rate.numerator, rate.denominator):
            if part not in rules.cells:
                _refuse(mart, column, f"is computed from {part}, which is not rounded")


def _check_types(mart: Mart, rules: Disclosure, types: dict[str, str]) -> None:
    if types[rules.period_end] != "DATE":
        _refuse(
            mart,
            rules.period_end,
            f"is the end of a period, so it must be a DATE, not {types[rules.period_end]}",
        )
    declared = {*mart.meta.key, *rules.splits, *rules.labels}
    for column, kind in types.items():
        if column in rules.cells_of_people and kind not in WHOLE_NUMBERS:
            _refuse(mart, column, f"counts people, so it must be a whole number, not {kind}")
        elif column in rules.counts and kind not in WHOLE_NUMBERS and not kind.startswith("DECIMAL"):
            _refuse(mart, column, f"is a count, so it must be a whole number or DECIMAL, not {kind}")
        elif column in (*rules.cells, *rules.derived, *rules.drop) or kind in LABELS:
            continue
        elif column not in declared or kind not in WHOLE_NUMBERS:
            _refuse(mart, column, f"({kind}) has no declared place in the open tier")


def _refuse(mart: Mart, column: str, why: str) -> None:
    raise BadDataError(
        f"{mart.name} cannot be released in the open tier",
        where=f"{mart.relation}, column {column}",
        why=f"{column} {why}",
        do="declare the column in the model's `meta.linkwork`, as a count, a rate, a label or one to drop",
    )
