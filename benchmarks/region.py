"""What it costs to write a synthetic region's files: `python -m benchmarks.region --people 50000`.

The files of each feed are written as `linkwork simulate` does it, out of the view of what each extract knows; beside
that DuckDB writes the same lines with COPY from a table that holds the same rows ready made. Ratios are of one run on
one machine, by the wall and by the processor's time of all threads; the second says more where the machine is shared.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import simulator
from benchmarks.clock import Moment, machine, peak_mib
from simulator import senders, world
from simulator.senders import faults, mess, write
from simulator.senders.extracts import Deliveries
from simulator.senders.feeds import Feed
from simulator.senders.telling import told
from simulator.world.region import Period

TARGET_RATIO = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.region", description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--mess", help="as for linkwork simulate")
    given = parser.parse_args()
    print(json.dumps(run(given.people, given.seed, given.mess), indent=2))


def run(people: int, seed: int, dials: str | None) -> dict[str, Any]:
    """Seconds and ratios of each feed, of all, and of the whole making of the region."""
    shares, period = mess.dials(dials), Period(*simulator.DEFAULT_DAYS)
    results: dict[str, Any] = {"machine": machine(), "people": people}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with simulator.connect(folder) as con:
            start = Moment.now()
            world.build(con, people, seed, period)
            senders.build(con, period, Deliveries(), shares)
            results["world"] = _seconds(Moment.now() - start)
            ours = raw = Moment(0, 0)
            for one in told(None):
                feed = one.feed
                start = Moment.now()
                files, _ = write.feed_files(con, folder / "region", one, faults.Draw(feed, seed, shares))
                made = Moment.now() - start
                copied = _copied(con, feed, folder / "raw.csv")
                records = sum(file.records for file in files)
                results[feed.name] = {
                    "records": records, "ours": _seconds(made), "copy": _seconds(copied), **_ratios(copied, made)
                }  # fmt: skip
                print(f"{feed.name}: {records:,} records", file=sys.stderr, flush=True)
                ours, raw = ours + made, raw + copied
            results["all"] = {"ours": _seconds(ours), "copy": _seconds(raw), **_ratios(raw, ours)}
            results["peak_mib"] = round(peak_mib())
    results["target"] = TARGET_RATIO
    return results


def _copied(con: Any, feed: Feed, target: Path) -> Moment:
    """How long DuckDB takes to write the same rows, in the same columns, from a table."""
    columns = ", ".join(f'({sql})::varchar as "{name}"' for name, sql in (feed.columns or {"line": feed.line}).items())
    con.execute(f"create temp table ready as select {columns} from {feed.book}_known order by sender, n, key")
    form = "format csv, header" if feed.columns else "format csv, quote '', escape '', delimiter '\\x01', header false"
    start = Moment.now()
    con.execute(f"copy ready to '{target}' ({form})")
    took = Moment.now() - start
    con.execute("drop table ready")
    return took


def _ratios(copied: Moment, made: Moment) -> dict[str, float]:
    return {
        "ratio": round(copied.wall / made.wall, 3),
        "ratio_of_processor": round(copied.processor / made.processor, 3),
    }


def _seconds(moment: Moment) -> dict[str, float]:
    return {"wall": round(moment.wall, 2), "processor": round(moment.processor, 2)}


if __name__ == "__main__":
    main()
