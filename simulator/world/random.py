"""Random numbers that depend on the seed, on what they are drawn for and for whom, and on nothing else.

Each number is the MD5 of "seed|purpose|id", so it stays the same whatever is drawn before it, in whatever
order rows are worked on, and on any number of threads. (MD5 is used as a stable mixing function here; nothing
is kept secret by it.)
"""

import hashlib
from collections.abc import Mapping

import duckdb

MACROS = """
create macro u(id, purpose) as
    (md5_number_lower(concat(getvariable('seed'), '|', purpose, '|', id)) >> 11) / 9007199254740992e0;
create macro exponential(uniform) as -ln(1 - uniform);
create macro normal(id, purpose) as
    sqrt(2 * exponential(u(id, purpose || ' radius'))) * cos(2 * pi() * u(id, purpose || ' angle'));
create macro between_days(uniform, low, high) as low + floor(uniform * (high - low + 1))::integer;
create macro pick(uniform, options) as options[1 + floor(uniform * len(options))::integer];
create macro surgery_day(day, id) as (day + case when isodow(day) < 6 then 0 else
    8 - isodow(day) + greatest(0, floor(u(id, 'surgery day') * 5.7 - 0.7)) end::integer)::date;
create macro workday(day) as (day + case isodow(day) when 6 then 2 when 7 then 1 else 0 end)::date;
"""


def install(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    """Define the SQL macros: u (uniform, 0 <= u < 1), exponential (mean 1), normal, between_days, pick,
    surgery_day (a weekend wish becomes a day of the next week, most often Monday) and workday (it becomes
    Monday).
    """
    con.execute(f"set variable seed = '{int(seed)}'")
    con.execute(MACROS)


def choice(uniform: str, weights: Mapping[str, int]) -> str:
    """SQL that picks one of the texts by weight; the weights are whole numbers, such as per cent or per
    mille.
    """
    slots = "|".join(value.replace("'", "''") for value, weight in weights.items() for _ in range(weight))
    # one constant text is planned much faster than a list of hundreds
    return f"nullif(pick({uniform}, string_split('{slots}', '|')), '')"


def arrivals(
    source: str,
    key: str,
    purpose: str,
    per_day: str,
    *,
    first: str = "getvariable('first_day')",
    last: str = "getvariable('last_day')",
) -> str:
    """SQL for a Poisson process: rows (id, n, day) at `per_day` between the dates first and last (exclusive).

    `source` is a table with one row for each `key`. Gaps between arrivals are exponential; enough of them are
    drawn (mean plus four standard deviations plus five) to reach the end of the span.
    """
    return f"""
    with base as (
        select {key} as id, ({per_day})::double as rate, {first} as first_day, {last} as last_day
        from {source}
    ), draws as (
        select id, rate, first_day, last_day, rate * (last_day - first_day) as mean,
               unnest(range(1, 6 + ceil(mean + 4 * sqrt(mean))::bigint)) as n
        from base where rate > 0 and last_day > first_day
    ), times as (
        select id, n, first_day, last_day,
               sum(exponential(u(id || ':' || n, '{purpose}')) / rate) over (partition by id order by n)
                   as after
        from draws
    )
    select id, n, (first_day + floor(after)::integer)::date as day from times
    where after < last_day - first_day
    """


def stable(seed: int, *parts: object) -> int:
    """A large whole number for Python code, from the seed and the parts alone."""
    text = "|".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "big")
