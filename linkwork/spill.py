"""Where DuckDB puts what memory cannot hold: below `staging/.spill`, a folder a process, as names within are its own.

Only who holds the log's lock spills into `staging/.spill` itself, as nobody else is there then.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from linkwork.files import sweep_ended
from linkwork.settings import Settings

OWN = "process-"  # begins the name of a process's own folder: process-<pid>-…


@contextmanager
def own_folder(settings: Settings) -> Iterator[Path]:
    """A folder of this process, which DuckDB makes when it needs it; removed at the end."""
    with suppress(OSError):  # who may only read can do what memory holds; DuckDB says so where it is not enough
        settings.spill_dir.mkdir(parents=True, exist_ok=True)
    folder = settings.spill_dir / f"{OWN}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(settings: Settings) -> None:
    """Remove what killed processes left. Call it under the writer lock."""
    sweep_ended(settings.spill_dir, OWN)
    for left in settings.spill_dir.glob("duckdb_temp*"):
        left.unlink()
