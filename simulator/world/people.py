"""People and their registrations.

Everything that makes one person see a GP more than another goes through two quantities kept in the truth:
`need` (0.2 and an exponential part, mean 1, fixed for the person) and illness spells (appointments.py), which
come more often to people with high need.
"""

from collections.abc import Sequence

import duckdb

from simulator.world.random import choice

FAMILY = (["Quill", "Brax", "Thorv", "Wend", "Zell", "Marv", "Oxl", "Pryd", "Skarn", "Vost", "Yarv", "Grund"],
          ["beck", "wyke", "holt", "mund", "stave"])  # fmt: skip
GIVEN = (["Ta", "Zo", "Ke", "Mo", "Lu", "Fe", "Bri", "Jo", "Ny", "Sa", "Vi", "Du"],
         ["vilo", "randu", "lissé", "kemo", "thiel"])  # fmt: skip
SEX = {"1": 492, "2": 506, "9": 1, "0": 1}
ETHNICITY = {
    "A": 700, "B": 10, "C": 60, "D": 8, "E": 5, "F": 8, "G": 8, "H": 32, "J": 30, "K": 12, "L": 19, "M": 12,
    "N": 25, "P": 6, "R": 9, "S": 16, "Z": 25, "99": 15,
}  # fmt: skip
# first age, years in the band, share per mille, appointments a year, deaths per 1,000 a year
AGE_BANDS = [
    (0, 5, 54, 5.0, 0.6), (5, 13, 154, 2.6, 0.1), (18, 7, 83, 3.8, 0.4), (25, 10, 136, 4.4, 0.7),
    (35, 10, 132, 4.8, 1.3), (45, 10, 129, 5.4, 2.8), (55, 10, 127, 6.5, 6.5), (65, 10, 99, 8.2, 17),
    (75, 10, 64, 11.5, 52), (85, 10, 22, 13.5, 165),
]  # fmt: skip
# register: share at age 80 per mille, how steeply it rises with age, whether latent need raises it
CONDITIONS = {
    "AF": (130, 5, 0), "CHD": (140, 4, 0), "HF": (60, 5, 1), "HYP": (520, 2, 0), "PAD": (30, 4, 0),
    "STIA": (90, 4, 0), "DM": (190, 2, 1), "NDH": (160, 2, 0), "AST": (90, 0, 0), "COPD": (90, 3, 1),
    "CAN": (150, 4, 0), "CKD": (190, 4, 0), "DEM": (90, 9, 0), "DEP": (150, 1, 1), "SMI": (15, 1, 1),
    "EP": (12, 0, 0), "LD": (6, 0, 0), "OST": (80, 5, 0), "RA": (18, 2, 0), "OB": (150, 1, 1),
    "PC": (12, 5, 1),
}  # fmt: skip
LEAVE_PER_YEAR = 0.04
LEAVERS_STAYING_IN_REGION = 0.5
WITHOUT_NUMBER = 0.01
NUMBER_STEMS = 1_000_000


def names(parts: tuple[list[str], list[str]]) -> str:
    """SQL list of the sixty invented names that two lists of syllables make."""
    return "[" + ", ".join(f"'{a}{b}'" for a in parts[0] for b in parts[1]) + "]"


def values(rows: Sequence[tuple[object, ...]]) -> str:
    return ", ".join("(" + ", ".join(f"'{v}'" if isinstance(v, str) else str(v) for v in row) + ")" for row in rows)


def build(con: duckdb.DuckDBPyConnection, count: int, ratio: str = "1.0") -> None:
    """Make the tables people (one row a person) and registrations (one row a registration).

    Who leaves a practice moves to another of the region (next_practice) or out of it; gone_on is the day from which a
    person is dead or lives elsewhere, and from that day on nothing happens with them.
    `ratio`: SQL over people of what an effect does to a person's rate of visits, once there is one.
    """
    number_people(con, count)
    slots = {str(n): weight for n, weight in con.execute("select number, weight from practices order by 1").fetchall()}
    bands = {str(first): share for first, _, share, *_ in AGE_BANDS}
    con.execute(f"""
        create table bands as select * from (values {values(AGE_BANDS)})
            as t(first_age, years, share, visits, deaths)
    """)
    con.execute(f"""
        create table people as
        with drawn as (
            select id, nhs_number, nhs_number is not null and u(id, 'number held') >= {WITHOUT_NUMBER} as number_held,
                   pick(u(id, 'family'), {names(FAMILY)}) as family_name,
                   pick(u(id, 'given'), {names(GIVEN)}) as given_name,
                   {choice("u(id, 'sex')", SEX)} as sex,
                   {choice("u(id, 'ethnicity')", ETHNICITY)} as ethnic_category,
                   {choice("u(id, 'age band')", bands)}::integer as first_age,
                   {choice("u(id, 'practice')", slots)}::integer as practice,
                   {choice("u(id, 'next practice')", slots)}::integer as other_practice,
                   1 + floor(u(id, 'area') * 5)::integer as area,
                   0.2 + 0.8 * exponential(u(id, 'need')) as need,
                   getvariable('last_day') - getvariable('first_day') as span
            from numbers
        ), placed as (
            select drawn.*, areas.imd_decile,
                   first_age + u(id, 'age') * years as age_at_start,
                   visits * (1.18 - 0.033 * imd_decile)
                       * case when first_age between 18 and 45 then if(sex = '2', 1.25, 0.75) else 1
                           end as visits_per_year,
                   deaths / 1000 * (0.4 + 0.6 * need) / 365.25 as death_rate
            from drawn join bands using (first_age)
            join areas on areas.number = drawn.practice and areas.area = drawn.area
        ), dated as (
            select *, (getvariable('first_day') - floor(age_at_start * 365.25)::integer - 1)::date
                as date_of_birth,
                   u(id, 'arrives') < {LEAVE_PER_YEAR} * span / 365.25 as arrives,
                   (getvariable('first_day') + floor(u(id, 'arrival') * span)::integer)::date as arrival,
                   (getvariable('first_day') - floor(exponential(u(id, 'joined')) * 2500)::integer - 1)::date
                       as joined,
                   -- what lies beyond nobody asks for, and so many days may make no date
                   greatest(1500, span) as horizon,
                   floor(exponential(u(id, 'death')) / death_rate)::bigint as dies_after,
                   floor(exponential(u(id, 'leaving')) / {LEAVE_PER_YEAR} * 365.25)::bigint as leaves_after
            from placed
        ), started as (
            select *, if(arrives, arrival, greatest(joined, date_of_birth, date '1990-01-01'))
                as registered_on,
                   if(arrives, arrival, getvariable('first_day')) as present_from
            from dated
        ), ended as (
            select *, if(dies_after < horizon, (present_from + dies_after::integer)::date, null) as died_on,
                   if(leaves_after < horizon and leaves_after < coalesce(died_on - present_from, horizon),
                       (present_from + leaves_after::integer)::date, null) as left_on,
                   (left_on + between_days(u(id, 'gap'), 0, 14))::date as again_on
            from started
        ), moved as (
            select ended.*, nullif(coalesce(there.successor, other_practice), coalesce(here.successor, ended.practice))
                       as elsewhere
            from ended
            left join closures as there on there.number = other_practice and there.closed_on < again_on
            left join closures as here on here.number = ended.practice and here.closed_on < left_on
        )
        select id, nhs_number, number_held, family_name, given_name, sex, ethnic_category, date_of_birth,
               practice, area,
               imd_decile, need, visits_per_year, registered_on, left_on,
               if(u(id, 'stays in region') < {LEAVERS_STAYING_IN_REGION} and again_on < coalesce(died_on, 'infinity'),
                   elsewhere, null) as next_practice,
               if(next_practice is null, null, again_on) as registered_again_on, died_on,
               least(died_on, if(next_practice is null, left_on, null)) as gone_on,
               if(number_held, nhs_number, '') as number_sent, ({ratio})::double as rate_ratio
        from moved order by id
    """)
    fall_ill(con)
    register(con)


def number_people(con: duckdb.DuckDBPyConnection, count: int) -> None:
    """Table numbers: people 1..count, each with a valid NHS number of the never-issued range, in an order of
    the seed.

    Stems are walked in steps that share no factor with their count, so none comes twice; a stem whose check
    digit would be 10 is not used (1 in 11), which leaves room for about 909,000 people. Whoever is
    beyond that has no number, and is known to each sender by its own id only.
    """
    con.execute(f"""
        create table numbers as
        with stems as (
            select n, (floor(u('start', 'nhs number') * {NUMBER_STEMS})::bigint
                       + n * (10 * (1 + floor(u('step', 'nhs number') * 90000)::bigint) + 1)) % {NUMBER_STEMS}
                           as stem
            from range(least({NUMBER_STEMS}, {count} + {count} // 5 + 200)) as t(n)
        ), checked as (
            select n, stem, (11 - (243 + 7 * (stem // 100000) + 6 * (stem // 10000 % 10) + 5 *
                (stem // 1000 % 10)
                    + 4 * (stem // 100 % 10) + 3 * (stem // 10 % 10) + 2 * (stem % 10)) % 11) % 11 as digit
            from stems
        )
        select row_number() over (order by n) as id, printf('999%06d%d', stem, digit) as nhs_number
        from checked where digit < 10 qualify id <= {count} order by id
    """)
    con.execute(
        f"insert into numbers select n, null from range((select count(*) from numbers) + 1, {count} + 1) as t(n)"
    )


def fall_ill(con: duckdb.DuckDBPyConnection) -> None:
    """Table conditions: the registers a person is or will be on, each with its first day, in the order practices name
    them in.

    A person is on a register once a share that rises with age passes one fixed number, so registers only grow.
    """
    con.execute("""
        create macro onset_age(chance, share, power) as
        case when power > 0 then 80 * 365.25 * pow(chance / share, 1 / power) else 0 end;
        create macro onset(chance, share, power, born) as
        case when chance < 0.9 and (power > 0 or chance < share) and onset_age(chance, share, power) < 120 * 365
             then (born + greatest(5 * 365, floor(onset_age(chance, share, power))::bigint)::integer + 1)::date end;
    """)
    by_need = ("1", "(0.4 + 0.6 * need)")
    onsets = ", ".join(
        f"{{'code': '{code}', 'since': onset(u(id, '{code}'), {share} / 1000 * {by_need[raised]}, {power}, born)}}"
        for code, (share, power, raised) in CONDITIONS.items()
    )
    con.execute(f"""
        create table conditions as
        select id, list_filter([{onsets}], lambda one: one.since < coalesce(died_on, 'infinity')) as onsets
        from (select id, need, date_of_birth as born, died_on from people)
    """)


def register(con: duckdb.DuckDBPyConnection) -> None:
    """Table registrations: the first, and for who moves within the region a second at the next practice. On the day
    after a practice closed its people are registered with the practice that took it over, and live where they lived.
    """
    con.execute("""
        create table registrations as
        with spells as (
            select id, 1 as spell, practice, area, registered_on as started_on,
                   coalesce(left_on, died_on) as ended_on, if(left_on is null, 'deceased', 'moved_away') as why
            from people
            union all
            select id, 2, next_practice, area, registered_again_on, died_on, 'deceased'
            from people where registered_again_on <= getvariable('last_day')
        ), closing as (
            select spells.*, successor, (closed_on + 1)::date as taken_over_on
            from spells left join closures on closures.number = practice
        ), settled as (
            select id, spell, practice, practice as home, area, started_on, least(ended_on, taken_over_on) as ended_on,
                   if(taken_over_on < coalesce(ended_on, taken_over_on + 1), 'taken_over', why) as why
            from closing where taken_over_on is null or started_on < taken_over_on
            union all
            select id, spell + 2, successor, practice, area, greatest(started_on, taken_over_on), ended_on, why
            from closing where taken_over_on is not null and coalesce(ended_on, taken_over_on + 1) > taken_over_on
        )
        select spells.id, spell, practices.code as practice_code, practice, started_on, ended_on,
               case when ended_on is null then null
                    when why = 'taken_over' then 'other'
                    when why = 'moved_away' and u(spells.id, 'end reason') < 0.1 then 'other' else why
                        end as end_reason,
               printf('R%07d-%d', spells.id, spell) as registration_id,
               printf('P%02d%06d', practice, spells.id) as patient_id,
               printf('QZ%d %d', home, spells.area)
                   || pick(u(spells.id || ':' || ((spell - 1) % 2 + 1), 'postcode 1'),
                       ['A', 'B', 'D', 'E', 'F', 'G', 'H', 'J', 'L', 'N'])
                   || pick(u(spells.id || ':' || ((spell - 1) % 2 + 1), 'postcode 2'),
                       ['P', 'Q', 'R', 'S', 'T', 'U', 'W', 'X', 'Y', 'Z']) as postcode,
               areas.lsoa_code, areas.lsoa_vintage
        from settled as spells join practices on practices.number = practice join areas
            on areas.number = home and areas.area = spells.area
        order by registration_id
    """)
