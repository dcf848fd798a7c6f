"""`trace`: one answer from a condition on a mart to events, files and lines, as plain values."""

import json
from datetime import datetime
from typing import Any

import duckdb

from linkwork import engine
from linkwork.errors import UsageError
from linkwork.log.store import Store
from linkwork.settings import Settings
from linkwork.trace import events, facts
from linkwork.trace.cells import CELLS, Build, located, opened, picked
from linkwork.trace.lineage import Lines
from linkwork.trace.walk import Walk, figure_of

# Rules of the quarantine index: a record that contradicts another is a fate of its own.
RULES: dict[Lines, str] = {"refused": "rule <> 'conflict'", "contradicted": "rule = 'conflict'"}


def trace(
    settings: Settings,
    mart_name: str,
    where: str,
    *,
    figure: str | None = None,
    history: bool = False,
    known_at: datetime | None = None,
    limit: int | None = 50,
) -> dict[str, Any]:
    """What stands behind the rows of a mart that satisfy `where`, and behind one figure of them.

    `limit` is the number of rows given of each list (None: all); every list says its total. Raises UsageError for a
    mart, figure or condition that does not exist, for a mart that must lead to nobody, and where nothing was built.
    """
    marts = located(settings, known_at)
    mart = marts.mart(mart_name)
    if why := marts.lineage(mart).withheld:
        raise UsageError(f"{mart.name} is not traced", why=why)
    figure = figure_of(mart, marts.lineage(mart), figure)
    numbers = picked(settings, marts, mart, where)
    with opened(settings, marts, mart, numbers) as build:
        walk = Walk(build, mart, figure)
        walk.run()
        lines = _lines(walk)
        facts.find(build, None if history or "events" in lines else limit)
        store = Store(settings.log_dir)
        found = events.read(store, build.con, build.position, history=history, of_loads="events" in lines, limit=limit)
        result = {
            "mart": mart.name,
            "where": where,
            "figure": walk.figure,
            "figures": list(walk.lineage.figures),
            "warehouse": {"path": marts.path, "position": build.position, "known_at": build.known_at},
            "cells": {"total": len(numbers), "rows": _cells(build, walk, limit)},
            "contributors": _contributors(build, walk, limit),
            "events": {
                "total": found.total,
                "people": found.people,
                "by_type": found.by_type,
                "rows": found.shown,
            },
            "files": _files(build, walk, found.shown, limit),
            "refused": _refused(build, [line for line in lines if line in RULES], limit),
        }
        notes = _notes(settings, build, store, walk, known_at, len(numbers), found.gone)
    return result | {"notes": notes}


def _counts_files(walk: Walk) -> bool:
    """Whether what is traced is made of files: the mart's rows are, or those its rows come from."""
    own = walk.contributors.meta.trace
    linked = [] if walk.figure else [walk.build.marts.mart(link.mart).meta.trace for link in walk.lineage.rows]
    return any(lineage is not None and lineage.load is not None for lineage in (own, *linked))


def _lines(walk: Walk) -> list[Lines]:
    """Which lines of the files behind a figure are its own; of a file that is traced itself, all that are known."""
    return ["events", *RULES] if walk.figure is None and _counts_files(walk) else walk.traced.lines


def _cells(build: Build, walk: Walk, limit: int | None) -> list[dict[str, Any]]:
    figures = [c for c in walk.traced.of if c in walk.mart.columns] if walk.traced.kind == "derived" else []
    columns = walk.mart.meta.key + ([walk.figure, *figures] if walk.figure else [])
    listed = ", ".join(engine.name(c) for c in dict.fromkeys(columns))
    order = ", ".join(engine.name(c) for c in walk.mart.meta.key)
    return rows(build.con, f"select {listed} from {CELLS} order by {order}", limit)


def _contributors(build: Build, walk: Walk, limit: int | None) -> dict[str, Any]:
    people = "person_id" in build.columns("contributor")
    count = "count(distinct person_id)" if people else "null"
    total, persons = build.con.execute(f"select count(*), {count} from contributor").fetchall()[0]
    return {
        "mart": walk.contributors.name,
        "total": total,
        "people": persons,
        "rows": rows(build.con, "select * from contributor order by contributor", limit),
    }


def _files(build: Build, walk: Walk, shown: list[dict[str, Any]], limit: int | None) -> dict[str, Any]:
    """The files of the events that are shown; where the mart counts files, those files."""
    build.con.execute("create temp table shown_load (load_id varchar)")
    if _counts_files(walk):
        build.con.execute("insert into shown_load select distinct load_id from wanted_load")
    elif loads := {row["load_id"] for row in shown}:
        listed = ", ".join(f"({engine.text(load)})" for load in sorted(loads))
        build.con.execute(f"insert into shown_load values {listed}")
    query = """select load_id, feed, sender, file_name, file_sha256, received_at, status, contract_version
        from log.loads inner join shown_load using (load_id) order by feed, sender, file_name, load_id"""
    total = build.con.execute(f"select count(*) from ({query})").fetchall()[0][0]
    return {"total": total, "rows": rows(build.con, query, limit)}


def _refused(build: Build, kinds: list[Lines], limit: int | None) -> dict[str, Any]:
    condition = " or ".join(RULES[kind] for kind in kinds) or "false"
    query = f"""select load_id, feed, sender, q.file_name, file_sha256, source_line, rule, field, sentence
        from log.quarantine as q inner join wanted_load using (load_id)
        inner join (select load_id, file_sha256 from log.loads) using (load_id)
        where {condition} order by feed, sender, q.file_name, source_line"""
    total = build.con.execute(f"select count(*) from ({query})").fetchall()[0][0]
    return {"total": total, "rows": rows(build.con, query, limit)}


def _notes(
    settings: Settings, build: Build, store: Store, walk: Walk, known_at: datetime | None, cells: int, gone: int
) -> list[str]:
    """What a reader must know about the answer, as sentences."""
    notes = []
    if not cells:
        notes.append(f"No row of {walk.mart.name} satisfies the condition.")
    if walk.reference:
        notes.append(
            f"{walk.contributors.name} comes from reference data ({walk.reference}), not from events: "
            "`linkwork reference list` shows its versions."
        )
    if gone:
        notes.append(
            f"{gone} of these facts are in the build and no longer in the log: they were erased since. Build again."
        )
    if known_at is None and store.events.exists():
        if (newest := store.position()) > build.position:
            notes.append(
                f"The log has gone on to position {newest:,}; this build reads up to {build.position:,}. "
                "`linkwork build` brings it up to date."
            )
        notes += _release_note(settings, build)
    if _counts_files(walk) and not _lines(walk):
        notes.append("This figure is counted by file: the log does not say which lines of it they are.")
    return notes


def _release_note(settings: Settings, build: Build) -> list[str]:
    manifest = settings.releases_dir / "current" / "manifest.json"
    if not manifest.exists():
        return []
    release = json.loads(manifest.read_text())
    if release["position"] == build.position:
        return []
    return [
        f"The current release {release['release_id']} was made from position {release['position']:,}, this build "
        f"from {build.position:,}: their figures may differ. `linkwork publish` brings them together."
    ]


def rows(con: duckdb.DuckDBPyConnection, query: str, limit: int | None) -> list[dict[str, Any]]:
    """The first rows of a query as dictionaries (None: all)."""
    return engine.dicts(con.execute(f"{query} limit {'all' if limit is None else int(limit)}"))
