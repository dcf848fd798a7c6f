"""The site about the models: dbt's own, in one file that needs no network, with descriptions, SQL and lineage.

It is made from the build of an empty log, so that it can be made anywhere and there is nothing of a person to show: its
catalog has the columns and types of every model, and no row.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from linkwork import dbt_run, warehouse
from linkwork.errors import LinkworkError, UsageError
from linkwork.settings import PROJECT_ROOT, Settings

PAGE, PARTS = "index.html", ("manifest.json", "catalog.json")  # the page holds both; they are there for programs


def make(settings: Settings, out: Path, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Write the site to a folder, over an earlier one. Returns the page's path, and how many models and edges it has.

    Raises UsageError where something else is in the folder, and LinkworkError where dbt could not run.
    """
    if out.exists() and (others := sorted(p.name for p in out.iterdir() if p.name not in (PAGE, *PARTS))):
        raise UsageError("the folder holds something else", where=str(out), why=others[0], do="name another folder")
    with tempfile.TemporaryDirectory(prefix="linkwork-site-") as folder:
        empty = settings.model_copy(update={"home": Path(folder)})
        built = warehouse.build(empty, progress=lambda _: progress("dbt builds every model of an empty log"))
        target = warehouse.dbt_dir(empty)
        progress("dbt writes the site")
        command = ["docs", "generate", "--static"]
        done = dbt_run.run_dbt(empty, Path(built["warehouse"]), target, command, target / "docs.log")
        if done.returncode != 0:
            raise LinkworkError(
                "the site could not be made",
                where="dbt docs generate",
                why=done.output[-500:],
                do="see the message of dbt",
            )
        out.mkdir(parents=True, exist_ok=True)
        for name in (PAGE, *PARTS):
            text = (target / ("static_index.html" if name == PAGE else name)).read_text(encoding="utf-8")
            for place in (folder, str(PROJECT_ROOT)):  # where it was made is nobody's business
                text = text.replace(place, "linkwork")
            (out / name).write_text(text, encoding="utf-8")
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    models = {name for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    edges = sum(len(set(parents)) for name, parents in manifest["parent_map"].items() if name in models)
    return {"page": out / PAGE, "models": len(models), "edges": edges}
