"""One measurement in a process of its own, so that its peak of memory is its own: `python -m benchmarks.child …`."""

import argparse
import importlib
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog

from benchmarks.big_log import Size, made

MEASUREMENTS = ("append", "redelivery", "verification", "erasure")


def measured(name: str, kept: Path, events: int, repeats: int) -> dict[str, Any]:
    """Run one measurement in a child process and return what it found. Raises CalledProcessError where it failed."""
    answer = kept.with_name(f"{kept.name}.{name}.json")
    options = [f"--{key}={value}" for key, value in (("log", kept), ("events", events), ("repeats", repeats))]
    command = [sys.executable, "-m", "benchmarks.child", name, *options, f"--answer={answer}"]
    subprocess.run(command, check=True, stdout=sys.stderr)  # standard output is the report's alone
    found = json.loads(answer.read_text())
    answer.unlink()
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run one measurement and write what it found as JSON.")
    parser.add_argument("name", choices=(*MEASUREMENTS, "make"))
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    size = Size(given.events)
    if given.name == "make":
        found = made(given.log, size)
    else:
        with tempfile.TemporaryDirectory(dir=given.log.parent, prefix="scratch-") as scratch:
            module = importlib.import_module(f"benchmarks.{given.name}")
            found = module.measure(given.log, Path(scratch), size, given.repeats)
    given.answer.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
