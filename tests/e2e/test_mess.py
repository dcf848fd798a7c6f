"""A region in which much goes wrong: every fault that was put in has the outcome that the truth says."""

from collections.abc import Callable

import pytest

from simulator.senders.faults import OUTCOMES
from tests.support import injected
from tests.support.installation import Installation


@pytest.fixture(scope="module")
def messy(install: Callable[[str], Installation]) -> Installation:
    made = install("messy")
    made.run("simulate", "--people", "500", "--seed", "3", "--mess", "1", "--out", "region")
    made.run("reference", "load", "--all", "region/reference")
    made.run("ingest", "--landing", "region/landing", expect=3)
    return made


def test_every_fault_meets_its_fate_its_rule_and_its_alarm(messy: Installation):
    assert injected.unmet(messy, "region") == []


def test_every_kind_of_fault_is_there(messy: Installation):
    kinds = injected.kinds(injected.noted(messy, "region"))
    assert set(OUTCOMES) | {"file_repeated", "unregistered_sender", "older_extract"} == kinds
