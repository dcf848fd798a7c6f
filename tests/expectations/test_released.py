"""Boundary released: what is about to be published declares itself, is whole, and shows no small number."""

import json
from typing import Any

import pytest

CANARY = "CANARY-7Q-VALUE"
GOOD = """
    select 'U99001' as area, '2025-' || i as month, 10 * i as people, 10 * i + 5 as referrals,
        'shown' as people_status, 'shown' as referrals_status
    from range(1, 9) as t (i)
    union all
    select 'U99001', '2025-9', null, null, 'suppressed', 'suppressed'
"""
EMPTY_MODEL = "select null::varchar as area, null::varchar as month, null::bigint as people"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, support: Any, start: Any) -> Any:
    def changed(**columns: str) -> str:
        items = ", ".join(f"{sql} as {column}" for column, sql in columns.items())
        return f"select * replace ({items}) from ({GOOD})"

    hidden = changed(people_status="'suppressed'", people="null", referrals_status="'suppressed'", referrals="null")
    folder, quality = tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("quality")
    support.release(
        folder,
        {
            "open/good": GOOD,
            "open/small": changed(people="if(month = '2025-1', 7, people)"),
            "open/unrounded": changed(referrals="if(month = '2025-1', 23, referrals)"),
            "open/beside": changed(people="if(month = '2025-2', null, people)"),
            "open/hidden": hidden,
            "open/repeated": changed(month=f"if(people > 20, '{CANARY}', month)", area=f"'{CANARY}'"),
            "open/keyless": changed(area="if(people = 10, null, area)"),
            "open/pseudonyms": f"select *, encode('{CANARY}') as subject_key from ({GOOD})",
            "open/empty": f"select * from ({GOOD}) where false",
            "open/text": changed(people=f"'{CANARY}'"),
            "restricted/good": GOOD,
            "restricted/lost": GOOD,
            "restricted/empty_model": EMPTY_MODEL,
        },
        rows={"restricted/lost": 12},
    )
    output = folder / "verdicts.json"
    done = start("released", "--release", folder, "--output", output, quality=quality)
    return done, json.loads(output.read_text())["verdicts"]


def findings(verdict: dict[str, Any], kind: str = "failed") -> set[tuple[str, float]]:
    return {(finding["description"], finding["observed"]) for finding in verdict[kind]}


@pytest.mark.parametrize("table", ["open/good", "restricted/good"])
def test_a_table_that_keeps_the_rules_passes(ran, table):
    assert ran[1][table] == {"success": True, "could_not_check": False, "failed": [], "warnings": []}


@pytest.mark.parametrize(
    ("table", "description", "observed"),
    [
        ("open/small", "No people from 1 to 7 is shown.", 1),
        ("open/unrounded", "Every referrals shown is a multiple of 5.", 1),
        ("open/beside", "No referrals is shown where the people behind it are not.", 1),
        ("open/hidden", "At least 50% of the counts are shown.", 0),
        ("open/repeated", "No two rows have the same key.", 6),
        ("open/keyless", "Every row has its area.", 1),
        ("open/pseudonyms", "No column holds bytes, as pseudonyms do.", 1),
        ("restricted/lost", "The file holds as many rows as the release declares.", 3),
        ("restricted/empty_model", "No row is empty, as the row of a model without input would be.", 1),
    ],
)
def test_each_broken_rule_is_named_and_counted(ran, table, description, observed):
    verdict = ran[1][table]
    assert not verdict["success"]
    assert not verdict["could_not_check"]
    assert (description, observed) in findings(verdict)


def test_a_rule_breaks_alone(ran):
    assert len(findings(ran[1]["open/beside"])) == 1
    assert len(findings(ran[1]["restricted/lost"])) == 1
    # 7 is neither allowed nor a multiple of 5.
    assert len(findings(ran[1]["open/small"])) == 2


def test_a_table_with_nothing_to_show_warns_and_holds_nothing_back(ran):
    verdict = ran[1]["open/empty"]
    assert verdict["success"]
    assert findings(verdict, "warnings") == {("The table holds at least one row.", 0)}


def test_text_where_a_count_should_be_could_not_be_checked_and_is_not_quoted(ran):
    done, verdicts = ran
    assert done.code == 70
    unchecked = [finding for finding in verdicts["open/text"]["failed"] if finding["could_not_check"]]
    assert {finding["column"] for finding in unchecked} == {"people"}
    assert verdicts["open/repeated"]["failed"], "or the search proves nothing"
    assert CANARY not in done.everything_written() + json.dumps(verdicts)
