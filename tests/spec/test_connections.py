"""Connections: who refers, how often, to how many assets, whether one worker stays and the referrer is told."""

from datetime import date
from typing import Any

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# Service CA reports messages back, CB never does. Asset ids are the sources' own.
EVENTS = """
person | record | event             | on         | says
ann    | A1     | referral.received | 2025-03-03 | provider_code=CA; at=Z96202; route=gp; referrer_key=D1
ann    | A-c1   | contact.held      | 2025-03-10 | referral=A1; provider_code=CA; link_worker_key=W1
ann    | A-c2   | contact.held      | 2025-03-20 | referral=A1; provider_code=CA; link_worker_key=W1
ann    | A-c3   | contact.held      | 2025-04-20 | referral=A1; provider_code=CA; link_worker_key=W2
ann    | A-c4   | contact.missed    | 2025-04-25 | referral=A1; provider_code=CA; link_worker_key=W2
ann    | A-s    | signpost.made     | 2025-03-10 | referral=A1; provider_code=CA; asset_id=choir
ann    | A-a    | activity.attended | 2025-04-01 | referral=A1; asset_id=choir; role=participant
ann    | A-b    | activity.booked   | 2025-04-01 | referral=A1; asset_id=walks; role=participant
ann    | A-v    | activity.attended | 2025-04-09 | referral=A1; asset_id=bowls; role=carer
ann    | A-m1   | message.sent_back | 2025-05-01 | referral=A1; provider_code=CA
ann    | A-m2   | message.sent_back | 2025-06-01 | referral=A1; provider_code=CA
bob    | B1     | referral.received | 2025-03-31 | provider_code=CA; at=Z96202; route=gp; referrer_key=D1
bob    | B-c1   | contact.held      | 2025-04-10 | referral=B1; provider_code=CA; link_worker_key=W2
cat    | C1     | referral.received | 2025-03-12 | provider_code=CB; at=Z96202; route=gp; referrer_key=D2
cat    | C-c1   | contact.held      | 2025-03-15 | referral=C1; provider_code=CB; link_worker_key=W3
cat    | C-c2   | contact.held      | 2025-03-16 | referral=C1; provider_code=CB; link_worker_key=W3
cat    | C-s    | signpost.made     | 2025-03-16 | referral=C1; provider_code=CB; asset_id=walks
ann    | A2     | referral.received | 2025-03-28 | provider_code=CB; at=Z96202; route=self
dan    | D1     | referral.received | 2025-03-02 | provider_code=CA; at=V81999; route=self
"""

SIZES = [("2025-01-01", 2000), ("2025-03-15", 4000)]


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z96202", pcn="U96202", icb="QU5")
    lists = [
        {
            "practice_code": "Z96202",
            "extract_on": date.fromisoformat(on),
            "sex": "ALL",
            "age": "ALL",
            "lsoa_code": "ALL",
            "patients": patients,
        }
        for on, patients in SIZES
    ]
    warehouse.reference.setdefault("list_sizes", []).extend(lists)


def cell(marts: Scenario, service: str, practice: str = "Z96202") -> dict[str, Any]:
    return marts.row(
        """select * from rpt_connections where period_type = 'month' and period_start = date '2025-03-01'
        and area_code = $practice and breakdown = 'none' and service_code = $service""",
        practice=practice,
        service=service,
    )


def test_referrers_are_counted_once_and_only_those_named(marts: Scenario) -> None:
    whole = cell(marts, "all")
    assert (whole["referrals"], whole["people"]) == (4, 3)
    assert (whole["referrals_with_referrer"], whole["active_referrers"]) == (3, 2)
    assert whole["referrals_per_referrer"] == pytest.approx(1.5)
    assert cell(marts, "CA")["active_referrers"] == 1


def test_the_list_is_that_of_the_last_day_of_the_period(marts: Scenario) -> None:
    """Edge case 12: denominators as at the date, whatever is newest today."""
    whole = cell(marts, "all")
    assert whole["registered"] == 4000
    assert whole["referrals_per_1000"] == pytest.approx(1.0)


def test_an_asset_counts_once_however_it_was_used_and_not_for_a_carer(marts: Scenario) -> None:
    """Edge case 26: the person's own part only. The choir and the walks of ann, the walks of cat again."""
    assert [cell(marts, service)["assets_used"] for service in ("CA", "CB", "all")] == [2, 1, 2]


def test_continuity_is_asked_of_two_contacts_or_more(marts: Scenario) -> None:
    """Ann met W1 twice and W2 once; bob had one contact only; the missed one is none."""
    ours = cell(marts, "CA")
    assert (ours["referrals_in_continuity"], ours["contacts_in_continuity"], ours["contacts_same_worker"]) == (1, 3, 2)
    assert ours["continuity"] == pytest.approx(2 / 3)
    assert cell(marts, "all")["continuity"] == pytest.approx(4 / 5)


def test_messages_back_are_unknown_where_the_service_reports_none_ever(marts: Scenario) -> None:
    ours, others, whole = cell(marts, "CA"), cell(marts, "CB"), cell(marts, "all")
    assert (ours["referrals_messaging_known"], ours["referrals_messaged"], ours["messages_back"]) == (2, 1, 2)
    assert (others["referrals_messaging_known"], others["referrals_messaged"]) == (0, None)
    assert (whole["referrals_messaging_known"], whole["messaged_share"]) == (2, pytest.approx(0.5))


def test_e08_a_referral_without_a_practice_is_kept_as_unknown(marts: Scenario) -> None:
    unknown = cell(marts, "CA", "UNKNOWN")
    assert (unknown["referrals"], unknown["registered"]) == (1, None)


def test_referrals_add_up_to_those_received(marts: Scenario) -> None:
    """Every referral of every scenario is in one practice and one service of its year."""
    whole = marts.row("select count(*) as n from fct_referrals")
    of_mart = marts.row(
        """select sum(referrals)::bigint as n from rpt_connections
        where period_type = 'year' and breakdown = 'none' and service_code <> 'all'"""
    )
    assert whole == of_mart


def test_the_trace_of_a_figure_adds_up_to_it(marts: Scenario) -> None:
    summed = ", ".join(
        f"sum({name})::bigint as {name}"
        for name in ("referrals", "referrals_with_referrer", "contacts_in_continuity", "referrals_messaging_known")
    )
    asked = f"select period_type, area_code, service_code, {summed} from {{}} group by all order by all"
    figures = marts.rows(asked.format("rpt_connections"))
    assert len(figures) > 10
    assert figures == marts.rows(asked.format("trace__rpt_connections"))
