"""Named points at which a test can make this process die or an operation fail; without the variable they do nothing.

`LINKWORK_FAIL_AT=<point>:kill` ends the process with SIGKILL there, `<point>:<ERRNO>` raises that OSError.
"""

import errno
import os
import signal

POINTS = (
    "staged",
    "segments-written",
    "plan-written",
    "events-committed",
    "register-committed",
    "loads-committed",
    "quarantine-committed",
)


def reached(point: str) -> None:
    """Mark a step of the commit order."""
    wanted = os.environ.get("LINKWORK_FAIL_AT", "")
    if not wanted.startswith(point + ":"):
        return
    how = wanted.split(":", 1)[1]
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(getattr(errno, how), os.strerror(getattr(errno, how)), point)
