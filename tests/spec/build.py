"""What `linkwork build` makes of scenarios, all in one warehouse."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.dbt.project import Dbt
from tests.spec.warehouse import Warehouse

Writer = Callable[[Warehouse, str], None]


def build(scenarios: Mapping[str, Writer], folder: Path) -> Path:
    """The DuckDB file with the marts of the scenarios, each by the name its people and records are called under."""
    warehouse = Warehouse()
    for scope, scenario in sorted(scenarios.items()):
        scenario(warehouse, scope)
    dbt = Dbt(folder)
    finished = dbt("build", warehouse, "--exclude-resource-type", "unit_test")
    assert finished.returncode == 0, finished.output
    return dbt.database
