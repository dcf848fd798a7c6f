"""Registered people for spec tests of rates: who they are, whether they were referred, and their rows of equity."""

from datetime import date
from typing import Any

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Small areas with the edition of the indices that knows them, and their tenth of deprivation.
AREAS = {"E01996301": (2025, 1), "E01996302": (2025, 10), "E01996303": (2019, 3)}


def add_areas(warehouse: Warehouse) -> None:
    """The areas, once however many scenarios use them."""
    for lsoa, (edition, decile) in AREAS.items():
        census = "21" if edition == 2025 else "11"
        area = {f"lsoa{census}_code": lsoa, "imd_rank": decile * 3000, "imd_decile": decile}
        known = warehouse.reference.setdefault(f"imd{edition}", [])
        if area not in known:
            known.append(area)


def add_person(
    warehouse: Warehouse,
    scope: str,
    name: str,
    at: str,
    *,
    sex: str,
    born: date,
    ethnic: str = "A",
    lsoa: str = "",
    referred_on: str = "",
) -> None:
    """Somebody registered with a practice since 2015 and described by it, perhaps referred once."""
    warehouse.event(scope, name, f"{name}-r", "registration.started", "2015-01-01", at=at)
    vintage = {"lsoa_code": lsoa, "lsoa_vintage": "2021" if AREAS[lsoa][0] == 2025 else "2011"} if lsoa else {}
    said = {"sex": sex, "birth_month": born.isoformat(), "ethnic_category": ethnic, **vintage}
    warehouse.event(scope, name, f"{name}-p", "person.described", "2024-12-01", at=at, **said)
    if referred_on:
        warehouse.event(scope, name, f"{name}-R", "referral.received", referred_on, at=at, route="gp")


def equity_rows(marts: Scenario, area: str, breakdown: str, **said: Any) -> dict[str, dict[str, Any]]:
    """Rows of an area by group; of the quarter of January 2025 and of `referred` unless said otherwise."""
    asked = {"period": "quarter", "start": date(2025, 1, 1), "measure": "referred", **said}
    found = marts.rows(
        """select * from rpt_equity where area_level = 'pcn' and period_type = $period and period_start = $start
        and area_code = $area and breakdown = $breakdown and measure = $measure""",
        area=area,
        breakdown=breakdown,
        **asked,
    )
    groups = {row["breakdown_group"]: row for row in found}
    assert len(groups) == len(found)
    return groups
