"""Facts out of order across sources, records that fit no usual story, and sources that fall silent."""

import os
from datetime import UTC, date, datetime, timedelta

import pytest

from ingestion.sources import sources
from linkwork import reference
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.faults import NUMBER, OTHER, fates, good, lines, put, taken, use_installed
from tests.support.log import SENDER, add_sender, day, ingest, make_home, rows, standing
from tests.support.people import REFERRALS, SERVICE, referral, text

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


def test_f97_e19_a_statement_that_is_years_late_changes_only_what_nobody_restated(home, tmp_path):
    """Two senders, three years: the same facts whatever comes first, and the late file touches its own record alone."""
    add_sender(home, "S2", ["test_state"])
    other = make_home(tmp_path / "in-order")
    add_sender(other, "S2", ["test_state"])
    old = lines(f"a,{NUMBER},2022-01-02,,2022-06-01T02:00:00Z", f"c,{NUMBER},2022-01-05,,2022-06-01T02:00:00Z")
    new, theirs = lines(good("a", 3, day(9)), good("b", 3)), lines(good("a", 2, day(4), OTHER))
    for name, content, sender in (("new", new, "S1"), ("theirs", theirs, "S2"), ("late", old, "S1")):
        put(home, f"{name}.csv", content, sender=sender)
        ingest(home)
    for name, content, sender in (("late", old, "S1"), ("theirs", theirs, "S2"), ("new", new, "S1")):
        put(other, f"{name}.csv", content, sender=sender)
        ingest(other)
    late = fates(home)["late.csv"]
    assert (late.accepted, late.duplicate, late.ids) == (1, 1, ["c"])
    columns = "source_record_ref, sender, occurred_on"
    query = "inner join (select distinct load_id, sender from {}) using (load_id) order by all"
    found = [
        rows(h, "events", columns, query.format(Store(h.log_dir).refresh().loads.relation())) for h in (home, other)
    ]
    assert set(found[0]) < set(found[1])  # in order, the old value of `a` was once the newest
    assert sorted(standing(home)) == sorted(standing(other))
    assert verify(Store(home.log_dir)).problems == []


def test_a_practice_states_a_referral_it_sent_and_an_old_record_of_a_service_stays_the_same(tmp_path):
    """The service's file of before comes again with the columns of the two senders: a duplicate, no revision."""
    home = make_home(tmp_path / "two")
    use_installed(home, "referrals_csv")
    for sender in (SERVICE, "Z90001"):
        add_sender(home, sender, ["referrals_csv"])
    own, theirs = referral("r1", NUMBER, 1), referral("q7", NUMBER, 1)
    more = f"{REFERRALS},stated_by,service_code,shared_reference"
    put(home, "1.csv", text(REFERRALS, own), feed="referrals_csv", sender=SERVICE)
    ingest(home)
    put(home, "2.csv", text(more, f"{own},,,"), feed="referrals_csv", sender=SERVICE)
    asked = text(more, f"{theirs},requester,{SERVICE},BK-1")
    put(home, "3.csv", asked, feed="referrals_csv", sender="Z90001")
    ingest(home)
    assert {name: (f.accepted, f.duplicate) for name, f in fates(home).items()} == {
        "1.csv": (1, 0), "2.csv": (0, 1), "3.csv": (1, 0),
    }  # fmt: skip
    columns = "source_record_ref, provider_code, referral_stated_by, referral_shared_reference"
    found = rows(home, "events", columns, "where event_type = 'referral.received' order by all")
    assert found == [("q7", SERVICE, "requester", "BK-1"), ("r1", SERVICE, None, None)]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("odd"))
    use_installed(home, "referrals_csv", "activity_csv")
    add_sender(home, SERVICE, ["referrals_csv", "activity_csv"])
    declined = referral("r1", NUMBER, 1).split(",")
    declined[REFERRALS.split(",").index("declined_on")] = "2025-05-10"
    put(home, "1.csv", text(REFERRALS, ",".join(declined), referral("r2", NUMBER, 1), referral("r3", NUMBER, 1)),
        feed="referrals_csv", sender=SERVICE)  # fmt: skip
    ingest(home)
    accepted = ",".join(declined).replace("2025-06-01T", "2025-06-02T").split(",")
    accepted[REFERRALS.split(",").index("accepted_on")] = "2025-05-20"
    put(home, "2.csv", text(REFERRALS, ",".join(accepted)), feed="referrals_csv", sender=SERVICE)
    header = (
        "event_id,referral_service,referral_ref,client_name,nhs_number,event,session_date,asset_id,asset_name,category,"
        "delivery,role,cancelled_by,recorded_at"
    )
    attended = f"v1,{SERVICE},unknown,,{NUMBER},attended,2025-05-30,a1,Choir,Arts,group,,,2025-06-01T02:00:00Z"
    put(home, "3.csv", text(header, attended), feed="activity_csv", sender=SERVICE)
    ingest(home)
    return home


def test_f98_nothing_that_breaks_the_usual_story_is_dropped(odd):
    assert {name: (f.accepted, f.refused) for name, f in fates(odd).items()} == {
        "1.csv": (3, []), "2.csv": (1, []), "3.csv": (1, []),
    }  # fmt: skip
    found = rows(odd, "events", "source_record_ref, event_type", "where subject_key is not null order by all")
    assert ("r1", "referral.declined_by_person") in found
    assert ("r1", "referral.accepted") in found  # after she declined
    assert {ref for ref, kind in found if kind == "referral.received"} == {"r1", "r2", "r3"}  # two open at once
    assert ("v1", "activity.attended") in found  # of a referral nobody knows yet
    assert rows(odd, "events", "count(*)", "where source_record_ref = 'v1' and correlation_id is not null") == [(1,)]


# --- sources ------------------------------------------------------------------------------------------


def register(home, code, **more):
    row = {"code": code, "name": code, "kind": "practice", "feeds": ["test_state"], "source_system": "test"}
    reference.add_rows(home.reference_dir, "senders", "code", [row | {"cadence_days": 7} | more])


def sent(home, code, name, content, days_ago):
    put(home, name, content, sender=code)
    then = (NOW - timedelta(days=days_ago)).timestamp()
    os.utime(home.landing_dir / "test_state" / code / name, (then, then))


def test_f99_silent_and_repeating_sources_are_named_by_status(home):
    for code in ("P1", "P2", "P3", "P4"):
        register(home, code)
    register(home, "P5", first_expected=date(2025, 6, 1))
    reference.add_rows(home.reference_dir, "senders", "code", [
        {"code": SENDER, "name": "x", "kind": "other", "feeds": ["test_state"], "source_system": "test"},
    ])  # fmt: skip
    for code, days_ago in (("P1", 2), ("P2", 20), ("P3", 20), ("P4", 3)):
        sent(home, code, "1.csv", lines(good(code.lower())), days_ago)
    ingest(home)
    sent(home, "P3", "2.csv", lines(good("p3")), 1)  # yesterday's file again, under today's name
    sent(home, "P4", "2.csv", "not a file", 1)
    ingest(home)
    found = {row["sender"]: row for row in sources(home, Store(home.log_dir), NOW)}
    assert {code: (row["state"], row["days_overdue"]) for code, row in found.items()} == {
        "P1": ("on_time", 0), "P2": ("silent", 13), "P3": ("repeats", 13), "P4": ("on_time", 0),
        "P5": ("never_delivered", 30), SENDER: ("unscheduled", 0),
    }  # fmt: skip
    assert found["P4"]["last_bad"] is not None
    assert (found["P1"]["expected"], found["P1"]["contract_version"]) == (date(2025, 7, 6), "1.0.0")


def test_f92_e18_a_file_repeated_under_another_name_is_on_record_and_no_news(home):
    taken(home, lines(good("a")), "1.csv")
    assert taken(home, lines(good("a")), "2.csv").status == "noop"
    (row,) = sources(home, Store(home.log_dir), datetime.now(UTC))
    assert (row["loads"], row["last_repeated"] is not None) == (1, True)
