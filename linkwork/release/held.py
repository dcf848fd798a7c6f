"""Small changes are held back: what the open tier is made of, given what the release that is served was made of.

A reader who has both releases can take one from the other. So a count in the open tier follows the mart only where it
changed by more than `held_to` of the policy since the figure that is served was made; until then the served figure
stays, made anew from the same count. Nothing here is rounded: suppression, rounding, rates and the ladder follow, and
so see no small change either.

* The change is measured as a reader could: of a suppressed count nobody knows more than the range, so its distance is
  that from the nearer end of the range. Neither release narrows the range then.
* A count of events changes only with people, however large its own change: all events of one person are one person.
* A row that is new in what was served (area level, period and split) comes when some count of its people is large
  enough, and one that is gone goes when some count was.
* What the mart did not have before (a null, a period that was open, another split) is no change.
"""

from typing import NamedTuple

import duckdb

from linkwork.engine import name, row, text
from linkwork.release.marts import Disclosure, Mart
from linkwork.release.policy import DisclosurePolicy

SOURCE = "{source}"


class Served(NamedTuple):
    """What the open tier of an earlier release was made of: a relation with `mart` and `content`, a row as JSON."""

    release_id: str
    relation: str


class Settled(NamedTuple):
    """A temporary table with the rows the open tier is made of, and how many of them hold something back."""

    relation: str
    held: int


def kept_columns(mart: Mart, rules: Disclosure, columns: list[str]) -> list[str]:
    """The columns of a row that are kept with the log: what the open tier and its ladder are made of, no rate."""
    needed = {
        *mart.meta.key,
        *(rules.area_level, rules.period_type, rules.period_end),
        *(*rules.splits, *rules.breakdowns.values(), *rules.only, *rules.cells),
    }
    return [c for c in columns if c in needed or c not in (*rules.drop, *rules.derived)]


def content_sql(columns: list[str]) -> str:
    """SQL for a row as JSON, each value as text, so that no number changes."""
    pairs = ", ".join(f"{text(column)}, cast({name(column)} as varchar)" for column in columns)
    return f"cast(json_object({pairs}) as varchar)"


def settle(
    con: duckdb.DuckDBPyConnection,
    mart: Mart,
    rules: Disclosure,
    policy: DisclosurePolicy,
    types: dict[str, str],
    chosen: str,
    served: Served | None,
) -> Settled:
    """Make the rows the open tier is made of. `chosen` selects from `SOURCE`, with `step_split`."""
    now, then, settled = (name(f"{kind}_{mart.name}") for kind in ("now", "then", "settled"))
    con.execute(f"create or replace temp table {now} as {chosen.replace(SOURCE, mart.relation)}")
    if served is None:
        return Settled(now, 0)
    kept = kept_columns(mart, rules, list(types))
    read = ", ".join(
        (f"cast(content ->> {text(f'$.{name(column)}')} as {kind})" if column in kept else f"cast(null as {kind})")
        + f" as {name(column)}"
        for column, kind in types.items()
    )
    earlier = f"(select {read} from {served.relation} where mart = {text(mart.name)})"
    con.execute(f"create or replace temp table {then} as {chosen.replace(SOURCE, earlier)}")
    con.execute(f"create or replace temp table {settled} as {_merged(mart, rules, policy, now, then)}")
    held = f"select count(*) from (from {settled} except all from {now})"
    left_out = f"select count(*) from {now} as n anti join {settled} as s on {_same(mart.meta.key, 'n', 's')}"
    return Settled(settled, int(row(con, held)[0]) + int(row(con, left_out)[0]))


def distance_sql(before: str, after: str, policy: DisclosurePolicy) -> str:
    """SQL for how far apart two counts are for a reader who knows of a suppressed one the range alone."""
    low, high = policy.lowest_suppressed, policy.suppress_to
    hidden = {count: f"{count} between {low} and {high}" for count in (before, after)}
    return f"""case
            when {hidden[before]} and {hidden[after]} then 0
            when {hidden[before]} then greatest({after} - {high}, {low} - {after})
            when {hidden[after]} then greatest({before} - {high}, {low} - {before})
            else abs({after} - {before})
        end"""


def _merged(mart: Mart, rules: Disclosure, policy: DisclosurePolicy, now: str, then: str) -> str:
    people = rules.cells_of_people

    def large(column: str) -> str:
        return f"coalesce({distance_sql(f't.{name(column)}', f'n.{name(column)}', policy)} > {policy.held_to}, false)"

    def of_some(test: str) -> str:
        return "(" + " or ".join(test.format(name(column)) for column in people) + ")"

    moved = "(" + " or ".join(large(column) for column in people) + ")"
    values = ", ".join(
        f"case when t.{name(c)} is null then n.{name(c)} when {_goes(c, rules, large(c), moved)} then n.{name(c)}"
        f" else t.{name(c)} end as {name(c)}"
        for c in rules.cells
    )
    scope = [name(column) for column in (rules.area_level, rules.period_type, rules.period_end)] + ["step_split"]
    comes = of_some(f"coalesce(n.{{}} > {policy.held_to}, false)")
    goes = of_some(f"coalesce(t.{{}} > {policy.held_to}, false)")
    scopes = f"(select ({', '.join(scope)}) from {then})"
    key = mart.meta.key
    return f"""
        select n.* replace ({values}) from {now} as n inner join {then} as t on {_same(key, "n", "t")}
        union all
        select n.* from {now} as n anti join {then} as t on {_same(key, "n", "t")}
        where {comes} or ({", ".join(f"n.{column}" for column in scope)}) not in {scopes}
        union all
        select t.* from {then} as t anti join {now} as n on {_same(key, "n", "t")} where not {goes}"""


def _goes(column: str, rules: Disclosure, large: str, moved: str) -> str:
    """SQL that is true where the served figure gives way to the one of now, which may be that there is none."""
    own = f"(n.{name(column)} is null and {moved}) or {large}"
    return f"({own})" if column in rules.cells_of_people else f"({moved} and ({own}))"


def _same(key: list[str], one: str, other: str) -> str:
    return " and ".join(f"{one}.{name(column)} is not distinct from {other}.{name(column)}" for column in key)
