"""One build for every scenario: each test module writes its events, the session builds them all together."""

from collections.abc import Callable

import duckdb
import pytest

from linkwork.engine import connect
from linkwork.processes import run, script
from linkwork.settings import PROJECT_ROOT
from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The marts of the scenarios of every collected test module that has a `scenario`."""
    writers: dict[str, Callable[[Warehouse, str], None]] = {}
    for item in request.session.items:
        module = getattr(item, "module", None)
        if module is not None and hasattr(module, "scenario"):
            writers[module.__name__] = module.scenario
    warehouse = Warehouse()
    for scope, scenario in sorted(writers.items()):
        scenario(warehouse, scope)
    folder = tmp_path_factory.mktemp("spec")
    database = folder / "warehouse.duckdb"
    warehouse.write(database)
    finished = run(
        [
            script("dbt"),
            "build",
            "--target-path",
            str(folder / "target"),
            "--exclude-resource-type",
            "unit_test",
        ],
        log=folder / "output.txt",
        cwd=PROJECT_ROOT / "dbt_project",
        extra_env={"LINKWORK_WAREHOUSE": str(database), "DBT_LOG_PATH": str(folder)},
    )
    assert finished.returncode == 0, finished.output
    return connect(database, read_only=True)


@pytest.fixture
def marts(built: duckdb.DuckDBPyConnection, request: pytest.FixtureRequest) -> Scenario:
    """The marts, with names of the test's own module."""
    return Scenario(built, request.module.__name__)
