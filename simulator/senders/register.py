"""The register of senders: who sends what, from which system and how often."""

import datetime as dt
from collections.abc import Iterable

import duckdb

from simulator.senders import permissions, telling
from simulator.senders.rhythm import YEARS, Rhythm
from simulator.senders.telling import Told
from simulator.world import changes, region
from simulator.world.region import Period

# the books that a kind of sender tells of; a practice of referrals, too, where it reports those that it sends
BOOKS = {
    "practice": ("appointments", "registrations", "codes"), "service": ("referrals", "contacts"),
    "group": ("activity",), "other": ("opt_outs", "links"),
}  # fmt: skip


def books_of(kind: str, *, practices_refer: bool) -> tuple[str, ...]:
    return (*BOOKS[kind], "referrals") if kind == "practice" and practices_refer else BOOKS[kind]


def books(people: int, *, practices_refer: bool, office: bool) -> dict[str, tuple[str, ...]]:
    """Every sender of a region of so many people with the books that it tells of."""
    number = region.practices_for(people)
    senders = {
        **{region.practice_code(n): "practice" for n in range(1, number + 1)},
        **{f"ZSP{n:02d}": "service" for n, _ in enumerate(region.services(number), 1)},
        **{region.group_code(n): "group" for n, _ in enumerate(region.GROUPS, 1)},
        **({permissions.OFFICE: "other"} if office else {}),
    }
    return {sender: books_of(kind, practices_refer=practices_refer) for sender, kind in senders.items()}


def rows(
    con: duckdb.DuckDBPyConnection,
    period: Period,
    *,
    practices_refer: bool = False,
    rhythm: Rhythm | None = None,
    tellings: Iterable[Told] = (),
    office: bool = False,
) -> list[dict[str, str]]:
    """Rows of reference/senders.csv: code, what it sends, from which system, how often.

    practices_refer: whether practices report the referrals they send; rhythm: how often senders send, where they do so
    day by day; office: whether there is one for opt-outs and merged numbers. A practice with two systems has a row for
    each. No first file is expected on a day of one that has nothing to say in some feed when the days begin.
    """
    (number,) = con.execute("select count(*) from practices").fetchone() or (0,)
    kinds = [
        ("practice", changes.SYSTEM,
         [(region.practice_code(n), p[0]) for n, p in enumerate(region.practices(number), 1)]),
        ("service", "synthetic-case",
         con.execute("select service, name from services order by number").fetchall()),
        ("group", "synthetic-register",
         [(region.group_code(n), name) for n, name in enumerate(region.GROUPS, 1)]),
    ]  # fmt: skip
    if office:
        kinds.append(("other", "synthetic-office", [(permissions.OFFICE, permissions.OFFICE_NAME)]))
    migrated = dict(con.execute("select practice_code, since from migrations").fetchall())
    found = [
        {
            "code": code,
            "name": name,
            "kind": kind,
            "feeds": telling.registered(books_of(kind, practices_refer=practices_refer), code, tellings),
            "source_system": system,
            "valid_from": "1990-01-01",
            "valid_to": "",
            "cadence_days": str(rhythm.cadence(code, kind) if rhythm else YEARS[kind]),
            "agreement": f"SYN-{code}",
            "first_expected": str(period.first),
        }
        for kind, system, members in kinds
        for code, name in members
    ]
    if rhythm:
        for row in found:
            if not all((row["code"], feed) in rhythm.begun for feed in row["feeds"].split(";")):
                row["first_expected"] = ""
    for row in [row for row in found if row["code"] in migrated]:
        since = migrated[row["code"]]
        found.append({**row, "source_system": changes.NEXT_SYSTEM, "valid_from": str(since)})
        row["valid_to"] = str(since - dt.timedelta(days=1))
    return found
