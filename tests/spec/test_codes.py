"""Codes as they were sent: mapped by use and day, kept where no mapping knows them, flagged where they are wrong."""

from datetime import date
from typing import Any

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

DESCRIPTION = "99900000010112"  # made up: a description's identifier with the right check digit
REASONS = f"local:debt,267076002,267076003,{DESCRIPTION},EMISNQRE582"
SNOMED = "http://snomed.info/sct"
LONG = f"code=999000091000000107; source_term=As the practice says; code_system={SNOMED}"
EVENTS = f"""
person | record | event             | on         | says
ann    | R1     | referral.received | 2024-02-10 | provider_code=ZSP21; source_system=codes; reasons={REASONS}
ann    | N1     | need.recorded     | 2024-02-10 | at=Z90121; source_system=codes; {LONG}
ann    | N2     | need.recorded     | 2024-02-10 | at=Z90121; source_system=codes; code=food-insecurity
ann    | A1     | activity.attended | 2024-02-10 | provider_code=ZVC21; source_system=codes; called=Gardening
ann    | A2     | activity.attended | 2024-02-10 | provider_code=ZVC21; source_system=codes; called=gentle swaying
ann    | A3     | activity.attended | 2024-02-10 | provider_code=ZVC21; source_system=codes; called=our own words
ann    | A4     | activity.attended | 2024-02-10 | provider_code=ZVC21; source_system=other; called=our own words
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    entry = {
        "code_use": "activity",
        "code_system": "LOCAL",
        "code": "Our own words",
        "source_system": "codes",
        "source_term": "Ours",
        "category": "arts_culture_heritage",
        "status": "current",
        "mapping_version": "QR-1",
        "valid_from": date(2024, 1, 1),
        "valid_to": None,
    }
    warehouse.reference.setdefault("code_maps", []).append(entry)


def entries(marts: Scenario, held_as: str, *columns: str) -> list[tuple[Any, ...]]:
    rows = marts.rows(
        f"""select {", ".join(columns)} from fct_coded_entries
        where person_id = $id and held_as = $held order by position, code""",
        id=text_id(marts.scope, "ann"),
        held=held_as,
    )
    return [tuple(row.values()) for row in rows]


def test_f86_a_wrong_code_is_kept_as_sent_and_flagged(marts: Scenario) -> None:
    assert entries(marts, "reason", "code", "category", "is_mapped", "fault") == [
        ("local:debt", "money_benefits", True, "spelling"),
        ("267076002", "social_connection", True, None),
        ("267076003", "uncoded", False, "check_digit"),
        (DESCRIPTION, "uncoded", False, "description_id"),
        ("EMISNQRE582", "uncoded", False, None),
    ]


def test_a_code_of_18_digits_keeps_each_of_them_and_its_senders_term(marts: Scenario) -> None:
    found = marts.row(
        "select code, code_system, source_term, category from fct_needs where code like '999%' and person_id = $id",
        id=text_id(marts.scope, "ann"),
    )
    assert tuple(found.values()) == ("999000091000000107", SNOMED, "As the practice says", "uncoded")


def test_an_open_code_of_the_gravity_project_is_a_need(marts: Scenario) -> None:
    assert ("food-insecurity", "money_benefits") in entries(marts, "need", "code", "category")


def test_activities_are_mapped_by_their_term_and_a_region_adds_its_own_for_one_system(marts: Scenario) -> None:
    found = entries(marts, "activity", "code", "source_system", "category", "mapping_version")
    assert sorted(found, key=str) == [
        ("Gardening", "codes", "nature_gardening", "2026-2"),
        ("gentle swaying", "codes", "uncoded", None),
        ("our own words", "codes", "arts_culture_heritage", "QR-1"),
        ("our own words", "other", "uncoded", None),
    ]


def test_the_share_of_unmapped_codes_by_sender_system_and_code(marts: Scenario) -> None:
    rows = marts.rows("""
        select sender_code, source_system, count(*) as codes, count(*) filter (not is_mapped) as unmapped
        from fct_coded_entries where sender_code in ('ZSP21', 'Z90121', 'ZVC21') group by all order by all
    """)
    assert [tuple(row.values()) for row in rows] == [
        ("Z90121", "codes", 2, 1),
        ("ZSP21", "codes", 5, 3),
        ("ZVC21", "codes", 3, 1),
        ("ZVC21", "other", 1, 1),
    ]


def test_reasons_of_a_category_show_their_codes_and_the_version_of_the_mapping(marts: Scenario) -> None:
    row = marts.row(
        """select source_codes, source_terms, mapping_version from fct_referral_reasons
        where person_id = $id and reason_category = 'money_benefits'""",
        id=text_id(marts.scope, "ann"),
    )
    assert tuple(row.values()) == ("local:debt", "Debt", "2026-2")
    versions = {r["mapping_version"] for r in marts.rows("select mapping_version from rpt_referral_reasons")}
    assert versions == {"2026-2+QR-1"}
