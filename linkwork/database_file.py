"""Files of DuckDB: opened only if they are whole, and written without what was freed in them."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import BadDataError, BusyError
from linkwork.files import fsync

VERSION = "database file with version number"
# How DuckDB says that a file is not what it wrote, or what another version of it wrote.
DAMAGE = re.compile(f"Corrupt database file|not a valid DuckDB database file|{VERSION}")
ANEW = ".anew"  # ends the name of a file that is being written anew


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


def freed_blocks(con: duckdb.DuckDBPyConnection) -> int:
    """How many freed blocks the file of a connection keeps."""
    return int(engine.row(con, "select sum(free_blocks) from pragma_database_size()")[0])


def without_freed_blocks(path: Path, *, memory_limit: str, threads: int) -> bool:
    """Write the database anew where it has freed blocks; whether it had. Nobody else may have it open.

    A file keeps the blocks that a table or an older state of its catalogue has left, with what they held. No query
    reads them, so that a search for a person could not see it; only a file written anew is without them.
    """
    with engine.connect(path, read_only=True) as con:
        if not freed_blocks(con):
            return False
    anew = path.with_suffix(ANEW)
    anew.unlink(missing_ok=True)
    with engine.connect(memory_limit=memory_limit, threads=threads) as con:
        # Under its own name: the texts of views hold it.
        con.execute(f"attach {engine.text(path)} as {engine.name(path.stem)} (read_only)")
        con.execute(f"attach {engine.text(anew)} as written_anew")
        con.execute(f"copy from database {engine.name(path.stem)} to written_anew")
        con.execute("detach written_anew")
    fsync(anew)
    anew.rename(path)
    return True
