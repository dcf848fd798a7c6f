"""The gate: one file under its contract becomes staged facts, refused records and a profile.

Nothing identifiable leaves it: identifiers become pseudonyms in the same pass that casts the fields, free text is
dropped and counted, and refused records are kept by line and rule in zone 2, by raw text only encrypted in zone 1.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion import conditions, facts, fields, profile, refused
from ingestion.arrival import Arrival
from ingestion.contract import Contract
from ingestion.readers.base import FileRefused, Reading
from ingestion.readers.csv import CsvReading
from ingestion.readers.jsonl import JsonlReading
from linkwork import engine
from linkwork.files import private_dir, write_json
from linkwork.log import tombstones
from linkwork.log.catalogue import Catalogue
from linkwork.log.failpoints import reached
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import Keys
from linkwork.privacy.subjects import mentioned
from linkwork.settings import Settings

READERS: dict[str, type[CsvReading] | type[JsonlReading]] = {"csv": CsvReading, "jsonl": JsonlReading}


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

    @classmethod
    def of(cls, settings: Settings, keys: Keys) -> "Gate":
        """The gate of an installation."""
        return cls(
            Catalogue.current(),
            keys,
            settings.test_numbers == "allow",
            settings.quarantine_raw_dir,
            private_dir(settings.home / "restricted" / "spill"),
            settings.memory_limit,
            settings.threads,
            tombstones.all_of(settings.log_dir),
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
        with engine.connect(memory_limit=self.memory_limit, threads=self.threads, spill=self.spill) as con:
            hmac_sql.install(con, self.keys)
            con.execute("set variable sender = ?", [arrival.sender])
            con.execute("set variable received_at = ?::timestamptz", [arrival.received_at])
            try:
                reading = READERS[contract.file.format](arrival.path, contract)
                self._read(con, reading)
                reached("file-read")
                if reading.records == 0 and not contract.file.emptyOk:
                    raise FileRefused("The file has a header and no record.")
                self._judge(con, contract, arrival)
                _prove_key(con, contract)
            except FileRefused as refusal:
                described["refused"] = str(refusal)
            else:
                self._write(con, contract, folder)
                described |= profile.counted(con, contract, reading, folder)
                described["erased_lines"] = (
                    con.execute("select line_no from judged where skipped_as = 'erased' order by 1")
                    .fetchnumpy()["line_no"]
                    .tolist()
                )
                self._keep_refused_text(con, arrival, contract)
        write_json(folder / "profile.json", described)
        reached("file-staged")
        return described

    # --- reading and judging ----------------------------------------------------------------------
    def _read(self, con: duckdb.DuckDBPyConnection, reading: Reading) -> None:
        reader = pa.RecordBatchReader.from_batches(reading.schema, reading.batches())  # type: ignore[attr-defined]
        con.register("incoming", reader)
        con.execute("create or replace temp table raw as select * from incoming")
        con.unregister("incoming")
        con.execute(
            """create or replace temp table unreadable (
                line_no bigint, line_end bigint, rule varchar, sentence varchar)"""
        )
        if reading.unreadable:
            con.executemany(
                "insert into unreadable values (?, ?, ?, ?)",
                [[u.line, u.line_end, u.rule, u.sentence] for u in reading.unreadable],
            )

    def _judge(self, con: duckdb.DuckDBPyConnection, contract: Contract, arrival: Arrival) -> None:
        """The table `judged`: typed fields, identity, and for each record whether it is skipped or what it breaks."""
        found = [
            check
            for prop in contract.properties
            for check in fields.checks(prop, contract, test_numbers_allowed=self.test_numbers_allowed)
        ]
        typed = ", ".join(f"{fields.typed(p, contract)} as {engine.name(p.name)}" for p in contract.properties)
        broken = ", ".join(f"case when {c.broken} then {engine.text(f'{c.rule}:{c.field}')} end" for c in found)
        texts = ", ".join(f"{fields.cleaned(p, contract)} as {engine.name(p.name)}" for p in contract.properties)
        con.execute(f"create or replace temp table cleaned as select line_no, line_end, {texts} from raw")
        con.execute(
            f"""create or replace temp table typed as
            select line_no, line_end, {typed}, {_tombstone(contract)} as is_tombstone,
                list_filter([{broken}], lambda v: v is not null) as broken
            from cleaned"""
        )
        rules = [
            f"case when not {conditions.to_sql(r.require, contract.instants)} "
            f"then {engine.text(f'{r.name}:{r.field}')} end"
            for r in contract.rules
            if r.severity == "record"
        ]
        subject = contract.record.subject
        nhs = engine.name(subject.nhs_number) if subject.nhs_number else "null::varchar"
        local = engine.name(subject.local) if subject.local else "null::varchar"
        if not subject.optional:
            rules.append(
                f"case when {nhs} is null and {local} is null and len(broken) = 0 then 'no_identity:' || "
                f"{engine.text(subject.nhs_number or subject.local)} end"
            )
        asserted = (
            "getvariable('received_at')"
            if contract.record.assertedAt == "arrival"
            else engine.name(contract.record.assertedAt)
        )
        key = ", ".join(f"{engine.name(k)}::varchar" for k in contract.record.key)
        columns = facts.content_columns(contract)
        later = [c for c in columns if contract.field(c).addedIn]
        content = engine.hashed_parts([c for c in columns if c not in later], later)
        reference = (
            engine.name(contract.record.reference) + "::varchar" if contract.record.reference else "null::varchar"
        )
        con.execute("set variable source_system = ?", [arrival.source_system])
        con.execute(
            f"""create or replace temp table judged as
            select
                *,
                {_skip_reason(contract)} as skipped_as,
                if(is_tombstone,
                    list_filter(broken, lambda v: v not in ({_excused(contract)})),
                    list_concat(broken, list_filter([{", ".join(rules) or "null"}], lambda v: v is not null))
                ) as violations,
                {asserted} as asserted_at,
                id_hmac(parts_blob(['record', getvariable('sender'), getvariable('source_system'),
                    {engine.text(contract.name)}, {key}])) as record_key,
                id_hmac(parts_blob(list_prepend(is_tombstone::varchar, {content}))) as row_hash,
                case
                    when {nhs} is not null then subject_hmac(encode({nhs}))
                    when {local} is not null
                        then subject_hmac(parts_blob(['local', getvariable('sender'), {local}]))
                end as subject_key,
                case when {nhs} is not null then 'nhs_number' when {local} is not null then 'local' end
                    as identity_quality,
                {reference} as source_record_ref
            from typed"""
        )
        self._keep_out_erased(con, contract)
        con.execute(
            """create or replace temp table valid as
            select * from judged where skipped_as is null and len(violations) = 0"""
        )

    def _keep_out_erased(self, con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
        """A record of an erased person, or that names one, is skipped and counted, whatever else is wrong with it."""
        if not self.tombstones:
            return
        con.execute("create or replace temp table tombstone (value blob)")
        con.executemany("insert into tombstone values (?)", [[value] for value in sorted(self.tombstones)])
        numbers = [engine.name(p.name) for p in contract.properties if p.logicalType == "nhs_number"]
        named = ["subject_key", *(f"subject_hmac(encode({number}))" for number in numbers)]
        erased = " or ".join(f"coalesce(erasure_hmac({key}) in (from tombstone), false)" for key in named)
        con.execute(
            f"update judged set skipped_as = 'erased' where erasure_hmac(record_key) in (from tombstone) or {erased}"
        )

    # --- writing ----------------------------------------------------------------------------------
    def _write(self, con: duckdb.DuckDBPyConnection, contract: Contract, folder: Path) -> None:
        load_id = engine.text(folder.name)
        _copy(
            con,
            f"""select {load_id} as load_id, line_no, line_end, record_key, asserted_at, row_hash, subject_key,
                if(identity_quality = 'nhs_number', subject_key, null) as verified_subject, identity_quality,
                getvariable('received_at') as received_at, getvariable('source_system') as source_system,
                source_record_ref
            from valid order by line_no""",
            folder / "records.parquet",
        )
        sentences = {**fields.SENTENCES, **{r.name: r.sentence for r in contract.rules}}
        mapping = ", ".join(f"{engine.text(k)}: {engine.text(v)}" for k, v in sorted(sentences.items()))
        _copy(
            con,
            f"""select {load_id} as load_id, line_no as source_line, rule, null::varchar as field, sentence,
                [rule] as violations from unreadable
            union all
            select {load_id}, line_no, split_part(violations[1], ':', 1), split_part(violations[1], ':', 2),
                map {{{mapping}}}[split_part(violations[1], ':', 1)], violations
            from judged where skipped_as is null and len(violations) > 0
            order by source_line""",
            folder / "quarantine.parquet",
        )
        (folder / "facts").mkdir(exist_ok=True)
        for category, queries in facts.queries(contract, self.catalogue, load_id).items():
            path = folder / "facts" / f"{category}.parquet"
            rows = _copy(con, " union all ".join(queries) + " order by line_no, slot", path)
            if rows == 0:
                path.unlink()

    def _keep_refused_text(self, con: duckdb.DuckDBPyConnection, arrival: Arrival, contract: Contract) -> None:
        """The raw text of refused records, encrypted in zone 1, one JSON object a record."""
        if self.quarantine_raw is None:
            return
        lines = con.execute(
            """select line_no, line_end from unreadable
            union all select line_no, line_end from judged where skipped_as is null and len(violations) > 0
            order by 1"""
        ).fetchall()
        target = self.quarantine_raw / arrival.load_id
        has_header = contract.file.format == "csv"
        refused.keep(arrival.path, dict(lines), target, self.keys.zone1, self._names_erased, has_header=has_header)

    def _names_erased(self, raw: str) -> bool:
        return bool(self.tombstones) and not self.tombstones.isdisjoint(mentioned(raw, self.keys))


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    return int(profile.row(con, f"copy ({query}) to {engine.text(path)} (format parquet, compression zstd)")[0])


def _prove_key(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Refuse a file in which the contract's key does not identify a record.

    A record may be repeated, or stated for several times. One that says two things about the same time contradicts
    itself, which is a conflict of that record; where more records do than the contract tolerates, its key is none.
    """
    repeated, records, first, second = profile.row(
        con,
        """with repeated as (
            select count(*) as records, min(line_no) as first_line, max(line_no) as last_line
            from valid group by record_key, asserted_at having count(distinct row_hash) > 1
        )
        select coalesce(sum(records), 0), (select count(*) from valid),
            min(first_line), arg_min(last_line, first_line)
        from repeated""",
    )
    if repeated > contract.file.refusedThreshold * records:
        raise FileRefused(
            f"The key ({', '.join(contract.record.key)}) does not identify a record: {repeated} of {records} records "
            f"share theirs with another that differs, first those of the lines {first} and {second}. Correct the key "
            "in the contract, or ask the sender why the file contradicts itself."
        )


def _tombstone(contract: Contract) -> str:
    """A state feed's row with its key and nothing else asserts that every slot is empty."""
    if contract.record.kind != "state":
        return "false"
    apart = {*contract.record.key, contract.record.assertedAt}
    rest = [engine.name(p.name) for p in contract.properties if p.name not in apart]
    return f"coalesce({', '.join(rest)}) is null"


def _excused(contract: Contract) -> str:
    """What a tombstone may leave out: every required field but its key and the time of its assertion."""
    apart = {*contract.record.key, contract.record.assertedAt}
    excused = [f"required:{p.name}" for p in contract.properties if p.name not in apart]
    return ", ".join(engine.text(e) for e in excused)


def _skip_reason(contract: Contract) -> str:
    whens = " ".join(
        f"when {conditions.to_sql(s.when, contract.instants)} then {engine.text(s.name)}" for s in contract.skip
    )
    return f"case {whens} end" if whens else "null::varchar"
