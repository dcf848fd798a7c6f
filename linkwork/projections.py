"""What is folded from the log, warehouses and releases, as a command that changes the log has to see to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from linkwork import warehouse
from linkwork.errors import BusyError
from linkwork.log.lock import writer_lock
from linkwork.release import building
from linkwork.release.redact import redact, restricted
from linkwork.settings import Settings


@contextmanager
def still(settings: Settings) -> Iterator[None]:
    """Keep builds from starting. Raises BusyError where something is being built or published."""
    with writer_lock(settings.warehouse_file.parent, settings.lock_timeout_seconds, "the warehouse is being built"):
        building.remove_leftovers(settings.releases_dir)
        if releases := list(settings.releases_dir.glob(f"{building.BUILDING}*")):
            raise BusyError(
                "a release is being published",
                where=str(releases[0]),
                why="it may hold the person's records",
                do="wait until it has ended and try again",
            )
        yield


def record_level(settings: Settings) -> tuple[int, int]:
    """How many files of warehouses there are, and how many releases with a restricted tier."""
    return len(warehouse.kept(settings)), len(restricted(settings.releases_dir))


def remove_record_level(settings: Settings, because: str, at: datetime) -> None:
    """Remove all of those; open tiers stay. `because` names an operation."""
    warehouse.discard(settings)
    redact(settings.releases_dir, because, at)
