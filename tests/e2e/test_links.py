"""One referral that practice and service report is found to be one, against the truth of a region with such pairs."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from linkwork.engine import connect
from linkwork.log.store import Store
from linkwork.settings import Settings
from tests.support.installation import Installation
from tests.support.marts import build_some

# The share of a practice's referrals that it reports too, and of how many people. Where it is small, most records of a
# service have no other, and what a practice asked for in vain is more easily taken for one.
MOST, FEW = ("0.9", 1500), ("0.2", 4000)
NEEDED = ("referrals_csv", "registrations_csv")  # to tell what is one referral
MARTS = ("fct_referral_links", "fct_loads", "rpt_uptake", "rpt_data_quality")
Record = tuple[str, str]  # sender and its own reference


@pytest.fixture(scope="module", params=[MOST, FEW], ids=["most", "few"])
def paired(request: pytest.FixtureRequest, install: Callable[[str], Installation]) -> Installation:
    """A region whose practices report most or few of their referrals too, built."""
    share, people = request.param
    made = install(f"paired-{share}")
    made.run("simulate", "--people", str(people), "--seed", "5", "--both-reported", share, "--out", "region")
    if request.param == FEW:
        for feed in (made.folder / "region" / "landing").iterdir():
            if feed.name not in NEEDED:
                shutil.rmtree(feed)
    made.run("reference", "load", "--all", "region/reference")
    made.run("ingest", "--landing", "region/landing", expect=(0, 3))
    build_some(Settings(home=made.home, keys_dir=made.folder / "keys"), *MARTS)
    return made


@pytest.fixture(scope="module")
def truth(paired: Installation) -> dict[tuple[Record, Record], str]:
    """The pairs: the practice's record, the service's, and the reference they share, if they do."""
    with (paired.folder / "region" / "truth" / "referral_pairs.csv").open(newline="") as handle:
        return {
            (
                (row["practice_sender"], row["practice_reference"]),
                (row["service_sender"], row["service_reference"]),
            ): row["shared_reference"]
            for row in csv.DictReader(handle)
        }


@pytest.fixture(scope="module")
def links(paired: Installation) -> list[tuple[Record, str, str, str]]:
    """Every record of a referral: sender and reference, the referral, who speaks in it, and how that is known."""
    return links_of(paired.home)


def links_of(home: Path) -> list[tuple[Record, str, str, str]]:
    store = Store(home / "log").refresh()
    with connect(home / "warehouse" / "warehouse.duckdb", read_only=True) as con:
        rows = con.execute(
            f"""select distinct loads.sender, events.source_record_ref, links.referral_id, links.role, links.basis
            from fct_referral_links as links
            inner join (
                select stream_id, source_record_ref, load_id from {store.events.relation(store.events.files())}
                where event_type = 'referral.received'
            ) as events on lower(hex(events.stream_id)) = links.record_id
            inner join fct_loads as loads on events.load_id = loads.load_id"""
        ).fetchall()
    return [((sender, reference), referral, role, basis) for sender, reference, referral, role, basis in rows]


def found(links: list[tuple[Record, str, str, str]]) -> set[tuple[Record, Record]]:
    asked = {referral: record for record, referral, role, basis in links if role == "requester" and basis not in APART}
    held = {referral: record for record, referral, role, basis in links if role == "performer" and basis not in APART}
    return {(asked[referral], held[referral]) for referral in asked}


APART = ("ambiguous", "none")


def test_hardly_any_link_is_wrong_and_most_pairs_are_found(
    links: list[tuple[Record, str, str, str]], truth: dict[tuple[Record, Record], str]
) -> None:
    known = {record for record, *_ in links}
    reported = {pair for pair in truth if set(pair) <= known}  # both records were taken
    linked = found(links)
    assert len(reported) > 50
    precision, recall = len(linked & reported) / len(linked), len(linked & reported) / len(reported)
    print(f"{len(reported)} pairs, {len(linked)} links: precision {precision:.4f}, recall {recall:.4f}")
    # at most 2 in 100 are wrong, and of so few links two standard deviations more; over many regions it is 0.7 in 100
    most = 0.02 * len(linked) + 2 * (0.02 * 0.98 * len(linked)) ** 0.5
    assert len(linked - reported) <= most
    assert recall >= 0.75


def test_a_shared_reference_is_always_enough(
    links: list[tuple[Record, str, str, str]], truth: dict[tuple[Record, Record], str]
) -> None:
    known, linked = {record for record, *_ in links}, found(links)
    shared = {pair for pair, reference in truth.items() if reference and set(pair) <= known}
    assert shared
    assert shared <= linked


def test_uptake_counts_each_pair_once_and_says_how_many_are_linked(
    paired: Installation, links: list[tuple[Record, str, str, str]]
) -> None:
    with connect(paired.home / "warehouse" / "warehouse.duckdb", read_only=True) as con:
        referrals, linked = con.execute(
            """select sum(referrals)::bigint, sum(linked)::bigint from rpt_uptake where period_type = 'year'
            and area_level = 'icb' and breakdown = 'none' and stage = 'referred'"""
        ).fetchall()[0]
        (by_sender,) = con.execute("select sum(referrals_linked)::bigint from rpt_data_quality").fetchall()
    assert referrals == len({referral for _, referral, *_ in links})
    assert linked == len(found(links))
    assert by_sender[0] >= 2 * linked  # each sender's record, in every month in which it was stated anew
