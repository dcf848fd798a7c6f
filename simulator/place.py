"""The folder a region is written to: it holds the whole region or nothing of it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAST = "landing"  # moved last: where it is, everything is


def taken(out: Path) -> bool:
    """Whether something else is there already; what a killed run left of a region does not count."""
    out = real(out)
    return out.exists() and (not out.is_dir() or any(left != hidden(out) for left in out.iterdir()))


@contextmanager
def appearing(out: Path) -> Iterator[Path]:
    """A folder to write into, the content of which is that of `out` once the block ends, and is gone if it fails.

    A folder that is there stays the same one, whoever stands in it or has mounted it: so it is filled, not replaced.
    Raises FileExistsError when `out` holds something, and OSError where nothing can be written there.
    """
    if taken(out):
        raise FileExistsError(f"{out} exists and is not an empty folder; choose another --out or remove it first")
    out = real(out)
    partial = hidden(out)
    shutil.rmtree(partial, ignore_errors=True)  # left by a run that was killed
    partial.mkdir(parents=True)
    try:
        yield partial
        if out.exists():
            for made in sorted(partial.iterdir(), key=lambda made: (made.name == LAST, made.name)):
                made.rename(out / made.name)
            partial.rmdir()
        else:
            partial.rename(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def real(out: Path) -> Path:
    """The folder itself, where the path is relative or leads over links, of which the last may lead to nothing yet."""
    return Path(os.path.realpath(out))


def hidden(out: Path) -> Path:
    """Where a region is written first: in the folder if it is there, else beside it, and so on the same disk."""
    name = f".{out.name}.partial"
    return out / name if out.exists() else out.with_name(name)
