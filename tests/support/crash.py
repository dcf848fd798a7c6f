"""Homes that are taken to a certain state once and copied, and child processes that die on the way.

Children are forked from a server that has imported everything and used nothing (delta-rs does not survive a fork), so
that a case costs what its work costs and not the start of Python.
"""

import errno
import multiprocessing
import os
import shutil
import socket
import sys
from collections.abc import Callable
from multiprocessing import forkserver, reduction
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from ingestion import refused, workers
from linkwork import engine
from linkwork.log.digest import digest
from linkwork.log.plan import unnamed_files
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy.keys import load_keys
from linkwork.settings import Settings
from tests.support.log import ingest

PRELOADED = [
    "tests.support.crash",
    "deltalake",
    "deltalake.transaction",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pandas",
    "pytest",
]
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(PRELOADED)
workers.PRELOADED[:] = PRELOADED  # there is one server in a process: whoever starts it first

_receive = reduction.recvfds


def _receive_or_go_on(connection: socket.socket, size: int) -> list[int]:
    """As the server of children reads a request; but one of a process that was killed while it asked is passed over.

    The server would end, and with it every other child that it started would seem to have ended.
    """
    try:
        return _receive(connection, size)
    except EOFError as error:
        raise ConnectionAbortedError(errno.ECONNABORTED, "whoever asked was killed") from error


reduction.recvfds = _receive_or_go_on  # the server imports this module before it serves

STABLE = {
    "events": "global_position, event_type, revision_kind, occurred_on, asserted_at, source_line, subject_key",
    "register": "record_key, asserted_at, row_hash, contested, len(facts)",
    "loads": "file_name, status, records, accepted, duplicate, superseded, conflict, quarantined, skipped, events",
    "quarantine": "file_name, source_line, rule, field, sentence",
    "operations": "command, outcome, reason, actor, position",
}


def home_at(folder: Path, **extra: Any) -> Settings:
    """The settings of a home that `make_home` made, here or where it was copied from."""
    return Settings(
        home=folder / "data",
        keys_dir=folder / "keys",
        contracts_dir=folder / "contracts",
        test_numbers="allow",
        landing=None,
        threads=1,
        **extra,
    )


def copy_of(settings: Settings, folder: Path) -> Settings:
    """The same home elsewhere, with the same keys."""
    shutil.copytree(settings.home.parent, folder, dirs_exist_ok=True)
    return home_at(folder)


def start(work: Callable[..., object], folder: Path, *arguments: object, fail_at: str = "") -> ForkServerProcess:
    """Begin `work(settings, …)` of a module's top level in a child; `fail_at` is a fail point, see failpoints."""
    child = FORKING.Process(target=_child, args=(work, folder, arguments, {**os.environ, "LINKWORK_FAIL_AT": fail_at}))
    child.start()
    return child


def run(work: Callable[..., object], folder: Path, *arguments: object, fail_at: str = "") -> int:
    """The exit code of such a child; minus the signal that ended it, 1 where it ended with an error."""
    child = start(work, folder, *arguments, fail_at=fail_at)
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _child(
    work: Callable[..., object], folder: Path, arguments: tuple[object, ...], environment: dict[str, str]
) -> None:
    # What the server was started with is whatever the first test that needed it had set.
    os.environ.clear()
    os.environ.update(environment)
    _share_server()
    sys.stderr = (folder / "stderr.txt").open("a")
    work(home_at(folder), *arguments)


def _share_server() -> None:
    """Let the workers of a child come from the server that it came from itself, instead of starting another.

    What a worker takes over from a server is the same: modules that were imported and not used.
    """
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[attr-defined]


def ingest_all(settings: Settings) -> None:
    """The job of a child: one batch of what lies in the landing folder."""
    ingest(settings)


def content(settings: Settings) -> dict[str, Any]:
    """All that the log and zone 1 say, without what differs from run to run (ids of loads, times)."""
    store = Store(settings.log_dir).refresh()
    found: dict[str, Any] = {"digest": digest(store)}
    with engine.connect(threads=1) as con:
        for table, columns in STABLE.items():
            query = f"select {columns} from {getattr(store, table).relation()} order by all"
            found[table] = con.execute(query).fetchall()
        names = dict(con.execute(f"select load_id, file_name from {store.loads.relation()}").fetchall())
    key = load_keys(settings).zone1
    kept = settings.quarantine_raw_dir.iterdir() if settings.quarantine_raw_dir.exists() else ()
    found["refused text"] = {names[path.name]: refused.read(path, key) for path in kept}
    found["received"] = sorted(path.name for path in settings.raw_dir.iterdir())
    found["pending"] = len(list((settings.quality_dir / "pending").glob("*.json")))
    found["landing"] = sorted(path.name for path in settings.landing_dir.rglob("*") if path.is_file())
    return found


def assert_nothing_is_left(settings: Settings) -> None:
    """No staging folder, no half written file, no data file that no commit named; and the log verifies."""
    store = Store(settings.log_dir).refresh()
    assert verify(store).problems == []
    assert [path.name for path in settings.staging_dir.glob("[!.]*")] == []
    assert [path for table in store.tables for path in unnamed_files(table)[0]] == []
    assert [path for path in settings.home.rglob("*") if path.suffix == ".tmp" or ".writing" in path.name] == []
