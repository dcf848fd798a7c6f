"""A synthetic region with a known truth: files as senders would send them, and apart from them what is really
so.

The files are read through the same contracts as real ones; nothing of the platform is used here. Unless set
otherwise people are referred more often than in life (about 6 % a year), so that a small region has cells to
show. People, names, codes and places are invented; NHS numbers are valid numbers of the range that is never
issued, 999 000 0000 to 999 999 9999.

Same people, seed, days and version: the same bytes of every file.
"""

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

from simulator import place, senders, world
from simulator.senders import faults, files, reference, register, telling, write
from simulator.senders.extracts import ROLLING_DAYS, Deliveries
from simulator.senders.mess import dials as mess_dials
from simulator.senders.telling import told
from simulator.senders.truth import write as write_truth
from simulator.senders.written import Written
from simulator.world import region
from simulator.world.dials import Dials

VERSION = "15"
DEFAULT_DAYS = (dt.date(2023, 4, 1), dt.date(2026, 3, 31))
IN_MEMORY = 60_000  # people; a larger region is worked in a file
MEMORY = "5GB"
WORK = ".work.duckdb"
FEWEST_PEOPLE, MOST_PEOPLE = 300, 2_000_000


def simulate(
    people: int,
    seed: int,
    out: Path,
    *,
    days: tuple[dt.date, dt.date] = DEFAULT_DAYS,
    deliveries: int | None = None,
    extract_days: int | None = None,
    mess: str | None = None,
    feeds: str | None = None,
    **truth: Any,
) -> dict[str, Any]:
    """Write a region of `people` people as `out`/landing, /reference and /truth; return what was written.

    `people`: how many live there at some time in the simulated days. Some come later and some leave, so fewer are
    registered on any one day: of a region of three years 88 % on the first and 92 % on the last.
    `days`: first and last simulated day; the last extracts are made the day after. `deliveries`: nothing for
    extracts of the whole time in one landing folder; a number of days for one full extract in `out`/landing and
    then a delivery on each of these last days, in `out`/days/<day>/landing; extracts of state feeds reach
    `extract_days` back (ROLLING_DAYS). `mess`: how much goes wrong in the files (senders.mess.dials). `feeds`: who
    tells what in which feed (senders.telling.told). `truth`: the settings of world.dials.Dials by name, such as
    effect_rate_ratio=0.8.

    Returns people, registered {day: people}, seed, first_day, last_day, files, records (clean and faulty lines,
    without headers), referrals, feeds {feed: {files, records, senders {sender: records}}} and faults {kind: number}.
    Raises ValueError for settings that are impossible or without effect, and FileExistsError when `out` already holds
    something. `out` appears whole or not at all: everything is written to a hidden folder first (place.py).
    """
    dials, shares, tellings = Dials(**truth), mess_dials(mess), told(feeds)
    practices_refer, office = dials.both_reported > 0, shares["opted_out"] + shares["merged"] > 0
    if not FEWEST_PEOPLE <= people <= MOST_PEOPLE:
        raise ValueError(f"people must be {FEWEST_PEOPLE} to {MOST_PEOPLE}, not {people}")
    if (days[1] - days[0]).days < 180:
        raise ValueError(f"days must span at least 180 days, not {days[0]} to {days[1]}")
    if deliveries is not None and not 0 <= deliveries <= (days[1] - days[0]).days - 90:
        raise ValueError(f"deliveries must leave 90 days for the first extract, not {deliveries}")
    if extract_days is not None and not 1 <= extract_days <= 400:
        raise ValueError(f"extract_days must be 1 to 400, not {extract_days}")
    if extract_days is not None and not deliveries:
        raise ValueError("extract_days says how far daily deliveries reach back, and there are none: set their days")
    if "silent=" in (mess or "") and shares["silent"] > 0 and not deliveries:
        raise ValueError("mess has a dial silent for senders whose daily deliveries stop: set how many days there are")
    reach = extract_days or ROLLING_DAYS
    telling.check(feeds, register.books(people, practices_refer=practices_refer, office=office))

    parameters: dict[str, object] = {
        "version": VERSION, "people": people, "seed": seed, "first_day": str(days[0]),
        "last_day": str(days[1]), **dials.rows(), "deliveries": deliveries,
        "extract_days": reach, "feeds": feeds,
        "mess": {name: share for name, share in shares.items() if share},
    }  # fmt: skip
    period = region.Period(*days)
    delivered = None if deliveries is None else (period.cut_off - dt.timedelta(days=deliveries), period.cut_off)
    with place.appearing(out) as partial:
        (partial / "truth").mkdir()
        with connect(partial if people > IN_MEMORY else None) as con:
            world.build(con, people, seed, period, dials)
            senders.build(con, period, Deliveries(deliveries, reach), shares)
            written, injected, rhythm = files.landing(con, partial, seed, shares, tellings, delivered)
            if deliveries is not None:
                files.arrive(partial, written)
            lists = registered_on(con, period)
            (referred,) = con.execute("select count(*) from referrals").fetchone() or (0,)
            write_truth(con, partial / "truth", parameters)
            reference.write(con, partial / "reference", period)
            registered = register.rows(
                con,
                period,
                practices_refer=practices_refer,
                rhythm=rhythm,
                tellings=tellings,
                office=office,
            )
        for left in partial.glob(f"{WORK}*"):
            left.unlink()
        write.table(partial / "reference" / "senders.csv", list(registered[0]), registered)
        write.table(partial / "truth" / "faults.csv", faults.COLUMNS, [fault.row() for fault in injected])
    return {
        **parameters,
        "registered": lists,
        "referrals": referred,
        **counts(written),
        "faults": dict(Counter(f.kind for f in injected)),
    }


def connect(folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, or in a file of a folder that can grow beyond it; in UTC, silent, without other extensions."""
    config = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    con = duckdb.connect(str(folder / WORK) if folder else ":memory:", config=config)
    con.execute("set TimeZone = 'UTC'; set enable_progress_bar = false; set threads = 2")
    con.execute(f"set memory_limit = '{MEMORY}'")
    return con


def registered_on(con: duckdb.DuckDBPyConnection, period: region.Period) -> dict[str, int]:
    """How many people are registered with a practice on the first and on the last day."""
    listed = "started_on <= $day and coalesce(ended_on, 'infinity') > $day"
    found = {}
    for day in (period.first, period.last):
        asked = con.execute(f"select count(distinct id) from registrations where {listed}", {"day": day})
        (found[str(day)],) = asked.fetchone() or (0,)
    return found


def counts(files: list[Written]) -> dict[str, object]:
    """Files and records of all files, by feed and by sender."""
    feeds: dict[str, dict[str, object]] = {}
    for feed in sorted({file.feed for file in files}):
        members = [file for file in files if file.feed == feed]
        by_sender: Counter[str] = Counter()
        for file in members:
            by_sender[file.sender] += file.records
        feeds[feed] = {"files": len(members), "records": by_sender.total(), "senders": dict(by_sender)}
    return {"files": len(files), "records": sum(file.records for file in files), "feeds": feeds}
