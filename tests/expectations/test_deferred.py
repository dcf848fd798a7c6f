"""What Great Expectations imports for expectations that no suite has stays out, until somebody uses it after all."""

import subprocess
import sys

from expectations.deferred import defer


def test_a_module_is_imported_when_something_of_it_is_used(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    defer(["colorsys"])
    import colorsys

    assert "rgb_to_hls" not in vars(colorsys)
    assert colorsys.rgb_to_hls(1, 1, 1) == (0.0, 1.0, 0.0)
    assert sys.modules["colorsys"] is not colorsys
    assert colorsys.hls_to_rgb(0, 1, 0) == (1, 1, 1)


def test_a_module_that_is_there_stays():
    defer(["sys"])
    assert sys.modules["sys"] is sys


def test_the_boundaries_start_without_plots_and_distributions():
    asked = """
import sys
from expectations.runner import UNUSED, Checker
Checker("100MB", 1, None)
print([name for name in sys.modules if name.startswith(tuple(f"{unused}." for unused in UNUSED))])
from scipy import stats
print(round(stats.entropy([1, 1], base=2), 6))
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "1.0"]
