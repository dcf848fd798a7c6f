"""Which process it is: its number alone does not say, as it is given again, in a container to every job the same."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STARTED = 19  # of what follows the name in /proc/<pid>/stat; field 22 of the whole, see proc(5)


def identity(pid: int) -> dict[str, Any] | None:
    """A process of this machine as no other will ever be, or None where there is none of this number.

    Its start is told in ticks since the machine's, which no clock that is set changes; hence the boot belongs to it.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before may hold blanks and parentheses
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"pid": pid, "started": int(fields[STARTED]), "boot": boot}


def is_running(told: Mapping[str, Any]) -> bool:
    """Whether the process that said this of itself, on this machine, is there still.

    Of one that told its number only, as earlier versions did, the number decides.
    """
    found = identity(told["pid"])
    return found is not None and all(told.get(name, value) == value for name, value in found.items())


def this_process() -> dict[str, Any]:
    """What this process says of itself to those that come later."""
    found = identity(os.getpid())
    assert found is not None  # noqa: S101 - whoever asks is there
    return found
