"""Where DuckDB puts what memory cannot hold: below `staging/.spill`, a folder a process, as names within are its own.

Only who holds the log's lock spills into `staging/.spill` itself, as nobody else is there then.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from linkwork import locked
from linkwork.settings import Settings

OWN = "process-"  # begins the name of a process's own folder: process-<pid>-…


@contextmanager
def own_folder(settings: Settings) -> Iterator[Path]:
    """A folder of this process, removed at the end."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(locked.own(settings.spill_dir, OWN))
        except OSError:  # who may only read can do what memory holds; DuckDB says so where it is not enough
            folder = settings.spill_dir / f"{OWN}none"
        yield folder


def sweep(settings: Settings) -> None:
    """Remove what killed processes left. Call it under the writer lock."""
    locked.remove_left(settings.spill_dir, OWN)
    for left in settings.spill_dir.glob("duckdb_temp*"):
        left.unlink()
