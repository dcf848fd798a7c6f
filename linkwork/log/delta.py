"""What Delta's own log says, as plain values: active files with their statistics, and the actions of every commit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from linkwork import engine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DataFile:
    """One active Parquet file of a table."""

    path: str  # relative to the table
    partition: dict[str, str]
    rows: int
    size: int
    lowest: Mapping[str, Any] = field(default_factory=dict)
    highest: Mapping[str, Any] = field(default_factory=dict)


def active_files(table: Any, partition_by: tuple[str, ...]) -> list[DataFile]:
    """The active files of a DeltaTable, in path order.

    They are read from delta-rs's own Arrow table: to load pyarrow takes longer than much of what is then asked.
    """
    actions = table.get_add_actions(flatten=True)
    columns = {name: [_python(value) for value in actions.column(name)] for name in actions.column_names}
    found = []
    for n in range(actions.num_rows):
        row = {name: values[n] for name, values in columns.items()}
        found.append(
            DataFile(
                path=row["path"],
                partition={k: row[f"partition.{k}"] for k in partition_by},
                rows=row.get("num_records") or 0,
                size=row["size_bytes"],
                lowest={k.split(".", 1)[1]: v for k, v in row.items() if k.startswith("min.")},
                highest={k.split(".", 1)[1]: v for k, v in row.items() if k.startswith("max.")},
            )
        )
    return sorted(found, key=lambda f: f.path)


@lru_cache(maxsize=8)  # a version never changes, and each sender of a batch asks for the same
def entries(log: Path, version: int, kind: str, fields: tuple[str, str]) -> list[tuple[Any, Any]]:
    """Two fields of every action of a kind, oldest first, from the newest checkpoint and the commits after it."""
    checkpoints = sorted(log.glob("*.checkpoint.parquet"))
    found: list[tuple[Any, Any]] = []
    first = 0
    if checkpoints:
        first = int(checkpoints[-1].name[:20]) + 1
        with engine.asking() as con:
            found = con.execute(
                f"select {kind}.{fields[0]}, {kind}.{fields[1]} from read_parquet(?) where {kind} is not null",
                [str(checkpoints[-1])],
            ).fetchall()
    for number in range(first, version + 1):
        for line in (log / f"{number:020d}.json").read_text().splitlines():
            if f'"{kind}"' in line and (entry := json.loads(line).get(kind)):
                found.append((entry[fields[0]], entry.get(fields[1])))
    return found


def _python(scalar: Any) -> Any:
    value = scalar.as_py()
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def as_statistic(value: object) -> str:
    """A value as Delta writes it into the statistics of a file."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    raise TypeError(type(value).__name__)
