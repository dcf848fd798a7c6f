"""Proving a log whole, against hashing the same files: what `linkwork log verify` adds to reading every byte."""

from pathlib import Path
from typing import Any

from benchmarks.big_log import Size, settings_of
from benchmarks.clock import peak_mib, timed
from linkwork.files import sha256_of
from linkwork.log.store import Store
from linkwork.log.verify import verify


def measure(kept: Path, _scratch: Path, _size: Size, repeats: int) -> dict[str, Any]:
    """Megabytes of all active files, and the time to verify the log and to hash those files one by one.

    Raises RuntimeError where the log does not verify.
    """
    store = Store(settings_of(kept).log_dir).refresh()
    tables = (store.events, store.register, store.loads, store.quarantine)
    paths = [table.path / one.path for table in tables for one in table.files()]
    hashing = timed(lambda: [sha256_of(path) for path in paths], repeats)
    verifying = timed(lambda: _verified(store), repeats)
    return {
        "megabytes": sum(path.stat().st_size for path in paths) / 1e6,
        "files": len(paths),
        "hashing": vars(hashing),
        "verifying": vars(verifying),
        "repeats": repeats,
        "peak_mib": peak_mib(),
    }


def _verified(store: Store) -> None:
    if problems := verify(store).problems:
        raise RuntimeError(f"the log does not verify: {problems[:3]}")
