"""Named points at which a test can make this process die or an operation fail; without the variable they do nothing.

`LINKWORK_FAIL_AT=<point>:kill` ends the process with SIGKILL there, `<point>:stop` holds it there with SIGSTOP until it
gets SIGCONT, `<point>:<ERRNO>` raises that OSError;
`<point>:<how>:3` does so the third time the point is reached.
"""

import errno
import os
import signal

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

ERASURE_POINTS = (
    "erasure-sealed",
    "erasure-tombstones",
    "erasure-zone1",
    "erasure-log-committed",
    "erasure-log",
    "erasure-warehouse-and-releases",
    "erasure-scrub",
)

WITHDRAWAL_POINTS = tuple(f"withdrawal-{step}" for step in ("register", "zone1", "log", "projections"))

_reached: dict[str, int] = {}


def reached(point: str) -> None:
    """Mark a step, such as one of the commit order."""
    wanted = os.environ.get("LINKWORK_FAIL_AT", "")
    if not wanted.startswith(point + ":"):
        return
    how, _, nth = wanted[len(point) + 1 :].partition(":")
    _reached[point] = _reached.get(point, 0) + 1
    if _reached[point] != int(nth or 1):
        return
    if how in ("kill", "stop"):
        os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGSTOP)
        return
    raise OSError(getattr(errno, how), os.strerror(getattr(errno, how)), point)
