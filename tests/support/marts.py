"""Builds of marts in tests, whole ones and such that cost less: real dbt on the real log."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from linkwork import warehouse
from linkwork.processes import Finished
from linkwork.settings import Settings
from tests.support.parsed import parsed

UNTESTED = {"DBT_RESOURCE_TYPES": "model seed"}  # the environment in which no build runs dbt's tests of its data


def build(settings: Settings, known_at: datetime | None = None, *, full: bool = False) -> dict[str, Any]:
    """`linkwork build`."""
    with parsed(settings.home):
        return warehouse.build(settings, known_at, full=full)


def build_untested(settings: Settings, known_at: datetime | None = None, *, full: bool = False) -> dict[str, Any]:
    """A build of every mart without dbt's tests of its data: for data that another build has the tests of."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in UNTESTED.items():
            patch.setenv(name, value)
        return build(settings, known_at, full=full)


def build_some(settings: Settings, *marts: str, known_at: datetime | None = None) -> dict[str, Any]:
    """A build of these marts and of what they are made from, with dbt's tests of all that."""
    run_dbt = warehouse.run_dbt
    only = ["--indirect-selection", "cautious", "--select", *(f"+{mart}" for mart in marts)]

    def run(settings: Settings, database: Path, target: Path, command: list[str], *rest: Any) -> Finished:
        return run_dbt(settings, database, target, [*command, *only], *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "run_dbt", run)
        return build(settings, known_at)
