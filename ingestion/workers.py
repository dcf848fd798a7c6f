"""Child processes that read files, so that a file that breaks a parser, or eats a machine, breaks nothing else.

A worker takes one file after another through the gate, under caps of memory, processor time, file size and wall-clock
time. One that dies is replaced; the file it had is tried once more when all others are done, alone and in a new worker,
and refused if that one dies too. What a worker makes of a file lies below the batch's folder; only the profile and
errors come back through its pipe.

Workers are forked from a server that has imported everything and used nothing: delta-rs does not survive a fork, and a
worker starts in milliseconds.
"""

import multiprocessing
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from ingestion import intake, stopped
from ingestion.containers import Limits
from ingestion.contract import Contract
from ingestion.gate import Gate
from ingestion.stopped import Stopped
from ingestion.worker import Caps, Job, Task, work
from linkwork import locked
from linkwork.files import private_dir
from linkwork.log import failpoints
from linkwork.settings import Settings

PRELOADED = ["ingestion.workers"]
PATIENCE = 10  # a worker may take so many times its processor time by the clock
# Arrow's own allocator reserves 1 GiB at its first use, which a worker's cap counts as if it were taken.
# It is chosen when Arrow is imported, and so by the server that workers are forked from.
ALLOCATOR = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
LOOK = 0.5  # seconds after which the memory of busy workers is looked at again


@dataclass
class _Worker:
    process: ForkServerProcess
    pipe: "connection.Connection[Any, Any]"
    spill: Path
    lock: int  # the descriptor that locks it
    job: Job | None = None
    deadline: float = 0
    allowed: int = 0
    taken: int = 0  # bytes of its memory cap, the most that was seen
    failure: Stopped | None = None


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
            failpoints.variables(),
            sys.maxsize if largest == resource.RLIM_INFINITY else largest,
        )
        self._workers: list[_Worker] = []
        self._broke: list[tuple[Job, Stopped]] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in list(self._workers):
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
            yield from self._alone(*self._broke.pop(0))

    def _alone(self, job: Job, before: Stopped) -> Iterator[tuple[Job, dict[str, Any] | None]]:
        """A file whose worker died, once more: with nothing beside it that could have been the reason."""
        for worker in list(self._workers):
            self._end(worker)
        worker = self._start()
        self._give(worker, job)
        while worker.job and not worker.failure:
            yield from self._done(second=True)
        if worker.failure:
            contract = self._task.contracts[job.arrival.feed]
            sentence = worker.failure.sentence(before)
            yield job, intake.refuse(job.arrival, contract, self._task.batch_dir, job.previous, sentence)

    def _idle(self) -> _Worker | None:
        for worker in self._workers:
            if worker.job is None:
                return worker
        return self._start() if len(self._workers) < self._size else None

    def _start(self) -> _Worker:
        ours, theirs = multiprocessing.Pipe()
        spill, lock = locked.make(private_dir(self._task.gate.spill), intake.SPILL)
        private_dir(spill)
        gate = replace(self._task.gate, spill=spill)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        process = context.Process(target=work, args=(replace(self._task, gate=gate), theirs), daemon=True)
        try:
            with _without_main(), _environment(ALLOCATOR):
                process.start()
        except BaseException:  # a signal: the first start waits for the server
            shutil.rmtree(spill, ignore_errors=True)
            os.close(lock)
            raise
        theirs.close()
        worker = _Worker(process, ours, spill, lock)
        self._workers.append(worker)
        return worker

    def _end(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.process.close()
        worker.pipe.close()
        shutil.rmtree(worker.spill, ignore_errors=True)
        os.close(worker.lock)
        self._workers.remove(worker)

    def _give(self, worker: _Worker, job: Job) -> None:
        worker.job, worker.taken = job, 0
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
        while not connection.wait([w.pipe for w in busy] + [w.process.sentinel for w in busy], min(patience, LOOK)):
            for worker in busy:
                worker.taken = max(worker.taken, stopped.memory_taken(worker.process.pid, self._caps.memory))
            patience -= LOOK
            if patience <= 0:
                break
        for worker in busy:
            job = worker.job
            assert job is not None  # noqa: S101 - only those that have one were chosen
            answer = self._answer(worker)
            if answer is None and time.monotonic() > worker.deadline:
                answer = ("cap", stopped.by_clock(worker.allowed))
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
                        self._broke.append((job, why))
                    return

    def _answer(self, worker: _Worker) -> tuple[Any, ...] | None:
        """What a worker says, or how it ended; None while it does neither."""
        with suppress(EOFError, ConnectionResetError):
            return worker.pipe.recv() if worker.pipe.poll() else None
        worker.process.join()
        return ("cap", stopped.by_death(worker.process.exitcode or 0, worker.taken, self._caps.memory))


def limits_of(settings: Settings) -> Limits:
    """What a packed file may become in an installation."""
    return Limits(unpacked=int(settings.unpacked_limit), ratio=settings.unpacked_ratio)


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


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Give these variables to a process that is started, where they are not set, and keep ours as they were."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _chained(errors: list[BaseException]) -> BaseException:
    for one, cause in pairwise(errors):
        one.__cause__ = cause
    return errors[0]
