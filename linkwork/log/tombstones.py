"""Who was erased, as far as anybody may know it: keyed tombstones, and who may not be (legal holds)."""

from pathlib import Path

from linkwork import engine
from linkwork.log.store import Store


def all_of(log_dir: Path) -> frozenset[bytes]:
    """Every tombstone of a log."""
    store = Store(log_dir)
    if not store.tombstones.exists():
        return frozenset()
    with engine.asking() as con:
        found = con.execute(f"select distinct tombstone from {store.tombstones.refresh().relation()}").fetchall()
    return frozenset(value for (value,) in found)


def erasures(log_dir: Path) -> int:
    """How many erasures a log has seen."""
    store = Store(log_dir)
    if not store.tombstones.exists():
        return 0
    with engine.asking() as con:
        found = con.execute(
            f"select count(distinct erasure_id) from {store.tombstones.refresh().relation()}"
        ).fetchone()
    return int(found[0]) if found else 0
