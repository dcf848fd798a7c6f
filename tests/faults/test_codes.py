"""Codes, scores and quantities that are wrong: what is kept as sent, what is refused, under the contracts shipped."""

import json

import pytest

from tests.support.faults import NUMBER, Fate, fates, lines, put, use_installed
from tests.support.log import add_sender, ingest, make_home, rows

REFERRALS, CONTACTS, CODES = "referrals_csv", "link_worker_jsonl", "gp_codes_csv"
R_HEADER = (
    "referral_id,practice_code,client_id,nhs_number,route,referrer_role,referrer_id,connector_model,reason_codes,"
    "decided_on,received_on,accepted_on,rejected_on,rejection_reason,declined_on,decline_reason,on_hold_on,closed_on,"
    "closure_reason,link_worker_id,notes,extract_at"
)
G_HEADER = "entry_id,practice_code,patient_id,nhs_number,code,term,entered_on,recorded_at"

REASONS = {
    "f86_snomed": ("267076002", None),
    "f86_eighteen_digits": ("999000091000000107", None),
    "f86_unknown": ("999000099", None),
    "f86_a_description": ("99900000010112", None),
    "f86_local": ("LOCAL:NEVER-HEARD-OF", None),
    "f86_a_suppliers_own": ("EMISNQRE582", None),
    "f86_lower_case": ("local:debt", None),
    "f86_a_space": (" 267076002", None),
    "f86_from_a_spreadsheet": ("1.37350100000011E+15", "scientific_notation"),
    "f86_in_words": ("feels lonely", "grammar"),
}
MEASURES = {
    "whole": ({"instrument": "SWEMWBS", "items": [3, 3, 3, 3, 3, 3, 3], "score": 21}, None),
    "incomplete": ({"instrument": "SWEMWBS", "items": [3, None, 3, 3, 3, 3, 3]}, None),
    "answer_of_zero": ({"instrument": "SWEMWBS", "items": [3, 0, 3, 3, 3, 3, 3]}, "items_of_instrument"),
    "one_answer_too_many": ({"instrument": "swemwbs", "items": [3] * 8}, "items_of_instrument"),
    "raw_6": ({"instrument": "SWEMWBS", "score": 6}, "score_of_instrument"),
    "raw_36": ({"instrument": "SWEMWBS", "score": 36}, "score_of_instrument"),
    "an_eleven": ({"instrument": "ONS4", "items": [5, 5, 5, 11]}, "items_of_instrument"),
    "phq_28": ({"instrument": "PHQ-9", "score": 28}, "score_of_instrument"),
    "gad_4": ({"instrument": "GAD-7", "items": [0, 4, 0, 0, 0, 0, 0]}, "items_of_instrument"),
    "pam_101": ({"instrument": "PAM-13", "score": 100.5}, "score_of_instrument"),
    "pam": ({"instrument": "PAM-13", "score": 55.1, "cutPointVersion": "47.0/55.1/67.0"}, None),
    "nobodys_instrument": ({"instrument": "HOME-MADE", "items": [99], "score": 4711}, None),
    "pounds": ({"instrument": "weight", "value": 180, "unit": "[lb_av]"}, None),
    "stones": ({"instrument": "weight", "value": 12, "unit": "stone"}, "unit_of_quantity"),
    "no_unit": ({"instrument": "weight", "value": 80}, "unit_of_quantity"),
    "in_grams_called_kilograms": ({"instrument": "weight", "value": 80000, "unit": "kg"}, "plausible_value"),
    "hba1c_per_cent": ({"instrument": "HbA1c", "value": 6.5, "unit": "%"}, None),
    "hba1c_per_cent_of_mmol": ({"instrument": "HbA1c", "value": 48, "unit": "%"}, "plausible_value"),
    "more_minutes_than_a_week": (
        {"instrument": "activity-minutes", "value": 10081, "unit": "min/wk"},
        "plausible_value",
    ),
}
ENTRIES = {
    "offered": ("871691000000100", "referral.offered"),
    "accepted": ("871731000000106", "referral.accepted_at_offer"),
    "declined": ("871711000000103", "referral.declined_at_offer"),
    "another": ("1362721000000106", None),
    "a_suppliers_own": ("EMISNQRE582", None),
    "from_a_spreadsheet": ("8.71731E+14", "scientific_notation"),
}


def referral(id: str, reason: str) -> str:
    return f"{id},Z90001,p{id},{NUMBER},gp,,,,{reason},,2025-03-01,,,,,,,,,,,2025-04-01T02:00:00Z"


def message(id: str, data: dict[str, object]) -> str:
    at = "2025-03-01T10:00:00Z"
    head = {"specversion": "1.0", "id": id, "type": "org.linkwork.measure.recorded", "time": at, "recordedtime": at}
    return json.dumps(head | {"data": {"nhsNumber": NUMBER, **data}})


def entry(id: str, code: str) -> str:
    return f"{id},Z90001,p1,{NUMBER},{code},As coded,2025-03-01,2025-03-01T18:00:00Z"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = make_home(tmp_path_factory.mktemp("codes"))
    use_installed(settings, REFERRALS, CONTACTS, CODES)
    add_sender(settings, "ZSP01", [REFERRALS, CONTACTS])
    add_sender(settings, "Z90001", [CODES])
    sent = lines(*(referral(name, reason) for name, (reason, _) in ids(REASONS)), header=R_HEADER)
    put(settings, "referrals.csv", sent, feed=REFERRALS, sender="ZSP01")
    sent = "\n".join(message(name, data) for name, (data, _) in ids(MEASURES)) + "\n"
    put(settings, "measures.jsonl", sent, feed=CONTACTS, sender="ZSP01")
    sent = lines(*(entry(name, code) for name, (code, _) in ids(ENTRIES)), header=G_HEADER)
    put(settings, "codes.csv", sent, feed=CODES, sender="Z90001")
    ingest(settings)
    return settings


def ids(cases):
    """Each case under an id that every contract allows."""
    return [(name.replace("_", "-"), case) for name, case in cases.items()]


def of(home, file: str, cases, header: int) -> tuple[Fate, dict[int, str], dict[str, int]]:
    """A file's fate, the rule that each of its lines broke, and the line of each case."""
    fate = fates(home)[file]
    return fate, dict(fate.refused), {name: line for line, name in enumerate(cases, header + 1)}


@pytest.mark.parametrize("case", REASONS)
def test_f86_a_reason_is_kept_as_sent_unless_its_digits_are_lost(home, case):
    fate, refused, line = of(home, "referrals.csv", REASONS, 1)
    code, rule = REASONS[case]
    assert refused.get(line[case]) == rule
    kept = dict(rows(home, "events", "source_record_ref, referral_reasons", "where category = 'referral'"))
    assert kept.get(case.replace("_", "-")) == (None if rule else [code])
    assert fate.accepted + fate.quarantined == fate.records == len(REASONS)


@pytest.mark.parametrize("case", MEASURES)
def test_a_measure_lies_within_the_limits_of_its_instrument(home, case):
    fate, refused, line = of(home, "measures.jsonl", MEASURES, 0)
    assert refused.get(line[case]) == MEASURES[case][1]
    assert fate.accepted + fate.quarantined == fate.records == len(MEASURES)


def test_a_missing_answer_keeps_its_place(home):
    stored = rows(home, "events", "engagement_items", "where source_record_ref = 'incomplete'")
    assert stored == [([3, None, 3, 3, 3, 3, 3],)]


@pytest.mark.parametrize("case", ENTRIES)
def test_e06_a_coded_entry_says_how_an_offer_went_or_is_left_out(home, case):
    fate, refused, line = of(home, "codes.csv", ENTRIES, 1)
    told = dict(rows(home, "events", "source_record_ref, event_type", "where source_system = 'test'"))
    code, outcome = ENTRIES[case]
    event = outcome if outcome and outcome.startswith("referral.") else None
    assert told.get(case.replace("_", "-")) == event
    assert refused.get(line[case]) == (outcome if outcome == "scientific_notation" else None)
    assert (fate.records, fate.accepted, fate.skipped, fate.quarantined) == (6, 3, 2, 1)
    codes = dict(rows(home, "events", "referral_code, referral_source_term", "where referral_code is not null"))
    assert event is None or codes[code] == "As coded"
