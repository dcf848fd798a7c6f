"""Caseload: who is on it, month by month, by service and (record level only) by link worker."""

from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse, text_id

# Two services; SB has a record of its own of cat's referral, not of bob's. The cut-off is 31 January 2026.
EVENTS = """
person | record | event                       | on         | says
ann    | A1     | referral.received           | 2025-03-03 | provider_code=SA; at=Z96201; route=gp
ann    | A1     | referral.accepted           | 2025-03-05 | provider_code=SA; link_worker_key=W1
ann    | A-c1   | contact.attempted           | 2025-03-08 | provider_code=SA; referral=A1; link_worker_key=W1
ann    | A-c2   | contact.held                | 2025-03-31 | provider_code=SA; referral=A1; link_worker_key=W1
ann    | A-c3   | contact.held                | 2025-04-11 | provider_code=SA; referral=A1; link_worker_key=W2
ann    | A1     | referral.put_on_hold        | 2025-04-20 | provider_code=SA
ann    | A1     | referral.closed             | 2025-06-01 | provider_code=SA; reason=moved_away
bob    | B1     | referral.received           | 2025-03-31 | provider_code=SA; at=Z96201; route=self
bob    | B1     | referral.accepted           | 2025-04-02 | provider_code=SA
bob    | B1     | referral.transferred        | 2025-05-12 | provider_code=SA; transferred_to=SB
bob    | B1     | referral.closed             | 2025-07-01 | provider_code=SA; reason=completed
cat    | C1     | referral.received           | 2025-04-04 | provider_code=SA; at=Z96201; route=gp
cat    | C1     | referral.transferred        | 2025-05-05 | provider_code=SA; transferred_to=SB
cat    | C1     | referral.closed             | 2025-05-05 | provider_code=SA; reason=onward_referral
cat    | C2     | referral.received           | 2025-05-08 | provider_code=SB; at=Z96201; route=other
dan    | D1     | referral.received           | 2025-03-10 | provider_code=SA; at=Z96201; route=gp
dan    | D1     | referral.closed             | 2025-04-10 | provider_code=SA; reason=unable_to_contact
dan    | D1     | referral.reopened           | 2025-05-20 | provider_code=SA
dan    | D1     | referral.closed             | 2025-06-15 | provider_code=SA; reason=completed; slot=closed again
eve    | E1     | referral.received           | 2025-03-15 | provider_code=SA; at=Z96201; route=gp
eve    | E1     | referral.rejected           | 2025-03-20 | provider_code=SA
fay    | F1     | referral.received           | 2025-03-16 | provider_code=SA; at=Z96201; route=gp
fay    | F1     | referral.accepted           | 2025-03-18 | provider_code=SA
fay    | F1     | referral.declined_by_person | 2025-04-30 | provider_code=SA
fay    | F1     | referral.closed             | 2025-05-03 | provider_code=SA; reason=declined
gus    | G1     | referral.received           | 2025-03-17 | provider_code=SA; at=Z96201; route=gp
gus    | G1     | referral.entered_in_error   | 2025-03-18 | provider_code=SA
hal    | H-c1   | contact.held                | 2025-04-15 | provider_code=SA; referral=never arrived
ida    | I1     | referral.received           | 2025-10-01 | provider_code=SC; at=Z96201; route=gp
ida    | I2     | referral.received           | 2025-10-02 | provider_code=SD; at=Z96201; route=gp
ida    | I3     | referral.received           | 2025-11-02 | provider_code=SC; at=Z96201; route=gp
ida    | I1     | referral.cancelled          | 2025-10-20 | provider_code=SC
jim    | J1     | referral.received           | 2025-10-07 | provider_code=SE; at=Z96201; route=gp
jim    | J1     | referral.transferred        | 2025-10-21 | provider_code=SE
jim    | J1     | referral.closed             | 2025-12-01 | provider_code=SE; reason=completed
kim    | K1     | referral.received           | 2025-10-07 | provider_code=SF; at=Z96201; route=gp
kim    | K1     | referral.reopened           | 2025-10-09 | provider_code=SF
kim    | K1     | referral.closed             | 2025-10-09 | provider_code=SF; reason=other; asserted=2025-10-12
kim    | K1     | referral.closed             | 2025-10-09 | provider_code=SF; kind=retraction; asserted=2025-10-20
"""

FLOWS = ("open_at_start", "new_referrals", "transferred_in", "reopened", "closed", "transferred_out", "open_at_end")


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z96201", pcn="U96201", icb="QU4")


def month(marts: Scenario, service: str, on: str, breakdown: str = "none", group: str = "all") -> dict[str, Any]:
    rows = marts.rows(
        """select * from rpt_caseload where area_level = 'service' and area_code = $service
        and period_start = $day and breakdown = $breakdown and breakdown_group = $grp""",
        service=service,
        day=date.fromisoformat(on),
        breakdown=breakdown,
        grp=group,
    )
    assert len(rows) <= 1
    return rows[0] if rows else {}


def flows(marts: Scenario, service: str, on: str) -> tuple[int, ...]:
    row = month(marts, service, on)
    return tuple(row[name] for name in FLOWS)


@pytest.mark.parametrize(
    ("service", "on", "expected"),
    [
        # start, new, in, reopened, closed, out, end
        ("SA", "2025-03-01", (0, 5, 0, 0, 1, 0, 4)),  # ann, bob, dan, fay stay; eve was rejected
        ("SA", "2025-04-01", (4, 1, 0, 0, 2, 0, 3)),  # cat comes; dan is closed, fay declines
        ("SA", "2025-05-01", (3, 0, 0, 1, 0, 2, 2)),  # dan is reopened; bob and cat are handed over
        ("SA", "2025-06-01", (2, 0, 0, 0, 2, 0, 0)),  # ann on the first day, dan for the second time
        ("SB", "2025-05-01", (0, 0, 2, 0, 0, 0, 2)),  # bob on SA's word, cat on SB's own record
        ("SB", "2025-06-01", (2, 0, 0, 0, 0, 0, 2)),
        ("SB", "2025-07-01", (2, 0, 0, 0, 1, 0, 1)),  # what ends bob's referral ends his stay with SB
        ("SB", "2026-01-01", (1, 0, 0, 0, 0, 0, 1)),  # cat, to the cut-off
    ],
)
def test_each_month_is_accounted_for(marts: Scenario, service: str, on: str, expected: tuple[int, ...]) -> None:
    assert flows(marts, service, on) == expected


def test_a_month_with_nobody_has_no_row(marts: Scenario) -> None:
    assert month(marts, "SA", "2025-07-01") == {}
    assert month(marts, "SB", "2026-02-01") == {}


def test_who_was_open_at_the_end_of_a_month_is_open_at_the_start_of_the_next(marts: Scenario) -> None:
    """Every row of the mart, whoever's scenario it is of."""
    rows = marts.rows(
        """select after.open_at_start, coalesce(before.open_at_end, 0) as open_before
        from rpt_caseload as after left join rpt_caseload as before
            on before.area_level = after.area_level and before.area_code = after.area_code
            and before.breakdown = after.breakdown and before.breakdown_group = after.breakdown_group
            and before.period_end + 1 = after.period_start"""
    )
    assert len(rows) > 20
    assert [row for row in rows if row["open_at_start"] != row["open_before"]] == []


def test_waiting_ends_with_the_first_contact_held_with_the_service(marts: Scenario) -> None:
    """Of ann, bob, dan and fay only ann was spoken with by the end of March: bob and dan had no answer yet."""
    march, april = month(marts, "SA", "2025-03-01"), month(marts, "SA", "2025-04-01")
    assert (march["waiting_at_end"], march["unanswered_at_end"]) == (3, 2)
    assert (april["waiting_at_end"], april["unanswered_at_end"]) == (2, 1)  # bob is accepted, cat is not


def test_contacts_count_in_their_month_whoever_is_on_the_caseload(marts: Scenario) -> None:
    """In April ann's and, kept until its referral arrives, hal's."""
    march, april = month(marts, "SA", "2025-03-01"), month(marts, "SA", "2025-04-01")
    assert (march["contacts_held"], march["contacts_attempted"]) == (1, 1)
    assert (april["contacts_held"], april["people"]) == (2, 5)
    assert month(marts, "SA", "2025-04-01", "route", "unknown")["contacts_held"] == 1


def test_the_groups_of_a_breakdown_add_up_to_the_whole(marts: Scenario) -> None:
    rows = marts.rows(
        """select period_start, area_code, breakdown, sum(open_at_end) as open_at_end, sum(contacts_held) as held
        from rpt_caseload where area_level = 'service' group by all"""
    )
    whole = {(r["period_start"], r["area_code"]): r for r in rows if r["breakdown"] == "none"}
    assert {r["breakdown"] for r in rows} > {"none", "route", "sex"}
    for row in rows:
        of_all = whole[row["period_start"], row["area_code"]]
        assert (row["open_at_end"], row["held"]) == (of_all["open_at_end"], of_all["held"]), row


def test_e01_a_person_who_is_referred_again_is_new_again_and_one_person(marts: Scenario) -> None:
    rows = marts.rows("select * from fct_caseload where service_code = 'SC' and new_referrals = 1")
    assert {row["referral_id"] for row in rows} == {text_id(marts.scope, "I1"), text_id(marts.scope, "I3")}
    assert len({row["person_id"] for row in rows}) == 1


def test_e02_a_person_with_two_services_is_on_both_caseloads_and_one_person_of_the_board(marts: Scenario) -> None:
    of_services = [month(marts, service, "2025-11-01")["people"] for service in ("SC", "SD")]
    of_board = marts.row(
        """select people from rpt_caseload where area_level = 'icb' and area_code = 'QU4' and breakdown = 'none'
        and period_start = date '2025-12-01'"""
    )
    assert of_services == [1, 1]
    assert of_board["people"] == 3  # ida, kim, and cat of SB


def test_e03_who_declines_after_acceptance_leaves_on_that_day_and_once(marts: Scenario) -> None:
    rows = marts.rows(
        "select month_start, closed from fct_caseload where referral_id = $id and closed > 0",
        id=text_id(marts.scope, "F1"),
    )
    assert rows == [{"month_start": date(2025, 4, 1), "closed": 1}]


def test_e05_a_cancelled_referral_leaves_and_one_entered_in_error_was_never_there(marts: Scenario) -> None:
    october = month(marts, "SC", "2025-10-01")
    assert (october["new_referrals"], october["closed"]) == (1, 1)
    in_error = marts.rows("select * from fct_caseload where referral_id = $id", id=text_id(marts.scope, "G1"))
    assert in_error == []


def test_e44_a_referral_on_hold_stays_on_the_caseload(marts: Scenario) -> None:
    rows = marts.rows(
        "select open_at_end from fct_caseload where referral_id = $id order by month_start",
        id=text_id(marts.scope, "A1"),
    )
    assert [row["open_at_end"] for row in rows] == [1, 1, 1, 0]


def test_e45_an_unplanned_closure_closes(marts: Scenario) -> None:
    row = marts.row(
        "select closed from fct_caseload where referral_id = $id and month_start = date '2025-06-01'",
        id=text_id(marts.scope, "A1"),
    )
    assert row == {"closed": 1}


def test_a_transfer_to_nobody_known_leaves_and_is_closed_nowhere(marts: Scenario) -> None:
    assert flows(marts, "SE", "2025-10-01") == (0, 1, 0, 0, 0, 1, 0)
    assert month(marts, "SE", "2025-12-01") == {}


def test_what_reopens_an_open_referral_changes_nothing_and_a_closure_taken_back_never_was(marts: Scenario) -> None:
    assert flows(marts, "SF", "2025-10-01") == (0, 1, 0, 0, 0, 0, 1)


def worker(marts: Scenario, name: str, on: str) -> dict[str, Any]:
    return marts.row(
        """select * from fct_caseload_workers where service_code = 'SA' and link_worker_id = $worker
        and month_start = $day""",
        worker=name.encode().hex() if name != "unassigned" else name,
        day=date.fromisoformat(on),
    )


def test_a_referral_belongs_to_the_worker_named_last_and_is_handed_over(marts: Scenario) -> None:
    first, second = worker(marts, "W1", "2025-04-01"), worker(marts, "W2", "2025-04-01")
    assert (first["open_at_start"], first["handed_out"], first["open_at_end"]) == (1, 1, 0)
    assert (second["open_at_start"], second["handed_in"], second["open_at_end"]) == (0, 1, 1)
    assert (first["contacts_held"], second["contacts_held"]) == (0, 1)
    nobody = worker(marts, "unassigned", "2025-03-01")
    assert (nobody["new_referrals"], nobody["closed"], nobody["open_at_end"]) == (4, 1, 3)


def test_workers_add_up_to_their_service(marts: Scenario) -> None:
    figures = ["open_at_start", "new_referrals", "closed", "open_at_end", "waiting_at_end", "contacts_held"]
    summed = ", ".join(f"sum({name})::bigint as {name}" for name in figures)
    by_worker = marts.rows(
        f"select service_code, month_start, {summed} from fct_caseload_workers group by all order by all"
    )
    by_service = marts.rows(
        f"""select area_code as service_code, period_start as month_start, {", ".join(figures)} from rpt_caseload
        where area_level = 'service' and breakdown = 'none' order by all"""
    )
    kept = [row for row in by_service if any(row[name] for name in figures)]
    assert [row for row in by_worker if any(row[name] for name in figures)] == kept


def test_the_trace_of_a_figure_adds_up_to_it(marts: Scenario) -> None:
    summed = ", ".join(f"sum({name})::bigint as {name}" for name in (*FLOWS, "waiting_at_end", "contacts_held"))
    asked = f"select period_start, area_level, area_code, {summed} from {{}} group by all order by all"
    figures = marts.rows(asked.format("rpt_caseload"))
    assert len(figures) > 10
    assert figures == marts.rows(asked.format("trace__rpt_caseload"))
