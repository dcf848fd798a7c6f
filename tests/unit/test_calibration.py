"""Generated regions against published figures: each within its stated tolerance, and the page says what they have."""

import pytest

from simulator import calibration
from simulator.targets import TARGETS, Target


@pytest.fixture(scope="session")
def measured() -> dict[str, tuple[Target, float]]:
    return {f"{target.about}: {target.name}": (target, generated) for target, generated in calibration.measure()}


@pytest.mark.parametrize("name", [f"{target.about}: {target.name}" for target in TARGETS])
def test_a_figure_is_within_its_tolerance(measured: dict[str, tuple[Target, float]], name: str) -> None:
    target, generated = measured[name]
    assert calibration.within(target, generated), f"{generated} is not {target.target} ± {target.tolerance}"


def test_no_two_figures_have_one_name_and_each_has_a_source(measured: dict[str, tuple[Target, float]]) -> None:
    assert len(measured) == len(TARGETS)
    assert all(target.source for target in TARGETS)


def test_a_region_that_is_off_would_be_seen() -> None:
    target = TARGETS[0]
    assert not calibration.within(target, target.target + 1.01 * target.tolerance)
    assert not calibration.within(target, float("nan"))


def test_the_page_says_what_the_regions_have(measured: dict[str, tuple[Target, float]]) -> None:
    text = calibration.PAGE.read_text(encoding="utf-8")
    assert calibration.page(list(measured.values()), text) == text, "run python -m simulator.calibration"
