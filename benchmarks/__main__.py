"""Run the benchmarks: `python -m benchmarks --events 1000000 10000000 --logs DIR`."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.child import MEASUREMENTS, measured
from benchmarks.clock import machine
from benchmarks.report import markdown

VARIABLE = "LINKWORK_BENCHMARK_LOGS"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks of the event log.")
    parser.add_argument(
        "--events", type=int, nargs="+", default=[1_000_000, 10_000_000], help="sizes of the logs, smallest first"
    )
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS))
    parser.add_argument("--repeats", type=int, default=5, help="measured repeats, after one that does not count")
    parser.add_argument(
        "--logs", type=Path, default=Path(os.environ.get(VARIABLE, ".benchmarks")),
        help=f"folder in which the logs are made and kept (default: ${VARIABLE}, else .benchmarks)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    given = parser.parse_args()
    given.logs.mkdir(parents=True, exist_ok=True)
    try:
        results = run(given.logs, given.events, given.only, given.repeats)
    except subprocess.CalledProcessError as error:
        sys.exit(f"a measurement failed: {' '.join(error.cmd[2:4])}")
    print(json.dumps(results, indent=2) if given.json else markdown(results))


def run(logs: Path, sizes: list[int], names: list[str], repeats: int) -> dict[str, Any]:
    """Every measurement at every size, one after another; the sizes of one measurement follow each other."""
    results: dict[str, Any] = {"machine": machine()}
    for events in sizes:
        _say(f"the log of {events:,} events")
        measured("make", logs / str(events), events, repeats)
    for name in names:
        results[name] = []
        for events in sizes:
            _say(f"{name} at {events:,} events")
            results[name].append({"events": events, **measured(name, logs / str(events), events, repeats)})
    return results


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
