"""Installations for the tests of this folder."""

from collections.abc import Callable

import pytest

from tests.support import installation
from tests.support.installation import Installation


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Installation]:
    """Make an installation with keys of its own."""
    return lambda name: installation.install(tmp_path_factory.mktemp(name))
