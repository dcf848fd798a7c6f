"""dbt as it is run for real, on small warehouses."""

import json
from pathlib import Path
from typing import Any

from linkwork.dbt_run import run_dbt
from linkwork.engine import connect
from linkwork.processes import Finished
from linkwork.settings import PROJECT_ROOT, Settings
from tests.spec.warehouse import Warehouse

PROJECT = PROJECT_ROOT / "dbt_project"


class Dbt:
    """Runs dbt in one folder; every run begins with a fresh warehouse, but for one made `again`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, folder / "warehouse.duckdb"

    def __call__(self, command: str, warehouse: Warehouse, *arguments: str) -> Finished:
        self.database.unlink(missing_ok=True)
        warehouse.write(self.database)
        return self.again(command, *arguments)

    def again(self, command: str, *arguments: str) -> Finished:
        """Run a command on the warehouse that the last run left."""
        target, log = self.folder / "target", self.folder / "output.txt"
        return run_dbt(Settings(home=self.folder), self.database, target, [command, *arguments], log)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every mart's rows in a fixed order, from the last run."""
        con = connect(self.database, read_only=True)
        names = con.execute(
            "select table_name from information_schema.tables where table_schema = 'main' "
            "and (table_name like 'dim%' or table_name like 'fct%' or table_name like 'rpt%') order by all"
        ).fetchall()
        rows = {name: con.execute(f"select * from {name} order by all").fetchall() for (name,) in names}
        con.close()
        return rows


class EmptyBuild:
    """What a build of an empty log left behind: how it ended, its tables, its manifest, its compiled SQL."""

    def __init__(self, dbt: Dbt) -> None:
        self.finished = dbt("build", Warehouse())
        self.database = dbt.database
        self.tables = dbt.tables() if self.finished.returncode == 0 else {}
        target = dbt.folder / "target"
        self.manifest_file = target / "manifest.json"
        self.manifest: dict[str, Any] = json.loads(self.manifest_file.read_text())
        self.results: list[dict[str, Any]] = json.loads((target / "run_results.json").read_text())["results"]
        compiled = sorted((target / "compiled" / "linkwork" / "models").rglob("*.sql"))
        # What lies below the name of a YAML file is a test of that file, with its rows in it.
        models = [path for path in compiled if not any(part.endswith(".yml") for part in path.parts)]
        self.compiled = {path.stem: path.read_text() for path in models}

    def models(self) -> dict[str, dict[str, Any]]:
        """Models by name."""
        nodes = self.manifest["nodes"].values()
        return {node["name"]: node for node in nodes if node["resource_type"] == "model"}
