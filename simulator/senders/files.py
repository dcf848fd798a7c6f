"""All files of a region: the lines of every feed, and what goes wrong with files as a whole."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import duckdb

from simulator.senders import faults, write
from simulator.senders.faults import Fault
from simulator.senders.feeds import FEEDS
from simulator.senders.write import Written
from simulator.world.random import stable

UNREGISTERED = "ZVC99"
UNREGISTERED_LINES = 20


def landing(
    con: duckdb.DuckDBPyConnection, root: Path, seed: int, shares: Mapping[str, float]
) -> tuple[list[Written], list[Fault]]:
    """Write every file with its faults below `root`; returns the files and the faults, in the order of their names."""
    written: list[Written] = []
    injected: list[Fault] = []
    for feed in FEEDS.values():
        files, marked = write.feed_files(con, root, feed, lambda of: faults.faulty_lines(con, of, shares))
        written += files
        injected += [faults.of_line(feed, m.sender, m.file, m.line, m.kind) for m in marked]
    injected += [
        Fault(f.feed, f.sender, f.name, None, "older_extract", "duplicate") for f in written if "_late_" in f.name
    ]
    for file in befallen(seed, "repeated", written, shares["repeated"]):
        again = Written(file.feed, file.sender, _renamed(file.path, "_again"), file.records)
        (root / again.path).write_bytes((root / file.path).read_bytes())
        written.append(again)
        injected.append(Fault(again.feed, again.sender, again.name, None, "file_repeated", "noop"))
    if shares["unregistered"] > 0:
        file = unregistered(root, next(f for f in written if f.feed == "activity_csv"))
        written.append(file)
        injected.append(Fault(file.feed, file.sender, file.name, None, "unregistered_sender", "refused"))
    return (
        sorted(written, key=lambda file: (file.feed, file.sender, file.name)),
        sorted(injected, key=lambda fault: (fault.feed, fault.sender, fault.file, fault.line or 0)),
    )


def befallen(seed: int, purpose: str, files: list[Written], share: float) -> list[Written]:
    """The files that something befalls: their number times the share, at least one unless the share is nought."""
    if share <= 0:
        return []
    drawn = sorted(files, key=lambda file: stable(seed, purpose, file.path))
    return drawn[: max(1, round(len(files) * share))]


def unregistered(root: Path, source: Written) -> Written:
    """The beginning of a group's file, as sent by one that nobody registered."""
    path = source.path.replace(f"/{source.sender}/", f"/{UNREGISTERED}/")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    with (root / source.path).open("rb") as lines:
        kept = list(islice(lines, UNREGISTERED_LINES))
    (root / path).write_bytes(b"".join(kept))
    return Written(source.feed, UNREGISTERED, path, len(kept) - 1)


def _renamed(path: str, addition: str) -> str:
    stem, dot, suffix = path.rpartition(".")
    return f"{stem}{addition}{dot}{suffix}"
