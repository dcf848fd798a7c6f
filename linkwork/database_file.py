"""Files of DuckDB: opened only if they are whole."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import BadDataError, BusyError

VERSION = "database file with version number"
# How DuckDB says that a file is not what it wrote, or what another version of it wrote.
DAMAGE = re.compile(f"Corrupt database file|not a valid DuckDB database file|{VERSION}")


def changes_beside(path: Path) -> Path:
    """Where DuckDB keeps changes to a file that are not in it yet."""
    return path.with_name(f"{path.name}.wal")


def is_damage(error: BaseException, path: Path) -> bool:
    """Whether an error of DuckDB means that a file is damaged; a connection to it may read others, too."""
    said = str(error)
    cut_off = "Could not read enough bytes" in said and f'{path.name}"' in said  # its folder may be given by a link
    return isinstance(error, duckdb.IOException) and (cut_off or bool(DAMAGE.search(said)))


@contextmanager
def whole(path: Path, called: str, do: str, **options: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """A finished file, read-only; `options` are those of `engine.connect`, `do` is what to do where it is damaged.

    Raises BadDataError where it is, also where that is only seen while it is read, and BusyError while another process
    writes to it. Nobody changes it once it is finished, so that changes beside it are damage too: DuckDB applies them
    without a word, even those of another file.
    """
    changes = changes_beside(path)
    if changes.exists() and changes.stat().st_size:
        why = f"changes to it lie beside it ({changes.name}), and nothing of Linkwork made them"
        raise BadDataError(f"{called} is damaged", where=str(path), why=why, do=do)
    try:
        with closing(engine.connect(path, read_only=True, **options)) as con:
            yield con
    except duckdb.IOException as error:
        if is_damage(error, path):
            why = str(error).splitlines()[0].removeprefix("IO Error: ")
            what = "was written by another version of DuckDB" if VERSION in why else "is damaged"
            raise BadDataError(f"{called} {what}", where=str(path), why=why, do=do) from error
        if "Could not set lock" in str(error):
            why = "another process holds it"
            raise BusyError(f"{called} is being written", where=str(path), why=why, do="try again later") from error
        raise
