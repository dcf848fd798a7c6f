"""The totals of the marts are those of the files, counted a second way, and agree with one another and with the log."""

from collections import Counter
from typing import Any

import pytest

from linkwork import engine
from tests.e2e.region.recompute import Totals, recompute
from tests.support.installation import Installation


@pytest.fixture(scope="module")
def counted(region: Installation) -> Totals:
    return recompute(region.folder / "region")


def query(region: Installation, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the newest build: its marts, and `log.events` that they were folded from."""
    with engine.connect(region.home / "warehouse" / "warehouse.duckdb", read_only=True) as con:
        return con.execute(sql).fetchall()


def by_month(region: Installation, sql: str) -> Counter[Any]:
    """A query's last column by the others; without what is 0, as a Counter has it."""
    rows = query(region, sql)
    return Counter({row[0] if len(row) == 2 else row[:-1]: row[-1] for row in rows if row[-1]})


MONTH = "strftime(period_start, '%Y-%m')"
OF_BOARDS = "period_type = 'month' and area_level = 'icb' and breakdown = 'none'"
# What is counted a second time, and the query on a mart that must say the same.
FIGURES = {
    "referrals": f"""select {MONTH}, sum(referrals) from rpt_uptake
        where {OF_BOARDS} and stage = 'referred' group by all""",
    "people": f"""select {MONTH}, sum(people) from rpt_uptake
        where {OF_BOARDS} and stage = 'referred' group by all""",
    "accepted": f"""select {MONTH}, sum(referrals) from rpt_uptake
        where {OF_BOARDS} and stage = 'accepted' group by all""",
    "contacted": f"""select {MONTH}, sum(referrals) from rpt_uptake
        where {OF_BOARDS} and stage = 'contacted' group by all""",
    "reasons": f"""select {MONTH}, reason_category, sum(referrals) from rpt_referral_reasons
        where {OF_BOARDS} and counting = 'any' and reason_category <> 'all' group by all""",
    "first_reasons": f"""select {MONTH}, reason_category, sum(referrals) from rpt_referral_reasons
        where {OF_BOARDS} and counting = 'primary' and reason_category <> 'all' group by all""",
    "gp_contacts": """select practice_code, strftime(slot_on, '%Y-%m'), count(distinct (person_id, slot_on))
        from fct_appointments where contact_class = 'gp' group by all""",
    "contacts_held": """select strftime(contact_on, '%Y-%m'), count(*) from fct_contacts
        where status = 'held' group by all""",
    "attended": """select strftime(session_on, '%Y-%m'), role, count(*) from fct_activities
        where status = 'attended' group by all""",
    "actions": f"""select {MONTH}, if(kind in ('overdue', 'left_open', 'open'), 'none', kind), sum(steps)
        from rpt_plans where {OF_BOARDS} and step = 'action_set' and kind <> 'all' group by all""",
    "on_hold": """select strftime(on_hold_on, '%Y-%m'), what, sum(n)
        from fct_referrals, lateral (values ('begun', 1), ('ended', if(hold_ended_on is null, 0, 1)),
            ('days', days_on_hold)) as had(what, n)
        where on_hold_on is not null group by all""",
    "coded": "select strftime(stated_on, '%Y-%m'), meaning, count(*) from fct_referral_offers group by all",
    "offers": "select strftime(offered_on, '%Y-%m'), outcome, count(*) from fct_offers group by all",
}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_mart_says_what_the_files_say(region: Installation, counted: Totals, figure: str) -> None:
    again: Counter[Any] = getattr(counted, figure)
    assert sum(again.values()) > 20, "or nothing was compared"
    assert by_month(region, FIGURES[figure]) == again


def test_every_total_is_compared() -> None:
    assert set(FIGURES) == set(Totals.__dataclass_fields__)


# What happened in the simulated region, which no sender has ever seen: by the month of receipt, up to the last of which
# all has been entered. A first contact may lie weeks after the receipt, and be entered another 110 days late.
SETTLED = "2025-09"
TRUTH = {
    "referrals": "count(*)",
    "people": "count(distinct person_id)",
    "accepted": "count(accepted_on)",
    "contacted": "count(*) filter (accepted_on is not null and first_held_on is not null)",
}


@pytest.mark.parametrize("figure", TRUTH)
def test_the_files_say_what_happened(region: Installation, counted: Totals, figure: str) -> None:
    truth = region.folder / "region" / "truth" / "referrals.parquet"
    with engine.connect() as con:
        happened = con.execute(
            f"""select strftime(received_on, '%Y-%m'), {TRUTH[figure]} from read_parquet({engine.text(truth)})
            group by all"""
        ).fetchall()
    seen = Counter({month: n for month, n in getattr(counted, figure).items() if month <= SETTLED})
    assert Counter({month: n for month, n in happened if n and month <= SETTLED}) == seen
    assert sum(seen.values()) > 20, "or nothing was compared"


# The same of what else happened: the month up to which all has been entered, what of the files it is, and the truth.
# What became of an action may be said some contacts later, and be entered late.
ELSE = {
    "actions": ("2025-06", ("done", "refused", "cancelled", "none"), """
        select strftime(set_on, '%Y-%m'), if(status in ('planned', 'in_progress'), 'none', status), count(*)
        from actions group by all"""),
    "on_hold": (SETTLED, ("begun",), """
        select strftime(on_hold_on, '%Y-%m'), 'begun', count(*) from referrals
        where on_hold_on is not null group by all"""),
    "coded": ("2026-03", ("offered", "accepted", "declined"), """
        select strftime(day, '%Y-%m'), meaning, count(*) from (
            select offered_on as day, 'offered' as meaning from offers where offer_coded
            union all select offered_on, answer from offers where answer_coded
            union all select coded_again_on, 'accepted' from offers where coded_again_on is not null
        ) group by all"""),
}  # fmt: skip


@pytest.mark.parametrize("figure", ELSE)
def test_the_files_say_what_happened_in_plans_and_at_practices(
    region: Installation, counted: Totals, figure: str
) -> None:
    until, kinds, asked = ELSE[figure]
    with engine.connect() as con:
        for name in ("actions", "referrals", "offers"):
            path = region.folder / "region" / "truth" / f"{name}.parquet"
            con.execute(f"create view {name} as from read_parquet({engine.text(path)})")
        happened = con.execute(asked).fetchall()
    seen = Counter({key: n for key, n in getattr(counted, figure).items() if key[0] <= until and key[1] in kinds})
    assert Counter({(month, kind): n for month, kind, n in happened if month <= until}) == seen
    assert sum(seen.values()) > 5, "or nothing was compared"


# Referrals by month of receipt, as each mart has them: all must be the same.
SAME = {
    "fct_referrals": "select strftime(received_on, '%Y-%m'), count(*) from fct_referrals group by all",
    "fct_referral_reasons": """select strftime(received_on, '%Y-%m'), count(*) from fct_referral_reasons
        where is_primary group by all""",
    "fct_connections": "select strftime(received_on, '%Y-%m'), count(*) from fct_connections group by all",
    "fct_reattendance": """select strftime(received_on, '%Y-%m'), count(distinct referral_id)
        from fct_reattendance group by all""",
    "rpt_uptake, practices": f"""select {MONTH}, sum(referrals) from rpt_uptake where period_type = 'month'
        and area_level = 'practice' and breakdown = 'none' and stage = 'referred' group by all""",
    "rpt_uptake, networks, open or answered": f"""select {MONTH}, sum(referrals) from rpt_uptake
        where period_type = 'month' and area_level = 'pcn' and breakdown = 'none'
        and stage in ('open', 'rejected', 'declined', 'closed_unanswered', 'accepted') group by all""",
    "rpt_uptake, boards, by age": f"""select {MONTH}, sum(referrals) from rpt_uptake where period_type = 'month'
        and area_level = 'icb' and breakdown = 'age_band' and stage = 'referred' group by all""",
    "rpt_referral_reasons, all": f"""select {MONTH}, sum(referrals) from rpt_referral_reasons
        where {OF_BOARDS} and counting = 'any' and reason_category = 'all' group by all""",
    "rpt_referral_reasons, first reasons": f"""select {MONTH}, sum(referrals) from rpt_referral_reasons
        where {OF_BOARDS} and counting = 'primary' and reason_category <> 'all' group by all""",
    "rpt_gp_reattendance": f"""select {MONTH}, sum(referrals) from rpt_gp_reattendance
        where {OF_BOARDS} and measure = 'gp_contacts' and window_days = 90 group by all""",
    "rpt_gp_reattendance, indexes and left out": f"""select {MONTH},
        sum(indexes + excluded_no_index + excluded_not_covered + excluded_same_episode) from rpt_gp_reattendance
        where {OF_BOARDS} and measure = 'gp_contacts' and window_days = 90 group by all""",
    "rpt_connections, all services": f"""select {MONTH}, sum(referrals) from rpt_connections
        where period_type = 'month' and breakdown = 'none' and service_code = 'all' group by all""",
    "rpt_connections, each service": f"""select {MONTH}, sum(referrals) from rpt_connections
        where period_type = 'month' and breakdown = 'none' and service_code <> 'all' group by all""",
    "rpt_caseload, new": f"""select {MONTH}, sum(new_referrals) from rpt_caseload
        where area_level = 'service' and breakdown = 'none' group by all""",
    "log.events, receipts as last stated": """select strftime(received_on, '%Y-%m'), count(*) from (
            select arg_max(occurred_on, asserted_at) as received_on from log.events
            where event_type = 'referral.received' group by fact_id
            having arg_max(revision_kind, asserted_at) in ('original', 'revision')
        ) group by all""",
}


@pytest.mark.parametrize("place", SAME)
def test_referrals_by_month_are_the_same_everywhere(region: Installation, counted: Totals, place: str) -> None:
    assert by_month(region, SAME[place]) == counted.referrals


def test_contacts_and_attendances_agree_with_the_caseload_and_the_log(region: Installation, counted: Totals) -> None:
    caseload = f"""select {MONTH}, sum(contacts_held) from rpt_caseload
        where area_level = 'service' and breakdown = 'none' group by all"""
    assert by_month(region, caseload) == counted.contacts_held
    (rows,) = query(
        region,
        """select count(distinct fact_id) filter (event_type = 'contact.held'),
            count(distinct fact_id) filter (event_type = 'contact.held' and fact_id in (
                select fact_id from log.events where revision_kind = 'contest')),
            count(distinct fact_id) filter (event_type = 'activity.attended')
        from log.events""",
    )
    held, contested, attended = rows
    assert held - contested == sum(counted.contacts_held.values())
    assert attended == sum(counted.attended.values())


def test_the_ledger_counts_the_events_of_the_log(region: Installation) -> None:
    (events,) = query(region, "select (select count(*) from log.events), (select sum(events) from rpt_data_quality)")
    assert events[0] == events[1]
    (position,) = query(region, "select position from log.pinned")
    assert position[0] == events[0]
