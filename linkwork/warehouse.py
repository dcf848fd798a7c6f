"""`build`: pin the log at one position and let dbt fold it into marts, in one process.

The warehouse is disposable: every build makes a new file beside the old one and replaces it when dbt has passed, so a
failed build leaves the last good one. A build for an earlier day gets a file of its own.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import __version__, engine, reference
from linkwork.built import EARLIER, is_damaged
from linkwork.database_file import changes_beside, without_freed_blocks
from linkwork.dbt_run import RESULTS, failure, results, run_dbt
from linkwork.errors import BadDataError
from linkwork.files import fsync, remove, write_whole
from linkwork.log import changes, published, tombstones
from linkwork.log.delta import DataFile
from linkwork.log.known_at import opened
from linkwork.log.lock import LOCK, writer_lock
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import orders
from linkwork.reference import check
from linkwork.settings import Settings

MANIFEST = "manifest.json"

# Who is whom and who opted out: read from the whole log, whatever day a build is for.
PERMISSIONS = ("person.merged", "person.unmerged", "person.opted_out", "person.opted_in")


def warehouse_file(settings: Settings, known_at: datetime | None = None) -> Path:
    """Where the warehouse of a build lies."""
    if known_at is None:
        return settings.warehouse_file
    main = settings.warehouse_file  # of the same name in a folder of its own: it is the name of the catalog
    return main.parent / f"{EARLIER}{known_at:%Y%m%dT%H%M%S%fZ}" / main.name


def target_dir(settings: Settings, known_at: datetime | None = None) -> Path:
    """Where dbt's manifest and results of that warehouse are kept."""
    return warehouse_file(settings, known_at).with_suffix(".target")


def building_file(settings: Settings) -> Path:
    """The warehouse that is being built, of whatever day.

    Always the same path: dbt keeps what it parsed as long as its environment is the same. And always the final file's
    name: DuckDB's views hold the name of their catalog.
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
        pinned = _pin(con, store, settings, known_at, settled_at)
    progress(f"dbt folds {pinned['position']:,} events")
    log_file = work / "build.log"
    # Of an earlier build: should dbt be killed, they would be taken for its own.
    (work / RESULTS).unlink(missing_ok=True)
    # Unit tests prove the models, not this log: the tests run them.
    done = run_dbt(settings, building, work, ["build", "--exclude-resource-type", "unit_test"], log_file, lock)
    found = results(work)
    if done.returncode != 0:
        _clear(settings)
        raise failure(found, done, log_file)
    without_freed_blocks(building, memory_limit=settings.memory_limit, threads=settings.threads)
    fsync(building)
    # The manifest first: a warehouse that lacks what it names is refused, one that it does not describe is not.
    for name in (MANIFEST, RESULTS):
        write_whole(target_dir(settings, known_at) / name, (work / name).read_bytes())
    changes_beside(final).unlink(missing_ok=True)  # DuckDB would apply them to any file of that name
    building.rename(final)
    fsync(final.parent)
    kinds = [r["unique_id"].split(".")[0] for r in found]
    return {
        **pinned,
        "warehouse": str(final),
        "manifest": str(target_dir(settings, known_at) / MANIFEST),
        "warnings": sorted(r["unique_id"] for r in found if r["status"] == "warn"),
        "models": kinds.count("model"),
        "tests": kinds.count("test") + kinds.count("unit_test"),
    }


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
