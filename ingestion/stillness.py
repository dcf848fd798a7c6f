"""Nothing is taken in, built or published while data are being removed: it could be copied meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from ingestion.operation import Operation, operation
from linkwork import projections
from linkwork.errors import BusyError
from linkwork.settings import Settings


@contextmanager
def everything_still(settings: Settings) -> Iterator[Operation]:
    """Hold every lock under which what is to be removed could be copied. Raises BusyError where others are at work."""
    with operation(settings) as work, projections.still(settings):
        if batches := [path for path in settings.staging_dir.glob("[!.]*/") if path.name != work.id]:
            raise BusyError(
                "a batch is being taken in",
                where=str(batches[0]),
                why="it may hold the records",
                do="wait until it has ended and try again",
            )
        yield work
