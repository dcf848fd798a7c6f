"""One writer at a time: an advisory lock in a folder, freed by the system when its holder ends."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from linkwork.errors import BusyError

LOCK = "writer.lock"


@contextmanager
def writer_lock(folder: Path, timeout_seconds: float, what: str = "the event log is being written") -> Iterator[int]:
    """Hold a folder's writer lock; gives its descriptor, for a child that must hold it too.

    Raises BusyError, naming the holder, where it is not had in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    with path.open("a+") as handle:
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise BusyError(what, where=str(path), why=_holder(path), do="try again later") from None
                time.sleep(0.1)
        handle.seek(0)
        handle.truncate()
        json.dump(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            handle,
        )
        handle.flush()
        yield handle.fileno()


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"process {holder['pid']} on {holder['host']} has held it since {holder['since']}"
    except (ValueError, KeyError):
        return "another process holds it"
