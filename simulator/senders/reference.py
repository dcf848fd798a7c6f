"""The region's reference data, in the form in which each kind is published in England.

Before the simulated days one practice was taken over and one changed its network; world/changes.py says what else may
change. Every small area has an index of deprivation in both editions, and they differ: the decile in the truth is
that of the edition made for the census whose codes a practice sends.
"""

import csv
import datetime as dt
import json
import shutil
from pathlib import Path

import duckdb

from simulator.world import changes, region

OPENED = "19900101"
NAMES = {
    "QZZ": ("Invented Shires ICB", "99Z"),
    "QZY": ("Invented Downs ICB", "99Y"),
}  # of a board, and its sub-ICB's code
# Closed before the simulated days, and who took it over.
CLOSED_NAME, CLOSED_ON, SUCCESSOR = "Millrace Surgery", dt.date(2021, 3, 31), 3
AREAS_OF_2019, AREAS_OF_2025 = 32_844, 33_755  # ranks run to these numbers


def write(con: duckdb.DuckDBPyConnection, folder: Path, period: region.Period) -> None:
    """Write every file of reference data but the register of senders."""
    folder.mkdir(parents=True, exist_ok=True)
    (number,) = con.execute("select count(*) from practices").fetchone() or (0,)
    last = number + 1  # the practice that closed before
    closed = {last: (SUCCESSOR, CLOSED_ON)}
    for taken_over, successor, on in con.execute("select number, successor, closed_on from closures").fetchall():
        closed[taken_over] = (successor, on)
    names = {n: p[0] for n, p in enumerate(region.practices(number), 1)} | {last: CLOSED_NAME}
    practices = [
        (region.practice_code(n), name, str(closed[n][1]).replace("-", "") if n in closed else "", joined(con, n))
        for n, name in names.items()
    ]
    rows(folder / "epraccur.csv", None, [practice(*one) for one in practices])
    rows(folder / "epcncorepartnerdetails.csv", None, memberships(con, names))
    networks = con.execute("select network, board, since from boards where until is null order by 1").fetchall()
    rows(
        folder / "pcns.csv",
        ["PCN Code", "PCN Name", "Current Sub ICB Loc Code", "Open Date", "Close Date"],
        [[*network(n), NAMES[board][1], compact(changes.NETWORKS_BEGAN), ""] for n, board, _ in networks],
    )
    today = con.execute("select number, network from memberships where left_on is null order by 1").fetchall()
    rows(
        folder / "practice_mapping.csv",
        ["GP_CODE", "GP_NAME", "SUPPLIER", "PCN_CODE", "PCN_NAME", "SUB_ICB_LOCATION_CODE", "ICB_CODE", "ICB_NAME",
         "REGION_CODE"],
        [
            [region.practice_code(n), names[n], region.supplier(n), *network(net), NAMES[changes.BOARD][1],
             changes.BOARD, NAMES[changes.BOARD][0], "Y99"]
            for n, net in today
        ],
    )  # fmt: skip
    rows(
        folder / "succ.csv",
        None,
        [
            [region.practice_code(n), region.practice_code(successor), "R", compact(on + dt.timedelta(days=1)), ""]
            for n, (successor, on) in sorted(closed.items())
        ],
    )
    areas(con, folder)
    lists(con, folder, period)
    services(folder)
    shutil.copyfile(region.BANK_HOLIDAYS, folder / "bank_holidays.csv")


def compact(day: dt.date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def rows(path: Path, header: list[str] | None, content: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        writer.writerows([header, *content] if header else content)


def network(number: int) -> tuple[str, str]:
    """Code and name of a network."""
    return f"U99{number:03d}", region.network_name(number)


def joined(con: duckdb.DuckDBPyConnection, number: int) -> str:
    """From when on a practice is under the board of today."""
    found = con.execute(
        """
        select min(greatest(joined_on, since)) filter (board = ?), bool_or(board <> ?)
        from memberships join boards using (network)
        where number = ? and greatest(joined_on, since) <= coalesce(least(left_on, until), 'infinity')
        """,
        [changes.BOARD, changes.BOARD, number],
    ).fetchone()
    return compact(found[0]) if found and found[1] else OPENED


def practice(code: str, name: str, closed_on: str, joined_on: str) -> list[str]:
    """A line of epraccur: 27 columns, of which the addresses stay empty."""
    status = "INACTIVE" if closed_on else "ACTIVE"
    sub_icb = NAMES[changes.BOARD][1]
    return [code, name, "Y99", changes.BOARD, *[""] * 6, OPENED, closed_on, status, "B", sub_icb, joined_on, closed_on,
            *[""] * 4, "1", "", sub_icb, "", "RO76", ""]  # fmt: skip


def memberships(con: duckdb.DuckDBPyConnection, names: dict[int, str]) -> list[list[str]]:
    """Lines of epcncorepartnerdetails: who was in which network, and that under which board, from when to when."""
    found = con.execute(f"""
        with members as (
            select number, network, joined_on, left_on from memberships
            union all
            select {max(names)}, 1, date '{changes.NETWORKS_BEGAN}', date '{CLOSED_ON}'
        )
        select number, network, board, greatest(joined_on, since) as entered, least(left_on, until) as ended
        from members join boards using (network)
        where entered <= coalesce(ended, 'infinity')
        order by number, entered
    """).fetchall()
    lines = []
    for number, net, board, since, until in found:
        name, code = NAMES[board]
        sub_icb = (code, f"{name} - {code}".upper())
        lines.append([region.practice_code(number), names[number], *sub_icb, *network(net), *sub_icb, compact(since),
                      compact(until), "TRUE"])  # fmt: skip
    return lines


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
        left join closures as c on c.practice_code = r.practice_code
        where r.started_on <= day and (r.ended_on is null or r.ended_on >= day)
            and (c.closed_on is null or day <= c.closed_on)
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
        select 'GP_PRAC_PAT_LIST', {stamp}, 'ICB', board, 'ALL', 'ALL', count(*)
        from registered join practices on code = practice_code
        join memberships as m on m.number = practices.number and day between joined_on and coalesce(left_on, 'infinity')
        join boards on boards.network = m.network and day between since and coalesce(until, 'infinity')
        group by day, board
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
