"""Named points at which a test can make this process die or an operation fail; without the variable they do nothing.

`LINKWORK_FAIL_AT=<point>:kill` ends the process with SIGKILL there (where it is a worker, the job it works for first),
`<point>:stop` holds it there with SIGSTOP until it gets SIGCONT, `<point>:<ERRNO>` raises that OSError;
`<point>:<how>:3` does so the third time the point is reached. What only a worker is made to do (`HARM`) happens in the
process that reaches the point: `crash` is a SIGSEGV, `memory` takes all there is, `spin` computes and `hang` sleeps
without an end. `LINKWORK_FAIL_FILE` names the one file in whose worker it happens; `LINKWORK_FAIL_ONCE` a path that is
made when it happens, and where it exists nothing happens.
"""

import errno
import os
import signal
import time
from collections.abc import Callable

# What happens to each file and commit of a table of the log, in this order.
TABLE_STEPS = (
    "written",  # the Parquet file lies under a temporary name
    "synced",  # its bytes are durable
    "placed",  # it has its final name; no commit names it yet
    "committing",  # right before the Delta commit
    "committed",  # right after it; its JSON is not fsynced yet
    "durable",  # it is
)
TABLES = ("events", "register", "loads", "quarantine", "operations")

POINTS = (
    "batch-opened",
    "file-read",
    "file-staged",
    "in-step",
    "staged",
    "segments-written",
    "plan-written",
    *(f"{table}-{step}" for table in TABLES for step in TABLE_STEPS),
    "carried-out",
    "ledger-recorded",
    "refused-kept",
    "sealing",  # a sealed file lies under a temporary name
    "raw-sealed",
    "landing-emptied",
    "sealed",
    "handed-over",
    "batch-done",  # right before its staging folder goes
)

# Reached only by a start that finds what an earlier run left; it reaches those of the second half of a commit as well.
RECOVERY_POINTS = (
    "recovering",
    "plan-discarded",  # the files it names are removed, itself not yet
    "sweeping",  # right before a file that no commit names goes
)

REPAIR_POINTS = (
    "cut-off-put-aside",  # a part of Delta's own log that the power cut off is out of the way
    "cut-off-removed",  # it is on record, and what was put aside of a table is gone
)

ERASURE_POINTS = (
    "erasure-sealed",
    "erasure-tombstones",
    "erasure-zone1",
    "erasure-log-committed",
    "erasure-log",
    "erasure-warehouse-and-releases",
    "erasure-scrub",
)

# Of a change beside the events (`linkwork/log/changes.py`).
CHANGE_POINTS = (
    "change-announced",  # its note is durable; nothing has changed yet
    "change-made",  # the change is there, its row not yet
    "change-recorded",  # the row is there, and the note still
)

RETENTION_POINTS = ("expired-one",)  # a received file, or the text of a load's refused records, is removed

WITHDRAWAL_POINTS = tuple(f"withdrawal-{step}" for step in ("register", "zone1", "log", "projections"))

_reached: dict[str, int] = {}
_job: list[int] = []  # the process this one works for, where it is a worker
_file: list[str] = []  # the file it reads
VARIABLES = ("LINKWORK_FAIL_AT", "LINKWORK_FAIL_FILE", "LINKWORK_FAIL_ONCE")


def variables() -> dict[str, str]:
    """What this process was told about fail points, for a worker that has another environment."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


def works_for(job: int, told: dict[str, str]) -> None:
    """Say in a worker which process it works for, and what that was told."""
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(told)
    _job[:] = [job]


def reads(file: str, counts: dict[str, int]) -> None:
    """Say in a worker which file it reads, and how often each point was reached before."""
    _file[:] = [file]
    count(counts)


def counted() -> dict[str, int]:
    """How often each point was reached."""
    return dict(_reached)


def count(counts: dict[str, int]) -> None:
    """Count what another process of the job has reached."""
    _reached.update(counts)


def reached(point: str) -> None:
    """Mark a step, such as one of the commit order."""
    wanted = os.environ.get("LINKWORK_FAIL_AT", "")
    if not wanted.startswith(point + ":") or os.environ.get("LINKWORK_FAIL_FILE", "") not in ("", *_file):
        return
    how, _, nth = wanted[len(point) + 1 :].partition(":")
    _reached[point] = _reached.get(point, 0) + 1
    if _reached[point] != int(nth or 1):
        return
    if how in ("kill", "stop"):
        for process in (*_job, os.getpid()):
            os.kill(process, signal.SIGKILL if how == "kill" else signal.SIGSTOP)
        return
    if how in HARM:
        if _first():
            HARM[how]()
        return
    raise OSError(getattr(errno, how), os.strerror(getattr(errno, how)), point)


def _first() -> bool:
    if once := os.environ.get("LINKWORK_FAIL_ONCE"):
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
    return True


def _take_memory() -> None:
    taken = []
    while True:
        taken.append(bytearray(16 << 20))


def _spin() -> None:
    while True:
        pass


HARM: dict[str, Callable[[], None]] = {
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "memory": _take_memory,
    "spin": _spin,
    "hang": lambda: time.sleep(1_000_000),
}
