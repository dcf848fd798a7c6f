"""One folder for all runs of dbt, so that it parses the project once."""

import pytest

from tests.dbt.project import Dbt, EmptyBuild


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """dbt in a folder of its own."""
    return Dbt(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="session")
def empty_build(dbt: Dbt) -> EmptyBuild:
    """One whole build, unit tests included, of a log without a single event."""
    return EmptyBuild(dbt)
