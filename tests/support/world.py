"""A home in which many small scenarios are played quickly, through the real gate and the real log.

What surrounds them in the pipeline (landing folders, senders, Great Expectations) is left out; the lock, the staging
folder, the commit and the sealed copy of each file are the pipeline's own.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import duckdb

from ingestion import batches
from ingestion.arrival import Arrival
from ingestion.contract import Contract, load_contracts
from ingestion.gate import Gate
from linkwork import engine
from linkwork.files import sha256_of
from linkwork.log import append
from linkwork.log.lock import writer_lock
from linkwork.log.store import Store
from linkwork.privacy import hmac_sql, vault
from linkwork.privacy.keys import create_keys, load_keys, remember_keys
from linkwork.settings import Settings
from tests.property.oracle import Facts, File, Record
from tests.support.feeds import CONTRACTS, slot_of, written
from tests.support.log import rows, standing

START = datetime(2025, 7, 1, 6, tzinfo=UTC)


class Sent(NamedTuple):
    """A file of one feed and sender."""

    feed: str
    sender: str
    file: File
    blank_lines: int = 0


@dataclass
class World:
    settings: Settings
    con: duckdb.DuckDBPyConnection
    gate: Gate
    contracts: dict[str, Contract]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def deliver(self, batch: Iterable[Sent]) -> list[str | None]:
        """Commit files in one commit, in the order of their arrival. Gives their load ids; None for repeated bytes."""
        settings, store = self.settings, Store(self.settings.log_dir)
        number = next(self._numbers)
        loads: list[str | None] = []
        with writer_lock(settings.log_dir, settings.lock_timeout_seconds):
            store.refresh()
            folder = batches.create(settings, f"b{number:05d}", by_scheduler=False)
            staged = {}
            for place, sent in enumerate(batch):
                path = folder / f"{place}.sent"
                path.write_text(written(sent.feed, sent.file, sent.blank_lines))
                sha = sha256_of(path)
                if sha in staged or store.events.transaction(append.file_app(sha)) is not None:
                    loads.append(None)
                    continue
                arrival = Arrival(
                    path=path, feed=sent.feed, sender=sent.sender, source_system="test", sha256=sha,
                    received_at=START + timedelta(minutes=number, seconds=place),
                    load_id=f"{folder.name}.{place:04d}", batch_id=folder.name,
                )  # fmt: skip
                profile = self.gate.stage(arrival, self.contracts[sent.feed], folder, None)
                assert profile["refused"] is None, profile["refused"]
                staged[sha] = (profile, path)
                loads.append(arrival.load_id)
            if staged:
                append.append(store, self.con, folder, [profile for profile, _ in staged.values()])
            for sha, (_, path) in staged.items():
                vault.seal(path, settings.raw_dir / sha, self.gate.keys.zone1)
            batches.leave(folder)
            shutil.rmtree(folder)
        return loads

    def facts(self, prefix: str) -> dict[Record, Facts]:
        """The effective facts of the records whose id begins with `prefix`, read from the events alone."""
        found: dict[Record, set[tuple[str, str, str]]] = {}
        for feed, sender, reference, event_type, day in standing(self.settings, prefix):
            found.setdefault((feed, sender, reference), set()).add((slot_of(event_type), event_type, day))
        return {record: frozenset(facts) for record, facts in found.items()}

    def contested(self, senders: Iterable[str]) -> int:
        """How many records of some senders the register holds as contested."""
        chosen = engine.texts(list(senders))
        return len(rows(self.settings, "register", "1", f"where contested and list_contains({chosen}, sender)"))


def make_world(folder: Path, keys_dir: Path | None = None) -> World:
    """A fresh home for both small feeds, worked with one thread; with the keys of another home if wanted."""
    contracts = folder / "contracts"
    contracts.mkdir(parents=True)
    for name, text in CONTRACTS.items():
        (contracts / f"{name}.yaml").write_text(text)
    settings = Settings(
        home=folder / "data",
        keys_dir=keys_dir or folder / "keys",
        contracts_dir=contracts,
        test_numbers="allow",
        threads=1,
    )
    if keys_dir is None:
        create_keys(settings)
    keys, con = load_keys(settings), engine.connect(threads=1)
    remember_keys(keys, settings.log_dir)
    hmac_sql.install(con, keys)
    gate = Gate.of(settings, keys)
    return World(settings, con, gate, load_contracts(contracts, gate.catalogue))
