"""All files of a region: the lines of every feed, and what goes wrong with files as a whole."""

import datetime as dt
import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

import duckdb

from simulator.senders import faults, rhythm, workbooks, write
from simulator.senders.faults import Fault
from simulator.senders.feeds import REGISTER
from simulator.senders.rhythm import Rhythm
from simulator.senders.spoilt import drift, half, repeated, silent
from simulator.senders.telling import Told
from simulator.senders.written import Written

UNREGISTERED = "ZVC99"
UNREGISTERED_LINES = 20
ARRIVES = dt.time(6)  # UTC, by when every sender has made its extract


def landing(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    seed: int,
    shares: Mapping[str, float],
    tellings: Iterable[Told],
    delivered: tuple[dt.date, dt.date] | None = None,
) -> tuple[list[Written], list[Fault], Rhythm | None]:
    """Write every file with its faults below `root`; returns the files and the faults, in the order of their names, and
    how often honest senders send where files are `delivered` day by day, from a first to a last day.
    """
    written: list[Written] = []
    injected: list[Fault] = []
    for told in tellings:
        feed = told.feed
        draw = faults.Draw(feed, seed, shares, told.packing)
        made = (
            workbooks.registers(con, root, told, draw) if feed == REGISTER else write.feed_files(con, root, told, draw)
        )
        files, marked = made
        written += files
        injected += [faults.of_line(feed, m) for m in marked]
    injected += [
        Fault(f.feed, f.sender, f.name, None, "older_extract", "duplicate") for f in written if "_late_" in f.name
    ]
    kept = rhythm.of(written, *delivered) if delivered else None
    if kept:
        silent(root, seed, shares["silent"], written, injected, kept)
    for spoil, dial in ((half, "half"), (drift, "drift"), (repeated, "repeated")):
        spoil(root, seed, shares[dial], written, injected)
    plain = [file for file in written if file.feed == "activity_csv" and file.path.endswith(".csv")]
    if plain and shares["unregistered"] > 0:
        file = unregistered(root, plain[0])
        written.append(file)
        injected.append(Fault(file.feed, file.sender, file.name, None, "unregistered_sender", "refused"))
    return (
        sorted(written, key=lambda file: (file.feed, file.sender, file.name)),
        sorted(injected, key=lambda fault: (fault.feed, fault.sender, fault.file, fault.line or 0)),
        kept,
    )


def arrive(root: Path, written: list[Written]) -> None:
    """Give every file the time at which it came: the morning after the day of which it is the last to know."""
    for file in written:
        at = dt.datetime.combine(file.day, ARRIVES, dt.UTC).timestamp()
        os.utime(root / file.path, (at, at))


def unregistered(root: Path, source: Written) -> Written:
    """The beginning of a group's file, as sent by one that nobody registered."""
    path = source.path.replace(f"/{source.sender}/", f"/{UNREGISTERED}/")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    with (root / source.path).open("rb") as lines:
        kept = list(islice(lines, UNREGISTERED_LINES))
    (root / path).write_bytes(b"".join(kept))
    return Written(source.feed, UNREGISTERED, path, len(kept) - 1, source.day)
