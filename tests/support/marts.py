"""Builds that make less than everything, for tests whose subject is a few marts: real dbt on the real log."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from linkwork import warehouse
from linkwork.processes import Finished
from linkwork.settings import Settings


def build(settings: Settings, *marts: str, known_at: datetime | None = None, full: bool = False) -> dict[str, Any]:
    """A build of these marts and of what they are made from, of every mart where none is named.

    None of dbt's tests of data runs: for builds of a log whose data are tested by another build.
    """
    with _less(*marts):
        return warehouse.build(settings, known_at, full=full)


@contextmanager
def _less(*marts: str) -> Iterator[None]:
    run_dbt = warehouse.run_dbt
    less = ["--exclude-resource-type", "test"]
    if marts:
        less += ["--select", *(f"+{mart}" for mart in marts)]

    def run(settings: Settings, database: Path, target: Path, command: list[str], *rest: Any) -> Finished:
        return run_dbt(settings, database, target, [*command, *less], *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "run_dbt", run)
        yield
