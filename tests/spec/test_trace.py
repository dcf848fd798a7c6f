"""What the views of a trace say adds up, in every row of every reporting mart, to what the mart says."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from linkwork import engine
from linkwork.errors import LinkworkError
from linkwork.release.marts import Mart, read_described
from linkwork.trace import facts
from linkwork.trace.cells import Build, Marts
from linkwork.trace.walk import Walk
from tests.spec.warehouse import Warehouse

# Enough for every figure to be above 0 somewhere; the scenarios of the other modules are looked at as well.
EVENTS = """
person | record | event                 | on         | says
ann    | A1     | referral.received     | 2025-03-10 | route=gp; decided_on=2025-03-03; reasons=LOCAL:DEBT,81877007
ann    | A1     | referral.accepted     | 2025-03-12 |
ann    | A-c    | contact.held          | 2025-03-14 | referral=A1
ann    | A-0    | appointment.attended  | 2025-02-20 | at=Z90901
ann    | A-1    | appointment.attended  | 2025-03-20 | at=Z90901
ann    | A-2    | appointment.attended  | 2025-03-20 | at=Z90901
ann    | A-3    | appointment.attended  | 2025-03-25 | at=Z90901; hcp_type=Other Practice staff
ann    | A2     | referral.received     | 2025-03-28 | at=Z90901; route=self
bob    | B1     | referral.received     | 2025-03-20 | at=Z90901; route=gp
bob    | B-1    | appointment.attended  | 2025-03-18 | at=Z90901
cat    | C1     | referral.received     | 2025-03-20 | at=Z90901; route=self
cat    | C1     | referral.rejected     | 2025-03-21 | reason=outside area
dee    | D1     | referral.received     | 2025-03-20 | route=gp
ann    | A-s    | signpost.made         | 2025-03-14 | referral=A1; asset_id=walks
bob    | B-c    | contact.held          | 2025-03-24 | referral=B1
bob    | B-g    | activity.booked       | 2025-04-01 | referral=B1; asset_id=walks
ann    | O1     | referral.accepted_at_offer | 2025-03-03 | at=Z90901
bob    | O2     | referral.declined_at_offer | 2025-03-04 | at=Z90901
cat    | O3     | referral.offered      | 2025-03-05 | at=Z90901
       | N1     | referral.received     | 2025-03-22 | at=Z90901; route=gp
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    warehouse.practice("Z90901", pcn="U99901", icb="QT1")
    for person in ("ann", "bob", "cat"):
        says = {"practice_code": "Z90901"}
        warehouse.event(scope, person, f"reg-{person}", "registration.started", "2010-01-01", **says)
    # Two came after the release before, in one month of one practice; of that release one figure is enough.
    for number in (1, 2):
        says = {"practice_code": "Z90901", "recorded": "2026-02-01"}
        warehouse.event(scope, "bob", f"late-{number}", "referral.received", f"2025-04-0{number}", **says)
    warehouse.figures.append(
        {
            "mart": "rpt_referral_reasons",
            "item": "any all",
            "figure": "referrals",
            "period_start": date(2025, 4, 1),
            "area_level": "practice",
            "area_code": "Z90901",
            "figure_value": 0,
        }
    )
    for n in range(12):
        day = f"2025-{4 + n % 6:02}-03"
        warehouse.event(scope, "ann", f"walk-{n}", "activity.attended", day, referral="A1", asset_id=f"walks-{n % 2}")
        answers = {"instrument": "ONS4", "items": f"{n % 10},7,7,3", "referral": "A1" if n % 2 else "B1"}
        warehouse.event(scope, "ann" if n % 2 else "bob", f"asked-{n}", "measure.recorded", day, **answers)
    for n, on in enumerate(("2023-01-01", "2026-01-31")):
        warehouse.event(scope, "neighbour", f"edge-{n}", "appointment.missed", on, practice_code="Z90901")


REPORTING = ["rpt_uptake", "rpt_referral_reasons", "rpt_gp_reattendance", "rpt_data_quality"]
REPORTING += ["rpt_activity", "rpt_activity_people", "rpt_outcomes", "rpt_outcome_bands", "rpt_plans"]
REPORTING += ["rpt_children", "rpt_uptake_times", "rpt_reason_coding", "rpt_offers"]
FIGURES = {"rpt_restatements": 1}  # at least so many can be added up; of the others four


@pytest.fixture(scope="module")
def described(built: duckdb.DuckDBPyConnection) -> dict[str, Mart]:
    row = built.execute("select path from duckdb_databases() where path is not null").fetchone()
    assert row is not None
    return {mart.name: mart for mart in read_described(Path(row[0]).parent / "target" / "manifest.json")}


@pytest.mark.parametrize("name", [*REPORTING, *FIGURES])
def test_contributions_add_up_to_every_figure(
    built: duckdb.DuckDBPyConnection, described: dict[str, Mart], name: str
) -> None:
    mart = described[name]
    lineage = mart.meta.trace
    assert lineage is not None
    checked = 0
    for figure, meaning in lineage.figures.items():
        if meaning.kind == "derived":
            continue
        (column,) = [engine.name(c) for c in meaning.of or [figure]]
        added = f"sum({column})"
        if meaning.kind == "people":
            added = f"count(distinct coalesce(person_id, '')) filter ({column} > 0)"
        key = [c for c in mart.meta.key if c not in meaning.at]
        where = " and ".join(f"{engine.name(c)} = {engine.text(v)}" for c, v in meaning.at.items()) or "true"
        joined = " and ".join(f"mart.{engine.name(c)} = behind.{engine.name(c)}" for c in key)
        differing = built.execute(
            f"""
            with behind as (
                select {", ".join(engine.name(c) for c in key)}, {added} as added
                from {engine.name(str(lineage.rows[0].through))} where {where} group by all
            )
            select mart.{engine.name(figure)}, behind.added
            from {engine.name(name)} as mart left join behind on {joined}
            where mart.{engine.name(figure)} is distinct from coalesce(behind.added, 0)"""
        ).fetchall()
        assert differing == [], f"{name}.{figure}"
        checked += 1
    assert checked >= FIGURES.get(name, 4)


@pytest.mark.parametrize("name", [*REPORTING, *FIGURES])
def test_the_view_names_no_row_that_the_mart_does_not_have(
    built: duckdb.DuckDBPyConnection, described: dict[str, Mart], name: str
) -> None:
    mart = described[name]
    assert mart.meta.trace is not None
    view = engine.name(str(mart.meta.trace.rows[0].through))
    joined = " and ".join(f"mart.{engine.name(c)} = behind.{engine.name(c)}" for c in mart.meta.key)
    (stray,) = built.execute(f"select count(*) from {view} as behind anti join {name} as mart on {joined}").fetchall()
    (total,) = built.execute(f"select count(*) from {view}").fetchall()
    assert stray == (0,)
    if name in FIGURES:
        assert total > (0,)
    elif name != "rpt_data_quality":  # scenarios have events and no deliveries
        assert total > (10,)


def test_the_contacts_of_a_window_are_the_days_of_their_slots(built: duckdb.DuckDBPyConnection) -> None:
    """Contacts are counted by person, day and practice; the view gives their slots."""
    differing = built.execute(
        """
        with behind as (
            select
                slots.referral_id, slots.window_days, slots.measure,
                count(distinct (a.slot_on, a.practice_code)) filter (contacts_before > 0) as before,
                count(distinct (a.slot_on, a.practice_code)) filter (contacts_after > 0) as after,
                count(distinct (a.slot_on, a.practice_code)) filter (contacts_before_most > 0) as before_most,
                count(distinct (a.slot_on, a.practice_code)) filter (contacts_after_most > 0) as after_most
            from trace__reattendance_contacts as slots inner join fct_appointments as a using (appointment_id)
            group by all
        )
        select * from fct_reattendance as r
        left join behind as gp
            on gp.referral_id = r.referral_id and gp.window_days = r.window_days and gp.measure = 'gp_contacts'
        left join behind as everyone
            on everyone.referral_id = r.referral_id and everyone.window_days = r.window_days
            and everyone.measure = 'all_clinician_contacts'
        where r.inclusion = 'included' and (
            (gp_contacts_before, gp_contacts_after) <> (coalesce(gp.before, 0), coalesce(gp.after, 0))
            or (all_contacts_before, all_contacts_after)
            <> (coalesce(everyone.before, 0), coalesce(everyone.after, 0))
            or (gp_contacts_before_most, gp_contacts_after_most)
            <> (coalesce(gp.before_most, 0), coalesce(gp.after_most, 0))
            or (all_contacts_before_most, all_contacts_after_most)
            <> (coalesce(everyone.before_most, 0), coalesce(everyone.after_most, 0)))"""
    ).fetchall()
    assert differing == []
    assert built.execute("select count(*) > 5 from trace__reattendance_contacts").fetchall() == [(True,)]


def test_a_view_that_told_of_another_number_would_be_noticed(
    built: duckdb.DuckDBPyConnection, described: dict[str, Mart]
) -> None:
    for changed, is_told in (("referrals", False), ("referrals + 1", True)):
        con = built.cursor()
        con.execute(
            f"""create temp table cells as select * replace ({changed} as referrals) from rpt_uptake
            where stage = 'referred' and period_type = 'month'"""
        )
        walk = Walk(Build(con, Marts(Path(), described), 0, None), described["rpt_uptake"], "referrals")
        if is_told:
            with pytest.raises(LinkworkError, match="does not add up to referrals"):
                walk.run()
        else:
            walk.run()
            facts.find(walk.build)
            assert con.execute("select count(*) > 0 from wanted").fetchall() == [(True,)]
        con.close()
