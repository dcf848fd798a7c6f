"""The gate: one file under its contract becomes staged facts, refused records and a profile.

Nothing identifiable leaves it: identifiers become pseudonyms in the same pass that casts the fields, free text is
dropped and counted, and refused records are kept by line and rule in zone 2, by raw text only encrypted in zone 1.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion import conditions, fields
from ingestion.contract import Contract, Event, Stream
from ingestion.readers.base import FileRefused, Reading
from ingestion.readers.csv import CsvReading
from ingestion.readers.jsonl import JsonlReading
from linkwork import engine
from linkwork.files import write_json
from linkwork.log.catalogue import Catalogue
from linkwork.privacy import hmac_sql, vault
from linkwork.privacy.keys import Keys

READERS: dict[str, type[CsvReading] | type[JsonlReading]] = {"csv": CsvReading, "jsonl": JsonlReading}


@dataclass(frozen=True)
class Arrival:
    """One received file: where it lies, who sent it, under which ids it is taken through."""

    path: Path
    feed: str
    sender: str
    source_system: str
    sha256: str
    received_at: datetime
    load_id: str
    batch_id: str
    cadence_days: int | None = None


@dataclass(frozen=True)
class Gate:
    """What every file is taken through with."""

    catalogue: Catalogue
    keys: Keys
    test_numbers_allowed: bool
    quarantine_raw: Path
    spill: Path
    memory_limit: str = "4GB"
    threads: int = 2

    def stage(
        self, arrival: Arrival, contract: Contract, batch_dir: Path, previous: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Take a file through its contract. Returns the profile, which is also written beside the staged files.

        A file that cannot be read under its contract gives a profile with `refused` set and nothing staged.
        """
        folder = batch_dir / arrival.load_id
        folder.mkdir(parents=True, exist_ok=True)
        profile = self._empty_profile(arrival, contract, previous)
        with engine.connect(memory_limit=self.memory_limit, threads=self.threads, spill=self.spill) as con:
            hmac_sql.install(con, self.keys)
            con.execute("set variable sender = ?", [arrival.sender])
            con.execute("set variable received_at = ?::timestamptz", [arrival.received_at])
            try:
                reading = READERS[contract.file.format](arrival.path, contract)
                self._read(con, reading)
                if reading.records == 0 and not contract.file.emptyOk:
                    raise FileRefused("The file has a header and no record.")
            except FileRefused as refusal:
                profile["refused"] = str(refusal)
            else:
                self._judge(con, contract, arrival)
                self._write(con, contract, folder)
                profile |= self._profile(con, contract, reading, folder)
                self._keep_refused_text(con, arrival)
        write_json(folder / "profile.json", profile)
        return profile

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
        content = ", ".join(f"{engine.name(c)}::varchar" for c in _content_columns(contract))
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
                id_hmac(parts_blob([is_tombstone::varchar, {content}])) as row_hash,
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
        con.execute(
            """create or replace temp table valid as
            select * from judged where skipped_as is null and len(violations) = 0"""
        )

    # --- writing ----------------------------------------------------------------------------------
    def _write(self, con: duckdb.DuckDBPyConnection, contract: Contract, folder: Path) -> None:
        load_id = engine.text(folder.name)
        _copy(
            con,
            f"""select {load_id} as load_id, line_no, record_key, asserted_at, row_hash, subject_key,
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
        by_category: dict[str, list[str]] = {}
        for slot in contract.slots:
            earlier: list[str] = []
            for event in (e for e in contract.events if e.slot == slot):
                category = self.catalogue.events[event.type].category
                query = self._fact_query(event, contract, load_id, earlier)
                by_category.setdefault(category, []).append(query)
                earlier.append(conditions.to_sql(event.when, contract.instants))
        for category, queries in by_category.items():
            path = folder / "facts" / f"{category}.parquet"
            rows = _copy(con, " union all ".join(queries) + " order by line_no, slot", path)
            if rows == 0:
                path.unlink()

    def _fact_query(self, event: Event, contract: Contract, load_id: str, earlier: list[str]) -> str:
        kind = self.catalogue.events[event.type]
        category = self.catalogue.categories[kind.category]
        record = contract.record
        payload = []
        for column, sql_type in category.columns.items():
            value = "null"
            if column in event.payload:
                value = engine.name(event.payload[column])
            elif column in event.constants:
                value = engine.text(event.constants[column])
            payload.append(f"({value})::{sql_type} as {engine.name(category.stored(column))}")
        stream = event.stream or Stream(category=kind.category, key=record.key)
        condition = " and ".join([conditions.to_sql(event.when, contract.instants), *(f"not {e}" for e in earlier)])
        return f"""
            select {load_id} as load_id, line_no, {engine.text(event.slot)} as slot,
                {engine.text(kind.category)} as category, {_stream_id(stream)} as stream_id,
                {_stream_id(event.correlation) if event.correlation else "null::blob"} as correlation_id,
                {engine.text(event.type)} as event_type,
                {engine.text("derived" if record.kind == "state" else "stated")} as origin,
                {_occurred(event, contract)},
                {_organisation(record.practice)} as practice_code,
                {_organisation(record.performer)} as performer_code,
                {_organisation(record.provider)} as provider_code,
                {", ".join(payload)}
            from valid
            where not is_tombstone and {engine.name(event.occurred)} is not null and {condition}"""

    # --- counting ---------------------------------------------------------------------------------
    def _empty_profile(self, arrival: Arrival, contract: Contract, previous: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "load_id": arrival.load_id,
            "batch_id": arrival.batch_id,
            "feed": arrival.feed,
            "sender": arrival.sender,
            "file_name": arrival.path.name,
            "file_sha256": arrival.sha256,
            "contract_version": contract.version,
            "received_at": arrival.received_at.isoformat(),
            "refused": None,
            "refused_threshold": contract.file.refusedThreshold,
            "identity_expected": contract.record.identityExpected,
            "person_optional": contract.record.subject.optional,
            "cadence_days": arrival.cadence_days,
            "records": 0,
            "valid": 0,
            "quarantined": 0,
            "skipped": 0,
            "skipped_as": {},
            "subjects": 0,
            "identity_local": 0,
            "newest_asserted_at": None,
            "oldest_asserted_at": None,
            "days_since_newest": None,
            "facts": {},
            "empty_share": {},
            "dropped": {},
            "warnings": {},
            "previous": previous,
        }

    def _profile(
        self, con: duckdb.DuckDBPyConnection, contract: Contract, reading: Reading, folder: Path
    ) -> dict[str, Any]:
        valid, subjects, local, newest, oldest, days = _row(
            con,
            """select count(*), count(distinct subject_key), count(*) filter (identity_quality = 'local'),
                max(asserted_at), min(asserted_at), date_diff('day', max(asserted_at), getvariable('received_at'))
            from valid""",
        )
        (quarantined,) = _row(
            con,
            """select count(*) + (select count(*) from unreadable) from judged
            where skipped_as is null and len(violations) > 0""",
        )
        skipped_as = dict(
            con.execute("select skipped_as, count(*) from judged where skipped_as is not null group by 1").fetchall()
        )
        if reading.blank:
            skipped_as["blank"] = reading.blank
        columns = [p for p in contract.properties if p.logicalType != "free_text"]
        empty = _row(
            con,
            "select " + ", ".join(f"count(*) filter ({engine.name(p.name)} is null)" for p in columns) + " from valid",
        )
        dropped = {}
        for prop in (p for p in contract.properties if p.logicalType == "free_text"):
            (n,) = _row(con, f"select count(*) from cleaned where {engine.name(prop.name)} is not null")
            dropped[prop.name] = n
        warnings = {}
        for rule in (r for r in contract.rules if r.severity == "warning"):
            (n,) = _row(
                con, f"select count(*) from valid where not {conditions.to_sql(rule.require, contract.instants)}"
            )
            warnings[rule.name] = n
        return {
            "records": reading.records,
            "valid": valid,
            "quarantined": quarantined,
            "skipped": sum(skipped_as.values()),
            "skipped_as": skipped_as,
            "subjects": subjects,
            "identity_local": local,
            "newest_asserted_at": newest and newest.isoformat(),
            "oldest_asserted_at": oldest and oldest.isoformat(),
            "days_since_newest": days,
            "facts": self._fact_counts(con, folder),
            "empty_share": {p.name: round(n / valid, 4) if valid else 0.0 for p, n in zip(columns, empty, strict=True)},
            "dropped": dropped,
            "warnings": warnings,
        }

    def _fact_counts(self, con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
        staged = sorted((folder / "facts").glob("*.parquet"))
        if not staged:
            return {}
        return dict(
            con.execute(
                f"""select event_type, count(*) from read_parquet({engine.texts(staged)}, union_by_name = true)
                group by 1 order by 1"""
            ).fetchall()
        )

    def _keep_refused_text(self, con: duckdb.DuckDBPyConnection, arrival: Arrival) -> None:
        """The raw text of refused records, encrypted in zone 1, one JSON object a record."""
        refused = con.execute(
            """select line_no, line_end from unreadable
            union all select line_no, line_end from judged where skipped_as is null and len(violations) > 0
            order by 1"""
        ).fetchall()
        if not refused:
            return
        ends = dict(refused)
        kept: list[str] = []
        current: list[str] = []
        start = end = 0
        with arrival.path.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                if number in ends:
                    start, end, current = number, ends[number], []
                if start <= number <= end:
                    current.append(line.decode("utf-8", "backslashreplace"))
                    if number == end:
                        kept.append(json.dumps({"line": start, "raw": "".join(current)}))
        vault.seal_bytes("\n".join(kept).encode(), self.quarantine_raw / arrival.load_id, self.keys.zone1)


def _row(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    found = con.execute(query).fetchone()
    assert found is not None  # noqa: S101 - an aggregate always gives a row
    return found


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    return int(_row(con, f"copy ({query}) to {engine.text(path)} (format parquet, compression zstd)")[0])


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


def _content_columns(contract: Contract) -> list[str]:
    """The columns that make an assertion what it is: those that reach events. Time of assertion and person do not."""
    record = contract.record
    used: dict[str, None] = {}
    for event in contract.events:
        for column in (*conditions.columns_of(event.when), event.occurred, *event.payload.values()):
            used[column] = None
        for stream in (event.stream, event.correlation):
            for column in (*(stream.key if stream else ()), *([stream.sender] if stream else [])):
                used[column] = None
    for organisation in (record.practice, record.performer, record.provider):
        if organisation:
            used[organisation] = None
    return sorted(set(used) - {"sender", "asserted_at", record.assertedAt})


def _stream_id(stream: Stream) -> str:
    sender = "getvariable('sender')" if stream.sender == "sender" else engine.name(stream.sender)
    keys = [f"{engine.name(k)}::varchar" for k in stream.key]
    known = " and ".join(f"{part} is not null" for part in (sender, *keys))
    return (
        f"case when {known} then id_hmac(parts_blob(['stream', {engine.text(stream.category)}, {sender}, "
        f"{', '.join(keys)}])) end"
    )


def _organisation(source: str | None) -> str:
    if source is None:
        return "null::varchar"
    return "getvariable('sender')" if source == "sender" else f"{engine.name(source)}::varchar"


def _occurred(event: Event, contract: Contract) -> str:
    """occurred_at, its local calendar date and precision. A date is never shifted by a time zone."""
    if event.occurred == "asserted_at":
        return """asserted_at as occurred_at, (asserted_at at time zone 'Europe/London')::date as occurred_on,
            'second' as occurred_precision, null::timestamptz as stated_occurred_at"""
    column = engine.name(event.occurred)
    prop = contract.field(event.occurred)
    if prop.logicalType == "date":
        at = f"({column}::timestamp at time zone 'UTC')"
        return f"{at} as occurred_at, {column} as occurred_on, 'day' as occurred_precision, {at} as stated_occurred_at"
    precision = "second" if "%S" in (prop.format or "") else "minute"
    return (
        f"{column} as occurred_at, ({column} at time zone 'Europe/London')::date as occurred_on, "
        f"'{precision}' as occurred_precision, {column} as stated_occurred_at"
    )
