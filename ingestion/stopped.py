"""Why a worker was stopped over a file, and what to do about it: always on record in the refusal of the file."""

import resource
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ingestion.containers import MIB

NEAR = 0.8  # of its memory cap: a reader that dies beyond that is taken to have died of it
IN_PARTS = "or ask the sender for the file in parts"
MORE_MEMORY = f"Set LINKWORK_WORKER_MEMORY higher, {IN_PARTS}."
MORE_TIME = f"See whether the machine has too much to do; set LINKWORK_WORKER_SECONDS higher, {IN_PARTS}."


@dataclass(frozen=True)
class Stopped:
    """What stopped a worker, what to do, and how much of its memory it had taken when last looked at."""

    why: str
    do: str
    memory: str = ""

    def sentence(self, before: "Stopped") -> str:
        """Of a file whose worker was stopped twice; `before` is the first time."""
        why = self.why if self.why == before.why else f"first {before.why}, then {self.why}"
        return f"Reading the file was stopped, twice: {why}{self.memory or before.memory}. {self.do}"


def by_memory(cap: int) -> Stopped:
    """The reader said that it could get no more."""
    return Stopped(f"memory cap {cap // MIB:,} MiB", MORE_MEMORY)


def by_file_size(cap: int) -> Stopped:
    return Stopped(f"file size cap {cap // MIB:,} MiB", f"Set LINKWORK_UNPACKED_LIMIT higher, {IN_PARTS}.")


def by_clock(seconds: int) -> Stopped:
    return Stopped(f"no end after {seconds} seconds", MORE_TIME)


def by_death(code: int, taken: int, cap: int) -> Stopped:
    """A worker that ended, or was ended: by its exit code, and how many bytes of its memory cap it was seen to take."""
    memory = f" (it had taken {taken // MIB:,} of {cap // MIB:,} MiB)" if taken else ""
    if code == -signal.SIGXCPU:
        return Stopped("it used up its processor time", MORE_TIME)
    if code == -signal.SIGKILL:
        do = "Give the machine more memory, or Linkwork fewer threads (LINKWORK_THREADS)."
        return Stopped("it was killed, as the system does where memory runs out", do, memory)
    how = f"ended with signal {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    if taken > NEAR * cap:  # libraries that can get no more memory end the process in ways of their own
        return Stopped(f"it {how} near its memory cap", MORE_MEMORY, memory)
    return Stopped(f"it {how}", "Keep the file and report it: what it holds breaks the reader.", memory)


def memory_taken(pid: int | None, cap: int) -> int:
    """Bytes of its memory cap that a worker takes now; 0 of one that is gone."""
    with suppress(OSError, ValueError, IndexError):
        data = int(Path(f"/proc/{pid}/statm").read_text().split()[5]) * resource.getpagesize()
        before = resource.prlimit(pid or 0, resource.RLIMIT_DATA)[0] - cap  # what it had before it read anything
        return max(0, min(data - before, cap))
    return 0
