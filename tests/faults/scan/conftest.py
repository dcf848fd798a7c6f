"""A small real home, copied for each test, with a folder to plant things in."""

import shutil
from pathlib import Path

import pytest

from linkwork.privacy.keys import load_keys
from tests.support.log import at, csv_text, deliver, ingest, make_home
from tests.support.scan import (
    OTHERS,
    ZONE1,
)


@pytest.fixture(scope="package")
def real(tmp_path_factory) -> Path:
    """A home with a committed file of people who stay, its zone 1 under the key `ZONE1`."""
    settings = make_home(tmp_path_factory.mktemp("scan"))
    (settings.keys_dir / "zone1.key").write_text(ZONE1.hex())
    assert load_keys(settings).zone1 == ZONE1
    people = [{"id": f"r{i}", "nhs_number": OTHERS, "received": "2025-01-01", "at": at(1)} for i in range(20)]
    deliver(settings, "a.csv", csv_text(people))
    ingest(settings)
    return settings.home


@pytest.fixture
def home(real, tmp_path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(real, copy, symlinks=True)
    (copy / "planted").mkdir()
    return copy
