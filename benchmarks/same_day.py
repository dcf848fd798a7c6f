"""The same day of a region, taken in by a log of that region alone and by one that holds many events of others besides.

    linkwork simulate --preset pcn --days 1 --out .benchmarks/pcn
    python -m benchmarks.big_log --events 10000000 --keep .benchmarks/others
    python -m benchmarks.same_day --region .benchmarks/pcn --others .benchmarks/others

What is taken in need not cost more because the log is large: both figures are of `linkwork ingest` as a command, with
all its processes, on the same files. Each home is made anew for each repeat, and the first is only to warm up.
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

from benchmarks.big_log import settings_of
from benchmarks.clock import as_line, machine, median
from benchmarks.homes import borrow, take_in
from linkwork.log.store import Store
from linkwork.privacy.keys import create_keys
from linkwork.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same_day", description=__doc__)
    parser.add_argument("--region", type=Path, required=True, help="what `linkwork simulate --days 1` wrote")
    parser.add_argument("--others", type=Path, required=True, help="what `python -m benchmarks.big_log --keep` made")
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks"), help="where the homes are made")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    folder = given.folder.absolute() / "same-day"
    shutil.rmtree(folder, ignore_errors=True)
    print(markdown(measure(given.region.absolute(), given.others.absolute(), folder, given.repeats)))
    shutil.rmtree(folder)


def measure(region: Path, others: Path, folder: Path, repeats: int) -> dict[str, Any]:
    """What the first day after a region's first extract uses, on either log; the median of some repeats."""
    (day,) = sorted((region / "days").glob("*"))[:1]
    alone = settings_of(folder / "alone")
    create_keys(alone)
    found: dict[str, Any] = {"machine": machine()}
    for name, settings in (("alone", alone), ("beside others", borrow(others, folder / "beside-others"))):
        take_in(settings, region)
        before = _position(settings)
        homes = (borrow(settings.home.parent, folder / "day") for _ in range(repeats + 1))
        days = [take_in(home, day) for home in homes][1:]
        found[name] = {
            "events": before,
            "added": _position(settings_of(folder / "day")) - before,
            **vars(median([used.time for used in days])),
            "peak_mib": max(used.peak_mib for used in days),
        }
    if found["alone"]["added"] != found["beside others"]["added"]:
        raise RuntimeError(f"the day is not the same on both logs: {found}")
    return found


def _position(settings: Settings) -> int:
    """How many events there are: positions have no gaps."""
    return Store(settings.log_dir).refresh().position()


def markdown(found: dict[str, Any]) -> str:
    alone, beside = found["alone"], found["beside others"]
    lines = [
        as_line(found["machine"]), "",
        "| | events before | added | wall s | processor s | peak MiB |", "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {name} | {one['events']:,} | {one['added']:,} | {one['wall']:.1f} | {one['processor']:.1f} "
            f"| {one['peak_mib']:,.0f} |"
            for name, one in (("the region alone", alone), ("beside others", beside))
        ),
        f"| ratio | | | {beside['wall'] / alone['wall']:.2f} | {beside['processor'] / alone['processor']:.2f} | |",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
