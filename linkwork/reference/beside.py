"""What a published file leaves to the tables beside it, such as the name of a service's organisation."""

import csv
from pathlib import Path

from linkwork.errors import BadDataError
from linkwork.reference.files import Row, Source


def fill(source: Source, rows: list[Row]) -> list[Row]:
    """The rows with their looked-up columns, where the file is CSV, says nothing itself and the tables lie beside it.

    Raises BadDataError for a table beside it that does not have the columns it is read by.
    """
    if source.path.suffix.lower() != ".csv":
        return rows
    places = {c: n for n, c in enumerate(source.kind.columns)}
    for column, lookup in source.kind.lookups.items():
        steps = [_table(source.path.parent, *step) for step in lookup.through]
        separator = source.kind.columns[column].separator
        for _, values in rows:
            found = [v for v in [values[places[lookup.of]]] if v]
            for step in steps:
                found = [v for key in found for v in step.get(key, [])]
            values[places[column]] = values[places[column]] or separator.join(dict.fromkeys(found)) or None
    return rows


def _table(folder: Path, name: str, key: str, value: str) -> dict[str, list[str]]:
    """Key to values of the table of that name (or its singular, as some write it); empty without one."""
    there = [folder / f"{n}.csv" for n in (name, name.removesuffix("s")) if (folder / f"{n}.csv").is_file()]
    if not there:
        return {}
    found: dict[str, list[str]] = {}
    with there[0].open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, strict=True)
        if missing := [c for c in (key, value) if c not in (reader.fieldnames or [])]:
            raise BadDataError(
                "a column is missing", where=f"{there[0]}, line 1", why=", ".join(missing), do="correct the file"
            )
        try:
            for row in reader:
                if row[key] and row[value]:
                    found.setdefault(row[key], []).append(row[value])
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadDataError(
                "a line cannot be read as CSV", where=f"{there[0]}, line {reader.line_num}", do="correct the file"
            ) from error
    return found
