"""Who may import whom. Read from the sources, so that an import inside a function counts as well."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINES = {"airflow", "dbt", "great_expectations", "statsmodels"}
DBT_ITSELF = "linkwork/dbt_script.py"  # what a child runs that is dbt and nothing else
OURS = {"ingestion", "linkwork", "expectations", "simulator", "dags", "benchmarks", "tests"}


@cache
def imported(source: str, *, at_module_level: bool = False) -> set[str]:
    """The modules a source imports, in full: `a.b` for `import a.b`, `from a.b import x` and `from a import b`."""
    tree = ast.parse(source)
    found = set()
    for node in tree.body if at_module_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer they reach for"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def breaks(source: str, banned: set[str]) -> set[str]:
    return {name for name in imported(source) if name.split(".")[0] in banned}


def sources(folder: str) -> Iterator[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"no source in {folder}"
    yield from found


def offences(folder: str, banned: set[str], *, but: str = "") -> dict[str, set[str]]:
    named = {str(p.relative_to(ROOT)): breaks(p.read_text(), banned) for p in sources(folder)}
    return {path: found for path, found in named.items() if found and not (but and path.startswith(but))}


@pytest.mark.parametrize("folder", ["ingestion", "linkwork"])
def test_the_core_imports_no_orchestrator_no_transformer_no_checker(folder):
    assert offences(folder, ENGINES, but=DBT_ITSELF) == {}


def test_the_script_of_dbt_is_started_and_never_imported():
    module = DBT_ITSELF.removesuffix(".py").replace("/", ".")
    assert [path for ours in sorted(OURS) for path in sources(ours) if module in imported(path.read_text())] == []


def test_only_the_command_line_imports_ingestion_and_the_simulator():
    assert offences("linkwork", {"ingestion", "simulator"}, but="linkwork/cli/") == {}
    assert offences("linkwork/cli", {"expectations", "dags"}) == {}


def test_ingestion_knows_nothing_of_releases_or_the_command_line():
    reached = {name for path in sources("ingestion") for name in breaks(path.read_text(), {"linkwork"})}
    forbidden = ("linkwork.cli", "linkwork.release", "linkwork.warehouse", "linkwork.publication", "linkwork.airflow")
    assert {name for name in reached if name.startswith(forbidden)} == set()


def test_the_simulator_stands_alone():
    assert offences("simulator", (OURS - {"simulator"}) | ENGINES) == {}


def test_expectations_use_the_helpers_only():
    helpers = {"linkwork.engine", "linkwork.errors", "linkwork.files", "linkwork.settings"}
    for path in sources("expectations"):
        reached = imported(path.read_text())
        assert {n for n in reached if n.split(".")[0] in {"ingestion", "dbt", "airflow", "dags", "simulator"}} == set()
        ours = {n for n in reached if n.split(".")[0] == "linkwork"}
        assert {n for n in ours if ".".join(n.split(".")[:2]) not in helpers} == set(), path


def test_a_dag_file_imports_only_the_authoring_interface_when_it_is_parsed():
    # The bootstrap prepares Airflow's own database; it is a program, not a DAG file.
    for path in (p for p in sources("dags") if p.name != "bootstrap.py"):
        reached = imported(path.read_text(), at_module_level=True)
        assert {n for n in reached if n.startswith("airflow") and not n.startswith("airflow.sdk")} == set(), path
        assert {n for n in reached if n.split(".")[0] in OURS - {"dags"}} == set(), path


def test_the_unit_tests_themselves_stay_light():
    here = Path(__file__).parent
    assert {str(p): breaks(p.read_text(), ENGINES) for p in here.glob("*.py") if breaks(p.read_text(), ENGINES)} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import airflow",
        "import airflow.sdk as sdk",
        "from airflow.sdk import dag",
        "def f():\n    from airflow import DAG",
        "if True:\n    import great_expectations, os",
    ],
)
def test_the_check_can_fail(source):
    assert breaks(source, ENGINES)


def test_the_check_does_not_take_our_own_modules_for_theirs():
    assert breaks("from linkwork.airflow import run_once\nimport dbt_common", ENGINES) == set()
