"""The same world told by other systems: each feed is taken whole, and says what it can say."""

from collections import Counter
from collections.abc import Callable

import pytest

from linkwork import engine
from linkwork.log.store import Store
from linkwork.settings import Settings
from tests.support.delivery import take
from tests.support.installation import Installation

Facts = Counter[tuple[str, str, str, bytes | None]]  # sender, event type, day, person

# What a feed has no words for. Of a person known by a local number only, no two systems have the same pseudonym.
CANNOT_SAY = {
    "Z90003": {"appointment.status_unknown"}, "Z90006": {"appointment.status_unknown"},
    "Z90007": {"appointment.status_unknown"},
    "Z90008": {"appointment.status_unknown", "registration.started", "registration.ended"},
    "ZSP01": {"referral.declined_by_person", "referral.put_on_hold", "referral.resumed", "referral.rejected"},
    "ZSP02": {"referral.closed", "referral.put_on_hold", "referral.resumed"},
    "ZVC01": {"activity.referred", "activity.booked", "activity.completed", "activity.withdrawn"},
}  # fmt: skip
# What it says besides: a rejection that is a closure, a registration without a checked number.
SAYS_BESIDES = {
    "Z90008": {"registration.started", "registration.ended"}, "ZSP01": {"referral.closed"},
}  # fmt: skip


@pytest.fixture(scope="module")
def told(install: Callable[[str], Installation]) -> dict[str, Installation]:
    """One world in the usual feeds and in varied ones, with the same keys."""
    made = install("feeds")
    found = {}
    for name, feeds in (("usual", ()), ("varied", ("--feeds", "varied"))):
        folder = made.folder / name
        folder.mkdir()
        one = Installation(folder, {**made.env, "LINKWORK_HOME": str(folder / "data")})
        one.run("simulate", "--people", "350", "--seed", "11", "--days", "0", "--mess", "0", *feeds, "--out", "region")
        one.run("reference", "load", "--all", "region/reference")
        take(one, "region/landing")
        found[name] = one
    return found


def facts(one: Installation) -> Facts:
    settings = Settings(home=one.home, keys_dir=one.folder.parent / "keys")
    store = Store(settings.log_dir).refresh()
    with engine.connect() as con:
        return Counter(
            con.execute(f"""
                select loads.sender, event_type, occurred_on::varchar,
                       if(identity_quality = 'local', null, subject_key)
                from {store.events.relation()} as events join {store.current_loads()} as loads using (load_id)
                where not starts_with(event_type, 'person.')
            """).fetchall()
        )


def test_every_file_of_every_feed_is_taken_whole(told: dict[str, Installation]):
    loads = told["varied"].json("load", "list")
    assert {load["feed"] for load in loads} >= {
        "gp_appointments_emis_csv", "gp_appointments_tpp_csv", "registrations_emis_csv", "registrations_tpp_csv",
        "referrals_charitylog_csv", "referrals_joy_csv", "fhir_r4_ndjson", "activity_register_xlsx", "gp_codes_csv",
    }  # fmt: skip
    files = {(load["feed"], load["sender"], load["file_name"]) for load in loads}
    taken = {(load["feed"], load["sender"], load["file_name"]) for load in loads if load["status"] == "committed"}
    assert taken == files
    assert {load["quarantined"] + load["conflict"] for load in loads} == {0}


def test_what_a_feed_can_say_is_what_the_usual_one_says(told: dict[str, Installation]):
    usual, varied = facts(told["usual"]), facts(told["varied"])
    for found, allowed in ((usual - varied, CANNOT_SAY), (varied - usual, SAYS_BESIDES)):
        for sender, event_type, *_ in found:
            assert event_type in allowed.get(sender, set()), (sender, event_type)
    assert (usual & varied).total() > usual.total() * 0.9
