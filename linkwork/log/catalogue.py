"""The event catalogue: which events exist, and the payload columns of each category.

Read from YAML, one file per category. Everything typed about the log (the Delta schema, the view that dbt reads, the
checks on contracts) is generated from it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from linkwork.errors import BadDataError
from linkwork.settings import PROJECT_ROOT

# One folder a version, `v1`, `v2`, …; a released version's files are never edited.
CATALOGUE_DIR = PROJECT_ROOT / "ingestion" / "catalogue"

SQL_TYPES = {
    "varchar",
    "varchar[]",
    "integer",
    "integer[]",
    "bigint",
    "boolean",
    "date",
    "timestamptz",
    "blob",
    "decimal(9,3)",
}


@dataclass(frozen=True)
class EventType:
    """One event type: its payload columns by their short names."""

    name: str
    category: str
    columns: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class Category:
    """A category: its payload columns with SQL types, and its event types."""

    name: str
    columns: dict[str, str]
    descriptions: dict[str, str]
    events: dict[str, EventType]

    def stored(self, column: str) -> str:
        """The column's name in the log: prefixed with its category."""
        return f"{self.name}_{column}"

    def stored_columns(self) -> dict[str, str]:
        """Stored name to SQL type, in the catalogue's order."""
        return {self.stored(column): sql_type for column, sql_type in self.columns.items()}


@dataclass(frozen=True)
class Catalogue:
    """All categories of one catalogue version."""

    version: int
    categories: dict[str, Category]
    events: dict[str, EventType] = field(default_factory=dict)

    @classmethod
    def current(cls) -> "Catalogue":
        """The newest version: the one this code writes."""
        version = max(int(path.name[1:]) for path in CATALOGUE_DIR.glob("v*"))
        return cls.load(CATALOGUE_DIR / f"v{version}", version)

    @classmethod
    def load(cls, folder: Path, version: int) -> "Catalogue":
        """Read every `<category>.yaml` of a folder. Raises BadDataError naming the file that is wrong."""
        categories = {}
        for path in sorted(folder.glob("*.yaml")):
            category = _category(path, yaml.safe_load(path.read_text()))
            categories[category.name] = category
        events = {e.name: e for c in categories.values() for e in c.events.values()}
        return cls(version, categories, events)

    def payload_columns(self) -> dict[str, str]:
        """Every payload column of every category: stored name to SQL type."""
        return {name: t for c in self.categories.values() for name, t in c.stored_columns().items()}


def _category(path: Path, content: dict[str, Any]) -> Category:
    name = content["category"]
    columns = {column: spec["type"] for column, spec in content["columns"].items()}
    wrong = {t for t in columns.values() if t not in SQL_TYPES}
    if wrong or name != path.stem:
        raise BadDataError("the event catalogue is wrong", where=str(path), why=f"types {sorted(wrong)}")
    events = {}
    for event, spec in content["events"].items():
        used = tuple(spec.get("columns", ()))
        if missing := [column for column in used if column not in columns]:
            raise BadDataError("the event catalogue is wrong", where=str(path), why=f"{event} uses {missing}")
        events[event] = EventType(event, name, used, spec["description"])
    return Category(name, columns, {c: s["description"] for c, s in content["columns"].items()}, events)
