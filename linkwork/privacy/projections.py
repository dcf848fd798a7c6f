"""Copies of people's records that were folded from the log: warehouses, and the restricted tiers of releases.

An erasure must reach all of them; they can be made again from the log without the person.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from linkwork import warehouse
from linkwork.errors import BusyError
from linkwork.log.lock import writer_lock
from linkwork.release import building
from linkwork.release.redact import redact, restricted
from linkwork.settings import Settings


@dataclass(frozen=True)
class Copies:
    """The warehouses with what lies beside them, and the releases that have a restricted tier."""

    files: list[Path]
    releases: list[Path]


def found(settings: Settings) -> Copies:
    """What `remove` removes."""
    return Copies(warehouse.kept(settings), restricted(settings.releases_dir))


@contextmanager
def nobody_at_work(settings: Settings) -> Iterator[None]:
    """Keep builds out. Raises BusyError where a build or a publication is at work: it may hold the person's records."""
    with writer_lock(settings.warehouse_file.parent, settings.lock_timeout_seconds, "the warehouse is being built"):
        building.remove_leftovers(settings.releases_dir)
        if releases := sorted(settings.releases_dir.glob(f"{building.BUILDING}*")):
            raise BusyError("a release is being published", where=str(releases[0]), do="wait and try again")
        yield


def remove(settings: Settings, because: str, at: datetime) -> None:
    """Remove every warehouse and every restricted tier; `because` names the operation in `redactions.json`."""
    warehouse.discard(settings)
    redact(settings.releases_dir, because, at)
