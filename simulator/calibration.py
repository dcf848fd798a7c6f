"""Measures a generated region against the published figures it is calibrated to.

`python -m simulator.calibration` writes the table into docs/synthetic-region.md, between its two marks.
"""

import datetime as dt
from pathlib import Path

import duckdb

import simulator
from simulator import targets, world
from simulator.targets import TARGETS, Target
from simulator.world.dials import Dials
from simulator.world.region import Period

PAGE = Path(__file__).parents[1] / "docs" / "synthetic-region.md"
BEGIN, END = "<!-- calibration: written by python -m simulator.calibration -->", "<!-- end of calibration -->"
SEED = 7
# people, days and dials of each region that is measured
REGIONS = {
    targets.YEARS: (20_000, Period(dt.date(2023, 4, 1), dt.date(2026, 3, 31)), Dials()),
    targets.SPRING: (20_000, Period(dt.date(2020, 1, 1), dt.date(2020, 6, 30)), Dials()),
    targets.REALISTIC: (20_000, Period(dt.date(2024, 4, 1), dt.date(2026, 3, 31)), Dials(referred_per_year=0.0204)),
}
VIEWS = """
create view seen as from appointments where outcome not like 'Cancelled%' and day <= getvariable('last_day');
create view known_seen as from seen where outcome <> 'Unknown';
create view unrecorded_by_month as
    select date_trunc('month', day) as month, 100 * avg((outcome = 'Unknown')::integer) as unknown from seen group by 1;
create view person_years as
    select sum(least(coalesce(ended_on, getvariable('last_day') + 1), getvariable('last_day') + 1)
               - greatest(started_on, getvariable('first_day'))) / 365.25 as years
    from registrations
    where started_on <= getvariable('last_day') and (ended_on is null or ended_on > getvariable('first_day'));
create view aged as
    select floor((getvariable('first_day') - date_of_birth) / 365.25) as age from people
    where date_of_birth < getvariable('first_day');
create view listed as
    select practice_code, count(*) as n from registrations
    where started_on <= getvariable('last_day') and (ended_on is null or ended_on > getvariable('last_day')) group by 1;
create view gp_year as
    select r.id, count(s.ref) as n
    from registrations as r left join seen as s
        on s.id = r.id and s.hcp_type = 'GP' and s.outcome = 'Attended' and s.day > getvariable('last_day') - 365
    where r.started_on <= getvariable('last_day') - 365 and r.ended_on is null group by 1;
create view gp_halves as
    select r.id, count(s.ref) filter (s.day <= getvariable('last_day') - 183) as earlier,
           count(s.ref) filter (s.day > getvariable('last_day') - 183) as later
    from registrations as r left join seen as s
        on s.id = r.id and s.hcp_type = 'GP' and s.outcome = 'Attended' and s.day > getvariable('last_day') - 366
    where r.started_on <= getvariable('last_day') - 366 and r.ended_on is null group by 1;
create view described as
    select s.*, supplier, coalesce(staff_role = 'R9815', false) as by_link_worker
    from seen as s join practices on code = practice_code;
create view signposts as
    select e.event_key, coalesce(bool_or(a.event = 'attended'), false) as begun,
           coalesce(bool_or(a.withdraws), false) as withdrew,
           coalesce(bool_or(a.event = 'completed'), false) as completed
    from engagement as e left join attendances as a on a.ref = e.event_key
    where e.event_type = 'signpost.made' and e.day < getvariable('last_day') - 120 group by 1;
create view referred as from referrals join people using (id);
create view settled as from referrals where received_on < getvariable('last_day') - 180;
create view helped as
    select r.ref from referrals as r join attendances as a
        on a.referral_service = r.service and a.referral_ref = 'R-' || r.serial where a.event = 'attended'
    union select ref from engagement where event_type = 'support.given';
create view measured as
    select s.ref, min(m.score) filter (m.place = 1) as earlier, min(m.score) filter (m.place = 2) as later
    from settled as s left join (
        select ref, score, row_number() over (partition by ref order by happened_at) as place
        from engagement where instrument = 'SWEMWBS' and score is not null) as m using (ref)
    group by 1;
"""


def measure() -> list[tuple[Target, float]]:
    """Each target with what the generated regions have."""
    found: dict[str, dict[str, float]] = {}
    for region, (people, period, dials) in REGIONS.items():
        with simulator.connect() as con:
            world.build(con, people, SEED, period, dials)
            con.execute(VIEWS)
            found[region] = {t.sql: number(con, t.sql) for t in TARGETS if t.region == region}
    return [(target, found[target.region][target.sql]) for target in TARGETS]


def number(con: duckdb.DuckDBPyConnection, sql: str) -> float:
    """The one number that a query gives; of nothing it is not a number."""
    (found,) = con.execute(sql).fetchone() or (None,)
    return float("nan") if found is None else float(found)


def within(target: Target, generated: float) -> bool:
    return abs(generated - target.target) <= target.tolerance


def table(measured: list[tuple[Target, float]]) -> str:
    """The tables of the page, one for each subject, sources by number below them."""
    sources = list(dict.fromkeys(target.source for target, _ in measured))
    lines: list[str] = []
    for about in dict.fromkeys(target.about for target, _ in measured):
        lines += [f"### {about}", "", "| figure | target | tolerance | generated | source |", "|---|---|---|---|---|"]
        for target, generated in measured:
            if target.about == about:
                unit = f" {target.unit}" if target.unit else ""
                mark = "" if within(target, generated) else " (outside)"
                lines.append(
                    f"| {target.name} | {target.target:g}{unit} | ± {target.tolerance:g} | {generated:.2f}{unit}{mark} "
                    f"| {sources.index(target.source) + 1} |"
                )
        lines.append("")
    lines += ["### Sources", "", *(f"{n}. {source}." for n, source in enumerate(sources, 1))]
    return "\n".join(lines)


def page(measured: list[tuple[Target, float]], text: str) -> str:
    """The page with the tables between its marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{table(measured)}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(measure(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
