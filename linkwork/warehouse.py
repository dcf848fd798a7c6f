"""`build`: pin the log at one position and let dbt fold it into marts, in one process.

The warehouse is disposable: every build makes a new file beside the old one and replaces it when dbt has passed, so a
failed build leaves the last good one. A build for an earlier day gets a file of its own.
"""

import json
import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from linkwork import engine, pinned, processes
from linkwork.database_file import ANEW, without_freed_blocks
from linkwork.errors import BadDataError, LinkworkError, OutOfMemoryError
from linkwork.files import fsync, remove
from linkwork.log import changes
from linkwork.log.known_at import opened
from linkwork.log.lock import LOCK, writer_lock
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import orders
from linkwork.settings import PROJECT_ROOT, Settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
REASON = re.compile(r"[A-Z][A-Za-z ]+ Error: |Got [0-9]+ results?")
NO_MEMORY = "Out of Memory Error"  # DuckDB says so of the disk, too, that should hold what memory cannot
RESULTS = "run_results.json"
PARSED = "partial_parse.msgpack"  # what dbt parsed: the same for every build of one version


def warehouse_file(settings: Settings, known_at: datetime | None = None) -> Path:
    """Where the warehouse of a build lies."""
    if known_at is None:
        return settings.warehouse_file
    main = settings.warehouse_file  # of the same name in a folder of its own: it is the name of the catalog
    return main.parent / f"known-at-{known_at:%Y%m%dT%H%M%S%fZ}" / main.name


def target_dir(settings: Settings, known_at: datetime | None = None) -> Path:
    """Where dbt writes its manifest and results for that warehouse."""
    return warehouse_file(settings, known_at).with_suffix(".target")


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
    if (warehouse := warehouse_file(settings)).exists():
        with engine.connect(warehouse, read_only=True) as con:
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
            _forget(settings, known_at)
        return _build(settings, final, known_at, progress, lock)


def _forget(settings: Settings, known_at: datetime | None) -> None:
    """What a replay must not rely on. Raises BadDataError where the log is not whole."""
    if problems := verify(Store(settings.log_dir)).problems:
        raise BadDataError(
            "the log is not whole, so it cannot be replayed",
            where=str(settings.log_dir),
            why="; ".join(problems[:3]),
            do="see `linkwork log verify`",
        )
    shutil.rmtree(target_dir(settings, known_at), ignore_errors=True)
    (settings.warehouse_file.parent / "building" / PARSED).unlink(missing_ok=True)


def _build(
    settings: Settings, final: Path, known_at: datetime | None, progress: Callable[[str], None], lock: int
) -> dict[str, Any]:
    store, settled_at = opened(settings.log_dir, known_at, settings.lock_timeout_seconds)
    target = target_dir(settings, known_at)
    # Always the same path: dbt keeps what it parsed as long as its environment is the same. And always the final
    # file's name: DuckDB's views hold the name of their catalog.
    building = settings.warehouse_file.parent / "building" / final.name
    building.parent.mkdir(exist_ok=True)
    parsed, mine = building.with_name(PARSED), target / PARSED
    if parsed.exists() and not mine.exists():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(parsed, mine)
    for leftover in (building, building.with_suffix(".duckdb.wal"), building.with_suffix(ANEW)):
        leftover.unlink(missing_ok=True)
    with engine.connect(building, memory_limit=settings.memory_limit, threads=settings.threads) as con:
        stands = pinned.pin(con, store, settings, known_at, settled_at)
    progress(f"dbt folds {stands['position']:,} events")
    log_file = target / "build.log"
    (target / RESULTS).unlink(
        missing_ok=True
    )  # of an earlier build: should dbt be killed, they would be taken for its own
    # Unit tests prove the models, not this log: the tests run them.
    done = run_dbt(settings, building, target, ["build", "--exclude-resource-type", "unit_test"], log_file, lock)
    results = _results(target)
    if done.returncode != 0:
        building.unlink(missing_ok=True)
        raise _failure([r for r in results if r["status"] in ("error", "fail", "runtime error")], done, log_file)
    if mine.exists():
        shutil.copy(mine, parsed)
    without_freed_blocks(building, memory_limit=settings.memory_limit, threads=settings.threads)
    fsync(building)
    final.parent.mkdir(exist_ok=True)
    building.rename(final)
    fsync(final.parent)
    kinds = [r["unique_id"].split(".")[0] for r in results]
    return {
        **stands,
        "warehouse": str(final),
        "manifest": str(target / "manifest.json"),
        "warnings": sorted(r["unique_id"] for r in results if r["status"] == "warn"),
        "models": kinds.count("model"),
        "tests": kinds.count("test") + kinds.count("unit_test"),
    }


def run_dbt(
    settings: Settings, database: Path, target: Path, command: list[str], log: Path, lock: int | None = None
) -> processes.Finished:
    """Run a command of dbt on a warehouse to its end; it writes to `target` and says what it does in `log`.

    It holds the `lock` too: whoever started it may be killed, and dbt goes on.
    """
    return processes.run(
        [
            processes.script("dbt"), *command, "--no-use-colors",
            "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target),
        ],
        log=log,
        lock=lock,
        cwd=DBT_PROJECT,
        extra_env={
            "LINKWORK_WAREHOUSE": str(database),
            "LINKWORK_MEMORY_LIMIT": settings.memory_limit,
            "DBT_LOG_PATH": str(target),
            "DBT_LOG_LEVEL_FILE": "none",  # every statement and event of it, again: 8 MB for each build
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
    )  # fmt: skip


def _failure(failed: list[dict[str, Any]], done: processes.Finished, log_file: Path) -> LinkworkError:
    reasons = [_reason(r["message"] or "") for r in failed]
    told = [f"{r['unique_id']} ({why})" if why else r["unique_id"] for r, why in zip(failed, reasons, strict=True)]
    short = NO_MEMORY in reasons
    error = OutOfMemoryError if short else BadDataError if failed else LinkworkError
    return error(
        f"{len(failed)} dbt models or tests failed" if failed else "the marts could not be built",
        where=str(log_file),
        why="; ".join(told[:5]) or done.output[-500:],
        do=(f"{OutOfMemoryError.DO}; " if short else "") + "the warehouse of the last good build is unchanged",
    )


def _reason(message: str) -> str:
    """The kind of an error of DuckDB, or how many rows a test found; never its text, which may quote a value."""
    found = REASON.search(message)
    return found[0].rstrip(": ") if found else ""


def _results(target: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads((target / RESULTS).read_text())["results"])
    except (OSError, ValueError):  # none, or half of them: dbt was killed
        return []
