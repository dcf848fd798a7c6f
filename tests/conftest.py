"""Fixtures and Hypothesis profiles for all tests."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from linkwork.settings import Settings
from tests.support import crash  # noqa: F401 - says what the server of child processes imports
from tests.support.log import make_home
from tests.support.scheduling import Scheduling

if TYPE_CHECKING:
    from tests.support.kills import Killer

settings.register_profile(
    "default", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("deep", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _hear_ctrl_c() -> None:
    """What tests start hears Ctrl-C, also where they were started in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A fresh home with keys, one sender and a small state feed."""
    return make_home(tmp_path)


@pytest.fixture(scope="module")
def kill() -> Iterator["Killer"]:
    """Runs commands that are cut off at a fail point."""
    from tests.support.kills import killer  # imports every command, which most tests need none of

    with killer() as made:
        yield made
