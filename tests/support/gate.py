"""A file through the gate alone, and contracts of one field, without a home."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from ingestion import fields
from ingestion.arrival import Arrival
from ingestion.contract import Contract
from ingestion.gate import Gate
from ingestion.readers.base import Reading
from linkwork import engine
from linkwork.log.catalogue import Catalogue
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import Keys

CATALOGUE = Catalogue.current()
KEYS = Keys(pseudonym=b"p" * 32, id=b"i" * 32, zone1=b"z" * 32)
RECEIVED = datetime(2025, 7, 1, 6, tzinfo=UTC)
ANYBODY = "assertedAt: arrival, subject: {optional: true}"


def contract(
    *properties: str, file: str = "{format: csv}", record: str = ANYBODY, events: str = "[]", more: str = ""
) -> Contract:
    """A contract over the given properties (YAML mappings), of which the first is the key."""
    key = yaml.safe_load(properties[0])["name"]
    listed = "\n".join(f"      - {p}" for p in properties)
    text = f"""
apiVersion: v3.0.2
kind: DataContract
id: t
name: t
version: 1.0.0
status: active
description: {{}}
schema:
  - name: t
    properties:
{listed}
file: {file}
record: {{kind: event, key: [{key}], {record}}}
events: {events}
{more}
"""
    made = Contract.model_validate(yaml.safe_load(text))
    made.check_against(CATALOGUE)
    return made


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    con = engine.connect(threads=1)
    hmac_sql.install(con, KEYS)
    con.execute("set variable sender = 'S1'")
    return con


def judged(prop: str, text: str | None, *, test_numbers_allowed: bool = True, file: str = "{format: csv}") -> Any:
    """One text under one property: its typed value and the rules it breaks."""
    one = contract(prop, file=file)
    (field,) = one.properties
    broken = ", ".join(
        f"case when {c.broken} then {engine.text(c.rule)} end"
        for c in fields.checks(field, one, test_numbers_allowed=test_numbers_allowed)
    )
    column = engine.name(field.name)
    found = (
        _connection()
        .execute(
            f"""select {fields.typed(field, one)}, list_filter([{broken or "null"}], lambda v: v is not null)
            from (select {fields.cleaned(field, one)} as {column} from (select ?::varchar as {column}))""",
            [text],
        )
        .fetchone()
    )
    assert found is not None
    return found


@dataclass(frozen=True)
class Staged:
    """What the gate made of one file."""

    profile: dict[str, Any]
    folder: Path

    def read(self, name: str, columns: str, suffix: str = "") -> list[tuple[Any, ...]]:
        with engine.asking() as con:
            return con.execute(
                f"select {columns} from read_parquet({engine.text(self.folder / name)}) {suffix}"
            ).fetchall()

    @property
    def refused_lines(self) -> list[tuple[Any, ...]]:
        return self.read("quarantine/*.parquet", "source_line, rule, field", "order by source_line")


def tolerant(described: Contract) -> Contract:
    """The contract, but that no share of quarantined records refuses a file."""
    return described.model_copy(update={"file": described.file.model_copy(update={"refusedThreshold": 1.0})})


def stage(
    folder: Path,
    described: Contract,
    content: str | bytes,
    *,
    test_numbers_allowed: bool = True,
    sensitive: frozenset[str] = frozenset(),
) -> Staged:
    """Take one file through the gate below `folder`."""
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    private = (folder / "restricted", folder / "spill")
    gate = Gate(CATALOGUE, KEYS, test_numbers_allowed, *private, sensitive=sensitive)
    arrival = Arrival(path, described.name, "S1", "test", "00", RECEIVED, "load1", "batch1")
    profile = gate.stage(arrival, described, folder / "staging", None)
    return Staged(profile, folder / "staging" / "load1")


def read_all(reading: Reading) -> list[dict[str, Any]]:
    """Every readable record of a file: its columns with `line_no` and `line_end`."""
    return [row for _, batch in reading.batches() for row in batch.to_pylist()]
