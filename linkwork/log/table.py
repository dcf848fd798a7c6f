"""A Delta table whose commits survive a power cut.

delta-rs commits atomically but does not fsync the commit's JSON, and does not look whether an added file exists.
So: data files are named by their SHA-256 and fsynced before the commit; the commit's JSON and its folder are
fsynced after it.
"""

import json
import time
import urllib.parse
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import BadDataError
from linkwork.files import fsync, sha256_of
from linkwork.log import cut_off
from linkwork.log.delta import DataFile, active_files, as_statistic, entries
from linkwork.log.failpoints import reached
from linkwork.log.lock import writer_lock

HEAD = "linkwork-head"  # carried by every commit of events, so that two that know nothing of each other collide
CLOCK = "linkwork-clock"  # when the newest of them was recorded, in microseconds since 1970
NUMBER = "linkwork-commit"  # how many commits there were, so that the register can be seen to have followed

FIRST = f"{0:020d}.json"  # the commit that creates a table
APPEND_PATIENCE_SECONDS = 30.0
GROUP = 122_880  # rows of a row group, but where a table says otherwise


class CommitLost(Exception):
    """Another writer committed first; nothing was changed. Start again from a fresh snapshot."""


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


class LogTable:
    """A Delta table below `log/`, addressed by its folder; opens lazily and re-reads on `refresh`."""

    def __init__(
        self, path: Path, columns: Mapping[str, str], partition_by: tuple[str, ...] = (), group: int = GROUP
    ) -> None:
        self.path, self.columns, self.partition_by, self.group = path, dict(columns), partition_by, group
        self._table: Any = None
        self._files: list[DataFile] | None = None

    # --- reading --------------------------------------------------------------------------------
    def exists(self) -> bool:
        """Whether there is a commit. Its folder is not enough: whoever was to create the table may have been killed."""
        log = self.path / "_delta_log"
        return _has_content(log / FIRST) or any(_has_content(commit) for commit in log.glob("*.json"))

    def refresh(self, *, evolve: bool = False) -> "LogTable":
        """See the newest commit; the table is created on first use. `evolve` adds columns it lacks.

        Raises BadDataError where Delta's own log cannot be read.
        """
        if not self.exists():
            self._create()
            self._table = None
        before = None if self._table is None else self.version
        if self._table is None:
            self._table = self._opened()
        else:
            self._table.update_incremental()
        if self.version != before:
            self._files = None  # to be asked for again: with many files that takes a while
        elif not evolve:
            return self
        self._check_columns(evolve=evolve)
        return self

    def _opened(self) -> Any:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            return DeltaTable(str(self.path))
        except DeltaError:
            raise cut_off.error(self.path / "_delta_log") from None

    @property
    def table(self) -> Any:
        if self._table is None:
            self.refresh()
        return self._table

    @property
    def version(self) -> int:
        return int(self.table.version())

    def transaction(self, app_id: str) -> int | None:
        """The version an application transaction was last committed with, or None."""
        version = self.table.transaction_version(app_id)
        return None if version is None else int(version)

    def transactions(self) -> dict[str, int]:
        """Every application transaction."""
        return dict(entries(self.path / "_delta_log", self.version, "txn", ("appId", "version")))

    def replaced(self) -> dict[str, datetime]:
        """The files that a commit took out of the table, and when: of the last days, as long as Delta remembers."""
        return {
            urllib.parse.unquote(path): datetime.fromtimestamp((at or 0) / 1000, UTC)
            for path, at in entries(self.path / "_delta_log", self.version, "remove", ("path", "deletionTimestamp"))
        }

    def files(self, **partition: str) -> list[DataFile]:
        """The active files, those of one partition where it is given, in path order."""
        if self._files is None:
            self._files = active_files(self.table, self.partition_by)
        return [f for f in self._files if all(f.partition[key] == value for key, value in partition.items())]

    def relation(
        self, files: Iterable[DataFile] | None = None, parts: Mapping[str, list[tuple[int, int]]] | None = None
    ) -> str:
        """SQL that reads the given (default: all active) files with every column of the table, typed.

        Of a file whose path `parts` names only those rows that lie between the first and the last row of a part.
        """
        chosen, parts = list(self.files() if files is None else files), parts or {}
        whole = [f for f in chosen if f.path not in parts]
        reads = [self._typed(), *([f"select * from {self._reader(whole)}"] if whole else [])]
        for one in (f for f in chosen if f.path in parts):
            lies = " or ".join(f"file_row_number between {int(a)} and {int(b)}" for a, b in parts[one.path])
            reader = self._reader([one], ", file_row_number = true")
            reads.append(f"select * exclude (file_row_number) from {reader} where {lies}")
        return f"({' union all by name '.join(reads)})"

    def located(self, files: Iterable[DataFile]) -> str:
        """SQL that reads some files, at least one, and says where each row lies: `filename`, `file_row_number`."""
        reader = self._reader(files, ", filename = true, file_row_number = true")
        return f"({self._typed()} union all by name select * from {reader})"

    def _typed(self) -> str:
        columns = ", ".join(f"null::{t} as {engine.name(c)}" for c, t in self.columns.items())
        return f"select {columns} where false"

    def _reader(self, files: Iterable[DataFile], more: str = "") -> str:
        hive = ", ".join(f"{engine.name(k)}: varchar" for k in self.partition_by)
        hive_types = f", hive_types = {{{hive}}}" if self.partition_by else ""
        paths = engine.texts([self.path / f.path for f in files])
        return f"read_parquet({paths}, hive_partitioning = true, union_by_name = true{hive_types}{more})"

    def files_with_filters(self, con: duckdb.DuckDBPyConnection) -> list[DataFile]:
        """The active files of an earlier version, in which a Bloom filter hides rows from a look-up by a BLOB.

        Decision 0018 says why. `log compact` writes them anew.
        """
        named = {str(self.path / f.path): f for f in self.files()}
        if not named:
            return []
        blobs = [name for name, declared in self.columns.items() if declared.lower() == "blob"]
        found = con.execute(
            f"""select distinct file_name from parquet_metadata({engine.texts(list(named))})
            where bloom_filter_offset is not null and list_contains({engine.texts(blobs)}::varchar[], path_in_schema)"""
        ).fetchall()
        return [named[name] for (name,) in sorted(found)]

    # --- writing --------------------------------------------------------------------------------
    def write_file(
        self, con: duckdb.DuckDBPyConnection, query: str, partition: Mapping[str, str], below: str = ""
    ) -> dict[str, Any] | None:
        """Write a query's rows as one data file, named by its hash, durable, not yet part of the table.

        It lies in its partition's folder, or in the folder `below` that. Returns what a plan needs to add it: `path`
        (relative to the table), `partition` and `rows`; None where the query has no row, and then no file.
        """
        folder = self.path.joinpath(*(f"{key}={value}" for key, value in partition.items()), below)
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".writing-{time.time_ns()}.parquet"
        copied = con.execute(
            f"""copy ({query}) to {engine.text(partial)}
            ({engine.PARQUET}, row_group_size {int(self.group)}, compression zstd)"""
        ).fetchone()
        if not copied or not copied[0]:
            partial.unlink()
            return None
        reached(f"{self.path.name}-written")
        target = folder / f"{sha256_of(partial)}.parquet"
        fsync(partial)
        reached(f"{self.path.name}-synced")
        partial.rename(target)
        for parent in (folder, *list(folder.parents)[: len(folder.relative_to(self.path).parts)]):
            fsync(parent)
        reached(f"{self.path.name}-placed")
        return {"path": str(target.relative_to(self.path)), "partition": dict(partition), "rows": copied[0]}

    def commit(
        self,
        add: Iterable[tuple[Path, Mapping[str, str], Mapping[str, Any]]],
        transactions: Mapping[str, int],
        remove: Iterable[DataFile] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Make files part of the table, all or nothing, and return the version.

        `add` holds (file, partition, statistics). Raises CommitLost where another writer holding one of the
        same application transactions was first.
        """
        from deltalake import CommitProperties, Transaction
        from deltalake.exceptions import CommitFailedError
        from deltalake.transaction import AddAction, RemoveAction

        now = int(time.time() * 1000)
        actions: list[Any] = [
            AddAction(
                path=str(path.relative_to(self.path)),
                size=path.stat().st_size,
                partition_values=dict(partition),
                modification_time=now,
                data_change=True,
                stats=json.dumps(statistics, default=as_statistic),
            )
            for path, partition, statistics in add
        ]
        actions += [RemoveAction(f.path, True, now, f.size, dict(f.partition)) for f in remove]
        before = self.version
        reached(f"{self.path.name}-committing")
        try:
            self.table.create_write_transaction(
                actions,
                mode="append",
                schema=self.table.schema(),
                partition_by=list(self.partition_by),
                commit_properties=CommitProperties(
                    custom_metadata=dict(metadata or {}),
                    max_commit_retries=15,
                    app_transactions=[Transaction(app, v, now) for app, v in transactions.items()],
                ),
            )
        except CommitFailedError as error:
            raise CommitLost(str(error)) from error
        reached(f"{self.path.name}-committed")
        self.refresh()
        log = self.path / "_delta_log"
        since = range(before + 1, self.version + 1)  # a blind append may have come after another writer's
        for version in since:
            fsync(log / f"{version:020d}.json")
            checkpoint = log / f"{version:020d}.checkpoint.parquet"
            if checkpoint.exists():  # whoever opens the table reads it in place of the commits before it
                fsync(checkpoint)
                fsync(log / "_last_checkpoint")
        fsync(log)
        reached(f"{self.path.name}-durable")
        if not transactions or len(since) == 1:
            return self.version
        ours = json.dumps(next(iter(transactions)))
        return next(version for version in since if ours in (log / f"{version:020d}.json").read_text())

    def append(self, con: duckdb.DuckDBPyConnection, query: str, transactions: Mapping[str, int] | None = None) -> None:
        """Append a query's rows to an unpartitioned table; nothing happens where the query has no row.

        For what is recorded beside a commit, without the log's lock: the table's own one keeps a sweep from taking the
        file for one that nobody names.
        """
        with writer_lock(self.path, APPEND_PATIENCE_SECONDS, "a row is being recorded"):
            self._append(con, query, transactions)

    def _append(self, con: duckdb.DuckDBPyConnection, query: str, transactions: Mapping[str, int] | None) -> None:
        if added := self.write_file(con, query, {}):
            self.commit([(self.path / added["path"], {}, {"numRecords": added["rows"]})], transactions or {})

    def _create(self) -> None:
        from deltalake import DeltaTable, Schema

        first = self.path / "_delta_log" / FIRST
        if first.exists() and not _has_content(first):  # the power went; one with content another process has just made
            first.unlink()
        self.path.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            str(self.path),
            schema=Schema.from_arrow(self._arrow_schema()),
            partition_by=list(self.partition_by),
            mode="ignore",
            configuration={
                **self._statistics(),
                "delta.checkpointInterval": "50",
                "delta.enableExpiredLogCleanup": "false",
            },
        )
        fsync(first)
        fsync(self.path / "_delta_log")
        fsync(self.path)

    def _statistics(self) -> dict[str, str]:
        # Column statistics would copy pseudonyms into Delta's own log, where erasure would have to find them.
        if "global_position" in self.columns:
            return {"delta.dataSkippingStatsColumns": "global_position,recorded_at"}
        return {"delta.dataSkippingNumIndexedCols": "0"}

    def _arrow_schema(self) -> Any:
        with engine.asking() as con:
            columns = ", ".join(f"{engine.name(c)} {t}" for c, t in self.columns.items())
            con.execute(f"create temp table prototype ({columns})")
            return con.execute("select * from prototype").to_arrow_table().schema

    def _check_columns(self, *, evolve: bool) -> None:
        from deltalake import Schema

        present = {f.name for f in self._table.schema().fields}
        missing = [c for c in self.columns if c not in present]
        if unknown := present - set(self.columns):
            raise BadDataError(
                "the log has columns this version does not know",
                where=str(self.path),
                why=", ".join(sorted(unknown)),
                do="use the version of Linkwork that wrote it, or a newer one",
            )
        if missing and evolve:
            wanted = {f.name: f for f in Schema.from_arrow(self._arrow_schema()).fields}
            self._table.alter.add_columns([wanted[c] for c in missing])
            self._table.update_incremental()
