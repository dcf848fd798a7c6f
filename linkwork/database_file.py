"""A DuckDB file without what was freed in it.

A file keeps the blocks that a table or an older state of its catalogue has left, with what they held. No query reads
them, so that a search for a person could not see it; only a file written anew is without them.
"""

from pathlib import Path

import duckdb

from linkwork import engine
from linkwork.files import fsync

ANEW = ".anew"  # ends the name of a file that is being written anew


def freed_blocks(con: duckdb.DuckDBPyConnection) -> int:
    """How many freed blocks the file of a connection keeps."""
    return int(engine.row(con, "select sum(free_blocks) from pragma_database_size()")[0])


def without_freed_blocks(path: Path, *, memory_limit: str, threads: int) -> bool:
    """Write the database anew where it has freed blocks; whether it had. Nobody else may have it open."""
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
