"""Referrals as EMIS Web's extracts have them: which are to social prescribing, and who says so."""

from datetime import UTC, date, datetime

import pytest

from tests.support.vendors import ONE, said, staged

EMIS = (
    "referral_id,patient_id,nhs_number,snomed_concept_id,direction,practice_code,target_organisation,service_type,"
    "urgency,mode,referral_made,ended,is_deleted,extracted_at"
)
SOCIAL_PRESCRIBING, CARDIOLOGY = "871731000000106", "183519002"


def emis(id: str, **other: str) -> str:
    row = {
        "code": SOCIAL_PRESCRIBING, "direction": "Out", "practice": "Z90001", "to": "ZSP01", "service": "Assessment",
        "urgency": "Routine", "made": "2025-06-03 09:30:00", "ended": "",
    } | other  # fmt: skip
    return (
        f"{id},p1,{ONE},{row['code']},{row['direction']},{row['practice']},{row['to']},{row['service']},"
        f"{row['urgency']},Written,{row['made']},{row['ended']},FALSE,2025-07-01T02:00:00Z"
    )


def emis_deleted(id: str) -> str:
    return f"{id}{',' * 12}TRUE,2025-07-01T02:00:00Z"


def test_an_emis_referral_is_the_practices_request_or_the_services_receipt(tmp_path):
    made = staged(
        tmp_path,
        "referrals_emis_csv",
        EMIS,
        emis("a", ended="2025-06-20 10:00:00"),
        emis("b", direction="In", to="", ended="2025-06-20 10:00:00"),
        emis("c", direction="inbound", practice="", to="", service="Self referral"),
        emis("d", direction="OUTBOUND", urgency="Urgent"),
        emis("e", direction="Internal"),
    )
    found = said(made, "referral", "referral_stated_by, practice_code, provider_code, referral_route")
    assert found == {
        1: [
            ("referral.closed", "requester", "Z90001", "ZSP01", None),
            ("referral.received", "requester", "Z90001", "ZSP01", None),
        ],
        2: [
            ("referral.closed", None, "Z90001", "S1", None),
            ("referral.received", None, "Z90001", "S1", None),
        ],
        3: [("referral.received", None, None, "S1", "self")],
        4: [("referral.received", "requester", "Z90001", "ZSP01", None)],
    }
    assert made.refused_lines == [(6, "domain", "direction")]


def test_an_emis_referral_to_something_else_is_skipped_and_one_that_cannot_be_told_is_refused(tmp_path):
    codes = (CARDIOLOGY, SOCIAL_PRESCRIBING, "8.71731E+14", "", "EMISNQRE582")
    lines = [emis(f"r{n}", code=code) for n, code in enumerate(codes)]
    made = staged(tmp_path, "referrals_emis_csv", EMIS, *lines, emis("x", code=CARDIOLOGY, to="", urgency="2WW"))
    assert made.profile["skipped_as"] == {"not_social_prescribing": 3}
    assert made.refused_lines == [
        (4, "scientific_notation", "referral_code"),
        (5, "required", "referral_code"),
    ]
    assert set(said(made, "referral")) == {2}


def test_an_emis_referral_that_was_sent_says_where_to(tmp_path):
    """Else the practice that sent it would count as the service."""
    made = staged(tmp_path, "referrals_emis_csv", EMIS, emis("a", to=""), emis("b", direction="In", to=""))
    assert made.refused_lines == [(2, "sent_somewhere", "service_code")]
    assert set(said(made, "referral")) == {2}


@pytest.mark.parametrize("urgency", ["Routine", "Soon", "Urgent", "Dated", "2WW", "2 Week Wait", "", "Next month"])
def test_an_emis_urgency_refuses_nothing_and_one_for_cancer_is_warned_of(tmp_path, urgency):
    made = staged(tmp_path, "referrals_emis_csv", EMIS, emis("a", urgency=urgency))
    assert made.refused_lines == []
    assert made.profile["warnings"].get("two_week_wait", 0) == int(urgency.startswith("2"))


def test_e33_an_emis_referral_is_of_the_local_day(tmp_path):
    made = staged(tmp_path, "referrals_emis_csv", EMIS, emis("a", made="2025-06-03 23:30:00"))
    assert said(made, "referral", "occurred_at, occurred_on")[1] == [
        ("referral.received", datetime(2025, 6, 3, 23, 30, tzinfo=UTC), date(2025, 6, 4))
    ]


def test_e33_an_emis_day_without_a_time_is_a_day(tmp_path):
    made = staged(tmp_path, "referrals_emis_csv", EMIS, emis("a", ended="2025-06-03 00:00:00"))
    assert made.refused_lines == []
    assert said(made, "referral", "occurred_on, occurred_precision")[1] == [
        ("referral.closed", date(2025, 6, 3), "day"), ("referral.received", date(2025, 6, 3), "second"),
    ]  # fmt: skip


def test_e20_a_deleted_emis_referral_is_a_record_without_facts(tmp_path):
    made = staged(tmp_path, "referrals_emis_csv", EMIS, emis("a"), emis_deleted("b"), emis_deleted(""))
    assert made.profile["valid"] == 2
    assert made.profile["skipped_as"] == {}
    assert made.refused_lines == [(4, "required", "referral_id")]
    assert set(said(made, "referral")) == {1}


def test_f84_an_emis_referral_has_its_dates_in_order_and_none_after_its_extract(tmp_path):
    late, fine = "2025-07-01 02:00:01", "2025-07-01T02:00:00Z"
    lines = [emis("a", made=late), emis("b", ended=late), emis("c", made=fine, ended=fine)]
    lines += [emis("d", ended="2025-06-03 09:29:59"), emis("e", made="2009-12-31 10:00:00")]
    made = staged(tmp_path, "referrals_emis_csv", EMIS, *lines)
    assert made.refused_lines == [
        (2, "not_in_future", "referral_made"),
        (3, "ended_not_in_future", "ended"),
        (5, "ended_after_made", "ended"),
        (6, "plausible_date", "referral_made"),
    ]
    assert set(said(made, "referral")) == {3}
