"""The gate: one file under its contract becomes staged facts, refused records and a profile.

Nothing identifiable leaves it: identifiers become pseudonyms in the same pass that casts the fields, free text is
dropped and counted, and refused records are kept by line and rule in zone 2, by raw text only encrypted in zone 1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion import forms, profile, refused, sensitive
from ingestion.arrival import Arrival
from ingestion.contract import Contract
from ingestion.file_form import File
from ingestion.judge import Judge
from ingestion.readers.base import FileRefused, Reading
from ingestion.readers.csv import CsvReading
from ingestion.readers.fhir import FhirReading
from ingestion.readers.jsonl import JsonlReading
from ingestion.readers.parquet import ParquetReading
from ingestion.readers.xlsx import XlsxReading
from ingestion.staged import Staged
from linkwork import engine
from linkwork.engine import row
from linkwork.files import private_dir, write_json
from linkwork.log import places, scope, tombstones
from linkwork.log.catalogue import Catalogue
from linkwork.log.failpoints import reached
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import Keys
from linkwork.privacy.subjects import mentioned
from linkwork.settings import Settings

READERS: dict[str, Callable[[Path, Contract], Reading]] = {
    "csv": CsvReading,
    "jsonl": JsonlReading,
    "parquet": ParquetReading,
    "fhir": FhirReading,
    "xlsx": XlsxReading,
}
CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class Gate:
    """What every file is taken through with."""

    catalogue: Catalogue
    keys: Keys
    test_numbers_allowed: bool
    quarantine_raw: Path | None  # None: the raw text of what is refused was kept before
    spill: Path
    memory_limit: str = "4GB"
    threads: int = 2
    tombstones: frozenset[bytes] = frozenset()  # of erased people and their records: these stay out
    sensitive: frozenset[str] = frozenset()  # codes of which no record comes in

    @classmethod
    def of(cls, settings: Settings, keys: Keys) -> "Gate":
        """The gate of an installation."""
        return cls(
            Catalogue.current(),
            keys,
            settings.test_numbers == "allow",
            settings.quarantine_raw_dir,
            private_dir(settings.plain_dir),
            settings.memory_limit,
            settings.threads,
            tombstones.all_of(settings.log_dir),
            sensitive.codes_of(settings.reference_dir),
        )

    def stage(
        self, arrival: Arrival, contract: Contract, batch_dir: Path, previous: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Take a file through its contract. Returns the profile, which is also written beside the staged files.

        A file that cannot be read under its contract gives a profile with `refused` set and nothing staged.
        """
        folder = batch_dir / arrival.load_id
        folder.mkdir(parents=True, exist_ok=True)
        described = profile.empty(arrival, contract, previous)
        with engine.connect(
            memory_limit=self.memory_limit, threads=self.threads, spill=self.spill, files=(folder, self.spill)
        ) as con:
            hmac_sql.install(con, self.keys)
            self._set_variables(con, arrival)
            staged = Staged(con, folder, self.catalogue)
            try:
                described_by = forms.recognised(arrival.path, contract)
                reading = READERS[described_by.file.format](arrival.path, described_by)
                tally = self._judge(con, reading, staged, arrival.source_system)
                reached("file-read")
                if reading.records == 0 and not contract.file.emptyOk:
                    raise FileRefused("The file has a header and no record.")
                _prove_keys(con, contract, staged)
            except FileRefused as refusal:
                staged.discard()
                described["refused"] = str(refusal)
            else:
                described |= profile.counted(con, contract, reading, tally, staged)
                has_header = described_by.file.format == "csv"
                self._keep_refused_text(con, arrival, contract.file, staged, has_header=has_header)
        write_json(folder / "profile.json", described)
        reached("file-staged")
        return described

    def _set_variables(self, con: duckdb.DuckDBPyConnection, arrival: Arrival) -> None:
        con.execute("set variable sender = ?", [arrival.sender])
        con.execute("set variable received_at = ?::timestamptz", [arrival.received_at])
        if self.tombstones:
            con.execute("create or replace temp table tombstone (value blob)")
            con.executemany("insert into tombstone values (?)", [[value] for value in sorted(self.tombstones)])
        if self.sensitive:
            sensitive.install(con, self.sensitive)

    def _judge(
        self, con: duckdb.DuckDBPyConnection, reading: Reading, staged: Staged, source_system: str
    ) -> profile.Tally:
        """Read the file to its end and stage it, a chunk at a time, so that memory does not grow with the file."""
        tally = profile.Tally()
        parts = reading.contract.parts
        allowed = self.test_numbers_allowed
        judges = [
            Judge(part, self.catalogue, test_numbers_allowed=allowed, source_system=source_system) for part in parts
        ]
        for index, chunk in chunks(reading):
            con.register("chunk", chunk)
            judges[index].run(con)
            self._keep_out_erased(con, parts[index])
            if self.sensitive:
                sensitive.leave_out(con, parts[index])
            staged.write(parts[index])
            tally.add(con, parts[index])
            con.unregister("chunk")
            if reading.unreadable:
                found, reading.unreadable = reading.unreadable, []
                staged.write_unreadable(found)
                tally.quarantined += len(found)
        tally.add_unread(reading)
        return tally

    def _keep_out_erased(self, con: duckdb.DuckDBPyConnection, part: Contract) -> None:
        """A record of an erased person, or that names one, is skipped and counted, whatever else is wrong with it."""
        if not self.tombstones:
            return
        numbers = [engine.name(p.name) for p in part.properties if p.logicalType == "nhs_number"]
        named = ["subject_key", *(f"subject_hmac(encode({number}))" for number in numbers)]
        erased = " or ".join(f"coalesce(erasure_hmac({key}) in (from tombstone), false)" for key in named)
        con.execute(
            f"update judged set skipped_as = 'erased' where erasure_hmac(record_key) in (from tombstone) or {erased}"
        )

    def _keep_refused_text(
        self, con: duckdb.DuckDBPyConnection, arrival: Arrival, form: File, staged: Staged, *, has_header: bool
    ) -> None:
        """The raw text of refused records, encrypted in zone 1, one JSON object a record."""
        if self.quarantine_raw is None:
            return
        lines = con.execute(
            f"""select distinct source_line, line_end, {places.place("record_no", "source_line")}
            from read_parquet({engine.texts(staged.files("quarantine"))}) order by all"""
        ).fetchall()
        target = self.quarantine_raw / arrival.load_id
        refused.keep(
            arrival.path,
            lines,
            target,
            self.keys.zone1,
            self._names_erased,
            form,
            has_header=has_header,
        )

    def _names_erased(self, raw: str) -> bool:
        return bool(self.tombstones) and not self.tombstones.isdisjoint(mentioned(raw, self.keys))


def chunks(reading: Reading) -> Iterator[tuple[int, pa.Table]]:
    """What the reader gives, gathered to tables of about CHUNK_ROWS records with their numbers, the part with each.

    There is always one, if only an empty one. Records are numbered from 1 in the order in which they are read, where
    the reader does not number them by where they stand.
    """
    gathered: dict[int, list[pa.RecordBatch]] = {}
    numbered = given = 0
    for index, batch in reading.batches():
        if batch.schema.names[0] == "record_no":
            gathered.setdefault(index, []).append(batch)
        else:
            numbers = pa.array(range(numbered + 1, numbered + 1 + batch.num_rows), pa.int64())
            numbered += batch.num_rows
            gathered.setdefault(index, []).append(batch.add_column(0, "record_no", numbers))
        if sum(b.num_rows for b in gathered[index]) >= CHUNK_ROWS:
            given += 1
            yield index, pa.Table.from_batches(gathered.pop(index))
    for index, batches in sorted(gathered.items()):
        given += 1
        yield index, pa.Table.from_batches(batches)
    if not given or reading.unreadable:
        yield 0, reading.schema().insert(0, pa.field("record_no", pa.int64())).empty_table()


def _prove_keys(con: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged) -> None:
    """Refuse a file in which the contract's key does not identify a record.

    A record may be repeated, or stated for several times. One that says two things about the same time contradicts
    itself, which is a conflict of that record; where more records do than the contract tolerates, its key is none.
    """
    records = f"(from read_parquet({engine.texts(staged.files('records'))}) where not {scope.is_out()})"
    # Grouped by numbers of eight bytes first, in which a repeated key cannot hide; only what they point at is compared.
    suspects = f"""select hash(record_key, asserted_at) as suspect from {records}
        group by 1 having min(hash(row_hash)) <> max(hash(row_hash))"""
    repeated, count, first, second = row(
        con,
        f"""with repeated as (
            select count(*) as records, min(line_no) as first_line, max(line_no) as last_line
            from {records} where hash(record_key, asserted_at) in ({suspects})
            group by record_key, asserted_at having count(distinct row_hash) > 1
        )
        select coalesce(sum(records), 0), (select count(*) from {records}),
            min(first_line), arg_min(last_line, first_line)
        from repeated""",
    )
    if repeated > contract.file.refusedThreshold * count:
        keys = " or ".join(f"({', '.join(part.record.key)})" for part in contract.parts)
        raise FileRefused(
            f"The key {keys} does not identify a record: {repeated} of {count} records "
            f"share theirs with another that differs, first those of the lines {first} and {second}. Correct the key "
            "in the contract, or ask the sender why the file contradicts itself."
        )
