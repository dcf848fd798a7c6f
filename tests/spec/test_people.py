"""Who is one person, and who is left out: merged and unmerged pseudonyms, opt-outs of today in any build."""

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

EVENTS = """
person    | record  | event                | on         | says
ann       | reg-ann | registration.started | 2010-01-01 | at=Z90601
ann       | A1      | referral.received    | 2024-05-01 | at=Z90601; route=gp
ann-old   | A2      | referral.received    | 2024-05-09 | at=Z90601; route=gp
ann-older | A3      | referral.received    | 2024-05-20 | at=Z90601; route=gp
ann-old   | L1      | person.merged        | 2025-01-01 | merged_into=ann
ann-older | L2      | person.merged        | 2025-01-01 | merged_into=ann-old
bob       | B1      | referral.received    | 2024-05-01 | at=Z90602; route=gp
bob-old   | B2      | referral.received    | 2024-05-02 | at=Z90602; route=gp
bob-old   | L3      | person.merged        | 2025-01-01 | merged_into=bob
bob-old   | L3      | person.unmerged      | 2025-02-01 | merged_into=bob; kind=revision
cat       | C1      | referral.received    | 2024-05-01 | at=Z90602; route=gp
cat-old   | C2      | referral.received    | 2024-05-02 | at=Z90602; route=gp
cat-old   | L4      | person.merged        | 2025-01-01 | merged_into=cat
cat       | L5      | person.unmerged      | 2025-02-01 | merged_into=cat-old
dan       | D1      | referral.received    | 2024-05-01 | at=Z90602; route=gp
dan-old   | D2      | referral.received    | 2024-05-02 | at=Z90602; route=gp
dan-old   | L6      | person.merged        | 2026-02-01 | merged_into=dan
one       | E1      | referral.received    | 2024-05-01 | at=Z90603; route=gp
two       | E2      | referral.received    | 2024-05-02 | at=Z90603; route=gp
three     | E3      | referral.received    | 2024-05-03 | at=Z90603; route=gp
four      | E4      | referral.received    | 2024-05-04 | at=Z90603; route=gp
one       | L7      | person.merged        | 2025-01-01 | merged_into=two
two       | L8      | person.merged        | 2025-01-01 | merged_into=three
three     | L9      | person.merged        | 2025-01-01 | merged_into=one
four      | L10     | person.merged        | 2025-01-01 | merged_into=one
eve       | F1      | referral.received    | 2024-05-01 | at=Z90604; route=gp
eve       | F2      | contact.held         | 2024-05-02 | referral=F1
          | F3      | activity.attended    | 2024-05-03 | referral=F1; category=housing
eve       | F7      | contact.held         | 2024-05-04 | referral=unknown
eve       | F4      | need.recorded        | 2024-05-01 | at=Z90604; code=73438004
eve       | F5      | appointment.attended | 2024-05-01 | at=Z90604
eve       | F6      | person.described     | 2024-05-01 | at=Z90604; sex=female
eve       | F8      | activity.attended    | 2024-05-04 | at=Z90604
eve       | F9      | plan.agreed          | 2024-05-04 | at=Z90604
eve       | F10     | measure.recorded     | 2024-05-04 | at=Z90604; instrument=UCLA-3; items=3,2,3
eve       | O1      | person.opted_out     | 2025-01-01 | opt_out=ndoo
fay       | G1      | referral.received    | 2024-05-01 | at=Z90604; route=gp
fay-old   | O2      | person.opted_out     | 2024-01-01 | opt_out=type1
fay-old   | L11     | person.merged        | 2025-01-01 | merged_into=fay
gus       | H1      | referral.received    | 2024-05-01 | at=Z90604; route=gp
gus       | O3      | person.opted_out     | 2024-01-01 | opt_out=ndoo
gus       | O4      | person.opted_in      | 2025-01-01 | opt_out=ndoo
hal       | I1      | referral.received    | 2024-05-01 | at=Z90604; route=gp
hal       | O5      | person.opted_out     | 2026-06-01 | opt_out=ndoo
ida       | J1      | referral.received    | 2024-05-01 | at=Z90604; route=gp
ida       | O6      | person.opted_out     | 2025-01-01 | opt_out=ndoo
ida       | O6      | person.opted_out     | 2025-01-01 | opt_out=ndoo; kind=retraction; asserted=2025-02-01
jan       | K1      | referral.received    | 2024-05-01 | at=Z90604; route=gp
jan       | O7      | person.opted_in      | 2025-01-01 | opt_out=ndoo
jan       | O8      | person.opted_out     | 2025-01-01 | opt_out=ndoo
kit       | M1      | referral.received    | 2024-05-01 | at=Z90605; route=gp
lou       | N1      | referral.received    | 2024-05-01 | at=Z90605; route=gp
lou-old   | N2      | referral.received    | 2024-05-01 | at=Z90605; route=gp
max       | P1      | referral.received    | 2024-05-01 | at=Z90605; route=gp
max       | O9      | person.opted_out     | 2025-01-01 | opt_out=ndoo
nan       | Q1      | referral.received    | 2024-05-01 | at=Z90605; route=gp
"""

# What the log got after the day that the build is for.
LATER = """
person    | record  | event                | on         | says
kit       | O10     | person.opted_out     | 2026-02-01 | opt_out=type1
lou-old   | O11     | person.opted_out     | 2026-02-01 | opt_out=ndoo
lou-old   | L12     | person.merged        | 2026-02-01 | merged_into=lou
max       | O12     | person.opted_in      | 2026-03-01 | opt_out=ndoo
nan       | O13     | person.opted_out     | 2026-04-01 | opt_out=ndoo
"""


CHAIN = 16  # links: 2 to the power of person_link_doublings


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.event(scope, "c0", "S1", "referral.received", "2024-05-01", practice_code="Z90606", load="chain")
    for n in range(CHAIN):
        into = {"merged_into": f"c{n + 1}", "load": "chain"}
        warehouse.event(scope, f"c{n}", f"chain {n}", "person.merged", "2025-01-01", **into)
    warehouse.add_later(scope, LATER)
    for number in range(1, 6):
        warehouse.practice(f"Z9060{number}", pcn=f"U9960{number}", icb="QP1")
    load = {"feed": "referrals_csv", "sender": "ZSP96", "file_name": "a.csv", "status": "committed"}
    fates = {"records": 9, "accepted": 9, "duplicate": 0, "conflict": 0, "quarantined": 0, "skipped": 0}
    events = len([e for e in warehouse.events if e["load_id"] == f"{scope}/load"])
    when = warehouse.events[-1]["received_at"]
    warehouse.loads.append({"load_id": f"{scope}/load", **load, **fates, "events": events, "received_at": when})


def people(marts: Scenario, referrals: list[str]) -> list[str]:
    """Whose referrals these are, as marts say."""
    return [marts.referral(record)["person_id"] for record in referrals]


def uptake(marts: Scenario, pcn: str) -> tuple[int, int]:
    """Referrals and people referred in a network, in May 2024."""
    row = marts.row(
        """
        select referrals, people from rpt_uptake
        where period_type = 'month' and area_level = 'pcn' and area_code = $pcn and breakdown = 'none'
            and stage = 'referred'
        """,
        pcn=pcn,
    )
    return row["referrals"], row["people"]


def test_f88_e16_merged_pseudonyms_are_one_person_along_the_chain(marts: Scenario) -> None:
    assert set(people(marts, ["A1", "A2", "A3"])) == {text_id(marts.scope, "ann")}
    assert uptake(marts, "U99601") == (3, 1)


def test_a_merged_person_has_one_row_and_keeps_what_is_known_under_either(marts: Scenario) -> None:
    ids = [text_id(marts.scope, name) for name in ("ann", "ann-old", "ann-older")]
    assert marts.rows("select person_id from dim_people where list_contains($ids, person_id)", ids=ids) == [
        {"person_id": ids[0]}
    ]
    assert marts.referral("A3")["practice_basis"] == "registration"  # the registration is under the number kept


def test_the_longest_chain_is_followed_to_its_end(marts: Scenario) -> None:
    assert people(marts, ["S1"]) == [text_id(marts.scope, f"c{CHAIN}")]


def test_f88_e16_an_unmerge_parts_two_people_again(marts: Scenario) -> None:
    """Bob's on the record of the link; Cat's on a record of its own, told the other way round."""
    for record, name in {"B1": "bob", "B2": "bob-old", "C1": "cat", "C2": "cat-old"}.items():
        assert people(marts, [record]) == [text_id(marts.scope, name)]


def test_a_link_counts_from_the_day_it_states(marts: Scenario) -> None:
    assert people(marts, ["D1", "D2"]) == [text_id(marts.scope, "dan"), text_id(marts.scope, "dan-old")]


def test_links_that_run_in_a_circle_make_one_person(marts: Scenario) -> None:
    lowest = min(text_id(marts.scope, name) for name in ("one", "two", "three"))
    assert people(marts, ["E1", "E2", "E3", "E4"]) == [lowest] * 4
    assert marts.row("select count(*) as n from base_log__person_links where is_circular") == {"n": 4}


def test_a_person_known_from_statements_about_permissions_alone_is_not_in_the_marts(marts: Scenario) -> None:
    assert marts.rows("select * from dim_people where person_id = $id", id=text_id(marts.scope, "fay-old")) == []


LEFT_OUT = ("eve", "fay", "fay-old", "jan", "kit", "lou", "lou-old")


def test_f106_e41_who_opted_out_is_in_no_mart(marts: Scenario) -> None:
    """Eve under her number, Fay under one that was merged, Jan who said both on one day, Kit and Lou since."""
    columns = marts.rows("""
        select table_name, column_name from information_schema.columns
        where table_schema = 'main' and column_name = 'person_id' and table_name not like 'int%'
    """)
    assert {row["table_name"] for row in columns} >= {"dim_people", "fct_referrals", "fct_appointments", "fct_needs"}
    for row in columns:
        found = marts.rows(
            f"select 1 from {row['table_name']} where list_contains($ids, person_id)",
            ids=[text_id(marts.scope, name) for name in LEFT_OUT],
        )
        assert found == [], row["table_name"]


def test_what_others_report_of_their_referral_goes_too(marts: Scenario) -> None:
    """A register that names nobody names Eve's referral."""
    for table, key in {"fct_contacts": "contact_id", "fct_activities": "activity_fact_id"}.items():
        referral = text_id(marts.scope, "F1")
        assert marts.rows(f"select {key} from {table} where referral_id = $id", id=referral) == [], table


def test_nothing_waits_for_the_referral_of_somebody_who_is_left_out(marts: Scenario) -> None:
    """It is in the log and only not here; and what Eve's own contact waits for is not told either."""
    ids = [text_id(marts.scope, name) for name in ("F1", "unknown")]
    assert marts.rows("select 1 from fct_pending_references where list_contains($ids, referral_id)", ids=ids) == []


def test_f106_e41_whoever_opted_in_again_or_has_not_yet_opted_out_is_counted(marts: Scenario) -> None:
    """Gus changed his mind, Hal's opt-out is of June, Ida's was a mistake; Max took his back since."""
    kept = ["H1", "I1", "J1", "P1", "Q1"]
    assert people(marts, kept) == [text_id(marts.scope, name) for name in ("gus", "hal", "ida", "max", "nan")]


def test_how_many_are_left_out_is_told_and_how_many_since(marts: Scenario) -> None:
    """Lou is two people in this build, because the merge came later; both are left out."""
    rows = marts.rows("select opt_out, people, people_since from fct_exclusions order by opt_out")
    assert [tuple(row.values()) for row in rows] == [("any", 6, 3), ("ndoo", 4, 2), ("type1", 2, 1)]


def test_deliveries_count_the_events_of_all_and_the_people_who_are_not_left_out(marts: Scenario) -> None:
    row = marts.row("select events, people from rpt_data_quality where sender = 'ZSP96'")
    seen = {"ann", "bob", "bob-old", "cat", "cat-old", "dan", "dan-old", "circle", "gus", "hal", "ida", "max", "nan"}
    loaded = marts.row(
        "select sum(events) as n from stg_log__load_events where load_id = $id", id=f"{marts.scope}/load"
    )
    assert (row["events"], row["people"]) == (loaded["n"], len(seen))
