"""Primary disclosure control: one mart in, its open table out.

What the open tier may hold of a mart, in this order:
0. what it is made of follows the mart but for changes that are too small (`linkwork.release.held`);
1. the rows that `only` names, of closed periods: `period_end` + the policy's lag is not after the cut-off date
   (never the clock);
2. one split at a time: at most one of the splitting columns differs from `all` or `none` (NULL counts as
   differing);
3. every count in the suppressed range is NULL, and so is every count of a row whose people are in it; the
   others are rounded. `<column>_status` says why a value is NULL: `suppressed`, or `none` where the mart
   holds no value. A suppressed count is never 0;
4. rates and interval limits are computed from the rounded parts, and NULL where a part is suppressed;
5. only the steps of the ladder that the policy's tolerance lets through (`linkwork.release.ladder`).

A column that nobody declared and that is not a label (text, date, true or false) refuses the release:
control fails closed. Complementary suppression across margins is not part of this module.
"""

from datetime import date
from typing import NamedTuple, get_args

import duckdb

from linkwork.engine import name, text
from linkwork.errors import BadDataError
from linkwork.release.columns import check_columns, column_types
from linkwork.release.held import SOURCE, Served, content_sql, kept_columns, settle
from linkwork.release.intervals import Side, interval_limit
from linkwork.release.ladder import TOTAL, Cells, Step, Withheld, choose
from linkwork.release.marts import Disclosure, Mart, Rate
from linkwork.release.policy import DisclosurePolicy, Kind

UNSPLIT = ("all", "none")
STEP = "step_split, step_area, step_period"


class OpenTable(NamedTuple):
    """A temporary view with the open rows of a mart, its columns with descriptions, what was left out."""

    relation: str
    columns: dict[str, str]
    shown: list[Step]
    withheld: list[Withheld]
    held: int
    made_of: str  # SQL: the rows it is made of, before suppression and rounding, as `mart` and `content`


def status_of(column: str) -> str:
    """The name of the column that says whether a value is shown."""
    return f"{column}_status"


def control(
    con: duckdb.DuckDBPyConnection,
    mart: Mart,
    policy: DisclosurePolicy,
    cut_off: date | None,
    served: Served | None = None,
) -> OpenTable:
    """Make the open table of a mart in the connection's temporary schema.

    `served` is what the open tier of the release that is served was made of. `cut_off` is the local date of the
    newest assertion in the build; without one no period is known to be closed. Raises BadDataError for a mart whose
    columns are not all accounted for, or that holds a negative count.
    """
    rules = mart.meta.disclosure
    if rules is None:
        raise BadDataError(
            f"{mart.name} has no disclosure rules",
            why="the open tier holds controlled tables only",
            do="declare `disclosure` in its meta",
        )
    types = column_types(con, mart.relation)
    check_columns(mart, types)
    _refuse_negative_counts(con, mart, rules)
    columns = _open_columns(mart, rules, list(types), policy)
    controlled, opened = f"controlled_{mart.name}", f"open_{mart.name}"
    settled = settle(con, mart, rules, policy, types, _chosen_sql(rules, policy, cut_off), served)
    con.execute(
        f"create or replace temp table {name(controlled)} as "
        + _controlled_sql(rules, columns, policy, settled.relation)
    )
    cells = _cells_by_step(con, controlled, rules, set(rules.drop))
    shown, withheld = choose(mart.name, cells, policy)
    steps = ", ".join("(" + ", ".join(map(text, step)) + ")" for step in shown)
    where = f"({STEP}) in ({steps})" if shown else "false"
    con.execute(
        f"create or replace temp view {name(opened)} as "
        f"select {', '.join(map(name, columns))} from {name(controlled)} where {where}"
    )
    content = content_sql(kept_columns(mart, rules, list(types)))
    made_of = f"select {text(mart.name)} as mart, {content} as content from {settled.relation}"
    return OpenTable(name(opened), columns, shown, withheld, settled.held, made_of)


def suppressed_sql(column: str, policy: DisclosurePolicy) -> str:
    """SQL that is true where a count's own size is in the suppressed range."""
    least = ">" if policy.show_zero else ">="
    return f"({column} {least} 0 and {column} <= {policy.suppress_to})"


def rounded_sql(column: str, policy: DisclosurePolicy) -> str:
    """SQL for the nearest multiple of the policy's base, as BIGINT."""
    base = policy.round_to
    return f"((cast(round({column}) as bigint) + {base // 2}) // {base} * {base})"


def _chosen_sql(rules: Disclosure, policy: DisclosurePolicy, cut_off: date | None) -> str:
    """SQL for the rows of `SOURCE` that a step of the ladder may show, and `step_split`, what splits them."""
    split = {column: f"coalesce(cast({name(column)} as varchar) not in {UNSPLIT}, true)" for column in rules.splits}
    count_of_splits = " + ".join(f"cast({test} as integer)" for test in split.values()) or "0"
    first_split = " ".join(f"when {test} then {_split_name(column, rules)}" for column, test in split.items())
    which = f"case {first_split} else {text(TOTAL)} end" if split else text(TOTAL)
    closed = (
        f"{name(rules.period_end)} + {policy.closed_after_days} <= date {text(cut_off.isoformat())}"
        if cut_off
        else "false"
    )
    only = "".join(f" and {name(column)} in ({', '.join(map(text, values))})" for column, values in rules.only.items())
    steps = ", ".join(
        f"({str(kind == 'split').lower()}, {text(area)}, {text(period)})"
        for kind in get_args(Kind)
        for area in policy.areas
        for period in policy.coarser_periods(kind, area)
    )
    level, period_type = name(rules.area_level), name(rules.period_type)
    return f"""
        select * from (
            select *, {which} as step_split from {SOURCE} where {closed}{only} and {count_of_splits} <= 1
        ) where (step_split <> {text(TOTAL)}, {level}, {period_type}) in ({steps})"""


def _controlled_sql(rules: Disclosure, columns: dict[str, str], policy: DisclosurePolicy, settled: str) -> str:
    statuses = ", ".join(f"{_status_sql(column, rules, policy)} as {name(status_of(column))}" for column in rules.cells)
    values = ", ".join(
        f"case when {name(status_of(column))} = 'shown' then {rounded_sql(name(column), policy)} end as {name(column)}"
        for column in rules.cells
    )
    derived = _derived_sql(rules)
    kept = ", ".join(derived.get(column) or name(column) for column in columns)
    steps = f"{name(rules.area_level)} as step_area, {name(rules.period_type)} as step_period"
    # Suppressed parts are needed to judge the steps even where the model drops them from the table.
    hidden = ", ".join(name(status_of(column)) for column in rules.cells if column in rules.drop)
    return f"""
        with judged as (select *, {statuses} from {settled}),
        rounded as (select * replace ({values}) from judged)
        select {kept}, step_split, {steps}{", " + hidden if hidden else ""} from rounded"""


def _split_name(column: str, rules: Disclosure) -> str:
    named_by = rules.breakdowns.get(column)
    return f"coalesce(cast({name(named_by)} as varchar), {text(column)})" if named_by else text(column)


def _status_sql(column: str, rules: Disclosure, policy: DisclosurePolicy) -> str:
    value, people = name(column), name(rules.people_of.get(column, rules.people))
    hidden = suppressed_sql(value, policy)
    if column not in rules.cells_of_people:
        # An event count is as small as the people behind it; unknown people are treated as few.
        nobody = f"({people} = 0 and {value} = 0)"
        hidden = f"{hidden} or not coalesce({people} > {policy.suppress_to} or {nobody}, false)"
    return f"case when {value} is null then 'none' when {hidden} then 'suppressed' else 'shown' end"


def _derived_sql(rules: Disclosure) -> dict[str, str]:
    """Column -> select item for rates, their status and the limits of their intervals."""
    items: dict[str, str] = {}
    for column, rate in rules.rates.items():
        top, bottom = name(rate.numerator), name(rate.denominator)
        either = f"'suppressed' in ({name(status_of(rate.numerator))}, {name(status_of(rate.denominator))})"
        # Where one part is held back and the other is not, a share may be of more than there are: it is not stated.
        whole = f"{top} <= {bottom}" if rate.kind == "proportion" else "true"
        nothing = f"{top} is null or coalesce({bottom}, 0) = 0"
        items[status_of(column)] = (
            f"case when {either} then 'suppressed' when {nothing} then 'none'"
            f" when {whole} then 'shown' else 'suppressed' end"
            f" as {name(status_of(column))}"
        )
        stated = f"{rate.per!r} * {top} / nullif(cast({bottom} as double), 0)"
        items[column] = f"case when {whole} then {stated} end as {name(column)}"
        items |= {limit: _limit_sql(rate, side) for side, limit in _limits(rate)}
    return items


def _limits(rate: Rate) -> list[tuple[Side, str]]:
    sides: list[tuple[Side, str | None]] = [("lower", rate.lower), ("upper", rate.upper)]
    return [(side, limit) for side, limit in sides if limit]


def _limit_sql(rate: Rate, side: Side) -> str:
    column = rate.lower if side == "lower" else rate.upper
    kind = rate.kind or "proportion"
    formula = interval_limit(kind, side, name(rate.numerator), name(rate.denominator), rate.per)
    return f"{formula} as {name(column or '')}"


def _open_columns(mart: Mart, rules: Disclosure, in_order: list[str], policy: DisclosurePolicy) -> dict[str, str]:
    """The open table's columns in the mart's order, each controlled one followed by its status."""
    hidden = f"{policy.lowest_suppressed} to {policy.suppress_to}"
    columns: dict[str, str] = {}
    for column in (c for c in in_order if c not in rules.drop):
        told = mart.columns.get(column, "")
        if column in rules.cells:
            columns[column] = (
                f"{told} Rounded to the nearest {policy.round_to}; NULL where {hidden} is suppressed.".strip()
            )
        elif column in rules.derived:
            columns[column] = f"{told} From the rounded parts; NULL where a part is suppressed.".strip()
        else:
            columns[column] = told
        if column in rules.cells or column in rules.rates:
            columns[status_of(column)] = (
                f"Why {column} is or is not here: shown, suppressed, or none (the mart holds no value)."
            )
    return columns


def _cells_by_step(
    con: duckdb.DuckDBPyConnection, controlled: str, rules: Disclosure, dropped: set[str]
) -> dict[Step, Cells]:
    people = [status_of(column) for column in rules.cells_of_people]
    every = [status_of(column) for column in (*rules.cells, *rules.rates) if column not in dropped]
    sums = [
        " + ".join(f"count(*) filter (where {name(status)} {test})" for status in statuses) or "0"
        for statuses in (people, every)
        for test in ("<> 'none'", "= 'suppressed'")
    ]
    rows = con.execute(f"select {STEP}, {', '.join(sums)} from {name(controlled)} group by 1, 2, 3").fetchall()
    return {Step(*row[:3]): Cells(*row[3:]) for row in rows}


def _refuse_negative_counts(con: duckdb.DuckDBPyConnection, mart: Mart, rules: Disclosure) -> None:
    for column in rules.cells:
        row = con.execute(f"select count(*) from {mart.relation} where {name(column)} < 0").fetchone()
        if row and row[0]:
            raise BadDataError(
                f"{mart.name}.{column} is negative in {row[0]} rows",
                where=mart.relation,
                why="a count below 0 is no count, and suppression would not see it",
                do="correct the model",
            )
