"""What `linkwork build` makes of scenarios, all in one warehouse."""

from collections.abc import Callable, Mapping
from pathlib import Path

from linkwork.processes import run, script
from linkwork.settings import PROJECT_ROOT
from tests.spec.warehouse import Warehouse

Writer = Callable[[Warehouse, str], None]


def build(scenarios: Mapping[str, Writer], folder: Path) -> Path:
    """The DuckDB file with the marts of the scenarios, each by the name its people and records are called under."""
    warehouse = Warehouse()
    for scope, scenario in sorted(scenarios.items()):
        scenario(warehouse, scope)
    database = folder / "warehouse.duckdb"
    warehouse.write(database)
    finished = run(
        [script("dbt"), "build", "--target-path", str(folder / "target"), "--exclude-resource-type", "unit_test"],
        log=folder / "output.txt",
        cwd=PROJECT_ROOT / "dbt_project",
        extra_env={
            "LINKWORK_WAREHOUSE": str(database),
            "DBT_LOG_PATH": str(folder),
            "DBT_LOG_LEVEL_FILE": "none",
        },
    )
    assert finished.returncode == 0, finished.output
    return database
