"""`build`: pin the log at one position and let dbt fold it into marts, in one process.

The warehouse is disposable: every build makes a new file beside the old one and replaces it when dbt has passed, so a
failed build leaves the last good one. A build for an earlier day gets a file of its own.
"""

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import __version__, engine, processes, reference
from linkwork.database_file import ANEW, without_freed_blocks
from linkwork.errors import BadDataError, LinkworkError, OutOfMemoryError
from linkwork.files import fsync, remove
from linkwork.log import changes, published, tombstones
from linkwork.log.delta import DataFile
from linkwork.log.known_at import opened
from linkwork.log.lock import LOCK, writer_lock
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import orders
from linkwork.reference import check
from linkwork.settings import PROJECT_ROOT, Settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
REASON = re.compile(r"[A-Z][A-Za-z ]+ Error: |Got [0-9]+ results?")
NO_MEMORY = "Out of Memory Error"  # DuckDB says so of the disk, too, that should hold what memory cannot
RESULTS = "run_results.json"
PARSED = "partial_parse.msgpack"  # what dbt parsed: the same for every build of one version

# Who is whom and who opted out: read from the whole log, whatever day a build is for.
PERMISSIONS = ("person.merged", "person.unmerged", "person.opted_out", "person.opted_in")


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
        pinned = _pin(con, store, settings, known_at, settled_at)
    progress(f"dbt folds {pinned['position']:,} events")
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
        **pinned,
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


def _pin(
    con: duckdb.DuckDBPyConnection,
    store: Store,
    settings: Settings,
    known_at: datetime | None,
    settled_at: datetime | None,
) -> dict[str, Any]:
    """Make the schemas `log` and `reference`: the one view of events, that of today's permissions, and small tables.

    The only reader of the log. Nothing is read of a commit after `settled_at`: a writer may be in the middle of it.
    """
    if known_at is not None:
        known_at = known_at.astimezone(UTC)
    files, position, newest = _stood_at(con, store, min(filter(None, (known_at, settled_at)), default=None))
    con.execute("create schema log")
    con.execute("create schema reference")
    con.execute(f"create view log.events as select {_event_columns(store)} from {_events(store, files, position)}")
    settled, known = _until(settled_at), _until(known_at)
    con.execute(
        f"""create view log.permissions as select {_event_columns(store)}
        from {store.events.relation(store.events.files(category="person"))}
        where event_type in ({", ".join(engine.text(t) for t in PERMISSIONS)}) and {settled}"""
    )
    _, _, permissions_as_of = _stood_at(con, store, settled_at)
    # A file that was held or refused is no part of a commit, and its row has no version of the log.
    ledger = store.current_loads(f"{known} and ({settled} or log_version is null)")
    # What a withdrawn sender sent is in no build, of whatever day.
    gone = f"select load_id from {store.current_loads()} where status = 'withdrawn'"
    con.execute(f"create table log.loads as from {ledger} where load_id not in ({gone}) order by load_id")
    con.execute(
        f"""create table log.quarantine as from {store.current_quarantine(f"{known} and {settled}")}
        where status is null and load_id not in ({gone}) order by load_id, source_line"""
    )
    con.execute(
        f"""create table log.pinned as select ?::bigint as position, ?::timestamptz as known_at,
        {_cut_off("log.loads")} as cut_off, ?::timestamptz as permissions_as_of,
        {_cut_off(store.current_loads())} as permissions_cut_off""",
        [position, newest, permissions_as_of],
    )
    (withdrawn,) = con.execute(f"select count(*) from ({gone})").fetchone() or (0,)
    kinds = [name for name, kind in reference.KINDS.items() if not kind.ofGate]
    used = {kind: reference.version_used(settings.reference_dir, kind, known_at) for kind in kinds}
    state = {
        "position": position,
        "removals": tombstones.erasures(settings.log_dir) + withdrawn,
        "code_maps": used.pop("code_maps"),
        "reference": " ".join(f"{kind}={version}" for kind, version in sorted(used.items()) if version),
        "code_version": __version__,
    }
    published.earlier(store, con, state, known_at)
    for kind in kinds:
        con.execute(
            f"""create table reference.{engine.name(kind)} as
            select * from {reference.relation(settings.reference_dir, kind, known_at)} order by all"""
        )
    check.table(con, settings.reference_dir, known_at)
    cut_off = con.execute("select cut_off from log.pinned").fetchone()
    return {
        "position": position,
        "known_at": newest,
        "cut_off": cut_off[0] if cut_off else None,
        "permissions_as_of": permissions_as_of,
    }


def _cut_off(loads: str) -> str:
    """SQL of the day that counts as today where these are the loads: the local day of the newest assertion."""
    return f"""(select (max(newest_asserted_at) at time zone 'Europe/London')::date from {loads}
        where status = 'committed')"""


def _stood_at(
    con: duckdb.DuckDBPyConnection, store: Store, known_at: datetime | None
) -> tuple[list[DataFile], int, datetime | None]:
    """The files to read, the last position and when it was recorded, of the log as it stood at a time."""
    files = store.events.files()
    if known_at is not None:
        # A compacted file holds rows of many commits: those that reach over the time are asked row by row.
        files = [f for f in files if f.lowest["recorded_at"] <= known_at]
        over = [f for f in files if f.highest["recorded_at"] > known_at]
        whole = [f for f in files if f.highest["recorded_at"] <= known_at]
        if over:
            found = con.execute(
                f"""select max(global_position), max(recorded_at) from {store.events.relation(over)}
                where recorded_at <= ?::timestamptz""",
                [known_at],
            ).fetchone()
            ends = [(f.highest["global_position"], f.highest["recorded_at"]) for f in whole]
            ends += [found] if found and found[0] is not None else []
            position, newest = max(ends, default=(0, None))
            return files, position, newest
    position = max((f.highest["global_position"] for f in files), default=0)
    return files, position, max((f.highest["recorded_at"] for f in files), default=None)


def _until(time: datetime | None) -> str:
    return "true" if time is None else f"recorded_at <= {engine.text(time.isoformat())}::timestamptz"


def _event_columns(store: Store) -> str:
    return ", ".join(engine.name(c) for c in store.events.columns)


def _events(store: Store, files: list[DataFile], position: int) -> str:
    return f"{store.events.relation(files)} where global_position <= {int(position)}"


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
