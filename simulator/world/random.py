"""Random numbers that depend on the seed, on what they are drawn for and for whom, and on nothing else.

Each number is a hash of "seed|purpose|id", so it stays the same whatever is drawn before it, in whatever order rows
are worked on, and on any number of threads. The hash is DuckDB's own, thirteen times as fast as its MD5 and the same on
every machine; a test holds some of its values, since another version of DuckDB may hash otherwise.
"""

import hashlib
from collections.abc import Mapping

import duckdb

MACROS = """
create macro u(id, purpose) as
    (hash(concat(getvariable('seed'), '|', purpose, '|', id)) >> 11) / 9007199254740992e0;
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


def choice(uniform: str, weights: Mapping[str, int], of: str = "") -> str:
    """SQL that picks one of the texts by weight, as a member of the enum `of` where one is named; the weights are whole
    numbers, such as per cent or per mille. An empty text is null.
    """
    slots = "|".join(value.replace("'", "''") for value, weight in weights.items() for _ in range(weight))
    # one constant text is planned much faster than a list of hundreds
    options = f"string_split('{slots}', '|')"
    return f"pick({uniform}, {options}::{of}[])" if of else f"nullif(pick({uniform}, {options}), '')"


def arrivals(
    source: str,
    key: str,
    purpose: str,
    per_day: str,
    *,
    first: str = "getvariable('first_day')",
    last: str = "getvariable('last_day')",
    keep: str = "null as kept",
) -> str:
    """SQL for a Poisson process: rows (id, n, day) at `per_day` between the dates first and last (exclusive).

    `source` is a table with one row for each `key`, of which `keep` comes along. The span is cut into equal stretches
    of at most one arrival on average; each draws its number of arrivals, and each arrival its place in it. So no row
    depends on another, and nothing has to be held.
    """
    span = f"(({last}) - ({first}))"
    return f"""
    with base as (
        select {key} as id, {keep}, ({per_day})::double * {span} as mean, ({first})::date as first_day,
               {span} as span, greatest(1, ceil(mean))::bigint as stretches
        from {source}
    ), stretched as (
        select *, mean / stretches as each, exp(-each) as nobody, unnest(range(stretches)) as stretch
        from base where mean > 0 and span > 0
    ), counted as (
        select *, u(id || ':' || stretch, '{purpose}') as chance, {poisson("chance", "each", "nobody")} as arrived
        from stretched where chance >= nobody
    ), numbered as (
        select * exclude (chance), stretch * 10 + unnest(range(1, arrived + 1)) as n from counted
    )
    select * exclude (mean, span, stretches, each, nobody, stretch, arrived, first_day),
           (first_day + floor((stretch + u(id || ':' || n, '{purpose} at')) / stretches * span)::integer)::date as day
    from numbered
    """


def poisson(uniform: str, mean: str, nobody: str) -> str:
    """SQL of a Poisson number of a mean of at most one, given its chance of nought; never more than nine (beyond is one
    case in ten million).
    """
    whens, terms = [], ["1", mean]
    for most in range(1, 9):
        whens.append(f"when {uniform} < {nobody} * ({' + '.join(terms)}) then {most}")
        terms.append(f"{terms[-1]} * {mean} / {most + 1}")
    return f"case {' '.join(whens)} else 9 end"


def stable(seed: int, *parts: object) -> int:
    """A large whole number for Python code, from the seed and the parts alone."""
    text = "|".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "big")
