"""`build`: pin the log at one position and let dbt fold it into marts, in one process.

The warehouse is disposable: every build makes a new file beside the old one and replaces it when dbt has passed, so a
failed build leaves the last good one. A build for an earlier day gets a file of its own.
"""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from linkwork import engine, pinned
from linkwork.built import is_damaged, reading, target_dir, warehouse_file
from linkwork.database_file import changes_beside
from linkwork.dbt_run import RESULTS, failure, results, run_dbt
from linkwork.errors import BadDataError
from linkwork.files import fsync, remove, write_whole
from linkwork.log import changes
from linkwork.log.known_at import opened
from linkwork.log.lock import LOCK, writer_lock
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import orders
from linkwork.settings import Settings

MANIFEST = "manifest.json"


def building_file(settings: Settings) -> Path:
    """The warehouse that is being built, of whatever day.

    Always in the same folder, where dbt keeps what it parsed, and of the final file's name: DuckDB's views hold the
    name of their catalog.
    """
    final = settings.warehouse_file
    return final.parent / "building" / final.name


def dbt_dir(settings: Settings) -> Path:
    """Where dbt works, and keeps what it parsed for the next build."""
    return building_file(settings).with_suffix(".target")


def kept(settings: Settings) -> list[Path]:
    """Every warehouse, and what dbt wrote beside it."""
    return [path for path in sorted(settings.warehouse_file.parent.glob("*")) if path.name != LOCK]


def discard(settings: Settings) -> None:
    """Remove all of that; `linkwork build` brings it back."""
    for path in kept(settings):
        remove(path)


def is_behind(settings: Settings) -> bool:
    """Whether a build now would have events that are not in the warehouse."""
    if not Store(settings.log_dir).events.exists():
        return False
    store, settled_at = opened(settings.log_dir, None, settings.lock_timeout_seconds)
    built = 0
    if (warehouse := warehouse_file(settings)).exists() and not is_damaged(warehouse):
        with reading(warehouse) as con:
            (built,) = con.execute("select position from log.pinned").fetchone() or (0,)
    with engine.connect() as con:
        _, position, _ = pinned.stood_at(con, store, settled_at)
    return bool(position > built)


def build(
    settings: Settings,
    known_at: datetime | None = None,
    progress: Callable[[str], None] = lambda _: None,
    *,
    full: bool = False,
) -> dict[str, Any]:
    """Build every mart from the log as it stood at `known_at` (default: now), under the opt-outs known today.

    A build always folds the whole log; `full` (a replay) also forgets what dbt parsed before and checks that the log is
    whole first.

    Returns position, known_at, permissions_as_of, the warehouse file, dbt's counts and the tests that warned. Raises
    BadDataError where a test failed, LinkworkError where dbt could not run, and what `opened` raises; the last good
    warehouse stays as it was.
    """
    final = warehouse_file(settings, known_at)
    orders.refuse_unfinished(settings)
    folder, patience = settings.warehouse_file.parent, settings.lock_timeout_seconds
    with writer_lock(folder, patience, "the warehouse is being built") as lock:
        changes.finish_left(Store(settings.log_dir))  # which release was the last, the build has to know
        if full:
            _forget(settings)
        return _build(settings, final, known_at, progress, lock)


def _forget(settings: Settings) -> None:
    """What a replay must not rely on. Raises BadDataError where the log is not whole."""
    if problems := verify(Store(settings.log_dir)).problems:
        raise BadDataError(
            "the log is not whole, so it cannot be replayed",
            where=str(settings.log_dir),
            why="; ".join(problems[:3]),
            do="see `linkwork log verify`",
        )
    shutil.rmtree(dbt_dir(settings), ignore_errors=True)


def _clear(settings: Settings) -> None:
    """Remove all that a build that did not end well has left, but for what dbt parsed."""
    for left in building_file(settings).parent.iterdir():
        if left != dbt_dir(settings):
            remove(left)


def _build(
    settings: Settings, final: Path, known_at: datetime | None, progress: Callable[[str], None], lock: int
) -> dict[str, Any]:
    store, settled_at = opened(settings.log_dir, known_at, settings.lock_timeout_seconds)
    building, work = building_file(settings), dbt_dir(settings)
    building.parent.mkdir(exist_ok=True)
    _clear(settings)
    is_damaged(final)  # says so; it is replaced
    with engine.connect(building, memory_limit=settings.memory_limit, threads=settings.threads) as con:
        stands = pinned.pin(con, store, settings, known_at, settled_at)
    progress(f"dbt folds {stands['position']:,} events")
    log_file = work / "build.log"
    # Of an earlier build: should dbt be killed, they would be taken for its own.
    (work / RESULTS).unlink(missing_ok=True)
    # Unit tests prove the models, not this log: the tests run them.
    try:
        done = run_dbt(settings, building, work, ["build", "--exclude-resource-type", "unit_test"], log_file, lock)
    except BaseException:  # a signal, after dbt has ended
        _clear(settings)
        raise
    found = results(work)
    if done.returncode != 0:
        _clear(settings)
        raise failure(found, done, log_file)
    fsync(building)
    # The manifest first: a warehouse that lacks what it names is refused, one that it does not describe is not.
    for name in (MANIFEST, RESULTS):
        write_whole(target_dir(settings, known_at) / name, (work / name).read_bytes())
    changes_beside(final).unlink(missing_ok=True)  # DuckDB would apply them to any file of that name
    building.rename(final)
    fsync(final.parent)
    kinds = [r["unique_id"].split(".")[0] for r in found]
    return {
        **stands,
        "warehouse": str(final),
        "manifest": str(target_dir(settings, known_at) / MANIFEST),
        "warnings": sorted(r["unique_id"] for r in found if r["status"] == "warn"),
        "models": kinds.count("model"),
        "tests": kinds.count("test") + kinds.count("unit_test"),
    }
