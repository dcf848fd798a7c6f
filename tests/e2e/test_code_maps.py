"""A mapping that grows: codes that nobody knew find their category by a plain rebuild, and the past stays as it was."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from linkwork import engine
from linkwork.cli.output import settings as settings_of
from tests.support.installation import Installation
from tests.support.log import add_sender, ingest
from tests.support.marts import build_some

NUMBERS = ("9990000018", "9990000026", "9990000034", "9990000042")
HEADER = (
    "referral_id,practice_code,client_id,nhs_number,route,referrer_role,referrer_id,connector_model,reason_codes,"
    "decided_on,received_on,accepted_on,rejected_on,rejection_reason,declined_on,decline_reason,on_hold_on,closed_on,"
    "closure_reason,link_worker_id,notes,extract_at"
)
REASONS = ("LOCAL:PETS", "LOCAL:PETS;LOCAL:DEBT", "LOCAL:DEBT", "LOCAL:PETS")
RECEIVED = ("2025-03-01", "2025-03-01", "2025-03-01", "2024-03-01")
MAP = """code_use,code_system,code,source_system,source_term,category,status,mapping_version,valid_from,valid_to
need,LOCAL,local:pets,,Company of an animal,social_connection,current,QZZ-1,2025-01-01,
"""


class Region:
    """One service's referrals, built after its mapping was loaded, and as known before it."""

    def __init__(self, install: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in install.env.items():
            if name.startswith("LINKWORK_"):
                monkeypatch.setenv(name, value)
        self.settings = settings_of()
        add_sender(self.settings, "ZSP01", ["referrals_csv"])
        sent = zip(NUMBERS, REASONS, RECEIVED, strict=True)
        lines = [
            f"R{n},Z90001,p{n},{number},self,,,,{reasons},,{on},,,,,,,,,,,2025-04-01T02:00:00Z"
            for n, (number, reasons, on) in enumerate(sent, 1)
        ]
        path = self.settings.landing_dir / "referrals_csv" / "ZSP01" / "referrals.csv"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join([HEADER, *lines]) + "\n")
        ingest(self.settings)
        known = datetime.now(UTC)
        (install.folder / "map.csv").write_text(MAP)
        self.told = install.json("reference", "load", "code_maps", "map.csv")
        self.after = self.build()
        self.before = self.build(known)

    def build(self, known_at: datetime | None = None) -> dict[str, list[tuple[Any, ...]]]:
        """Reasons by category, and what is unmapped, of one build."""
        marts = ("rpt_referral_reasons", "rpt_data_quality", "fct_coded_entries")
        built = build_some(self.settings, *marts, known_at=known_at)
        queries = {
            "reasons": """select reason_category, mapping_version, referrals from rpt_referral_reasons
                where period_type = 'year' and area_level = 'icb' and breakdown = 'none' and counting = 'any'
                    and period_start = date '2025-01-01' order by all""",
            "quality": "select codes, codes_unmapped, unmapped_share from rpt_data_quality",
            "codes": "select code, coded_on::varchar, category, mapped_term from fct_coded_entries order by all",
        }
        with engine.connect(built["warehouse"], read_only=True) as con:
            return {name: con.execute(query).fetchall() for name, query in queries.items()}


@pytest.fixture(scope="module")
def region(install: Callable[[str], Installation]):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Region(install("code-maps"), monkeypatch)


def test_f86_e38_a_build_as_known_before_the_mapping_keeps_the_code_and_counts_it(region: Region) -> None:
    assert region.before["quality"] == [(5, 3, 0.6)]
    assert region.before["reasons"] == [
        ("all", "2026-2", 3),
        ("money_benefits", "2026-2", 2),
        ("uncoded", "2026-2", 2),
    ]
    assert ("LOCAL:PETS", "2025-03-01", "uncoded", None) in region.before["codes"]


def test_f86_e38_a_rebuild_resolves_it_once_a_mapping_knows_it_on_its_day(region: Region) -> None:
    assert region.told[0]["new_version"] is True
    assert region.after["quality"] == [(5, 1, 0.2)], "the code of 2024 lies before the entry's first day"
    assert region.after["reasons"] == [
        ("all", "2026-2+QZZ-1", 3),
        ("money_benefits", "2026-2+QZZ-1", 2),
        ("social_connection", "2026-2+QZZ-1", 2),
    ]
    assert ("LOCAL:PETS", "2024-03-01", "uncoded", None) in region.after["codes"]
    assert ("LOCAL:PETS", "2025-03-01", "social_connection", "Company of an animal") in region.after["codes"]
