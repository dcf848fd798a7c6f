"""Ways in which a file of DuckDB is damaged, or comes from elsewhere."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from linkwork import engine

Damage = Callable[[Path], None]

HEADER, BLOCK = 3 * 4096, 256 * 1024  # bytes: a main header and two of the database, then the blocks
CHECKED = 8  # bytes: each header and block begins with a checksum of the rest
VERSION = slice(12, 20)  # of the storage, in the main header
RELEASE_VERSION, NEXT_VERSION = 65, 69  # what each DuckDB from 1.2 to 2.0 reads, and what 2.0 writes
WORD, MULTIPLIER, SEED = 8, 0xBF58476D1CE4E5B9, 5381

LEAVES_CHANGES = """
import os, sys, duckdb
con = duckdb.connect(sys.argv[1])
con.execute("set checkpoint_threshold = '1TB'")
con.execute("create table left_over as select range as n from range(20000)")
os._exit(9)
"""


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_database(path: Path) -> None:
    path.write_bytes(b"what a broken disk gave back\n" * 400)


def another_database(path: Path) -> None:
    """A whole database, but no warehouse."""
    path.unlink()
    with engine.connect(path) as con:
        con.execute("create table t as select 1 as n")


def cut_off(path: Path) -> None:
    """The end is lost, and with it what the catalogue lies in."""
    os.truncate(path, HEADER + BLOCK // 2)


def flipped_in_the_header(path: Path) -> None:
    flip(path, 4096 + 100)
    flip(path, 2 * 4096 + 100)


def flipped_within(relation: str) -> Damage:
    """One byte of what a table holds; the file opens."""

    def damage(path: Path) -> None:
        with engine.connect(path, read_only=True) as con:
            (block,) = engine.row(
                con, f"select max(block_id) from pragma_storage_info({engine.text(relation)}) where block_id >= 0"
            )
        flip(path, HEADER + block * BLOCK + 1000)

    return damage


def of_another_version(path: Path) -> None:
    """A whole header that names a later storage version."""
    with path.open("r+b") as file:
        header = bytearray(file.read(4096))
        header[VERSION] = NEXT_VERSION.to_bytes(8, "little")
        header[:CHECKED] = checksum(bytes(header[CHECKED:])).to_bytes(8, "little")
        file.seek(0)
        file.write(header)


def version_of(path: Path) -> int:
    with path.open("rb") as file:
        return int.from_bytes(file.read(VERSION.stop)[VERSION], "little")


def changes_of_another(path: Path) -> None:
    """Changes to another database, of a process that was killed, beside the file: DuckDB would apply them to it."""
    other = path.with_name("other.duckdb")
    assert subprocess.run([sys.executable, "-c", LEAVES_CHANGES, str(other)], check=False).returncode == 9
    other.unlink()
    other.with_name(f"{other.name}.wal").rename(path.with_name(f"{path.name}.wal"))


def garbage_as_changes(path: Path) -> None:
    path.with_name(f"{path.name}.wal").write_bytes(b"what a broken disk gave back\n" * 400)


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0xFF]))


def checksum(content: bytes) -> int:
    """DuckDB's own, of whole words."""
    found = SEED
    for n in range(0, len(content), WORD):
        found ^= int.from_bytes(content[n : n + WORD], "little") * MULTIPLIER % 2**64
    return found
