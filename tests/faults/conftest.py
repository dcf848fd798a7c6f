"""A home in which one person is everywhere, made once and copied for each test."""

import pytest

from linkwork.settings import Settings
from tests.support.cli import commands
from tests.support.people import copy_of, everywhere


@pytest.fixture(scope="session")
def populated(tmp_path_factory) -> Settings:
    """Only to be copied or read."""
    return everywhere(tmp_path_factory.mktemp("populated"))


@pytest.fixture
def people(populated, tmp_path) -> Settings:
    """A copy to change."""
    return copy_of(populated, tmp_path / "copy")


@pytest.fixture
def linkwork(people, monkeypatch, capfd):
    """Run a command on the copy."""
    return commands(people, monkeypatch, capfd)
