"""A warehouse as it is found: where it lies, opened to be read, or named as damaged.

A build is finished before it gets its name, and nobody changes it afterwards: what does not open is damaged, whatever
became of it, and `linkwork build` makes it anew from the log.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork.database_file import whole
from linkwork.errors import BadDataError, BusyError
from linkwork.log_lines import LogLines
from linkwork.settings import Settings

EARLIER = "known-at-"  # begins the name of the folder of a build for an earlier time

log = LogLines("linkwork.built")


def warehouse_file(settings: Settings, known_at: datetime | None = None) -> Path:
    """Where the warehouse of a build lies."""
    if known_at is None:
        return settings.warehouse_file
    main = settings.warehouse_file  # of the same name in a folder of its own: it is the name of the catalog
    return main.parent / f"{EARLIER}{known_at:%Y%m%dT%H%M%S%fZ}" / main.name


def target_dir(settings: Settings, known_at: datetime | None = None) -> Path:
    """Where dbt's manifest and results of that warehouse are kept."""
    return warehouse_file(settings, known_at).with_suffix(".target")


def do_of(path: Path) -> str:
    """What to do where a warehouse is damaged."""
    again = " with the same --known-at" if path.parent.name.startswith(EARLIER) else ""
    return f"run `linkwork build`{again}, which makes it anew from the log"


def opened(path: Path, **options: Any) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """A file with marts, read-only; raises as `reading` does."""
    return whole(path, "the warehouse", do_of(path), **options)


@contextmanager
def reading(path: Path, **options: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of a build, read-only; `options` are those of `engine.connect`.

    Raises BadDataError where it is damaged, also where that is only seen while it is read; BusyError while somebody
    writes to it.
    """
    with opened(path, **options) as con:
        try:
            pinned = con.execute("select count(*) from log.pinned").fetchone()
        except duckdb.CatalogException:
            pinned = None
        if pinned != (1,):
            why = "it does not say what it was built from"
            raise BadDataError("the warehouse is damaged", where=str(path), why=why, do=do_of(path))
        yield con


def is_damaged(path: Path) -> bool:
    """Whether there is a warehouse that cannot be opened for what it holds, which is said as a warning."""
    if not path.exists():
        return False
    try:
        with reading(path):
            return False
    except (BusyError, duckdb.Error):  # of what it holds nothing is known
        return False
    except BadDataError as error:
        log.warning(error.what, where=error.where, why=error.why, do="it is made anew from the log")
        return True
