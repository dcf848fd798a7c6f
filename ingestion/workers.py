"""Child processes that read files, so that a file that breaks a parser, or eats a machine, breaks nothing else.

A worker takes one file after another through the gate, under caps of memory, processor time, file size and wall-clock
time. One that dies is replaced; the file it had is tried once more when all others are done, alone and in a new worker,
and refused if that one dies too. What a worker makes of a file lies below the batch's folder; only the profile and
errors come back through its pipe.

Workers are forked from a server that has imported everything and used nothing: delta-rs does not survive a fork, and a
worker starts in milliseconds.
"""

import fcntl
import multiprocessing
import os
import pickle
import resource
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion import intake
from ingestion.arrival import Arrival
from ingestion.containers import MIB, Limits
from ingestion.contract import Contract
from ingestion.gate import Gate
from ingestion.landing import held
from linkwork import disk
from linkwork.files import private_dir, sha256_of
from linkwork.log import failpoints
from linkwork.settings import Settings

PRELOADED = ["ingestion.workers"]
SECONDS_PER_MIB = 2  # of processor time; what a file takes is a hundredth of that
PATIENCE = 5  # a worker may take so many times its processor time by the clock
DUCKDB_SHARE = 0.5  # of a worker's memory; the rest is for readers and what DuckDB does not count
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
    failing: dict[str, str]  # the variable of fail points
    largest_file: int  # what the job's own process is allowed


@dataclass
class _Worker:
    process: ForkServerProcess
    pipe: "connection.Connection[Any, Any]"
    spill: Path
    job: Job | None = None
    deadline: float = 0
    allowed: int = 0
    failure: str = field(default="")


class Workers:
    """A pool of workers for one batch. Use it as a context: at its end no worker is left."""

    def __init__(self, settings: Settings, gate: Gate, contracts: dict[str, Contract], batch_dir: Path) -> None:
        self._size = max(1, settings.threads)
        self._caps = Caps(int(settings.worker_memory), settings.worker_seconds, int(settings.unpacked_limit))
        largest = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        self._task = Task(
            gate,
            contracts,
            batch_dir,
            self._caps,
            limits_of(settings),
            os.getpid(),
            {k: v for k, v in os.environ.items() if k == "LINKWORK_FAIL_AT"},
            sys.maxsize if largest == resource.RLIM_INFINITY else largest,
        )
        self._workers: list[_Worker] = []
        self._broke: list[Job] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            self._end(worker)

    def stage(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, dict[str, Any] | None]]:
        """Each job with its file's profile, as they are done; None where the file is not there any more.

        Raises what a worker raised that is no fault of its file, such as DiskFullError.
        """
        for job in jobs:
            while (worker := self._idle()) is None:
                yield from self._done()
            self._give(worker, job)
        while any(w.job for w in self._workers):
            yield from self._done()
        while self._broke:
            yield from self._alone(self._broke.pop(0))

    def _alone(self, job: Job) -> Iterator[tuple[Job, dict[str, Any] | None]]:
        """A file whose worker died, once more: with nothing beside it that could have been the reason."""
        for worker in list(self._workers):
            self._end(worker)
        worker = self._start()
        self._give(worker, job)
        while worker.job and not worker.failure:
            yield from self._done(second=True)
        if worker.failure:
            contract = self._task.contracts[job.arrival.feed]
            sentence = f"Reading the file was stopped, twice: {worker.failure}."
            yield job, intake.refuse(job.arrival, contract, self._task.batch_dir, job.previous, sentence)

    def _idle(self) -> _Worker | None:
        for worker in self._workers:
            if worker.job is None:
                return worker
        return self._start() if len(self._workers) < self._size else None

    def _start(self) -> _Worker:
        ours, theirs = multiprocessing.Pipe()
        spill = private_dir(self._task.gate.spill / f"{intake.SPILL}{os.getpid()}-{secrets.token_hex(4)}")
        gate = replace(self._task.gate, spill=spill)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        process = context.Process(target=_work, args=(replace(self._task, gate=gate), theirs), daemon=True)
        with _without_main():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, spill)
        self._workers.append(worker)
        return worker

    def _end(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.process.close()
        worker.pipe.close()
        shutil.rmtree(worker.spill, ignore_errors=True)
        self._workers.remove(worker)

    def _give(self, worker: _Worker, job: Job) -> None:
        worker.job = job
        self._allow(worker, _size(job.arrival.path))
        # One file alone may use every thread; with more, each worker has one.
        busy = sum(w.job is not None for w in self._workers)
        with suppress(BrokenPipeError):  # it died between two files; that is noticed where all deaths are
            worker.pipe.send((job, max(1, self._size // busy), failpoints.counted()))

    def _allow(self, worker: _Worker, size: int) -> None:
        worker.allowed = PATIENCE * self._caps.seconds_for(size)
        worker.deadline = time.monotonic() + worker.allowed

    def _done(self, *, second: bool = False) -> Iterator[tuple[Job, dict[str, Any] | None]]:
        """Wait until something happens to a worker, and see to it."""
        busy = [w for w in self._workers if w.job]
        patience = max(0.0, min(w.deadline for w in busy) - time.monotonic())
        connection.wait([w.pipe for w in busy] + [w.process.sentinel for w in busy], patience)
        for worker in busy:
            job = worker.job
            assert job is not None  # noqa: S101 - only those that have one were chosen
            answer = _answer(worker)
            if answer is None and time.monotonic() > worker.deadline:
                answer = ("cap", f"no end after {worker.allowed} seconds")
            match answer:
                case None:
                    continue
                case ("size", size):
                    self._allow(worker, size)
                case ("done", found, counts):
                    failpoints.count(counts)
                    worker.job = None
                    yield job, found
                case ("error", errors):
                    raise _chained(errors)
                case ("cap", why):
                    worker.failure = why
                    self._end(worker)
                    if not second:
                        self._broke.append(job)
                    return


def limits_of(settings: Settings) -> Limits:
    """What a packed file may become in an installation."""
    return Limits(unpacked=int(settings.unpacked_limit), ratio=settings.unpacked_ratio)


def _answer(worker: _Worker) -> tuple[Any, ...] | None:
    """What a worker says, or how it ended; None while it does neither."""
    with suppress(EOFError, ConnectionResetError):
        return worker.pipe.recv() if worker.pipe.poll() else None
    worker.process.join()
    return ("cap", _how(worker.process.exitcode or 0))


def _how(code: int) -> str:
    """How a process ended, in words."""
    if code == -signal.SIGXCPU:
        return "it used up its processor time"
    if code == -signal.SIGKILL:
        return "it was killed, as the system does where memory runs out"
    if code < 0:
        return f"it ended with signal {signal.Signals(-code).name}"
    return f"it ended with code {code}"


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep a child from importing the program that runs this: a worker needs nothing of it."""
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
    try:
        main.__spec__ = None
        if "__file__" in kept:
            del main.__file__
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)


# --- in the worker --------------------------------------------------------------------------------
def _work(task: Task, pipe: "connection.Connection[Any, Any]") -> None:
    """Take files through the gate until there are no more; end with the job."""
    threading.Thread(target=_end_with_job, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a keyboard it reaches the job, which ends its workers
    failpoints.works_for(task.job_pid, task.failing, {})
    _limit(task)
    lock = os.open(task.batch_dir, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)  # whoever discards the batch waits for us
    while True:
        try:
            job, threads, counts = pipe.recv()
        except EOFError:
            return
        failpoints.count(counts)
        try:
            answer = ("done", _stage(task, job, threads, pipe), failpoints.counted())
        except OUT_OF_MEMORY:
            answer = ("cap", f"memory cap {task.caps.memory // MIB:,} MiB")
        except Exception as error:
            answer = _failed(error, task)
        pipe.send(answer)


def _stage(task: Task, job: Job, threads: int, pipe: "connection.Connection[Any, Any]") -> dict[str, Any] | None:
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
    # Private writable memory, not address space: maps of libraries and of files do not count.
    for kind, cap in (
        (resource.RLIMIT_DATA, task.caps.memory),
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
        return ("cap", f"file size cap {task.caps.file_size // MIB:,} MiB")
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


def _chained(errors: list[BaseException]) -> BaseException:
    for one, cause in zip(errors, errors[1:], strict=False):
        one.__cause__ = cause
    return errors[0]


def _end_with_job() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGKILL)
