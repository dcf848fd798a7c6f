"""How many generated cases a test takes: few in `make test`, all in `make test-deep`."""

from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")


def deep(quick: T, full: T) -> T:
    """`full` where the tests run with `--hypothesis-profile=deep`, else `quick`; also while tests are collected."""
    return full if settings.get_current_profile_name() == "deep" else quick
