"""One build for every scenario: each test module writes its events, the session builds them all together."""

import duckdb
import pytest

from linkwork.engine import connect
from tests.spec.build import Writer, build
from tests.spec.scenario import Scenario


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The marts of the scenarios of every collected test module that has a `scenario`."""
    writers: dict[str, Writer] = {}
    for item in request.session.items:
        module = getattr(item, "module", None)
        if module is not None and hasattr(module, "scenario"):
            writers[module.__name__] = module.scenario
    return connect(build(writers, tmp_path_factory.mktemp("spec")), read_only=True)


@pytest.fixture
def marts(built: duckdb.DuckDBPyConnection, request: pytest.FixtureRequest) -> Scenario:
    """The marts, with names of the test's own module."""
    return Scenario(built, request.module.__name__)
