"""Figures that were published and change: each change of a log, from files to releases, with the right reason.

One service's referrals, a month for each thing that may happen to a referral. Between two releases one thing happens,
or several, and the mart says of each month what.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion import erase, retract
from linkwork import engine, publication, reference
from linkwork.privacy.keys import create_keys
from linkwork.release.manifest import read_manifest
from linkwork.settings import Settings
from linkwork.trace import report as trace
from tests.support.log import add_sender, deliver, ingest, rows
from tests.support.marts import build, build_untested

HEADER = (
    "referral_id,practice_code,client_id,nhs_number,route,referrer_role,referrer_id,connector_model,reason_codes,"
    "decided_on,received_on,accepted_on,rejected_on,rejection_reason,declined_on,decline_reason,on_hold_on,closed_on,"
    "closure_reason,link_worker_id,notes,extract_at"
)
NUMBERS = {"ann": "9990000018", "ben": "9990000026", "cleo": "9990000034", "dan": "9990000042"}
MAP = """code_use,code_system,code,source_system,source_term,category,status,mapping_version,valid_from,valid_to
need,LOCAL,local:pets,,Company of an animal,social_connection,current,QZZ-1,2025-01-01,
"""
Rows = dict[tuple[str, str], tuple[int, int, str]]


@dataclass
class Step:
    """A release: what its mart of restatements says by month and item, and when the log stood so."""

    published: dict[str, Any]
    restated: Rows
    file: bytes
    at: datetime


class Service:
    """A home with one service, and what happened there, release by release."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        contracts = folder / "contracts"
        shutil.copytree(Settings.model_fields["contracts_dir"].default, contracts)
        self.settings = Settings(
            home=folder / "data", keys_dir=folder / "keys", contracts_dir=contracts, test_numbers="allow", landing=None
        )
        create_keys(self.settings)
        for sender in ("ZSP01", "ZSP02"):
            add_sender(self.settings, sender, ["referrals_csv"])

    def send(
        self, name: str, extract: str, *referrals: tuple[str, str, str], sender: str = "ZSP01", **last: str
    ) -> None:
        """Deliver referrals (id, person, day of receipt), all with one reason, and take them in."""
        lines = [
            f"{record},Z90001,{person},{NUMBERS[person]},self,,,,LOCAL:PETS,,{on},,,,,,,,,,,{extract}T02:00:00Z"
            for record, person, on in referrals
        ]
        deliver(self.settings, f"{name}.csv", "\n".join([HEADER, *lines]) + "\n", "referrals_csv", sender)
        ingest(self.settings)

    def release(self, build: Callable[[Settings], object] = build_untested) -> Step:
        build(self.settings)
        published = publication.publish(self.settings)
        file = published["path"] / "restricted" / "rpt_restatements.parquet"
        with engine.connect() as con:
            found = con.execute(
                f"""select strftime(period_start, '%Y-%m'), item, old_value, new_value, why
                from read_parquet({engine.text(file)})
                where area_level = 'icb' and mart = 'rpt_referral_reasons' and figure = 'referrals'
                    and item like 'any%'"""
            ).fetchall()
        restated = {(month, item): (old, new, why) for month, item, old, new, why in found}
        return Step(published, restated, file.read_bytes(), datetime.now(UTC))


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publication, "_check", lambda *_: None)  # the suite has its own tests
        service = Service(tmp_path_factory.mktemp("restated"))
        found: dict[str, Any] = {"service": service}
        service.send(
            "first",
            "2025-12-01",
            ("R1", "ann", "2025-01-10"),
            ("R2", "ann", "2025-02-10"),
            ("R3", "ben", "2025-07-10"),
            ("R4", "ann", "2025-08-10"),
        )
        service.send("wrong", "2025-12-01", ("X1", "dan", "2025-05-10"), sender="ZSP02")
        found["first"] = service.release()
        service.send("open", "2025-12-02", ("R5", "cleo", "2025-11-25"))
        found["nothing closed"] = service.release()
        service.send("late", "2025-12-03", ("R6", "cleo", "2025-03-10"), ("R2", "ann", "2025-04-10"))
        ((load_id,),) = rows(service.settings, "loads", "load_id", "where file_name = 'wrong.csv'")
        retract.retract(service.settings, load_id, "sent by mistake")
        found["changed"] = service.release()
        build_untested(service.settings, known_at=found["changed"].at)
        found["again"] = publication.publish(service.settings, found["changed"].at)
        found["traced"] = trace.trace(
            service.settings,
            "rpt_restatements",
            "why = 'late' and area_level = 'icb' and mart = 'rpt_referral_reasons' and item = 'any all'"
            " and figure = 'referrals'",
        )
        (service.folder / "map.csv").write_text(MAP)
        reference.load(service.settings.reference_dir, "code_maps", service.folder / "map.csv")
        found["mapped"] = service.release()
        erase.erase_person(service.settings, [NUMBERS["ben"]], [], "asked for")
        found["erased"] = service.release(build)  # of all that happened, with dbt's tests of the data
        found["declared"] = publication.publish(service.settings, restate="the mapping was corrected")
        yield found


def test_the_first_release_restates_nothing(steps):
    assert steps["first"].restated == {}


def test_where_no_closed_figure_changed_there_is_no_row(steps):
    assert steps["nothing closed"].published["created"]
    assert steps["nothing closed"].restated == {}


def test_what_came_late_was_corrected_or_retracted_is_told_by_month(steps):
    everything = {month: told for (month, item), told in steps["changed"].restated.items() if item == "any all"}
    assert everything == {
        "2025-02": (1, 0, "corrected"),
        "2025-03": (0, 1, "late"),
        "2025-04": (0, 1, "corrected"),
        "2025-05": (1, 0, "retracted"),
    }


def test_the_same_log_gives_the_same_restatements(steps):
    """Built again later, with releases after it: compared with the same one, and to the byte."""
    assert steps["again"]["release_id"] == steps["changed"].published["release_id"]
    assert steps["again"]["created"] is False


def test_another_mapping_moves_reasons_and_no_total(steps):
    restated = steps["mapped"].restated
    assert {item for _, item in restated} == {"any uncoded", "any social_connection"}
    assert {why for _, _, why in restated.values()} == {"mapping"}
    assert restated["2025-08", "any uncoded"] == (1, 0, "mapping")
    assert restated["2025-08", "any social_connection"] == (0, 1, "mapping")


def test_an_erasure_is_told_and_nothing_of_who(steps):
    assert steps["erased"].restated == {
        ("2025-07", "any all"): (1, 0, "erased"),
        ("2025-07", "any social_connection"): (1, 0, "erased"),
    }
    assert not (steps["mapped"].published["path"] / "restricted").exists()


def test_a_declared_restatement_holds_nothing_back_and_is_on_record_with_its_reason(steps):
    erased, declared = steps["erased"].published, steps["declared"]
    held = [read_manifest(release["path"]).held_back for release in (erased, declared)]
    assert held[0]  # of one person the open tier tells nobody that they are gone
    assert (held[1], declared["created"], declared["current"]) == ({}, True, True)
    (outcome,) = rows(steps["service"].settings, "operations", "outcome", "where reason = 'the mapping was corrected'")
    assert outcome == ("a new release, is current; a declared restatement",)


def test_a_restatement_leads_to_the_fact_behind_it(steps):
    traced = steps["traced"]
    assert [(cell["period_start"], cell["facts"]) for cell in traced["cells"]["rows"]] == [(date(2025, 3, 1), 1)]
    assert {row["event_type"] for row in traced["events"]["rows"]} == {"referral.received"}
    assert {row["file_name"] for row in traced["files"]["rows"]} == {"late.csv"}
