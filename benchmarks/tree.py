"""What a command and every process it starts use: wall and processor seconds, and the most memory held at one time.

Looked at from outside, a few times a second: workers of a pool end without their parent waiting for them, so that the
operating system's own sum for child processes leaves them out. What a process uses after it was last seen is lost.
"""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.clock import Moment

EVERY = 0.25  # seconds: looking costs, too


@dataclass(frozen=True)
class Used:
    """What a command used: both clocks in seconds, memory in MiB (pages that processes share counted once).

    `peak_mib` is of all its processes together, `own_mib` of the command's own, `other_mib` of the largest it started.
    """

    time: Moment
    peak_mib: float
    own_mib: float
    other_mib: float
    code: int
    output: str
    errors: str

    def row(self) -> dict[str, float]:
        return {"wall": self.time.wall, "processor": self.time.processor, "peak_mib": self.peak_mib}


class Watch:
    """While it is open, looks at a process and all it started: `processor` seconds of them all, `peak_mib` together."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._used: dict[psutil.Process, float] = {}
        self._peaks: dict[psutil.Process, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self.peak_mib = 0.0

    @property
    def processor(self) -> float:
        return sum(self._used.values())

    @property
    def own_mib(self) -> float:
        return self._peaks.get(self._root, 0) / 2**20

    @property
    def other_mib(self) -> float:
        return max((peak for one, peak in self._peaks.items() if one != self._root), default=0) / 2**20

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _look_on(self) -> None:
        while not self._ended.is_set():
            self._look()
            self._ended.wait(EVERY)

    def _look(self) -> None:
        held = 0
        with suppress(psutil.NoSuchProcess):
            for one in [self._root, *self._root.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it has ended meanwhile
                    used = one.cpu_times()
                    self._used[one] = used.user + used.system
                    pages = one.memory_full_info().pss
                    self._peaks[one] = max(self._peaks.get(one, 0), pages)
                    held += pages
        self.peak_mib = max(self.peak_mib, held / 2**20)


def run(command: Sequence[str], log: Path, extra_env: Mapping[str, str] | None = None) -> Used:
    """Run a command to its end with its output in `log`, what it complains of in a file beside it."""
    start = time.perf_counter()
    complaints = log.with_suffix(".errors")
    with log.open("wb") as output, complaints.open("wb") as errors:
        child = subprocess.Popen(command, stdout=output, stderr=errors, env={**os.environ, **(extra_env or {})})
        with Watch(child.pid) as watch:
            child.wait()
    took = Moment(time.perf_counter() - start, watch.processor)
    said = [path.read_text(errors="replace") for path in (log, complaints)]
    return Used(took, watch.peak_mib, watch.own_mib, watch.other_mib, child.returncode, *said)
