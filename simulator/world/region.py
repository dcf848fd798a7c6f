"""The organisations and places of the region: practices, services, community groups, areas of residence and
activities.

All names and codes are invented: practices Z90001.., PCNs U99001.., ICB QZZ, services ZSP01.., groups
ZVC01.., areas E0199.....
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

# name, list size weight, mean deprivation decile (1 = most deprived), census year of the area codes it sends
PRACTICES = [
    ("Amberfield Surgery", 7, 2, 2021), ("Birchgate Medical Centre", 17, 4, 2021),
    ("Copper Street Practice", 6, 2, 2021), ("Dovecote Health Centre", 12, 5, 2021),
    ("Eastwater Surgery", 5, 6, 2021), ("Fernhill Practice", 8, 7, 2021),
    ("Greystone Medical Centre", 19, 3, 2021), ("Hollowbrook Surgery", 11, 8, 2021),
    ("Ironbridge Row Practice", 7, 5, 2021), ("Juniper House Surgery", 6, 9, 2021),
    ("Kingfisher Practice", 13, 9, 2011), ("Larkmeadow Health Centre", 9, 7, 2011),
]  # fmt: skip
PCNS = ["Riverside", "Central", "Uplands"]
PEOPLE_PER_PRACTICE = 10_400  # where there are more people than the twelve would hold
PRACTICES_PER_SERVICE = 6
AREAS_PER_PRACTICE = 5
SUPPLIERS = ("TPP", "EMIS")
BANK_HOLIDAYS = Path(__file__).parents[2] / "linkwork" / "reference" / "facts" / "bank_holidays.csv"
SERVICES = ["Northbank Link Workers", "Southbank Link Workers"]
GROUPS = ["Quayside Community Hub", "Green Patch Gardens", "The Making Room", "Moneywise Advice"]
# asset, group, name, category as the group writes it, delivery
ASSETS = [
    ("Q-WALK", 1, "Walk, talk and tea", "physical_activity", "group"),
    ("Q-LUNCH", 1, "Friday lunch club", "social_connection", "group"),
    ("Q-CHAIR", 1, "Chair-based exercise", "gentle movement", "group"),
    ("Q-BEFRIEND", 1, "Befriending", "social_connection", "one_to_one"),
    ("G-ALLOT", 2, "Allotment mornings", "nature_gardening", "group"),
    ("G-WOODS", 2, "Woodland wellbeing", "nature_gardening", "group"),
    ("G-COOK", 2, "Grow and cook", "healthy_lifestyle_weight", "group"),
    ("G-VOL", 2, "Garden volunteers", "employment_training_volunteering", "group"),
    ("M-CHOIR", 3, "Singing for breath", "arts_culture_heritage", "group"),
    ("M-CLAY", 3, "Clay workshop", "arts_culture_heritage", "group"),
    ("M-CALM", 3, "Calm minds", "mental_health_emotional_support", "group"),
    ("M-CARE", 3, "Carers' coffee", "carers_family", "group"),
    ("A-DEBT", 4, "Debt advice", "money_benefits", "one_to_one"),
    ("A-HOME", 4, "Housing advice", "housing", "one_to_one"),
    ("A-WORK", 4, "Into work", "employment_training_volunteering", "group"),
    ("A-RIDE", 4, "Community transport", "practical_transport", "one_to_one"),
]


@dataclass(frozen=True)
class Period:
    """The simulated days, both inclusive."""

    first: dt.date
    last: dt.date

    @property
    def cut_off(self) -> dt.date:
        """The day after: what happened before it can be known, nothing later."""
        return self.last + dt.timedelta(days=1)


def practices(number: int) -> list[tuple[str, int, int, int]]:
    """So many practices: the twelve, and then more like them."""
    found = []
    for n in range(number):
        name, weight, decile, vintage = PRACTICES[n % len(PRACTICES)]
        again = n // len(PRACTICES)
        found.append((f"{name} {again + 1}" if again else name, weight, decile, vintage))
    return found


def practices_for(people: int) -> int:
    """How many practices a region of so many people has: whole twelves."""
    return len(PRACTICES) * max(1, round(people / PEOPLE_PER_PRACTICE / len(PRACTICES)))


def services(number: int) -> list[str]:
    """The services of so many practices, by name."""
    places = range(max(len(SERVICES), number // PRACTICES_PER_SERVICE))
    return [SERVICES[n] if n < len(SERVICES) else f"Link Workers {n + 1}" for n in places]


def network_name(number: int) -> str:
    return f"{PCNS[number - 1]} PCN" if number <= len(PCNS) else f"Network {number} PCN"


def build(con: duckdb.DuckDBPyConnection, period: Period, number: int = len(PRACTICES)) -> None:
    """Make the tables practices (so many), services, areas, assets and bank_holidays, and the SQL macro so_far (a day,
    or null if it lies after the last).
    """
    con.execute(f"set variable first_day = date '{period.first}'; set variable last_day = date '{period.last}'")
    con.execute("create macro so_far(day) as if(day <= getvariable('last_day'), day, null)")
    con.execute(
        "create table practices (number int, code varchar, weight int, decile int, vintage int, supplier varchar)"
    )
    con.executemany(
        "insert into practices values (?, ?, ?, ?, ?, ?)",
        [(n, practice_code(n), p[1], p[2], p[3], supplier(n)) for n, p in enumerate(practices(number), 1)],
    )
    con.execute("create table services (number int, service varchar, name varchar)")
    con.executemany(
        "insert into services values (?, ?, ?)",
        [(n, f"ZSP{n:02d}", name) for n, name in enumerate(services(number), 1)],
    )
    con.execute(f"""
        create table areas as
        select code as practice_code, number, n as area,
               printf('E01%06d', 990000 + number * 10 + n) as lsoa_code, vintage as lsoa_vintage,
               least(10, greatest(1, decile - 2 + n - 1 + round(normal(code || n, 'area'))))::integer
                   as imd_decile
        from practices, range(1, {AREAS_PER_PRACTICE + 1}) as steps(n)
    """)
    holidays = str(BANK_HOLIDAYS).replace("'", "''")
    con.execute(f"create table bank_holidays as select holiday_on from read_csv('{holidays}')")
    con.execute("create table assets (asset_id text, sender text, name text, category text, delivery text)")
    con.executemany(
        "insert into assets values (?, ?, ?, ?, ?)", [(a, group_code(g), n, c, d) for a, g, n, c, d in ASSETS]
    )


def supplier(number: int) -> str:
    """Whose system a practice uses; the two are entered in differently (appointments.HABITS)."""
    return SUPPLIERS[number % 2]


def practice_code(number: int) -> str:
    return f"Z9{number:04d}"


def group_code(number: int) -> str:
    return f"ZVC{number:02d}"
