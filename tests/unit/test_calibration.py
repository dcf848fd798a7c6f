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


# What a region is calibrated in, each by a word of the figures that are of it.
SUBJECTS = [
    "list at the 90th", "aged 85", "female", "Asian", "fifth 1 of deprivation", "tenth who come most",
    "October to August", "Monday", "bank holidays", "April to February", "Missed, by lead time: booked the same day",
    "Missed, by lead time: booked more than 28", "face to face", "by telephone", "with a GP", "other practice staff",
    "for 1,000 people and year", "mental health", "isolation", "by a medical route", "declined by the person",
    "rejected by the service", "contacts held with a person", "with a contact held", "onward referral",
    "visits to activities", "Drop-out: met", "Drop-out: signposts", "Drop-out: activities begun", "followed up",
    "SWEMWBS", "EMIS", "TPP",
]  # fmt: skip


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_has_a_figure(measured: dict[str, tuple[Target, float]], subject: str) -> None:
    assert any(subject in name for name in measured)
