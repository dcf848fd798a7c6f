"""A released version of the event catalogue is never edited: held by its own hashes, and by the main branch's."""

import shutil
from pathlib import Path

import pytest
import yaml

from linkwork.files import sha256_of
from linkwork.log.catalogue import CATALOGUE_DIR
from linkwork.settings import PROJECT_ROOT
from tests.support.git import git, main_commit

LIST = "released.yaml"
Released = dict[str, dict[str, str]]  # version → file → SHA-256


def released(folder: Path) -> Released:
    listed: Released = yaml.safe_load((folder / LIST).read_text())
    return listed


def edited(folder: Path, listed: Released) -> list[str]:
    """The files of released versions that are not what was released: changed, gone, or added since."""
    found = {v: {p.name: sha256_of(p) for p in sorted((folder / v).glob("*.yaml"))} for v in listed}
    return sorted(
        f"{version}/{name}"
        for version, files in listed.items()
        for name in files.keys() | found[version].keys()
        if files.get(name) != found[version].get(name)
    )


def on_main() -> Released:
    """What the main branch's copy of the list holds; skips, saying why, where this checkout cannot tell."""

    content = git("show", f"{main_commit()}:{(CATALOGUE_DIR / LIST).relative_to(PROJECT_ROOT)}")
    if content is None:
        pytest.skip("the main branch lists no released version yet")
    listed: Released = yaml.safe_load(content)
    return listed


def test_every_released_version_is_as_it_was_released():
    listed = released(CATALOGUE_DIR)
    assert listed
    assert edited(CATALOGUE_DIR, listed) == []


def test_every_version_that_the_main_branch_released_is_unchanged_here():
    listed = on_main()
    assert edited(CATALOGUE_DIR, listed) == []
    here = released(CATALOGUE_DIR)
    assert {version: here.get(version) for version in listed} == listed


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CATALOGUE_DIR, tmp_path / "catalogue"))


def test_an_edit_is_found_even_of_a_comment(copy):
    with (copy / "v1" / "need.yaml").open("a") as file:
        file.write("# a comment\n")
    assert edited(copy, released(copy)) == ["v1/need.yaml"]


def test_a_file_taken_out_or_put_in_is_found(copy):
    (copy / "v1" / "need.yaml").rename(copy / "v1" / "wish.yaml")
    assert edited(copy, released(copy)) == ["v1/need.yaml", "v1/wish.yaml"]


def test_a_version_that_is_not_released_may_still_change(copy):
    (copy / "v999").mkdir()
    (copy / "v999" / "need.yaml").write_text("category: need\n")
    assert edited(copy, released(copy)) == []


def test_an_edit_that_brings_its_own_hash_is_found_against_the_older_list(copy):
    older = released(copy)
    with (copy / "v1" / "need.yaml").open("a") as file:
        file.write("# a comment\n")
    own = {**older, "v1": {**older["v1"], "need.yaml": sha256_of(copy / "v1" / "need.yaml")}}
    assert edited(copy, own) == []
    assert edited(copy, older) == ["v1/need.yaml"]
