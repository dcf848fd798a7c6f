"""Real files to real releases: links and opt-outs that came later, in a build of today and in one of an earlier day."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from linkwork.log.store import Store
from linkwork.privacy.keys import create_keys
from linkwork.publication import publish
from linkwork.release.manifest import Manifest, read_manifest
from linkwork.settings import Settings
from tests.fixtures.make_log import REFERRALS
from tests.support.log import add_sender, csv_text, deliver, ingest
from tests.support.marts import build, build_untested

ANN, OLD_ANN, BEN, OLD_BEN = "9990000018", "9990000026", "9990000034", "9990000042"
CIRCLE = ("9990000050", "9990000069", "9990000077")  # each said to be the next one's; none of them has a referral
SERVICE, REGION = "ZSP01", "ZREG1"
LINK = ("link_id", "retired_nhs_number", "kept_nhs_number", "status", "effective_on", "recorded_at")
OPT_OUT = ("record_id", "nhs_number", "opt_out", "status", "effective_on", "recorded_at")
LATER = {"effective_on": "2025-03-02", "recorded_at": "2025-03-05T02:00:00Z"}


class Done(NamedTuple):
    """A build that was published."""

    path: Path
    manifest: Manifest
    created: bool
    warnings: list[str]


def referral(number: int, nhs: str) -> dict[str, str]:
    dates = {"received_on": "2025-02-05", "decided_on": "2025-02-03", "extract_at": "2025-03-01T02:00:00Z"}
    said = {"referral_id": f"r{number}", "practice_code": "Z90001", "nhs_number": nhs, "route": "gp"}
    return {**said, **dates, "referrer_role": "GP", "connector_model": "link_worker"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("permissions")
    settings = Settings(home=folder / "data", keys_dir=folder / "keys", test_numbers="allow", landing=None)
    create_keys(settings)
    add_sender(settings, SERVICE, ["referrals_csv"])
    add_sender(settings, REGION, ["person_links_csv", "opt_outs_csv"])
    return settings


@pytest.fixture(scope="module")
def before(home: Settings) -> tuple[datetime, Manifest]:
    """Three referrals under three numbers, published; and when that was."""
    rows = [referral(1, ANN), referral(2, OLD_ANN), referral(3, BEN)]
    deliver(home, "referrals.csv", csv_text(rows, REFERRALS.split(",")), feed="referrals_csv", sender=SERVICE)
    ingest(home)
    build_untested(home)
    recorded = Store(home.log_dir).refresh().last_recorded_at()
    assert recorded is not None
    return recorded, read_manifest(Path(publish(home)["path"]))


@pytest.fixture(scope="module")
def links_and_opt_outs(home: Settings, before: tuple[datetime, Manifest]) -> datetime:
    """Two numbers of Ann are linked; Ben opted out under a number he no longer uses. Returns when it was recorded."""
    pairs = [(OLD_ANN, ANN), (OLD_BEN, BEN), *zip(CIRCLE, (*CIRCLE[1:], CIRCLE[0]), strict=True)]
    links = [
        {"link_id": f"L{n}", "retired_nhs_number": old, "kept_nhs_number": kept, "status": "merged", **LATER}
        for n, (old, kept) in enumerate(pairs)
    ]
    opt_outs = [{"record_id": "O1", "nhs_number": OLD_BEN, "opt_out": "ndoo", "status": "out", **LATER}]
    deliver(home, "links.csv", csv_text(links, LINK), feed="person_links_csv", sender=REGION)
    deliver(home, "opt_outs.csv", csv_text(opt_outs, OPT_OUT), feed="opt_outs_csv", sender=REGION)
    ingest(home)
    recorded = Store(home.log_dir).refresh().last_recorded_at()
    assert recorded is not None
    return recorded


def referrals_and_people(folder: Path) -> tuple[int, int]:
    with duckdb.connect(str(folder / "restricted" / "marts.duckdb"), read_only=True) as con:
        found = con.execute("select count(*), count(distinct person_id) from fct_referrals").fetchone()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def published(home: Settings, links_and_opt_outs: datetime) -> Callable[[datetime | None], Done]:
    def build_and_publish(known_at: datetime | None) -> Done:
        built: dict[str, Any] = build(home, known_at)
        done = publish(home, known_at)
        path = Path(done["path"])
        return Done(path, read_manifest(path), done["created"], [name.split(".")[2] for name in built["warnings"]])

    return build_and_publish


def test_before_any_link_or_opt_out_each_number_is_a_person(home, before):
    recorded, manifest = before
    assert referrals_and_people(home.releases_dir / manifest.release_id) == (3, 3)
    assert (manifest.permissions_as_of, manifest.permissions_differ) == (recorded, False)


def test_a_build_for_an_earlier_day_has_its_links_and_the_opt_outs_of_today(before, links_and_opt_outs, published):
    recorded, earlier = before
    path, manifest, created, warnings = published(recorded)
    assert created
    assert referrals_and_people(path) == (2, 2)  # Ben is gone, Ann is still two people
    assert (manifest.position, manifest.known_at, manifest.cut_off) == (earlier.position, recorded, earlier.cut_off)
    assert (manifest.permissions_as_of, manifest.permissions_differ) == (links_and_opt_outs, True)
    assert warnings == []


def test_a_build_of_today_has_both_and_the_same_build_makes_no_new_release(home, links_and_opt_outs, published):
    path, manifest, created, warnings = published(None)
    assert created
    assert referrals_and_people(path) == (2, 1)
    assert (manifest.permissions_as_of, manifest.permissions_differ) == (links_and_opt_outs, False)
    assert warnings == ["always_base_log__person_links_not_is_circular"]
    build_untested(home)
    again = publish(home)
    assert (Path(again["path"]), read_manifest(path), again["created"]) == (path, manifest, False)


def test_no_number_is_in_the_log_or_in_a_release(home, published):
    files = [p for root in (home.log_dir, home.releases_dir) for p in root.rglob("*") if p.is_file()]
    assert files
    held = [
        path
        for path in files
        for number in (ANN, OLD_ANN, BEN, OLD_BEN, *CIRCLE)
        if number.encode() in path.read_bytes()
    ]
    assert held == []
