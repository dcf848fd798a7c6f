"""`publish`: the marts of the last build become a release, if they say anything new and pass the released suite."""

from datetime import datetime
from pathlib import Path
from typing import Any

from linkwork import quality
from linkwork.built import reading, target_dir, warehouse_file
from linkwork.errors import UsageError
from linkwork.log import published, served, tombstones
from linkwork.log.changes import Change, Outcome, change
from linkwork.log.store import Store
from linkwork.release import schemas
from linkwork.release.building import CURRENT, current_release
from linkwork.release.held import Served
from linkwork.release.publish import publish as publish_release
from linkwork.settings import Settings


def publish(settings: Settings, known_at: datetime | None = None, restate: str = "") -> dict[str, Any]:
    """Publish the newest build, or the build for `known_at` (which does not become current).

    `restate` is the reason of a declared restatement: the open tier follows the marts in every figure, and holds back
    nothing. Returns release_id, path, created, current and the tables. Raises UsageError where nothing was built yet
    and BadDataError where the released suite fails, or a table is not as its readers know it; what is current stays so.
    """
    warehouse = warehouse_file(settings, known_at)
    if not warehouse.exists():
        of_then = f" --known-at {known_at.isoformat()}" if known_at else ""
        raise UsageError(
            "there is no build to publish", where=str(warehouse), do=f"run `linkwork build{of_then}` first"
        )
    with reading(warehouse) as con:
        pinned = con.execute("select position, known_at, cut_off, permissions_as_of from log.pinned").fetchone()
        current = current_release(settings.releases_dir)
        kept = None if restate else served.find(settings.log_dir, con, current, known_at)
        differ = con.execute("select coalesce(bool_or(people_since > 0), false) from fct_exclusions").fetchone()
    assert pinned is not None and differ is not None  # noqa: S101 - every build has its one row
    with change(settings.log_dir, "publish", restate or None) as made:
        done = publish_release(
            settings,
            warehouse=warehouse,
            dbt_manifest=target_dir(settings, known_at) / "manifest.json",
            known_at=known_at,
            position=pinned[0],
            cut_off=pinned[2],
            pinned_known_at=pinned[1],
            erasures=tombstones.erasures(settings.log_dir),
            permissions_as_of=pinned[3],
            permissions_differ=differ[0],
            check=lambda folder: _check(settings, folder),
            about=lambda *what: _announce(made, settings, warehouse, *what),
            served=Served(*kept) if kept else None,
            keep=lambda release_id, file: served.keep(settings.log_dir, release_id, file),
            relied_on=schemas.read(),
        )
    if done.current:  # of another state now; or of an earlier version, that was killed before it had kept its figures
        published.keep(settings.log_dir, done.release_id, warehouse)
    return done._asdict()


def is_behind(settings: Settings) -> bool:
    """Whether there is a build of another state than the current release, or no release is current.

    Of a build by a version that did not say its state nobody can tell, and none can publish it.
    """
    warehouse, releases = warehouse_file(settings), settings.releases_dir
    if not warehouse.exists():
        return False
    # The link may lead nowhere: somebody removed the release.
    release_id = current_release(releases) if (releases / CURRENT).exists() else None
    with reading(warehouse) as con:
        said = con.execute("select 1 from duckdb_tables() where schema_name = 'log' and table_name = 'state'")
        if said.fetchone() is None:
            return False
        return not published.is_of_its_state(Store(settings.log_dir), con, release_id)


def _announce(
    made: Change, settings: Settings, warehouse: Path, release_id: str, is_new: bool, becomes_current: bool
) -> None:
    """A release that is new, or becomes current: cut off between the two, it is new and not current."""
    releases, new = settings.releases_dir, "a new release, " * is_new
    declared = "; a declared restatement" if made.reason else ""
    outcomes = []
    if becomes_current:
        kept = published.figures(settings.log_dir, release_id, warehouse)
        outcomes.append(Outcome(f"{new}is current{declared}", releases / CURRENT, release_id, {"releases": kept}))
    if is_new:
        outcomes.append(Outcome(f"{new}is not current{declared}", releases / release_id))
    if declared:
        outcomes.append(Outcome(f"there already{declared}"))
    made.announce(release_id, *outcomes)


def _check(settings: Settings, folder: Path) -> None:
    """Great Expectations on what dashboards will read, before anybody can read it."""
    output = settings.quality_dir / "pending" / f"released-{folder.name}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["--release", str(folder), "--output", str(output)]
    quality.judge(settings, "released", arguments, folder.name, then="; nothing was published")
    output.unlink(missing_ok=True)
