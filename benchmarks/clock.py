"""Time as this machine gives it: the wall's, and the processor's over all threads.

On a busy machine a second of the wall says little; the processor's seconds say what the work itself costs.
"""

import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("duckdb", "deltalake", "pyarrow")


@dataclass(frozen=True)
class Moment:
    """A point in time on both clocks, in seconds."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> "Moment":
        return cls(time.perf_counter(), time.process_time())

    def __sub__(self, earlier: "Moment") -> "Moment":
        return Moment(self.wall - earlier.wall, self.processor - earlier.processor)

    def __add__(self, other: "Moment") -> "Moment":
        return Moment(self.wall + other.wall, self.processor + other.processor)


def timed(work: Callable[[], object], repeats: int) -> Moment:
    """The median of some repeats after one that warms the caches."""
    taken = []
    for _ in range(repeats + 1):
        start = Moment.now()
        work()
        taken.append(Moment.now() - start)
    return median(taken[1:])


def median(taken: list[Moment]) -> Moment:
    return Moment(statistics.median(t.wall for t in taken), statistics.median(t.processor for t in taken))


def peak_mib() -> float:
    """The most memory this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def as_line(machine: dict[str, Any]) -> str:
    """That, as a line."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in machine.items())


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "cpu": model[0] if model else platform.machine(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }
