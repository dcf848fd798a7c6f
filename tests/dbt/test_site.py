"""The site about the models, made for real: whole, of one file, with lineage, and with no data in it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from linkwork import site
from linkwork.errors import UsageError
from linkwork.settings import PROJECT_ROOT, Settings

# In its page dbt puts the two documents into the text in place of what it would load.
EMBEDDED = re.compile(r'\b(?P<name>manifest|catalog):(?=\{"metadata")')


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("site")
    return site.make(Settings(home=folder / "home"), folder / "out")


def embedded(page: str) -> dict[str, dict[str, Any]]:
    decode = json.JSONDecoder().raw_decode
    return {m["name"]: decode(page, m.end())[0] for m in EMBEDDED.finditer(page)}


def test_the_page_holds_every_model_with_its_columns_and_lineage(made: dict[str, Any]) -> None:
    held = embedded(made["page"].read_text(encoding="utf-8"))
    nodes, catalog = held["manifest"]["nodes"], held["catalog"]["nodes"]
    models = {name for name, node in nodes.items() if node["resource_type"] == "model"}
    sources = PROJECT_ROOT.joinpath("dbt_project", "models")
    assert len(models) == made["models"] == len(list(sources.rglob("*.sql")))
    uptake = "model.linkwork.rpt_uptake"
    assert nodes[uptake]["description"].startswith("One row per period")
    assert "union all" in nodes[uptake]["compiled_code"]
    parents = {f"model.linkwork.{name}" for name in ("fct_referrals", "dim_areas", "dim_comparability_breaks")}
    assert set(held["manifest"]["parent_map"][uptake]) == parents
    assert "exposure.linkwork.analysts" in held["manifest"]["child_map"][uptake]
    assert models <= set(catalog)
    assert catalog[uptake]["columns"]["conversion"]["type"] == "DOUBLE"


def test_every_model_leads_back_to_the_log_or_to_reference_data(made: dict[str, Any]) -> None:
    parents = json.loads((made["page"].parent / "manifest.json").read_text())["parent_map"]

    def roots(node: str) -> set[str]:
        above = parents.get(node, [])
        return set().union(*map(roots, above)) if above else {node}

    for model in (name for name in parents if name.startswith("model.")):
        assert {root.split(".")[0] for root in roots(model)} <= {"source", "seed"}, model


def test_it_needs_no_network_and_tells_nothing_of_a_machine_or_a_person(made: dict[str, Any]) -> None:
    page = made["page"].read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//", page) == []
    for file in made["page"].parent.iterdir():
        text = file.read_text(encoding="utf-8")
        assert str(PROJECT_ROOT) not in text
        assert "linkwork-site-" not in text
    # The catalog counts rows where an adapter does; whatever it says, there was no row to say it of.
    stats = [s for node in embedded(page)["catalog"]["nodes"].values() for s in node["stats"].values() if s["include"]]
    assert stats == []


def test_it_is_made_again_over_itself_and_never_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something else"):
        site.make(Settings(home=tmp_path / "home"), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
