"""What the project's own tests say of person links that no fold can follow."""

from tests.dbt.project import Dbt
from tests.spec.test_people import CHAIN
from tests.spec.warehouse import Warehouse


def test_a_chain_of_links_that_is_too_long_fails_the_build(dbt: Dbt) -> None:
    warehouse = Warehouse()
    for n in range(CHAIN + 1):
        warehouse.event("long", f"c{n}", f"chain {n}", "person.merged", "2025-01-01", merged_into=f"c{n + 1}")
    models = "+base_log__person_links"
    finished = dbt("build", warehouse, "--select", models, "--exclude-resource-type", "unit_test")
    assert finished.returncode != 0
    assert "within_reach_base_log__person_links" in finished.output
