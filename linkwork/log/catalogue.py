"""The event catalogue: which events exist, and the payload columns of each category.

Read from YAML, one file per category. Everything typed about the log (the Delta schema, the view that dbt reads, the
checks on contracts) is generated from it.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from linkwork.errors import BadDataError
from linkwork.settings import PROJECT_ROOT

# One folder a version, `v1`, `v2`, …, holding the categories that changed in it; the others stay as they were. A
# released version's files are never edited (`released.yaml` holds their hashes).
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
    """A category: its payload columns with SQL types, its event types, and the columns it has had from the start.

    A content hash names the columns that came later only where they say something (`linkwork/log/segments.py`), so that
    a new optional column makes no revision of what was said before it existed.
    """

    name: str
    columns: dict[str, str]
    descriptions: dict[str, str]
    events: dict[str, EventType]
    original_columns: tuple[str, ...] = ()

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
    @cache
    def current(cls) -> "Catalogue":
        """The newest version: the one this code writes."""
        return cls.load(CATALOGUE_DIR, max(int(path.name[1:]) for path in CATALOGUE_DIR.glob("v*")))

    @classmethod
    def load(cls, folder: Path, version: int) -> "Catalogue":
        """Read a version: of each category the file of the newest folder up to it.

        Raises BadDataError naming the file that is wrong, also where a version loses what an earlier one had.
        """
        categories: dict[str, Category] = {}
        for number in range(1, version + 1):
            for path in sorted((folder / f"v{number}").glob("*.yaml")):
                category = _category(path, yaml.load(path.read_text(), Loader=yaml.CSafeLoader))
                categories[category.name] = _grown(categories.get(category.name), category, path)
        categories = dict(sorted(categories.items()))
        events = {e.name: e for c in categories.values() for e in c.events.values()}
        return cls(version, categories, events)

    def payload_columns(self) -> dict[str, str]:
        """Every payload column of every category: stored name to SQL type."""
        return {name: t for c in self.categories.values() for name, t in c.stored_columns().items()}


def _grown(before: Category | None, now: Category, path: Path) -> Category:
    """A category's next version: it may say more, never less, and no column changes its type."""
    if before is None:
        return replace(now, original_columns=tuple(now.columns))
    lost = [c for c, sql_type in before.columns.items() if now.columns.get(c) != sql_type]
    for name, event in before.events.items():
        if name not in now.events or set(event.columns) - set(now.events[name].columns):
            lost.append(name)
    if lost:
        raise BadDataError("the event catalogue is wrong", where=str(path), why=f"it loses or changes {sorted(lost)}")
    return replace(now, original_columns=before.original_columns)


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
