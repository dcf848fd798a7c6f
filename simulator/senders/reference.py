"""The region's reference data, in the form in which each kind is published in England.

The practices of today are those that send files. Before the simulated days one practice was taken over and one changed
its network. Every small area has an index of deprivation in both editions, and they differ: the decile in the truth is
that of the edition made for the census whose codes a practice sends.
"""

import csv
import datetime as dt
import json
import shutil
from pathlib import Path

import duckdb

from simulator.world import region

BANK_HOLIDAYS = Path(__file__).parents[2] / "linkwork" / "reference" / "facts" / "bank_holidays.csv"
OPENED, NETWORKS_BEGAN = "19900101", "20190701"
ICB, ICB_NAME, SUB_ICB = "QZZ", "Invented Shires ICB", "99Z"
MOVED, MOVED_LEFT, MOVED_JOINED = 5, "20220630", "20220701"  # from the first network to its own
CLOSED, CLOSED_NAME, CLOSED_ON, SUCCESSOR, SUCCEEDED_ON = 13, "Millrace Surgery", "20210331", 3, "20210401"
AREAS_OF_2019, AREAS_OF_2025 = 32_844, 33_755  # ranks run to these numbers


def write(con: duckdb.DuckDBPyConnection, folder: Path, period: region.Period) -> None:
    """Write every file of reference data but the register of senders."""
    folder.mkdir(parents=True, exist_ok=True)
    practices = [(region.practice_code(n), p[0], network(n)) for n, p in enumerate(region.PRACTICES, 1)]
    closed = (region.practice_code(CLOSED), CLOSED_NAME, network(1))
    rows(folder / "epraccur.csv", None, [*(practice(*p[:2], "") for p in practices), practice(*closed[:2], CLOSED_ON)])
    rows(folder / "epcncorepartnerdetails.csv", None, memberships(practices, closed))
    rows(
        folder / "pcns.csv",
        ["PCN Code", "PCN Name", "Current Sub ICB Loc Code", "Open Date", "Close Date"],
        [[code, name, SUB_ICB, NETWORKS_BEGAN, ""] for code, name in sorted({p[2] for p in practices})],
    )
    rows(
        folder / "practice_mapping.csv",
        ["GP_CODE", "GP_NAME", "SUPPLIER", "PCN_CODE", "PCN_NAME", "SUB_ICB_LOCATION_CODE", "ICB_CODE", "ICB_NAME",
         "REGION_CODE"],
        [[code, name, "SYNTHETIC", *pcn, SUB_ICB, ICB, ICB_NAME, "Y99"] for code, name, pcn in practices],
    )  # fmt: skip
    rows(folder / "succ.csv", None, [[closed[0], region.practice_code(SUCCESSOR), "R", SUCCEEDED_ON, ""]])
    areas(con, folder)
    lists(con, folder, period)
    services(folder)
    shutil.copyfile(BANK_HOLIDAYS, folder / "bank_holidays.csv")


def rows(path: Path, header: list[str] | None, content: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        writer.writerows([header, *content] if header else content)


def network(number: int) -> tuple[str, str]:
    """Code and name of the network of a practice today."""
    place = (number - 1) // 4
    return f"U99{place + 1:03d}", f"{region.PCNS[place]} PCN"


def practice(code: str, name: str, closed_on: str) -> list[str]:
    """A line of epraccur: 27 columns, of which the addresses stay empty."""
    status = "INACTIVE" if closed_on else "ACTIVE"
    return [code, name, "Y99", ICB, *[""] * 6, OPENED, closed_on, status, "B", SUB_ICB, OPENED, closed_on,
            *[""] * 4, "1", "", SUB_ICB, "", "RO76", ""]  # fmt: skip


def memberships(
    practices: list[tuple[str, str, tuple[str, str]]], closed: tuple[str, str, tuple[str, str]]
) -> list[list[str]]:
    """Lines of epcncorepartnerdetails: who was in which network from when to when."""

    def line(code: str, name: str, pcn: tuple[str, str], joined: str, left: str = "") -> list[str]:
        sub_icb = (SUB_ICB, f"{ICB_NAME} - {SUB_ICB}".upper())
        return [code, name, *sub_icb, pcn[0], pcn[1], *sub_icb, joined, left, "TRUE"]

    found = []
    for number, (code, name, pcn) in enumerate(practices, 1):
        if number == MOVED:
            found.append(line(code, name, network(1), NETWORKS_BEGAN, MOVED_LEFT))
        found.append(line(code, name, pcn, MOVED_JOINED if number == MOVED else NETWORKS_BEGAN))
    return [*found, line(*closed, NETWORKS_BEGAN, CLOSED_ON)]


def areas(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The areas of both censuses, how they changed, and their indices.

    Of a practice that sends codes of 2011 the first area was split since; of the others the last was made of two.
    """
    con.execute("""
        create table area_pairs as
        with own as (select *, substr(lsoa_code, 6) as tail from areas)
        select lsoa_code as lsoa11_code, part || tail as lsoa21_code, 'S' as change_code, number, area, imd_decile,
               lsoa_vintage
        from own, (values ('E0198'), ('E0197')) as parts(part) where lsoa_vintage = 2011 and area = 1
        union all
        select part || tail, lsoa_code, 'M', number, area, imd_decile, lsoa_vintage
        from own, (values ('E0198'), ('E0197')) as parts(part) where lsoa_vintage = 2021 and area = 5
        union all
        select lsoa_code, lsoa_code, 'U', number, area, imd_decile, lsoa_vintage
        from own where not (lsoa_vintage = 2011 and area = 1) and not (lsoa_vintage = 2021 and area = 5)
    """)
    pairs = con.execute("select lsoa11_code, lsoa21_code, change_code from area_pairs order by all").fetchall()
    rows(folder / "lsoa_lookup.csv", ["LSOA11CD", "LSOA21CD", "CHGIND"], [list(p) for p in pairs])
    for edition, census, ranks in ((2019, 2011, AREAS_OF_2019), (2025, 2021, AREAS_OF_2025)):
        code = f"lsoa{census % 100}_code"
        other = "greatest(1, imd_decile - 1)" if edition == 2025 else "least(10, imd_decile + 1)"
        found = con.execute(f"""
            with deciles as (
                select {code}, number, area, if(lsoa_vintage = {census}, imd_decile, {other}) as decile from area_pairs
            ), placed as (
                select {code}, decile, row_number() over (partition by decile order by {code}) as place
                from (select distinct {code}, decile from deciles)
            )
            select {code}, floor((decile - 0.5) * {ranks} / 10)::integer + place, decile from placed order by 1
        """).fetchall()
        rows(folder / f"imd{edition}.csv", [code, "IMD_rank", "IMD_decile"], [[str(v) for v in row] for row in found])


def lists(con: duckdb.DuckDBPyConnection, folder: Path, period: region.Period) -> None:
    """Who is registered on the first day of each quarter: by sex and five-year band, and by area of 2021."""
    days = [
        dt.date(year, month, 1)
        for year in range(period.first.year, period.cut_off.year + 1)
        for month in (1, 4, 7, 10)
        if period.first <= dt.date(year, month, 1) <= period.cut_off
    ]
    con.execute("create table counted_on (day date)")
    con.executemany("insert into counted_on values (?)", [(day,) for day in days])
    con.execute("""
        create table registered as
        select day, r.practice_code,
               case p.sex when '1' then 'MALE' when '2' then 'FEMALE' when '9' then 'INDETERMINATE' else 'UNKNOWN' end
                   as sex,
               least(95, (datediff('month', p.date_of_birth, day)
                          - if(extract(day from p.date_of_birth) > extract(day from day), 1, 0)) // 12 // 5 * 5) as age,
               coalesce((select min(lsoa21_code) from area_pairs where lsoa11_code = r.lsoa_code and change_code = 'S'),
                        r.lsoa_code) as lsoa_code
        from counted_on, registrations as r join people as p using (id)
        where r.started_on <= day and (r.ended_on is null or r.ended_on >= day)
    """)
    stamp = "upper(strftime(day, '%d%b%Y'))"
    found = con.execute(f"""
        with counts as (
            select day, practice_code, sex, if(age = 95, '95+', age || '_' || (age + 4)) as age, count(*) as patients
            from registered group by all
            union all
            select day, practice_code, 'ALL', 'ALL', count(*) from registered group by all
        )
        select 'GP_PRAC_PAT_LIST', {stamp}, 'GP', practice_code, sex, age, patients from counts
        union all
        select 'GP_PRAC_PAT_LIST', {stamp}, 'ICB', '{ICB}', 'ALL', 'ALL', count(*) from registered group by day
        order by all
    """).fetchall()
    header = ["PUBLICATION", "EXTRACT_DATE", "ORG_TYPE", "ORG_CODE", "SEX", "AGE_GROUP_5", "NUMBER_OF_PATIENTS"]
    rows(folder / "gp-reg-pat-prac-quin-age.csv", header, [[str(v) for v in row] for row in found])
    found = con.execute(f"""
        select 'GP_PRAC_PAT_LIST', {stamp}, practice_code, lsoa_code, 'ALL', count(*) from registered
        group by day, practice_code, lsoa_code order by all
    """).fetchall()
    header = ["PUBLICATION", "EXTRACT_DATE", "PRACTICE_CODE", "LSOA_CODE", "SEX", "Number of Patients"]
    rows(folder / "gp-reg-pat-prac-lsoa-all.csv", header, [[str(v) for v in row] for row in found])


def services(folder: Path) -> None:
    """The activities of the groups as a directory in the Open Referral UK form lists them: one page."""
    contents = [
        {
            "id": asset,
            "name": name,
            "status": "active",
            "organization": {"id": region.group_code(group), "name": region.GROUPS[group - 1]},
            "attributes": [{"taxonomy_term": {"name": category}}],
        }
        for asset, group, name, category, _ in region.ASSETS
    ]
    page = {
        "total_items": len(contents),
        "total_pages": 1,
        "page_number": 1,
        "size": len(contents),
        "contents": contents,
    }
    (folder / "services.json").write_text(json.dumps(page, indent=2) + "\n", encoding="utf-8")
