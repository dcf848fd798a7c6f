"""A full disk is told from other failures, whoever noticed it."""

import errno
from pathlib import Path

import duckdb
import pytest

from linkwork import disk
from linkwork.errors import EXIT_BUSY

QUOTED = 'IO Error: Could not write file "/home/x/log/events/f.parquet": No space left on device'


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/home/x/f"), "/home/x/f"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "/home/x"),
        (OSError("Generic LocalFileSystem error\n↳ File too large (os error 27)"), "/home/x"),
        (duckdb.IOException(QUOTED), "/home/x/log/events/f.parquet"),
        (duckdb.IOException('Could not write all bytes to file "/home/x/f": wanted=9 wrote=1'), "/home/x/f"),
    ],
)
def test_no_room_is_told(error, where):
    told = disk.full(error, Path("/home/x"))
    assert told is not None
    assert (told.where, told.exit_code) == (where, EXIT_BUSY)
    assert "bytes free" in told.why


def test_what_it_came_from_counts():
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("the step failed") from error
    except RuntimeError as error:
        assert disk.full(error, Path("/")) is not None


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied"),
        duckdb.IOException("Could not set lock on file"),
        ValueError("No space left on device"),  # a value that says so is no failure of a disk
    ],
)
def test_other_failures_are_not(error):
    assert disk.full(error, Path("/")) is None
