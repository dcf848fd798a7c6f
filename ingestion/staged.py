"""The staged copy of a file: `records/`, `quarantine/` and `facts/<category>/`, one Parquet file a chunk.

Written from the table `judged` of each chunk. Every table has at least one file, if only an empty one, so that whoever
reads them knows their columns; a category without facts has none.
"""

import shutil
from pathlib import Path

import duckdb

from ingestion import facts, fields
from ingestion.contract import Contract
from ingestion.judge import FINE, REFUSED, out_of_scope
from ingestion.readers.base import Unreadable
from linkwork import engine
from linkwork.engine import row
from linkwork.log import places, scope
from linkwork.log.catalogue import Catalogue

QUARANTINE = """load_id varchar, source_line bigint, rule varchar, field varchar, sentence varchar,
    violations varchar[], line_end bigint, record_no bigint"""
TABLES = ("records", "quarantine", "facts")


class Staged:
    """What is staged of one load, below its folder."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path, catalogue: Catalogue) -> None:
        self._con, self._folder, self._catalogue = con, folder, catalogue
        self._load_id = engine.text(folder.name)
        self._chunks = self._unreadable = 0
        for table in TABLES:
            (folder / table).mkdir(exist_ok=True)

    def write(self, part: Contract) -> None:
        """Add the chunk that lies in `judged` and `valid`, judged under this part of the contract."""
        self._copy(
            "records",
            f"""select {self._load_id} as load_id, record_no, line_no, line_end, record_key, asserted_at,
                if(skipped_as is null, row_hash, {scope.ROW_HASH}) as row_hash,
                subject_key, if(identity_quality = 'nhs_number', subject_key, null) as verified_subject,
                identity_quality, getvariable('received_at') as received_at,
                source_system, if(skipped_as is null, source_record_ref, null) as source_record_ref
            from judged where {FINE} or {out_of_scope(part)}""",
            keep_empty=True,
        )
        sentences = {**fields.SENTENCES, **{r.name: r.sentence for r in part.rules}}
        mapping = ", ".join(f"{engine.text(k)}: {engine.text(v)}" for k, v in sorted(sentences.items()))
        self._copy(
            "quarantine",
            f"""select {self._load_id} as load_id, line_no as source_line, split_part(violations[1], ':', 1) as rule,
                split_part(violations[1], ':', 2) as field,
                map {{{mapping}}}[split_part(violations[1], ':', 1)] as sentence, violations, line_end, record_no
            from judged where {REFUSED}""",
            keep_empty=True,
        )
        for category, queries in facts.queries(part, self._catalogue, self._load_id).items():
            self._copy(f"facts/{category}", " union all ".join(queries))
        self._chunks += 1

    def write_unreadable(self, found: list[Unreadable]) -> None:
        """Add records that could not be read; they have negative numbers."""
        self._con.execute(f"create or replace temp table unreadable ({QUARANTINE})")
        if found:
            self._con.executemany(
                f"insert into unreadable values ({self._load_id}, ?, ?, null, ?, [?], ?, ?)",
                [
                    [u.line, u.rule, u.sentence, u.rule, u.line_end, -_number(u, self._unreadable + n)]
                    for n, u in enumerate(found, 1)
                ],
            )
        self._unreadable += len(found)
        self._copy("quarantine", "select * from unreadable", keep_empty=self._chunks == 0)
        self._chunks += 1

    def files(self, table: str) -> list[Path]:
        return sorted((self._folder / table).rglob("*.parquet"))

    def discard(self) -> None:
        """Keep nothing of a file that is refused after all."""
        for table in TABLES:
            shutil.rmtree(self._folder / table)

    def _copy(self, table: str, query: str, *, keep_empty: bool = False) -> None:
        folder = self._folder / table
        folder.mkdir(exist_ok=True)
        path = folder / f"{self._chunks:05d}.parquet"
        (rows,) = row(self._con, f"copy ({query}) to {engine.text(path)} ({engine.PARQUET}, compression snappy)")
        if rows == 0 and not (keep_empty and self._chunks == 0):
            path.unlink()


def _number(unreadable: Unreadable, nth: int) -> int:
    return nth if unreadable.place is None else places.number(unreadable.line, unreadable.place)
