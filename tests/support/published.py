"""Published files, where they lie beside the project; tests that need one are skipped with its name where it does not."""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve()


def published(*parts: str) -> Path:
    """The path of a published file. Skips the test where it is not there."""
    for folder in HERE.parents:
        path = folder.joinpath("shared", "data", *parts)
        if path.exists():
            return path
    return pytest.skip(f"the published file {'/'.join(parts)} is not beside the project")
