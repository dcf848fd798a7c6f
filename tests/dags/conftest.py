"""A temporary Airflow home for these tests, and the DAGs as Airflow reads them.

Airflow takes its home from the environment at its first import, so no module here imports it at the top.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DAGS_DIR = Path(__file__).resolve().parents[2] / "dags"


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty Airflow home that the environment points at."""
    home = tmp_path_factory.mktemp("airflow home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW_CONFIG", str(home / "airflow.cfg"))
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{home / 'airflow.db'}")
        patch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(DAGS_DIR))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.setenv("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
        patch.syspath_prepend(str(DAGS_DIR))
        yield home


@pytest.fixture(scope="session")
def bootstrap(airflow_home: Path) -> ModuleType:
    """dags/bootstrap.py as a module, after it made the home ready."""
    spec = importlib.util.spec_from_file_location("bootstrap", DAGS_DIR / "bootstrap.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    return module


@pytest.fixture(scope="session")
def bag(bootstrap: ModuleType) -> Any:
    """The DagBag of the DAGs folder, with the pools that exist, synchronised with the metadata database."""
    import json

    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    pools = {"default_pool", *json.loads((DAGS_DIR / "pools.json").read_text())}
    found = BundleDagBag(DAGS_DIR, bundle_path=DAGS_DIR, bundle_name="dags-folder", known_pools=pools, safe_mode=True)
    _add_bundle("dags-folder")
    sync_bag_to_db(found, "dags-folder", None)
    return found


def _add_bundle(name: str) -> None:
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.merge(DagBundleModel(name=name))
