"""What a command needs that changes the log other than by taking in files: the lock, the keys, a folder, the gate."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from ingestion import batches
from ingestion.contract import Contract, load_contracts
from ingestion.gate import Gate
from ingestion.senders import registered
from linkwork import engine
from linkwork.log import operations, plan
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import load_keys, remember_keys
from linkwork.settings import Settings


@dataclass(frozen=True)
class Operation:
    """One such command at work. `folder` holds what it stages and its plan; `con` has the id macros."""

    id: str
    settings: Settings
    store: Store
    con: duckdb.DuckDBPyConnection
    gate: Gate
    folder: Path

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The contract of each feed."""
        return load_contracts(self.settings.contracts_dir, self.store.catalogue)

    def source_system(self, sender: str) -> str:
        """The system the sender's records come from now; empty where it is registered no more."""
        found = registered(self.settings.reference_dir).get(sender)
        return found.source_system if found else ""

    @property
    def slots(self) -> dict[str, list[str]]:
        """The slots of each feed."""
        return {
            name: list(dict.fromkeys(slot for part in contract.parts for slot in part.slots))
            for name, contract in self.contracts.items()
        }


@contextmanager
def operation(settings: Settings) -> Iterator[Operation]:
    """Hold the writer's lock, with everything finished that an earlier run left.

    The folder is removed at the end, or where the command fails before its plan is written. Where it is cut off later
    the folder stays, and whoever comes next finishes the commit or discards it. Raises BusyError where another process
    holds the lock.
    """
    keys, store = load_keys(settings), Store(settings.log_dir)
    operation_id = operations.new_id()
    with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
        remember_keys(keys, settings.log_dir)
        batches.finish_earlier(settings, store)
        folder = batches.create(settings, operation_id, by_scheduler=False)
        with engine.connect(
            memory_limit=settings.memory_limit,
            threads=settings.threads,
            spill=settings.spill_dir,
            files=(settings.home,),
        ) as con:
            hmac_sql.install(con, keys)
            try:
                yield Operation(operation_id, settings, store, con, Gate.of(settings, keys), folder)
            except BaseException:
                if not (folder / plan.FILE).exists():
                    shutil.rmtree(folder)
                raise
            finally:
                batches.leave(folder)
        shutil.rmtree(folder)
