"""The inside of a worker: one file after another through the gate, under caps, in a process of its own.

What a worker makes of a file lies below the batch's folder. Only the profile and errors go back through its pipe, as
`("size", bytes)`, `("done", profile, fail points reached)`, `("cap", what stopped it)` or `("error", exceptions)`.
"""

import multiprocessing
import os
import pickle
import resource
import shutil
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion import intake, stopped
from ingestion.arrival import Arrival
from ingestion.containers import MIB, Limits
from ingestion.contract import Contract
from ingestion.gate import Gate
from ingestion.landing import held
from linkwork import disk, locked
from linkwork.files import sha256_of
from linkwork.log import failpoints

SECONDS_PER_MIB = 2  # of processor time; what a file takes is a hundredth of that
DUCKDB_SHARE = 0.25  # of a worker's memory; the rest is for readers, and for what DuckDB takes beside its own limit
ROOM = 64 * MIB  # with so much free, it was not the disk that was full
CHANGED = "The file was changed or removed while it was read; the next run takes what is there then."
OUT_OF_MEMORY = (MemoryError, duckdb.OutOfMemoryException, pa.ArrowMemoryError)


@dataclass(frozen=True)
class Caps:
    """What one worker may use: bytes of memory, seconds of processor time for a small file, bytes of one file."""

    memory: int = 2 << 30
    seconds: int = 60
    file_size: int = 8 << 30

    def seconds_for(self, size: int) -> int:
        """The processor time that a file of so many bytes may take."""
        return self.seconds + SECONDS_PER_MIB * (size // MIB)


@dataclass(frozen=True)
class Job:
    """One file to stage."""

    arrival: Arrival
    previous: dict[str, Any] | None


@dataclass(frozen=True)
class Task:
    """What a worker needs to know, once."""

    gate: Gate
    contracts: dict[str, Contract]
    batch_dir: Path
    caps: Caps
    limits: Limits
    job_pid: int
    failing: dict[str, str]  # the variables of fail points
    largest_file: int  # what the job's own process is allowed


def work(task: Task, pipe: "Connection[Any, Any]") -> None:
    """Take files through the gate until there are no more; end with the job."""
    threading.Thread(target=_end_with_job, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a keyboard it reaches the job, which ends its workers
    failpoints.works_for(task.job_pid, task.failing)
    _limit(task)
    locked.share(task.batch_dir)  # whoever discards the batch waits for us
    while True:
        try:
            job, threads, counts = pipe.recv()
        except EOFError:
            return
        failpoints.reads(job.arrival.path.name, counts)
        try:
            answer: tuple[Any, ...] = ("done", _stage(task, job, threads, pipe), failpoints.counted())
        except OUT_OF_MEMORY:
            answer = ("cap", stopped.by_memory(task.caps.memory))
        except Exception as error:
            answer = _failed(error, task)
        pipe.send(answer)


def _stage(task: Task, job: Job, threads: int, pipe: "Connection[Any, Any]") -> dict[str, Any] | None:
    arrival, contract = job.arrival, task.contracts[job.arrival.feed]
    gate = replace(task.gate, threads=threads, memory_limit=f"{int(task.caps.memory * DUCKDB_SHARE) // MIB}MiB")
    shutil.rmtree(task.batch_dir / arrival.load_id, ignore_errors=True)  # what a worker that died had written

    def unpacked_size(size: int) -> None:
        _limit_time(task.caps.seconds_for(size))
        pipe.send(("size", size))

    try:
        with held(arrival.path) as received:
            _limit_time(task.caps.seconds_for(received.stat().st_size))
            here = replace(arrival, path=received, name=arrival.path.name)
            found = intake.take(gate, here, contract, task.batch_dir, job.previous, task.limits, unpacked_size)
            if sha256_of(received) == arrival.sha256:
                return found
    except FileNotFoundError:
        if arrival.path.exists():
            raise
        return None
    if gate.quarantine_raw is not None:
        (gate.quarantine_raw / arrival.load_id).unlink(missing_ok=True)
    return intake.refuse(arrival, contract, task.batch_dir, job.previous, CHANGED)


def _limit(task: Task) -> None:
    """The caps that hold for the whole life of a worker."""
    # Private writable memory, not address space: maps of libraries and of files do not count, nor does what the
    # libraries took when they were imported.
    taken = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    for kind, cap in (
        (resource.RLIMIT_DATA, taken + task.caps.memory),
        (resource.RLIMIT_FSIZE, min(task.caps.file_size, task.largest_file)),
        (resource.RLIMIT_CORE, 0),  # a dump would hold what was read
    ):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (cap if hard == resource.RLIM_INFINITY else min(cap, hard), hard))
    with suppress(OSError):  # where memory runs out all the same, it is the worker that goes
        Path("/proc/self/oom_score_adj").write_text("500")


def _limit_time(seconds: int) -> None:
    """The processor time from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _failed(error: Exception, task: Task) -> tuple[Any, ...]:
    """What to tell the job of an error: that the file hit a cap, or the error itself with all that led to it."""
    full = disk.full(error, task.batch_dir)
    free = shutil.disk_usage(task.batch_dir).free
    if full and "No space" not in str(error) and task.caps.file_size < task.largest_file and free > ROOM:
        return ("cap", stopped.by_file_size(task.caps.file_size))
    return ("error", [_portable(one) for one in _chain(error)])


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _portable(error: BaseException) -> BaseException:
    try:
        return pickle.loads(pickle.dumps(error))  # type: ignore[no-any-return]  # noqa: S301 - our own, just made
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


def _end_with_job() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGKILL)
