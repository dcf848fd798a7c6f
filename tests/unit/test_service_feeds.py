"""What services say of actions, goals and holds, from a line of their feeds to staged facts."""

import json
from datetime import date
from typing import Any

import pytest

from ingestion.contract import load_contract
from linkwork import engine
from linkwork.settings import Settings
from tests.support.gate import CATALOGUE, Staged, stage

CONTRACTS = Settings.model_fields["contracts_dir"].default
ENGAGEMENT = load_contract(CONTRACTS / "link_worker_jsonl.yaml", CATALOGUE)
REFERRALS = load_contract(CONTRACTS / "referrals_csv.yaml", CATALOGUE)
ANN = "9990000018"
ACTION = {"what": "welfare_benefits", "who": "person", "when": "2025-07-01", "status": "planned", "confidence": 7}


def told(event: str, id: str, **data: Any) -> str:
    return json.dumps({
        "specversion": "1.0", "id": id, "type": f"org.linkwork.{event}",
        "time": "2025-06-02T09:00:00Z", "recordedtime": "2025-06-02T10:00:00Z",
        "data": {"referralId": "R-1", "nhsNumber": ANN, **data},
    })  # fmt: skip


def staged(tmp_path, *lines: str) -> Staged:
    return stage(tmp_path, ENGAGEMENT, "\n".join(lines) + "\n")


def streams(made: Staged) -> dict[str, list[str]]:
    """The records of each stream, in their order."""
    found: dict[Any, list[str]] = {}
    columns = "stream_id, r.source_record_ref"
    query = f"""(select * from read_parquet('{made.folder}/facts/engagement/*.parquet')) as f
        join read_parquet('{made.folder}/records/*.parquet') as r using (record_no) order by record_no"""

    with engine.connect() as con:
        for stream, ref in con.execute(f"select {columns} from {query}").fetchall():
            found.setdefault(stream, []).append(ref)
    return {refs[0]: refs for refs in found.values()}


def test_an_action_holds_what_who_when_status_and_confidence(tmp_path):
    made = staged(tmp_path, told("action.set", "1", actionId="a-1", action=ACTION), told("action.updated", "2"))
    columns = ", ".join(f"engagement_action_{c}" for c in ("what", "who", "planned_on", "status", "confidence"))
    assert made.read("facts/engagement/*.parquet", f"event_type, {columns}", "order by record_no") == [
        ("action.set", "welfare_benefits", "person", date(2025, 7, 1), "planned", 7),
        ("action.updated", None, None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"confidence": 11}, "action_confidence"),
        ({"confidence": 0}, "action_confidence"),
        ({"status": "finished"}, "action_status"),
        ({"who": "Mrs Smith"}, "action_who"),
        ({"when": "2025-02-30"}, "action_planned_on"),
        ({"what": "call the council about the flat"}, "action_what"),
    ],
)
def test_what_no_action_can_be_is_quarantined(tmp_path, said, field):
    made = staged(tmp_path, told("action.set", "1", actionId="a-1", action=ACTION | said), told("plan.agreed", "2"))
    assert [(line, column) for line, _, column in made.refused_lines] == [(1, field)]


@pytest.mark.parametrize("kind", ["action", "goal"])
def test_what_is_said_of_one_action_or_goal_is_one_stream(tmp_path, kind):
    """By the source's own id of it, whatever the ids of the events; without one each event stands for itself."""
    later = "action.updated" if kind == "action" else "goal.reviewed"
    one, two = {f"{kind}Id": "x-1"}, {f"{kind}Id": "x-2"}
    made = staged(
        tmp_path,
        told(f"{kind}.set", "1", **one), told(f"{kind}.set", "2", **two), told(later, "3", **one), told(later, "4"),
        told(f"{kind}.set", "5"), told(later, "6", **one),
    )  # fmt: skip
    assert streams(made) == {"1": ["1", "3", "6"], "2": ["2"], "4": ["4"], "5": ["5"]}


def referrals(tmp_path, *cells: tuple[str, str]) -> Staged:
    header = [p.header for p in REFERRALS.properties if not p.optionalColumn]
    fixed = {"route": "gp", "received_on": "2025-05-01", "extract_at": "2025-06-01T02:00:00Z", "nhs_number": ANN}
    lines = [",".join([*header, "resumed_on"])]
    for number, (on_hold, resumed) in enumerate(cells, 1):
        row = fixed | {"referral_id": f"R-{number}", "on_hold_on": on_hold, "resumed_on": resumed}
        lines.append(",".join(row.get(column, "") for column in [*header, "resumed_on"]))
    return stage(tmp_path, REFERRALS, "\n".join(lines) + "\n")


def test_a_hold_has_a_beginning_and_an_end(tmp_path):
    made = referrals(tmp_path, ("2025-05-06", "2025-05-16"), ("2025-05-06", ""))
    assert made.read(
        "facts/referral/*.parquet", "record_no, event_type, occurred_on", "where slot <> 'received' order by all"
    ) == [
        (1, "referral.put_on_hold", date(2025, 5, 6)),
        (1, "referral.resumed", date(2025, 5, 16)),
        (2, "referral.put_on_hold", date(2025, 5, 6)),
    ]


def test_what_was_never_put_on_hold_or_later_is_not_resumed(tmp_path):
    made = referrals(tmp_path, ("", "2025-05-16"), ("2025-05-17", "2025-05-16"), ("2025-05-16", "2025-05-16"))
    assert made.refused_lines == [(2, "resumed_after_hold", "resumed_on"), (3, "resumed_after_hold", "resumed_on")]
