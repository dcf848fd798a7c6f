"""A released contract is never edited, and what replaces it says by its version how it differs."""

from pathlib import Path

import pytest

from ingestion.contract import Contract, load_contract
from ingestion.contract_diff import differences, must_grow
from linkwork.files import sha256_of
from linkwork.settings import PROJECT_ROOT, Settings
from tests.support.gate import CATALOGUE
from tests.support.git import git, main_commit

INSTALLED: Path = Settings.model_fields["contracts_dir"].default
RELEASED = INSTALLED / "released"


def versions() -> dict[str, list[Contract]]:
    """The released versions of each feed, oldest first."""
    found: dict[str, list[Contract]] = {}
    for path in RELEASED.glob("*.yaml"):
        contract = load_contract(path, CATALOGUE)
        assert path.stem == f"{contract.name}-{contract.version}"
        found.setdefault(contract.name, []).append(contract)
    return {feed: sorted(each, key=lambda c: [int(n) for n in c.version.split(".")]) for feed, each in found.items()}


VERSIONS = versions()


def test_contracts_were_released():
    assert {"registrations_csv", "referrals_csv", "gp_appointments_csv", "link_worker_jsonl"} <= set(VERSIONS)


@pytest.mark.parametrize("feed", sorted(VERSIONS))
def test_f100_the_installed_contract_follows_from_the_released_one(feed):
    """A breaking change needs a new major version, any other change a higher version; no feed is taken away."""
    before, now = VERSIONS[feed][-1], load_contract(INSTALLED / f"{feed}.yaml", CATALOGUE)
    assert must_grow(before, now, differences(before, now)) is None


def test_every_contract_that_the_main_branch_released_is_unchanged_here():
    listed = git("ls-tree", "-r", "--name-only", main_commit(), str(RELEASED.relative_to(PROJECT_ROOT)))
    if not listed:
        pytest.skip("the main branch has no released contract yet")
    for name in listed.splitlines():
        path = PROJECT_ROOT / name
        assert path.is_file(), f"{name} is gone"
        assert git("hash-object", str(path)) == git("rev-parse", f"{main_commit()}:{name}"), f"{name} was edited"


def test_an_edit_of_a_released_copy_would_be_found(tmp_path):
    path = next(RELEASED.glob("*.yaml"))
    copy = tmp_path / path.name
    copy.write_text(path.read_text() + "# a comment\n")
    assert sha256_of(copy) != sha256_of(path)
    assert git("hash-object", str(copy)) != git("hash-object", str(path))
