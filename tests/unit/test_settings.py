"""Settings come from the environment, else from linkwork.toml, else from their defaults."""

import os

import pytest
from pydantic import ValidationError

from linkwork.errors import UsageError
from linkwork.settings import Settings


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    for name in [n for n in os.environ if n.startswith("LINKWORK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_the_careful_ones(tmp_path):
    chosen = Settings()
    assert chosen.home == tmp_path / "data"
    assert (chosen.test_numbers, chosen.disclosure_policy) == ("quarantine", "nhs-hes")
    assert chosen.landing_dir == tmp_path / "data" / "landing"
    assert not chosen.landing_is_read_only
    assert not chosen.keys_dir.is_relative_to(chosen.home)


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / "linkwork.toml").write_text('home = "from-file"\nthreads = 7\n')
    monkeypatch.setenv("LINKWORK_HOME", str(tmp_path / "from-environment"))
    chosen = Settings()
    assert (chosen.home, chosen.threads) == (tmp_path / "from-environment", 7)


def test_a_landing_folder_that_is_named_is_read_only(tmp_path, monkeypatch):
    monkeypatch.setenv("LINKWORK_LANDING", "incoming")
    chosen = Settings()
    assert chosen.landing_dir == tmp_path / "incoming"
    assert chosen.landing_is_read_only


@pytest.mark.parametrize(
    ("name", "value"),
    [("TEST_NUMBERS", "yes"), ("THREADS", "two"), ("RAW_RETENTION_DAYS", ""), ("LOCK_TIMEOUT_SECONDS", "soon")],
)
def test_a_value_that_means_nothing_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"LINKWORK_{name}", value)
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert raised.value.errors()[0]["loc"] == (name.lower(),)


@pytest.mark.parametrize(("content", "why"), [(b"home = data\n", "line 1"), (b"home = '\xff'", "utf-8")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, why):
    (tmp_path / "linkwork.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"linkwork\.toml cannot be read") as raised:
        Settings()
    assert why in raised.value.why
    assert raised.value.where == str(tmp_path / "linkwork.toml")


def test_what_is_given_wins_over_both(tmp_path, monkeypatch):
    (tmp_path / "linkwork.toml").write_text("threads = 7\n")
    monkeypatch.setenv("LINKWORK_THREADS", "5")
    assert Settings(threads=3).threads == 3


def test_a_misspelt_setting_is_refused_and_other_variables_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LINKWORK_FAIL_AT", "nowhere:kill")
    Settings()
    (tmp_path / "linkwork.toml").write_text("threds = 7\n")
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert raised.value.errors()[0]["loc"] == ("threds",)


def test_every_place_lies_below_the_home_and_zone_1_apart(tmp_path):
    chosen = Settings(home=tmp_path / "h")
    places = [
        "raw_dir",
        "quarantine_raw_dir",
        "staging_dir",
        "log_dir",
        "reference_dir",
        "warehouse_file",
        "quality_dir",
    ]
    found = {place: getattr(chosen, place) for place in places}
    assert all(path.is_relative_to(chosen.home) for path in found.values())
    assert len(set(found.values())) == len(places)
    restricted = {name for name, path in found.items() if path.is_relative_to(chosen.home / "restricted")}
    assert restricted == {"raw_dir", "quarantine_raw_dir"}
