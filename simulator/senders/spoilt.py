"""What goes wrong with files as a whole: each of these changes files below a folder, and notes it among the faults.

All take the folder, the seed, the share of files (or senders) that it befalls, the files written and the faults so far.
"""

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

from simulator.senders.faults import Fault
from simulator.senders.rhythm import Rhythm
from simulator.senders.written import Written
from simulator.world.random import stable

LONG_ENOUGH = 200  # records of a file that is cut in half, so that the one broken line is a small share of it
NOTICED_FOR = 3  # days of silence after the first on which it is noticed
NEXT_COLUMNS = (b"transferred_on", b"transferred_to", b"reopened_on")  # of version 2.1.0 of referrals_csv
UNKNOWN_COLUMN = b"colour_of_folder"


def befallen(seed: int, purpose: str, files: list[Written], share: float) -> list[Written]:
    """The files that something befalls: their number times the share, at least one unless the share is nought."""
    if share <= 0:
        return []
    drawn = sorted(files, key=lambda file: stable(seed, purpose, file.path))
    return drawn[: max(1, round(len(files) * share))]


def repeated(root: Path, seed: int, share: float, written: list[Written], injected: list[Fault]) -> None:
    """Files sent twice under two names."""
    for file in befallen(seed, "repeated", list(written), share):
        again = replace(file, path=renamed(file.path, "_again"))
        (root / again.path).write_bytes((root / file.path).read_bytes())
        written.append(again)
        injected.append(Fault(again.feed, again.sender, again.name, None, "file_repeated", "noop"))


def half(root: Path, seed: int, share: float, written: list[Written], injected: list[Fault]) -> None:
    """Extracts of appointments cut off in the middle of a line, and then sent again whole under another name."""
    long = [
        f for f in written if f.feed == "gp_appointments_csv" and f.path.endswith(".csv") and f.records >= LONG_ENOUGH
    ]
    for file in befallen(seed, "half", long, share):
        whole = (root / file.path).read_bytes()
        lines = whole.split(b"\n")
        last = next(n for n in range(len(lines) // 2, len(lines)) if lines[n].count(b",") > 4)
        resent = replace(file, path=renamed(file.path, "_resent"))
        (root / resent.path).write_bytes(whole)
        (root / file.path).write_bytes(b"\n".join([*lines[:last], lines[last][: len(lines[last]) // 2]]))
        of_file = [f for f in injected if (f.feed, f.sender, f.file) == (file.feed, file.sender, file.name)]
        injected += [replace(fault, file=resent.name) for fault in of_file]
        for fault in of_file:
            if fault.line is not None and fault.line > last:
                injected.remove(fault)
        injected.append(Fault(file.feed, file.sender, file.name, last + 1, "half_file", "quarantined", "field_count"))
        written.append(resent)
        file.records = last


def drift(root: Path, seed: int, share: float, written: list[Written], injected: list[Fault]) -> None:
    """Extracts of referrals with the columns of the contract's next version, and one with a column nobody agreed on."""
    plain = [f for f in written if f.feed == "referrals_csv" and f.path.endswith(".csv")]
    chosen = befallen(seed, "drift", plain, share)
    for file in chosen:
        add_columns(root / file.path, NEXT_COLUMNS)
        injected.append(Fault(file.feed, file.sender, file.name, None, "columns_added", "committed"))
    for file in chosen[:1]:
        other = replace(file, path=renamed(file.path, "_changed"))
        (root / other.path).write_bytes((root / file.path).read_bytes())
        add_columns(root / other.path, (UNKNOWN_COLUMN,))
        written.append(other)
        injected.append(Fault(other.feed, other.sender, other.name, None, "unknown_column", "refused"))


def add_columns(path: Path, names: tuple[bytes, ...]) -> None:
    """Add columns to a CSV file at the end, empty in every line but a blank one."""
    header, *lines = path.read_bytes().split(b"\n")
    empty = b"," * len(names)
    path.write_bytes(b"\n".join([b",".join([header, *names]), *(line + empty if line else line for line in lines)]))


def silent(root: Path, seed: int, share: float, written: list[Written], injected: list[Fault], rhythm: Rhythm) -> None:
    """Practices whose daily deliveries stop before the end, early enough that each of their feeds is missed by then.

    None stops where there are too few days to tell its silence from having nothing to say.
    """
    daily = {f.sender for f in written if f.path.startswith("days/") and f.feed.startswith("gp_appointments")}
    noticed = [sender for sender in daily if rhythm.cadence(sender, "practice") < rhythm.days]
    senders = sorted(noticed, key=lambda sender: stable(seed, "silent", sender))
    if share <= 0:
        return
    for sender in senders[: max(1, round(len(daily) * share))]:
        days = min(rhythm.cadence(sender, "practice") + NOTICED_FOR, rhythm.days)
        lost = [f for f in written if f.sender == sender and f.path.startswith("days/")
                and f.day > rhythm.last - dt.timedelta(days=days)]  # fmt: skip
        for file in lost:
            (root / file.path).unlink()
            written.remove(file)
            for fault in [f for f in injected if (f.feed, f.sender, f.file) == (file.feed, file.sender, file.name)]:
                injected.remove(fault)
        feeds = sorted({file.feed for file in written if file.sender == sender})
        injected += [Fault(feed, sender, "", None, "silent_sender", "silent") for feed in feeds]
    for folder, folders, files in os.walk(root / "days", topdown=False):
        if not folders and not files and not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def renamed(path: str, addition: str) -> str:
    """A path with an addition to the name of its file."""
    folder, _, name = path.rpartition("/")
    stem, dot, suffix = name.partition(".")
    return f"{folder}/{stem}{addition}{dot}{suffix}"
