"""What dbt parsed, taken along to the next home: it is the same for all, and costs as much as a small build."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

PARSED = "partial_parse.msgpack"
_FOLDER = tempfile.TemporaryDirectory(prefix="parsed-")
_KEPT = Path(_FOLDER.name) / PARSED


@contextmanager
def parsed_in(folder: Path) -> Iterator[None]:
    """While dbt runs, which looks for it in this folder and leaves it there."""
    file = folder / PARSED
    if _KEPT.exists() and not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(_KEPT, file)
    yield
    if file.exists() and not _KEPT.exists():
        shutil.copy(file, _KEPT)


def parsed(home: Path) -> AbstractContextManager[None]:
    """The same for the builds of a home."""
    return parsed_in(home / "warehouse" / "building" / "warehouse.target")
