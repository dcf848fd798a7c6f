"""One small region taken through the whole job by the command line, once for all tests of this folder."""

from collections.abc import Callable

import pytest

from tests.support.installation import Installation

PEOPLE = 800


@pytest.fixture(scope="session")
def region(install: Callable[[str], Installation]) -> Installation:
    """The region, published."""
    made = install("region")
    made.run("simulate", "--people", str(PEOPLE), "--seed", "11", "--out", "region")
    made.run("reference", "load", "--all", "region/reference")
    made.run("run", "--landing", "region/landing", expect=3)  # 3: it holds a file of an unregistered sender
    return made
