"""Links and opt-outs over whole builds: the marts are those of a log in which everybody always had one pseudonym."""

from typing import Any

from tests.dbt.project import Dbt
from tests.dbt.test_builds import journey
from tests.spec.test_people import CHAIN
from tests.spec.warehouse import Warehouse, key

# Ann's events stand under two pseudonyms that were merged, Bob's under two that were merged and parted again.
LINKS = """
person  | record | event           | on         | says
ann-old | L1     | person.merged   | 2024-01-01 | merged_into=ann
bob-old | L2     | person.merged   | 2024-01-01 | merged_into=bob
bob-old | L3     | person.unmerged | 2025-01-01 | merged_into=bob
cat-old | L4     | person.merged   | 2024-01-01 | merged_into=cat
cat-old | O1     | person.opted_out | 2024-01-01 | opt_out=ndoo
"""
CAT = """
person  | record  | event                | on         | says
cat     | reg-cat | registration.started | 2010-01-01 | at=Z90001
cat     | P1      | person.described     | 2023-01-01 | at=Z90001; sex=female; birth_month=1950-06-01
cat     | R9      | referral.received    | 2024-06-10 | at=Z90001; route=gp; reasons=LOCAL:DEBT
cat-old | R9      | referral.accepted    | 2024-06-12 |
cat-old | C9      | contact.held         | 2024-06-20 | referral=R9
        | V9      | activity.attended    | 2024-07-01 | referral=R9; category=housing
cat     | E9      | appointment.attended | 2022-06-01 | at=Z90001
cat-old | N9      | need.recorded        | 2024-06-01 | at=Z90001; code=73595000
"""


def told_under(warehouse: Warehouse, person: str, other: str) -> None:
    """Every second event of a person is told under another pseudonym."""
    theirs = [event for event in warehouse.events if event["subject_key"] == key("journey", person)]
    for event in theirs[::2]:
        event["subject_key"] = key("journey", other)


def built(dbt: Dbt, warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    finished = dbt("build", warehouse, "--exclude-resource-type", "unit_test")
    assert finished.returncode == 0, finished.output
    return dbt.tables()


def test_every_mart_is_as_if_each_person_had_one_pseudonym_and_the_others_were_never_there(dbt: Dbt) -> None:
    told, meant = journey(), journey()
    for warehouse in (told, meant):
        told_under(warehouse, "bob", "bob-old")
    told_under(told, "ann", "ann-old")
    told.add("journey", CAT)
    told.add("journey", LINKS)
    marts, expected = built(dbt, told), built(dbt, meant)
    assert marts.pop("fct_exclusions") == [("any", 1, 0), ("ndoo", 1, 0)]
    assert expected.pop("fct_exclusions") == []
    for name, rows in expected.items():
        assert marts[name] == rows, name
    assert len(marts["dim_people"]) == 3
    assert marts["rpt_uptake"] and marts["rpt_gp_reattendance"]


def test_a_chain_of_links_that_is_too_long_fails_the_build(dbt: Dbt) -> None:
    warehouse = Warehouse()
    for n in range(CHAIN + 1):
        warehouse.event("long", f"c{n}", f"chain {n}", "person.merged", "2025-01-01", merged_into=f"c{n + 1}")
    models = "+base_log__person_links"
    finished = dbt("build", warehouse, "--select", models, "--exclude-resource-type", "unit_test")
    assert finished.returncode != 0
    assert "within_reach_base_log__person_links" in finished.output
