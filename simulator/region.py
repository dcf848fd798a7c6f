"""Who sends what and when: practices, services, community groups, areas of residence, activities and extract
dates.

All names and codes are invented: practices Z90001.., PCNs U99001.., ICB QZZ, services ZSP01.., groups
ZVC01.., areas E0199.....
"""

import datetime as dt
from dataclasses import dataclass

import duckdb

# name, list size weight, mean deprivation decile (1 = most deprived), census year of the area codes it sends
PRACTICES = [
    ("Amberfield Surgery", 8, 2, 2021), ("Birchgate Medical Centre", 10, 3, 2021),
    ("Copper Street Practice", 7, 2, 2021), ("Dovecote Health Centre", 9, 4, 2021),
    ("Eastwater Surgery", 6, 5, 2021), ("Fernhill Practice", 8, 6, 2021),
    ("Greystone Medical Centre", 11, 3, 2021), ("Hollowbrook Surgery", 9, 7, 2021),
    ("Ironbridge Row Practice", 8, 4, 2021), ("Juniper House Surgery", 7, 8, 2021),
    ("Kingfisher Practice", 9, 9, 2011), ("Larkmeadow Health Centre", 8, 7, 2011),
]  # fmt: skip
PCNS = ["Riverside", "Central", "Uplands"]
AREAS_PER_PRACTICE = 5
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
    """The simulated days (both inclusive) and the days on which senders make their extracts."""

    first: dt.date
    last: dt.date

    @property
    def cut_off(self) -> dt.date:
        """The day of the last extracts: what happened before it can be known, nothing later."""
        return self.last + dt.timedelta(days=1)

    def every(self, months: int) -> list[dt.date]:
        """Extract days `months` apart, the last always being the cut-off."""
        found = []
        for step in range(months, 1200, months):
            month = self.first.month - 1 + step
            day = dt.date(self.first.year + month // 12, month % 12 + 1, 1)
            if day >= self.cut_off:
                break
            found.append(day)
        return [*found, self.cut_off]

    def extracts(self) -> list[tuple[str, str, dt.date, dt.date]]:
        """(feed, file, first day covered, extract day) of every file that each sender of a feed makes."""
        half_years = self.every(6)
        rows = []
        for end in sorted({half_years[max(0, len(half_years) // 2 - 1)], self.cut_off}):
            rows.append(("registrations_csv", f"registrations_{end}.csv", dt.date(1900, 1, 1), end))
        start = self.first
        for end in self.every(12):  # each extract reaches 90 days back into the one before
            rows.append(("gp_appointments_csv", f"appointments_{end}.csv", start, end))
            start = end - dt.timedelta(days=90)
        start = self.first
        for end in half_years:
            rows.append(("referrals_csv", f"referrals_{end}.csv", self.first, end))
            rows.append(("link_worker_jsonl", f"contacts_{end}.jsonl", start, end))
            rows.append(("activity_csv", f"activity_{end}.csv", start, end))
            start = end
        return rows


def build(con: duckdb.DuckDBPyConnection, period: Period) -> None:
    """Make the tables practices, areas, assets and extracts."""
    con.execute(f"set variable first_day = date '{period.first}'; set variable last_day = date '{period.last}'")
    con.execute("create table practices (number int, code varchar, weight int, decile int, vintage int)")
    con.executemany(
        "insert into practices values (?, ?, ?, ?, ?)",
        [(n, practice_code(n), p[1], p[2], p[3]) for n, p in enumerate(PRACTICES, 1)],
    )
    con.execute(f"""
        create table areas as
        select code as practice_code, number, n as area,
               printf('E01%06d', 990000 + number * 10 + n) as lsoa_code, vintage as lsoa_vintage,
               least(10, greatest(1, decile - 2 + n - 1 + round(normal(code || n, 'area'))))::integer
                   as imd_decile
        from practices, range(1, {AREAS_PER_PRACTICE + 1}) as steps(n)
    """)
    con.execute("create table assets (asset_id text, sender text, name text, category text, delivery text)")
    con.executemany(
        "insert into assets values (?, ?, ?, ?, ?)", [(a, group_code(g), n, c, d) for a, g, n, c, d in ASSETS]
    )
    con.execute("create table extracts (feed varchar, file varchar, covers_from date, extract_day date)")
    con.executemany("insert into extracts values (?, ?, ?, ?)", period.extracts())
    con.execute("""
        create macro extract_at(day, sender) as strftime(
            day::timestamp + to_minutes(120 + floor(u(sender, 'extract minute') * 180)::integer),
                '%Y-%m-%dT%H:%M:%SZ')
    """)


def practice_code(number: int) -> str:
    return f"Z9{number:04d}"


def group_code(number: int) -> str:
    return f"ZVC{number:02d}"


def senders(period: Period) -> list[dict[str, str]]:
    """Rows of reference/senders.csv: code, what it sends, from which system, how often."""
    kinds = [
        ("practice", "gp_appointments_csv;registrations_csv", "synthetic-gp", 365,
         [(practice_code(n), p[0]) for n, p in enumerate(PRACTICES, 1)]),
        ("service", "referrals_csv;link_worker_jsonl", "synthetic-case", 184,
         [(f"ZSP{n:02d}", name) for n, name in enumerate(SERVICES, 1)]),
        ("group", "activity_csv", "synthetic-register", 184,
         [(group_code(n), name) for n, name in enumerate(GROUPS, 1)]),
    ]  # fmt: skip
    return [
        {
            "code": code, "name": name, "kind": kind, "feeds": feeds, "source_system": system,
            "valid_from": "1990-01-01", "valid_to": "", "cadence_days": str(cadence),
            "agreement": f"SYN-{code}", "first_expected": str(period.first),
        }
        for kind, feeds, system, cadence, members in kinds
        for code, name in members
    ]  # fmt: skip
