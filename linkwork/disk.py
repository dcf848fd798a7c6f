"""Which failures mean that there was no room to write, whoever noticed: Python, DuckDB or delta-rs."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from linkwork.errors import DiskFullError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# Libraries hand the system's words on without its number. DuckDB says the last one where only a part was written.
WORDS = re.compile(
    "|".join([*(re.escape(os.strerror(n)) for n in NO_ROOM), "could not write all bytes"]), re.IGNORECASE
)
LIBRARIES = ("duckdb", "_duckdb", "deltalake", "_internal", "pyarrow")  # the second and fourth are where errors live
NAMED = re.compile('"(/[^"\n]+)"')


def full(error: BaseException, home: Path) -> DiskFullError | None:
    """What to tell a person where `error`, or what it came from, is a full disk, quota or file; else None."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in NO_ROOM:
            return _told(one.filename or home, home)
        # delta-rs raises an OSError without a number.
        known = isinstance(one, OSError) or type(one).__module__.split(".")[0] in LIBRARIES
        if known and WORDS.search(str(one)):
            named = NAMED.search(str(one))
            return _told(named[1] if named else home, home)
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _told(place: object, home: Path) -> DiskFullError:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    return DiskFullError(
        "there is no room to write",
        where=str(place),
        why=f"the disk, a quota or the limit on a file's size is reached; {free:,} bytes free",
        do="make room, then run the same command again: it completes what was cut off",
    )
