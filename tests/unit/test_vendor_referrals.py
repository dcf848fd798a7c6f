"""What each status of a vendor's kind of referrals becomes. Silence is not a refusal."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support.vendors import ONE, said, staged

SR = (
    "RowIdentifier,Patient_ID,NHS_Number,Test_Patient,Practice_Code,Referral_Source,Reason_Code,Referrer_ID,"
    "Date_Received,Date_Accepted,Date_Rejected,Rejection_Reason,Date_Ended,End_Reason,Date_Extract"
)


def sr(id: int, accepted: str = "", rejected: str = "", why: str = "", ended: str = "", reason: str = "") -> str:
    return (
        f"{id},77,{ONE},FALSE,Z90001,GP,871731000000106,4,03 Jun 2025 00:00:00,{accepted},{rejected},{why},"
        f"{ended},{reason},01 Jul 2025 02:00:00"
    )


def test_a_tpp_referral_becomes_its_milestones(tmp_path):
    made = staged(
        tmp_path,
        "referrals_tpp_csv",
        SR,
        sr(1),
        sr(2, accepted="03 Jun 2025 00:00:00"),
        sr(3, rejected="05 Jun 2025 11:00:00", why="No Capacity"),
        sr(4, accepted="04 Jun 2025 09:00:00", ended="20 Jun 2025 00:00:00", reason="Completed"),
        sr(5, ended="20 Jun 2025 00:00:00", reason="Unable to Contact"),
        sr(6, accepted="01 Jun 2025 00:00:00"),
        sr(7, accepted="04 Jun 2025 09:00:00", rejected="05 Jun 2025 11:00:00"),
    )
    facts = said(made, "referral", "occurred_on::varchar, referral_reason, referral_planned")
    received = ("referral.received", "2025-06-03", None, None)
    assert facts == {
        1: [received],
        2: [received, ("referral.accepted", "2025-06-03", None, None)],
        3: [received, ("referral.rejected", "2025-06-05", "no capacity", None)],
        4: [
            ("referral.closed", "2025-06-20", "completed", True),
            received,
            ("referral.accepted", "2025-06-04", None, None),
        ],
        5: [("referral.closed", "2025-06-20", "unable_to_contact", False), received],
    }
    assert made.refused_lines == [(7, "accepted_after_received", "accepted_at"), (8, "one_response", "rejected_at")]


@pytest.mark.parametrize(
    ("milestone", "field"), [("accepted", "accepted_at"), ("rejected", "rejected_at"), ("ended", "ended_at")]
)
def test_f84_a_tpp_referral_passes_no_milestone_after_its_extract(tmp_path, milestone, field):
    """At the second of the extract it does; and of a time that is not known the day counts."""
    days = ("01 Jul 2025 02:00:01", "02 Jul 2025 00:00:00", "01 Jul 2025 02:00:00", "01 Jul 2025 00:00:00")
    made = staged(tmp_path, "referrals_tpp_csv", SR, *(sr(n, **{milestone: on}) for n, on in enumerate(days, start=1)))
    rule = f"{milestone}_not_in_future"
    assert made.refused_lines == [(2, rule, field), (3, rule, field)]
    assert set(said(made, "referral")) == {3, 4}


CHARITYLOG = (
    "Case ID,Client ID,NHS Number,GP Practice,Referred By,Reasons,Referral Stage,Date Received,Date Opened,"
    "Date Closed,Worker,Exported"
)
OPEN, SHUT = "10/06/2025", "20/06/2025"
# Each stage with its dates, and the milestones it becomes.
STAGES: dict[str, tuple[str, str, list[str]]] = {
    "Received": ("", "", []),
    "First contact": ("", "", []),
    "Assessment arranged": ("", "", []),
    "Assessment complete": (OPEN, "", ["accepted"]),
    "Allocated": (OPEN, "", ["accepted"]),
    "First appointment booked": (OPEN, "", ["accepted"]),
    "First appointment attended": (OPEN, "", ["accepted"]),
    "Closed - Complete": (OPEN, SHUT, ["closed completed True", "accepted"]),
    "Closed - No answer": ("", SHUT, ["closed unable_to_contact False"]),
    "Closed - Client declined": ("", SHUT, ["closed declined False", "declined_by_person declined"]),
    "Closed - Client moved away": (OPEN, SHUT, ["closed moved_away False", "accepted"]),
}


def charitylog(id: str, stage: str, opened: str, closed: str) -> str:
    reasons = "SOC:LONELY|871731000000106"
    return f"{id},c{id},{ONE},z90001,Self,{reasons},{stage},01/06/2025,{opened},{closed},w1,01/07/2025 02:00"


def test_e45_each_charitylog_stage_becomes(tmp_path):
    lines = [charitylog(str(n), stage, opened, closed) for n, (stage, (opened, closed, _)) in enumerate(STAGES.items())]
    made = staged(tmp_path, "referrals_charitylog_csv", CHARITYLOG, *lines)
    facts = said(made, "referral", "referral_reason, referral_planned")
    found = {
        stage: sorted(" ".join(str(v) for v in fact if v is not None).removeprefix("referral.") for fact in facts[n])
        for n, stage in enumerate(STAGES, start=1)
    }
    assert found == {stage: sorted([*milestones, "received"]) for stage, (_, _, milestones) in STAGES.items()}


def test_e03_a_charitylog_case_that_declined_after_it_was_open_was_accepted(tmp_path):
    made = staged(
        tmp_path, "referrals_charitylog_csv", CHARITYLOG, charitylog("1", "Closed - Client declined", OPEN, SHUT)
    )
    kinds = {kind for kind, *_ in said(made, "referral")[1]}
    assert kinds == {"referral.received", "referral.accepted", "referral.closed"}


def test_a_charitylog_stage_without_its_date_is_quarantined(tmp_path):
    made = staged(
        tmp_path,
        "referrals_charitylog_csv",
        CHARITYLOG,
        charitylog("1", "Allocated", "", ""),
        charitylog("2", "Closed - No answer", "", ""),
    )
    assert made.refused_lines == [(2, "open_has_a_date", "opened_on"), (3, "closed_has_a_date", "closed_on")]


def test_f84_a_charitylog_case_passes_no_milestone_after_its_export(tmp_path):
    made = staged(
        tmp_path,
        "referrals_charitylog_csv",
        CHARITYLOG,
        charitylog("1", "Allocated", "02/07/2025", ""),
        charitylog("2", "Closed - Complete", OPEN, "02/07/2025"),
        charitylog("3", "Closed - Complete", "01/07/2025", "01/07/2025"),
    )
    assert made.refused_lines == [
        (2, "opened_not_in_future", "opened_on"),
        (3, "closed_not_in_future", "closed_on"),
    ]
    assert set(said(made, "referral")) == {3}


JOY = (
    "Referral ID,Client ID,NHS Number,Practice,Source,Reasons,Status,Created,Accepted,Status Changed,Status Reason,"
    "Exported"
)
JOY_STATUSES: dict[str, list[tuple[Any, ...]]] = {
    "Pending": [],
    "Accepted": [("referral.accepted", None, None)],
    "Declined": [("referral.rejected", "no_capacity", None)],
    "Declined by client": [("referral.declined_by_person", "no_capacity", None)],
    "Auto-declined": [("referral.closed", "no_response_timeout", False)],
    "Completed": [("referral.accepted", None, None), ("referral.closed", "completed", True)],
}


def test_each_joy_status_becomes(tmp_path):
    lines = []
    for number, status in enumerate(JOY_STATUSES):
        accepted = "2025-06-05T10:00:00+01:00" if status in ("Accepted", "Completed") else ""
        lines.append(
            f"j{number},c1,{ONE},Z90001,Marketplace self-referral,,{status},2025-06-03T23:30:00Z,{accepted},"
            "2025-06-17T10:00:00+01:00,no_capacity,2025-07-01T02:00:00Z"
        )
    facts = said(
        staged(tmp_path, "referrals_joy_csv", JOY, *lines), "referral", "referral_reason, referral_planned"
    ).values()
    expected = [[("referral.received", None, None), *said_so] for said_so in JOY_STATUSES.values()]
    assert [sorted(found, key=str) for found in facts] == [sorted(found, key=str) for found in expected]


def test_a_joy_time_brings_its_offset_and_its_day_is_the_local_one(tmp_path):
    line = f"j1,c1,{ONE},Z90001,GP,,Pending,2025-06-03T23:30:00Z,,2025-06-03T23:30:00Z,,2025-07-01T02:00:00+01:00"
    made = staged(tmp_path, "referrals_joy_csv", JOY, line)
    assert said(made, "referral", "occurred_at, occurred_on")[1] == [
        ("referral.received", datetime(2025, 6, 3, 23, 30, tzinfo=UTC), date(2025, 6, 4))
    ]
    assert made.profile["newest_asserted_at"] == "2025-07-01T01:00:00+00:00"


def test_e03_a_joy_referral_that_was_declined_after_it_was_accepted_has_ended(tmp_path):
    line = (
        f"j1,c1,{ONE},Z90001,GP,,Declined,2025-06-03T23:30:00Z,2025-06-05T10:00:00Z,2025-06-17T10:00:00Z,no_capacity,"
        "2025-07-01T02:00:00Z"
    )
    found = said(staged(tmp_path, "referrals_joy_csv", JOY, line), "referral", "referral_reason, referral_planned")[1]
    assert sorted(found, key=str) == [
        ("referral.accepted", None, None),
        ("referral.closed", "declined_by_service", False),
        ("referral.received", None, None),
    ]


def test_a_joy_referral_is_accepted_at_a_time_and_not_before_it_was_made(tmp_path):
    lines = [
        f"j{n},c1,{ONE},Z90001,GP,,Accepted,2025-06-03T23:30:00Z,{at},2025-06-17T10:00:00Z,,2025-07-01T02:00:00Z"
        for n, at in enumerate(("", "2025-06-03T23:29:59Z", "2025-06-03T23:30:00Z"))
    ]
    made = staged(tmp_path, "referrals_joy_csv", JOY, *lines)
    rules = [(2, "accepted_has_a_time", "accepted_at"), (3, "accepted_after_created", "accepted_at")]
    assert made.refused_lines == rules


def test_f84_a_joy_referral_is_not_accepted_after_its_export(tmp_path):
    late, fine = "2025-07-01T03:00:01+01:00", "2025-07-01T03:00:00+01:00"
    lines = [
        f"{id},c1,{ONE},Z90001,GP,,Accepted,2025-06-03T23:30:00Z,{on},2025-06-17T10:00:00Z,,2025-07-01T02:00:00Z"
        for id, on in (("late", late), ("fine", fine))
    ]
    made = staged(tmp_path, "referrals_joy_csv", JOY, *lines)
    assert made.refused_lines == [(2, "accepted_not_in_future", "accepted_at")]
