"""No table of a release changes by accident: what the last version released is kept, and readers of it go on."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from linkwork.cli import app
from linkwork.engine import connect, name
from linkwork.errors import EXIT_BAD_DATA
from linkwork.release import schemas
from linkwork.release.policy import policy_names
from linkwork.release.schemas import Schema
from linkwork.settings import PROJECT_ROOT
from tests.support.git import git, main_commit

MODELS = PROJECT_ROOT / "dbt_project" / "models" / "marts"
GUIDE = PROJECT_ROOT / "docs" / "guides" / "dashboard.md"
RELEASED, NOW = schemas.read(), schemas.of_models(MODELS)
UPTAKE = "rpt_uptake"


def changed(**update: Any) -> dict[str, Schema]:
    return RELEASED | {UPTAKE: RELEASED[UPTAKE].model_copy(update=update)}


def with_columns(tier: str, columns: dict[str, str]) -> dict[str, Schema]:
    return changed(tiers=RELEASED[UPTAKE].tiers | {tier: columns})


def test_f113_the_models_keep_what_was_released():
    """A column that is gone, renamed, moved or of another type needs a higher `version` of its mart."""
    assert RELEASED
    assert schemas.unstated(RELEASED, NOW) == []


def test_f113_what_the_main_branch_released_is_kept_here_or_its_change_is_stated():
    folder = schemas.FOLDER.relative_to(PROJECT_ROOT)
    listed = git("ls-tree", "-r", "--name-only", main_commit(), str(folder))
    if not listed:
        pytest.skip("the main branch has released no schema yet")
    texts = [git("show", f"{main_commit()}:{path}") for path in listed.splitlines()]
    before = {one.mart: one for one in (Schema.model_validate(yaml.safe_load(text or "")) for text in texts)}
    assert schemas.unstated(before, RELEASED) == []


OPEN = RELEASED[UPTAKE].tiers["open"]
BREAKING = {
    "is gone": {c: t for c, t in OPEN.items() if c != "people"},
    "people is gone": {("persons" if c == "people" else c): t for c, t in OPEN.items()},
    "people was BIGINT and is INTEGER": OPEN | {"people": "INTEGER"},
    "in another order": dict(reversed(OPEN.items())),
}


@pytest.mark.parametrize("sentence", BREAKING)
def test_f113_a_change_that_breaks_a_reader_is_told_and_may_be_stated(sentence: str):
    after = with_columns("open", BREAKING[sentence])
    (told,) = schemas.unstated(RELEASED, after)
    assert told.startswith("rpt_uptake: open: ")
    assert sentence in told
    stated = {UPTAKE: after[UPTAKE].model_copy(update={"version": 2})}
    assert schemas.unstated(RELEASED, after | stated) == []


def test_f113_a_table_that_is_gone_or_leaves_a_tier_or_has_another_key_is_told():
    without = {mart: one for mart, one in RELEASED.items() if mart != UPTAKE}
    assert schemas.unstated(RELEASED, without) == ["rpt_uptake: is gone"]
    restricted = {"restricted": RELEASED[UPTAKE].tiers["restricted"]}
    assert schemas.unstated(RELEASED, changed(tiers=restricted)) == ["rpt_uptake: is not in the open tier any more"]
    assert "its key was" in schemas.unstated(RELEASED, changed(key=["stage"]))[0]
    assert schemas.unstated(changed(version=2), changed(version=1)) == ["rpt_uptake: its version was 2 and is 1"]


def test_what_is_added_breaks_nobody():
    between = {"first": "BIGINT", **OPEN, "last": "BIGINT"}
    more = with_columns("open", between) | {"rpt_new": RELEASED[UPTAKE].model_copy(update={"mart": "rpt_new"})}
    assert schemas.unstated(RELEASED, more) == []
    safe = schemas.differences(RELEASED, more)
    assert safe[UPTAKE].safe == ["open: first is new", "open: last is new"]
    assert safe["rpt_new"].safe == ["is new"]


def test_the_columns_are_the_same_under_every_policy():
    first, *others = [schemas.of_models(MODELS / "reporting", policy) for policy in policy_names()]
    assert others
    assert all(other == first for other in others)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The dbt file of one mart, to be edited, with its released schema beside it."""
    (tmp_path / "models").mkdir()
    shutil.copy(MODELS / "reporting" / "rpt_uptake.yml", tmp_path / "models")
    assert command(tmp_path)[0] == 0
    return tmp_path / "models" / "rpt_uptake.yml"


def command(folder: Path) -> tuple[int, str]:
    arguments = ["docs", "schemas", "--models", str(folder / "models"), "--out", str(folder / "schemas")]
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.output


def test_f113_the_command_keeps_additions_and_refuses_what_breaks_readers_until_it_is_stated(models: Path):
    folder = models.parents[1]
    described = yaml.safe_load(models.read_text())
    (model,) = described["models"]
    model["columns"].append({"name": "note", "data_type": "varchar"})
    models.write_text(yaml.safe_dump(described))
    assert command(folder)[0] == 0
    assert schemas.read(folder / "schemas")[UPTAKE].tiers["open"]["note"] == "VARCHAR"
    model["columns"].pop()
    models.write_text(yaml.safe_dump(described))
    code, said = command(folder)
    assert code == EXIT_BAD_DATA
    assert "open: note is gone" in " ".join(said.split())
    assert "note" in schemas.read(folder / "schemas")[UPTAKE].tiers["open"]
    model["config"]["meta"]["linkwork"]["version"] = 2
    models.write_text(yaml.safe_dump(described))
    assert command(folder)[0] == 0
    kept = schemas.read(folder / "schemas")[UPTAKE]
    assert (kept.version, "note" in kept.tiers["open"]) == (2, False)


def test_f113_the_queries_of_the_guide_for_dashboards_read_the_released_tables():
    """The queries documented now run on a release of the last version, as a page does that was not updated."""
    queries = [block.split("\n```")[0] for block in GUIDE.read_text().split("```sql\n")[1:]]
    marts = [query for query in queries if any(mart in query for mart in RELEASED)]
    assert marts
    with connect() as con:
        for mart, schema in RELEASED.items():
            if "open" in schema.tiers:
                columns = ", ".join(f"{name(column)} {kind}" for column, kind in schema.tiers["open"].items())
                con.execute(f"create table {name(mart)} ({columns})")
        for query in marts:
            assert con.execute(query).fetchall() == []
