"""Publish: from the marts in the warehouse to one whole, immutable release.

Files are written in a folder under construction, verified, made durable and renamed; then `current` is
switched. A reader that resolves `current` once sees one release, whole; one that holds an older release open
keeps it.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import duckdb

from linkwork import __version__, spill
from linkwork.built import opened
from linkwork.errors import BadDataError, BusyError
from linkwork.files import write_json
from linkwork.log.failpoints import reached
from linkwork.release import definitions, schemas
from linkwork.release.assemble import (
    Exports,
    control_marts,
    export_marts,
    stamp_tables,
    tables_json,
    write_catalogs_and_manifests,
    write_made_of,
)
from linkwork.release.building import (
    building_dir,
    current_release,
    put_in_place,
    remove_leftovers,
    switch_current,
)
from linkwork.release.held import Served
from linkwork.release.ladder import Withheld
from linkwork.release.manifest import Content, Manifest, PolicyUsed, ReleasedTable, release_id
from linkwork.release.marts import read_marts
from linkwork.release.policy import DisclosurePolicy, load_policy
from linkwork.release.schemas import Schema
from linkwork.release.verify import verify_release
from linkwork.settings import Settings

About = Callable[[str, bool, bool], object]  # told a release, whether it is made, and whether it becomes current

FAIL_POINTS = ("release-built", "release-placed")  # where a test may end this process, see failpoints
MADE_OF = "made-of.parquet"  # for the log only: gone before anything else is written
TABLES = "tables.json"  # for the expectations only: gone before the release is put in place

REMEDY = (
    "leave what readers rely on in the model and add columns beside it; where the change is meant, raise `version` in "
    "its `meta.linkwork` and tell them. After an upgrade of Linkwork, run `linkwork build` first"
)


class Published(NamedTuple):
    """What became of it. `created`: False if nothing changed; `current`: whether `current` points here."""

    release_id: str
    path: Path
    created: bool
    current: bool
    tables: list[ReleasedTable]
    withheld: list[Withheld]


def publish(
    settings: Settings,
    *,
    warehouse: Path,
    dbt_manifest: Path,
    known_at: datetime | None,
    position: int,
    cut_off: date | None,
    pinned_known_at: datetime | None,
    check: Callable[[Path], None] | None = None,
    about: About = lambda *_: None,
    permissions_as_of: datetime | None = None,
    erasures: int = 0,
    permissions_differ: bool = False,
    served: Served | None = None,
    keep: Callable[[str, Path], None] = lambda _id, _file: None,
    relied_on: Mapping[str, Schema] = MappingProxyType({}),
) -> Published:
    """Make a release of the warehouse; it becomes current unless it is one `known_at` an earlier time.

    `position`, `cut_off` and `pinned_known_at` are what the build was pinned to. `check` gets the folder under
    construction, with `tables.json`, and raises to refuse it. `about` is told what is about to change, right before
    it does. `permissions_as_of` and `permissions_differ` are told in the manifest and name no release: what they
    change is in its tables. `served` is what the open tier is compared with; `keep` gets, before this release is
    served, its id and the file with what its own is made of. `relied_on` are the tables that readers know. The same
    position, code and permissions give the same release: if it is there already, none is made. Raises UsageError
    for an unknown policy, BadDataError for marts that cannot be released as their metadata say or not as readers
    know them, and for a damaged warehouse, BusyError while it is being written, or where another release became
    current meanwhile.
    """
    policy = load_policy(settings.disclosure_policy)
    marts = read_marts(dbt_manifest)
    releases = settings.releases_dir
    releases.mkdir(parents=True, exist_ok=True)
    remove_leftovers(releases)
    before = current_release(releases)
    with building_dir(releases) as building:
        with spill.own_folder(settings) as folder, _opened(warehouse, settings, folder) as con:
            open_tables = control_marts(con, marts, policy, cut_off, served)
            exports = export_marts(con, marts, open_tables, building, position)
            write_made_of(con, open_tables, building / MADE_OF)
        schemas.refuse_unstated(relied_on, schemas.of_release(marts, exports.tables), warehouse, REMEDY)
        manifest = _manifest(
            _content(settings, exports, policy, position, cut_off, erasures),
            known_at=known_at or pinned_known_at,
            requested_known_at=known_at,
            permissions_as_of=permissions_as_of,
            permissions_differ=permissions_differ,
            compared_with=served.release_id if served else None,
            held_back=exports.held,
        )
        if known_at is None:
            keep(manifest.release_id, building / MADE_OF)
        (building / MADE_OF).unlink()
        manifest = stamp_tables(building, manifest)
        target = releases / manifest.release_id

        def becomes_current() -> bool:
            return known_at is None and current_release(releases) != manifest.release_id

        created = not target.exists()
        if created:
            write_catalogs_and_manifests(
                building, manifest, exports, memory_limit=settings.memory_limit, threads=settings.threads
            )
            if check:
                write_json(building / TABLES, tables_json(manifest, marts, policy))
                check(building)
                (building / TABLES).unlink()
            verify_release(building)
            reached(FAIL_POINTS[0])
            about(manifest.release_id, True, becomes_current())
            created = put_in_place(building, target)
    if not created:
        verify_release(target)
        about(manifest.release_id, False, becomes_current())
    reached(FAIL_POINTS[1])
    if becomes_current():
        _refuse_overtaken(releases, before, manifest.release_id)
        switch_current(releases, manifest.release_id)
    is_current = current_release(releases) == manifest.release_id
    return Published(manifest.release_id, target, created, is_current, manifest.tables, manifest.withheld)


def _refuse_overtaken(releases: Path, before: str | None, release: str) -> None:
    """The open tier was compared with `before`: what became current since, it was not."""
    if current_release(releases) not in (before, release):
        raise BusyError(
            "another release became current while this one was made",
            where=str(releases),
            why="it was compared with the one before",
            do="publish again",
        )


def _opened(warehouse: Path, settings: Settings, spill_to: Path) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    if not warehouse.exists():
        raise BadDataError("there is no warehouse", where=str(warehouse), do="run `linkwork build` first")
    return opened(warehouse, memory_limit=settings.memory_limit, threads=settings.threads, spill=spill_to)


def _content(
    settings: Settings,
    exports: Exports,
    policy: DisclosurePolicy,
    position: int,
    cut_off: date | None,
    erasures: int,
) -> Content:
    return Content(
        position=position,
        cut_off=cut_off,
        code_version=__version__,
        synthetic=settings.test_numbers == "allow",
        erasures=erasures,
        policy=PolicyUsed(name=policy.name, version=policy.version, sha256=policy.sha256),
        tables=exports.tables,
        withheld=exports.withheld,
        measures=definitions.labels(
            definitions.read(), ((table.table, [column.name for column in table.columns]) for table in exports.tables)
        ),
    )


def _manifest(
    content: Content,
    *,
    known_at: datetime | None,
    requested_known_at: datetime | None,
    permissions_as_of: datetime | None,
    permissions_differ: bool,
    compared_with: str | None,
    held_back: dict[str, int],
) -> Manifest:
    sha256 = content.content_hash()
    return Manifest(
        **dict(content),
        release_id=release_id(content.position, sha256),
        content_sha256=sha256,
        known_at=known_at,
        requested_known_at=requested_known_at,
        permissions_as_of=permissions_as_of,
        permissions_differ=permissions_differ,
        compared_with=compared_with,
        held_back=held_back,
        created_at=datetime.now(UTC),
    )
