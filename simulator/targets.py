"""What a region is calibrated to: published figures, each with its source, a tolerance, and how it is measured.

The measures are SQL over the tables of the world, as things really are, not as senders tell them, with the views of
calibration.py. A tolerance covers the size of the measured region and what the source cannot say for a region of today.
"""

from dataclasses import dataclass

YEARS, SPRING, REALISTIC = "years", "spring", "realistic"

ONS = "Population estimates 2020, England, by single year of age (ONS)"
CENSUS = "Census 2021, England, five ethnic groups (ONS)"
IMD = "Indices of Deprivation: each fifth of areas holds about a fifth of people"
SEXES = "Patients registered at a GP practice, April 2014, by sex (NHS Digital)"
LISTS = "Patients registered at a GP practice, April 2014, list sizes (NHS Digital)"
NHSE = "383.3 M appointments in 12 months to June 2025 and 63.60 M registered patients (NHS England)"
GPAD = "Appointments in General Practice, March 2019 to August 2021, 34 of 42 areas, 503.6 M appointments (NHS Digital)"
KONT = "Kontopantelis and others 2021: the top tenth makes 43.0 % of GP face-to-face consultations (40.6 to 46.4)"
LPH = "1.3 M people referred in 2023; mix and refusals of the same year (Lancet Public Health 2025, CPRD)"
WTW = "Ways to Wellness: 5,300 engaged of 7,000 referred (2020)"
NERS = "Wales, National Exercise Referral Scheme 2008 to 2017, 83,598 people: 67.3 % took it up"
NORTH = (
    "Northumberland, exercise on referral, 2,233 people: 53.5 % of starters still came after 12 weeks, 42.9 % after 24"
)
ELSA = "English Longitudinal Study of Ageing, 495 offered, 435 accepted"
MOSSABIR = (
    "Mossabir and others 2015: mental health and social isolation are the commonest reasons; the share is a choice"
)
BRISTOL = "Bristol, 1,227 people who came most often in half a year: 79.3 % came less often in the next"
BU = (
    "Bu and others 2024: 160,128 people on one platform; 72 to 85 % by a medical route, 90 % of referrals lead to "
    "contact with a link worker, 38 % to an intervention received"
)
SIZING = "A link worker sees 200 to 250 people a year, with 6 to 12 contacts each (workforce surveys)"
SBB = "740,594 visits to activities of 148,719 people on one platform"
STEELE = "National ReferAll Database, 23,731 people: SWEMWBS +2.99 (1.61 to 4.36)"
DAYSON = "Rotherham, first year: 280 followed up of 808 referred (Dayson and others 2014)"
OURS = "No published figure; a choice of this simulator"


@dataclass(frozen=True)
class Target:
    """One figure: what the source has, how far a region may be from it, and SQL of one number."""

    about: str
    name: str
    target: float
    tolerance: float
    source: str
    sql: str
    region: str = YEARS
    unit: str = "%"


def share(condition: str, table: str) -> str:
    return f"select 100 * avg(({condition})::integer) from {table}"


def shares(
    about: str, source: str, table: str, found: dict[str, tuple[float, float, str]], **more: str
) -> list[Target]:
    """Targets in per cent of a table: name: (target, tolerance, condition)."""
    return [
        Target(about, name, target, tolerance, source, share(condition, table), **more)
        for name, (target, tolerance, condition) in found.items()
    ]


def ages() -> list[Target]:
    bands = {0: 5.73, 5: 15.66, 18: 8.33, 25: 13.43, 35: 12.76, 45: 13.29, 55: 12.31, 65: 9.90, 75: 6.12, 85: 2.49}
    ends = [*list(bands)[1:], 200]
    return shares("People", ONS, "aged", {
        f"aged {first} to {end - 1}" if end < 200 else f"aged {first} and over":
            (figure, 1.5, f"age >= {first} and age < {end}")
        for (first, figure), end in zip(bands.items(), ends, strict=True)
    })  # fmt: skip


def lead(name: str, low: int, high: int, figure: float, missed: float) -> list[Target]:
    place = f"seen where day - booked_on between {low} and {high}"
    return [
        Target(
            "Lead time", f"booked {name}", figure, 1.0, GPAD, share(f"day - booked_on between {low} and {high}", "seen")
        ),
        Target("Missed, by lead time", f"booked {name}", missed, 1.2, GPAD, share("outcome = 'DNA'", f"known_{place}")),
    ]


TARGETS = [
    *ages(),
    *shares("People", SEXES, "people", {"female": (50.2, 2.0, "sex = '2'")}),
    *shares("People", CENSUS, "people where ethnic_category not in ('Z', '99')", {
        "White": (81.05, 2.5, "ethnic_category in ('A', 'B', 'C')"),
        "Asian": (9.61, 1.5, "ethnic_category in ('H', 'J', 'K', 'L', 'R')"),
        "Black": (4.22, 1.0, "ethnic_category in ('M', 'N', 'P')"),
        "Mixed": (2.96, 1.0, "ethnic_category in ('D', 'E', 'F', 'G')"),
        "Other": (2.18, 1.0, "ethnic_category = 'S'"),
    }),
    *shares("People", IMD, "people", {
        f"fifth {n} of deprivation{', the most deprived' if n == 1 else ''}":
            (20.0, 7.0, f"(imd_decile + 1) // 2 = {n}") for n in range(1, 6)
    }),
    Target("People", "list at the 90th percentile, to the median", 2.03, 0.35, LISTS,
           "select quantile_cont(n, 0.9) / median(n) from listed", unit="times"),
    Target("Use of the practice", "appointments for a person and year", 6.03, 0.4, NHSE,
           "select (select count(*) from seen) / (select years from person_years)", unit=""),
    Target("Use of the practice", "GP contacts of the tenth who come most", 43.0, 5.0, KONT, """
        select 100 * sum(n) filter (place <= people / 10) / sum(n)
        from (select n, row_number() over (order by n desc, id) as place, count(*) over () as people from gp_year)"""),
    Target("Use of the practice", "of the 3 % who come most in half a year, fewer GP contacts in the next", 79.3, 6.0,
           BRISTOL, """select 100 * avg((later < earlier)::integer) from (
        select *, row_number() over (order by earlier desc, id) as place, count(*) over () as people from gp_halves)
        where place <= 0.03 * people"""),
    *shares("Use of the practice", GPAD, "seen", {
        "with a GP": (53.11, 2.5, "hcp_type = 'GP'"),
        "with other practice staff": (44.16, 2.5, "hcp_type = 'Other Practice staff'"),
        "with staff of no known kind": (2.72, 0.5, "hcp_type = 'Unknown'"),
        "face to face": (64.59, 2.0, "appt_mode = 'Face-to-Face'"),
        "by telephone": (29.56, 2.0, "appt_mode = 'Telephone'"),
        "at home": (0.65, 0.4, "appt_mode = 'Home Visit'"),
        "by video or online": (0.49, 0.3, "appt_mode = 'Video/Online'"),
        "in no known mode": (4.73, 0.5, "appt_mode = 'Unknown'"),
        "attended": (90.82, 1.0, "outcome = 'Attended'"),
        "missed": (4.30, 0.5, "outcome = 'DNA'"),
        "with no end on record": (4.88, 0.7, "outcome = 'Unknown'"),
    }),
    *[Target("Use of the practice", f"with no end on record, month of the {which}", figure, tolerance, GPAD,
             f"select {sql}(unknown) from unrecorded_by_month")
      for which, figure, tolerance, sql in (("fewest", 3.4, 0.5, "min"), ("most", 9.5, 1.5, "max"))],
    *lead("the same day", 0, 0, 45.53, 2.0), *lead("a day before", 1, 1, 8.34, 4.5),
    *lead("2 to 7 days before", 2, 7, 20.33, 6.0), *lead("8 to 14 days before", 8, 14, 12.06, 7.4),
    *lead("15 to 21 days before", 15, 21, 6.10, 8.1), *lead("22 to 28 days before", 22, 28, 3.94, 8.4),
    *lead("more than 28 days before", 29, 400, 3.65, 10.2),
    Target("Seasons and days", "October to August, appointments", 1.31, 0.1, GPAD,
           "select count(*) filter (month(day) = 10) / count(*) filter (month(day) = 8) from seen", unit="times"),
    Target("Seasons and days", "Monday to the mean of the other weekdays", 1.12, 0.08, OURS,
           "select 4 * count(*) filter (isodow(day) = 1) / count(*) filter (isodow(day) between 2 and 5) from seen",
           unit="times"),
    *shares("Seasons and days", OURS, "seen", {
        "on Saturdays and Sundays": (0, 0.1, "isodow(day) > 5 and staff_role is distinct from 'R9815'"),
        "on bank holidays": (0, 0.1, "day in (from bank_holidays) and staff_role is distinct from 'R9815'"),
    }),
    Target("Spring 2020", "April to February, appointments", 0.66, 0.05, GPAD,
           "select count(*) filter (month(day) = 4) / count(*) filter (month(day) = 2) from seen", SPRING, "times"),
    *[target for month, on, face, phone in (("February", 2, 78.8, 14.7), ("April", 4, 46.5, 47.8)) for target in shares(
        "Spring 2020", GPAD, f"seen where month(day) = {on}", {
            f"face to face in {month}": (face, 3.0, "appt_mode = 'Face-to-Face'"),
            f"by telephone in {month}": (phone, 3.0, "appt_mode = 'Telephone'"),
        }, region=SPRING)],
    *shares("Spring 2020", GPAD, "seen where month(day) = 4", {
        "with no end on record in April": (9.5, 1.0, "outcome = 'Unknown'")}, region=SPRING),
    Target("Referrals", "for 1,000 people and year, at the national rate", 20.4, 2.5, LPH,
           "select 1000 * (select count(*) from referrals) / (select years from person_years)", REALISTIC, ""),
    *shares("Referrals", LPH, "referred", {
        "female": (60.0, 5.0, "sex = '2'"),
        "of a minority ethnic group": (23.0, 4.0, "ethnic_category not in ('A', 'B', 'C', 'Z', '99')"),
        "of the most deprived fifth": (42.0, 6.0, "imd_decile <= 2"),
        "declined by the person": (10.6, 2.0, "declined_on is not null"),
    }),
    *shares("Referrals", OURS, "referrals", {"rejected by the service": (2.5, 1.0, "rejected_on is not null")}),
    *shares("Referrals", BU, "referrals", {"by a medical route": (78.5, 6.5, "route in ('gp', 'practice_staff')")}),
    *shares("Referrals", BU, "settled", {
        "with a contact held with a link worker": (90.0, 5.0, "first_held is not null"),
        "with an activity attended or practical help": (38.0, 8.0, "ref in (from helped)"),
    }),
    *shares("Referrals", "Bu and others 2024: mental health is the first reason of all", "referrals", {
        "for mental health and mood first": (27.5, 5.0, """split_part(reason_codes, ';', 1) in
            ('LOCAL:ANXIETY', 'LOCAL:LOWMOOD', '73595000', '73438004', '161152002')"""),
    }),
    *shares("Referrals", MOSSABIR, "referrals", {
        "for loneliness and isolation first": (28.0, 5.0, """split_part(reason_codes, ';', 1) in
            ('267076002', '422650009', '423315002', '105529008', '414041006')"""),
    }),
    *shares("Referrals", OURS, "referrals where closed_on is not null", {
        "closed because nobody was reached": (14.0, 3.0, "closure_reason = 'unable_to_contact'"),
        "closed by an onward referral": (10.5, 2.5, "closure_reason = 'onward_referral'"),
    }),
    Target("Referrals", "most days from the decision to the service's receipt", 28, 1, OURS,
           "select max(received_on - decided) from referrals", unit=""),
    *shares("Referrals", OURS, "referrals left join holds using (ref) where accepted_on is not null", {
        "of those accepted, put on hold": (8.0, 1.5, "on_hold_on is not null"),
    }),
    *shares("Referrals", OURS, "holds where on_hold_on < getvariable('last_day') - 90", {
        "of those put on hold, never resumed": (22.0, 6.0, "resumed_on is null"),
    }),
    Target("Referrals", "days on hold of those resumed, median", 19, 4, OURS,
           "select median(resumed_on - on_hold_on) from holds", unit=""),
    *shares("Offers at practices", LPH, "offers where answer is not null", {
        "declined, of those answered": (10.6, 2.0, "answer = 'declined'"),
    }),
    *shares("Offers at practices", ELSA, "offers where answer is not null", {
        "accepted, of those answered": (87.9, 4.0, "answer = 'accepted'"),
    }),
    *shares("Offers at practices", OURS, "offers", {"left without an answer": (5.0, 1.5, "answer is null")}),
    Target("Plans", "actions of a plan", 1.9, 0.3, OURS, """
        select (select count(*) from actions) / (select count(*) from engagement where event_type = 'plan.agreed')""",
           unit=""),
    *shares("Plans", OURS, "actions where set_on < getvariable('last_day') - 180", {
        "actions done": (44.0, 5.0, "status = 'done'"),
        "actions refused or called off": (12.0, 4.0, "status in ('refused', 'cancelled')"),
        "actions of which nothing more is said": (40.0, 6.0, "status = 'planned'"),
        "actions that a link worker is to do": (30.0, 4.0, "who = 'link_worker'"),
    }),
    *shares("Plans", OURS, "actions where who = 'link_worker' and status = 'done'", {
        "practical help, of what a link worker has done": (30.0, 6.0, "is_hands_on"),
    }),
    Target("Engagement", "contacts held with a person who is seen", 9.0, 3.0, SIZING,
           "select avg(n) from (select count(*) as n from contacts where event_type = 'contact.held' group by ref)",
           unit=""),
    Target("Engagement", "visits to activities of a person who went", 5.0, 0.8, SBB, """
        select count(*) / count(distinct id) from attendances where event = 'attended' and referral_ref is not null""",
           unit=""),
    *shares("Engagement", OURS, "attendances where event in ('attended', 'missed', 'cancelled')"
            " and referral_ref is not null", {"sessions booked that were attended": (76.0, 3.0, "event = 'attended'")}),
    *shares("Drop-out", WTW, "settled", {
        "met, and neither declined nor dropped out": (75.7, 5.0,
            "first_held is not null and declined_on is null and not drops_out"),
    }),
    *shares("Drop-out", NERS, "signposts", {"signposts after which an activity was begun": (67.3, 5.0, "begun")}),
    *shares("Drop-out", NORTH, "signposts where begun", {
        "activities begun that a person stayed in": (53.5, 5.0, "not withdrew"),
        "activities begun that the group recorded as completed": (42.9, 5.0, "completed"),
    }),
    *shares("Engagement", DAYSON, "measured", {"followed up by a measure": (34.7, 5.0, "later is not null")}),
    Target("Engagement", "mean change in SWEMWBS, raw", 2.99, 1.37, STEELE,
           "select avg(later - earlier) from measured where later is not null", unit="points"),
    *[target for name, role, unmapped in (("EMIS", 97, 1), ("TPP", 82, 5)) for target in [
        *shares("Habits of suppliers", OURS, f"described where supplier = '{name}' and hcp_type = 'GP'", {
            f"slots of GPs with a role, {name}": (role, 2.0, "staff_role is not null")}),
        *shares("Habits of suppliers", OURS, f"described where supplier = '{name}' and not by_link_worker", {
            f"slots mapped to no category, {name}": (unmapped, 0.7, "national_category = 'Unmapped'")}),
    ]],
    *[Target("Habits of suppliers", f"slots with no end on record, {name}", figure, 1.0, OURS, share(
        "outcome = 'Unknown'", f"seen join practices on code = practice_code where supplier = '{name}'"))
      for name, figure in (("EMIS", 3.1), ("TPP", 6.8))],
]  # fmt: skip
