"""Waits of uptake: working days to the first contact, the first activity and the closure, with what rules them out."""

from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import HOLIDAYS, Warehouse

# Received on Thursday 17 April 2025, before the four days of Easter: Tuesday the 22nd is the first working day after.
EVENTS = """
person | record | event                       | on         | says
ann    | A1     | referral.received           | 2025-04-17 | at=Z90221; route=gp; provider_code=TA
ann    | A1     | referral.accepted           | 2025-04-17 | provider_code=TA
ann    | A1     | referral.put_on_hold        | 2025-04-17 | provider_code=TA
ann    | A-c1   | contact.held                | 2025-04-22 | provider_code=TA; referral=A1
ann    | A1     | referral.closed             | 2025-04-25 | provider_code=TA; reason=onward_referral
ann    | A-a1   | activity.attended           | 2025-05-01 | provider_code=TG; referral=A1; role=participant
bob    | B1     | referral.received           | 2025-04-17 | at=Z90221; route=gp; provider_code=TA
bob    | B1     | referral.rejected           | 2025-04-24 | provider_code=TA
cat    | C1     | referral.received           | 2025-04-17 | at=Z90221; route=gp; provider_code=TA
cat    | C-c1   | contact.held                | 2025-05-12 | provider_code=TA; referral=C1
cat    | C1     | referral.closed             | 2025-05-14 | provider_code=TA; reason=moved_away
cat    | C-a1   | activity.attended           | 2025-05-20 | provider_code=TG; referral=C1; role=participant
dan    | D1     | referral.received           | 2025-04-17 | at=Z90221; route=gp; provider_code=TB
dan    | D-c1   | contact.attempted           | 2025-04-23 | provider_code=TB; referral=D1
eve    | E1     | referral.received           | 2025-04-17 | at=Z90221; route=gp; provider_code=TA
eve    | E-r    | registration.started        | 2010-01-01 | at=Z90221
eve    | E-r    | registration.ended          | 2025-04-30 | at=Z90221; end_reason=deceased
fay    | F1     | referral.received           | 2025-04-19 | at=Z90221; route=gp; provider_code=TA
fay    | F-c1   | contact.held                | 2025-04-22 | provider_code=TA; referral=F1
gus    | G1     | referral.received           | 2019-04-17 | at=Z90222; route=gp; provider_code=TA
gus    | G-c1   | contact.held                | 2019-04-24 | provider_code=TA; referral=G1
zed    | Z-c    | contact.held                | 2026-01-20 | provider_code=TA
zed    | Z-a    | activity.attended           | 2026-01-20 | provider_code=TG
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for code in ("Z90221", "Z90222"):
        warehouse.practice(code, pcn="U99221", icb="QU6")
    warehouse.bank_holidays(HOLIDAYS)


def wait(marts: Scenario, record: str, endpoint: str) -> tuple[Any, ...]:
    row = marts.row(
        """select outcome, ruled_out_by, working_days from fct_referral_waits
        where endpoint = $endpoint and referral_id = $id""",
        endpoint=endpoint,
        id=marts.referral(record)["referral_id"],
    )
    return tuple(row.values())


def cell(marts: Scenario, endpoint: str, horizon: int, area: str = "Z90221") -> dict[str, Any]:
    return marts.row(
        """select * from rpt_uptake_times where period_type = 'month' and area_level = 'practice' and area_code = $area
        and breakdown = 'none' and endpoint = $endpoint and horizon = $horizon""",
        area=area,
        endpoint=endpoint,
        horizon=horizon,
    )


@pytest.mark.parametrize(
    ("record", "endpoint", "expected"),
    [
        ("A1", "first_contact", ("event", None, 1)),
        ("A1", "closure", ("event", None, 4)),
        ("A1", "first_activity", ("event", None, 8)),  # after a planned closure, which rules it out no more
        ("B1", "first_contact", ("competing", "rejected", 3)),
        ("B1", "closure", ("competing", "rejected", 3)),
        ("C1", "first_contact", ("event", None, 14)),
        ("C1", "first_activity", ("competing", "closed", 16)),  # she moved away; what came later is not waited for
        ("D1", "first_contact", ("censored", None, 2)),  # his service has said nothing since
        ("E1", "first_contact", ("competing", "died", 7)),
        ("E1", "first_activity", ("competing", "died", 7)),
        ("F1", "first_contact", ("event", None, 1)),  # received on a Saturday
    ],
)
def test_e37_a_wait_is_counted_in_working_days(
    marts: Scenario, record: str, endpoint: str, expected: tuple[Any, ...]
) -> None:
    assert wait(marts, record, endpoint) == expected


def test_e44_days_on_hold_count(marts: Scenario) -> None:
    assert wait(marts, "A1", "first_contact")[2] == 1
    assert cell(marts, "first_contact", 5)["on_hold"] == 1


def test_what_ends_otherwise_stays_in_the_denominator_and_what_is_not_followed_counts_while_it_was(
    marts: Scenario,
) -> None:
    """Of six: two on day 1, dan last seen on day 2, bob rejected on day 3, eve dies on day 7, cat on day 14."""
    at_5, at_20 = cell(marts, "first_contact", 5), cell(marts, "first_contact", 20)
    figures = ("n_start", "at_risk", "events", "competing", "censored")
    assert [at_5[name] for name in figures] == [6, 2, 2, 1, 1]
    assert [at_20[name] for name in figures] == [6, 0, 3, 2, 1]
    # S before day 14: 4/6 on day 1, of three at risk one leaves on day 3, of two one on day 7.
    assert at_5["estimate"] == pytest.approx(2 / 6)
    assert at_20["estimate"] == pytest.approx(2 / 6 + 4 / 6 * 2 / 3 * 1 / 2 * 1)
    assert at_5["lower"] < at_5["estimate"] < at_5["upper"]


def test_e37_without_bank_holidays_of_the_year_no_wait_is_known(marts: Scenario) -> None:
    row = cell(marts, "first_contact", 10, "Z90222")
    assert (row["referrals"], row["n_start"], row["estimate"]) == (1, 0, None)


def test_every_received_referral_has_its_three_waits(marts: Scenario) -> None:
    row = marts.row("select count(*) as n, count(distinct referral_id) as referrals from fct_referral_waits")
    assert row["n"] == 3 * row["referrals"] == 3 * marts.row("select count(*) as n from fct_referrals")["n"]
    whole = marts.row(
        """select sum(referrals)::bigint as n from rpt_uptake_times where period_type = 'year'
        and area_level = 'icb' and breakdown = 'connector_model' and endpoint = 'closure' and horizon = 30"""
    )
    assert whole["n"] == row["referrals"]
