"""The macros of the dbt project as functions that give SQL, without starting dbt: for tests of formulas on DuckDB."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2

from linkwork.settings import PROJECT_ROOT


class Macros:
    """Every macro below a folder of `dbt_project/macros`, by name; adapter.dispatch takes DuckDB's implementation.

    `return` gives text only, as the macros of SQL expressions do.
    """

    def __init__(self, *folders: str, engine: str = "duckdb") -> None:
        environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined)  # noqa: S701
        found: dict[str, Callable[..., str]] = {}
        package = SimpleNamespace()  # filled as macros are found: a module keeps the globals of its day
        environment.globals |= {
            "linkwork": package,
            "adapter": SimpleNamespace(dispatch=lambda name, _package: found[f"{engine}__{name}"]),
            "exceptions": SimpleNamespace(raise_compiler_error=_refuse),
            "return": lambda value: value,
        }
        for path in sorted(path for folder in folders for path in (_MACROS / folder).rglob("*.sql")):
            module = environment.from_string(path.read_text()).module
            found |= {name: macro for name, macro in vars(module).items() if isinstance(macro, jinja2.runtime.Macro)}
        vars(package).update(found)
        self._found = found

    def __getattr__(self, name: str) -> Callable[..., str]:
        return self._found[name]


_MACROS: Path = PROJECT_ROOT / "dbt_project" / "macros"


def _refuse(message: str) -> Any:
    raise ValueError(message)
