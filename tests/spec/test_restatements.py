"""Restatements: which figures of closed months are not what the release before had, and why.

That release knew what was recorded up to 31 January 2026, which was its cut-off; its figures are written here by hand.
It had another mapping of codes, which bears on the figures by category.
"""

from datetime import date

import pytest

from tests.spec.scenario import Scenario
from tests.spec.warehouse import Warehouse

# What has `recorded` came after the release before.
EVENTS = """
person | record | event             | on         | says
ann    | A1     | referral.received | 2025-03-03 | at=Z90971
bob    | B1     | referral.received | 2025-03-04 | at=Z90971; recorded=2026-02-01
cat    | C1     | referral.received | 2025-03-30 | at=Z90972
cat    | C1     | referral.received | 2025-04-02 | at=Z90972; kind=revision; asserted=2026-01-20; recorded=2026-02-01
dan    | D1     | referral.received | 2025-05-06 | at=Z90973
dan    | D1     | referral.received | 2025-05-06 | at=Z90973; kind=retraction; asserted=2026-01-20; recorded=2026-02-01
eve    | E1     | referral.received | 2025-06-02 | at=Z90971
eve    | E1     | referral.accepted | 2025-06-03 |
eve    | E-c1   | contact.held      | 2026-02-02 | referral=E1; recorded=2026-02-02
fay    | F1     | referral.received | 2025-07-01 | at=Z90971
fay    | F1     | referral.accepted | 2025-07-03 | recorded=2026-02-01
guy    | G1     | referral.received | 2026-01-05 | at=Z90971; recorded=2026-02-01
hal    | H1     | referral.received | 2025-08-04 | at=Z90974; recorded=2026-02-01
ida    | I1     | referral.received | 2025-08-05 | at=Z90974
ida    | I1     | referral.received | 2025-09-05 | at=Z90974; kind=revision; asserted=2026-01-20; recorded=2026-02-01
"""

EARLIER = """
mart                 | item     | month      | area    | value
rpt_referral_reasons | any all  | 2025-03-01 | Z90971  | 1
rpt_referral_reasons | any all  | 2025-03-01 | Z90972  | 1
rpt_referral_reasons | any all  | 2025-05-01 | Z90973  | 1
rpt_referral_reasons | any all  | 2025-06-01 | Z90971  | 1
rpt_referral_reasons | any all  | 2025-08-01 | Z90974  | 1
rpt_referral_reasons | any all  | 2025-10-01 | Z90975  | 3
rpt_referral_reasons | any uncoded | 2025-03-01 | Z90971  | 1
rpt_referral_reasons | any uncoded | 2025-06-01 | Z90971  | 2
rpt_uptake           | accepted | 2025-06-01 | Z90971  | 1
rpt_uptake           | accepted | 2025-07-01 | Z90971  | 0
rpt_uptake           | open     | 2025-07-01 | Z90971  | 1
"""


def scenario(warehouse: Warehouse, scope: str) -> None:
    warehouse.add(scope, EVENTS)
    for number in range(1, 6):
        warehouse.practice(f"Z9097{number}", pcn=f"U9997{number}", icb="QR7")
    lines = [[cell.strip() for cell in line.split("|")] for line in EARLIER.strip().splitlines()[1:]]
    warehouse.figures += [
        {
            "mart": mart,
            "item": item,
            "figure": "referrals",
            "period_start": date.fromisoformat(month),
            "area_level": "practice",
            "area_code": area,
            "figure_value": int(value),
        }
        for mart, item, month, area, value in lines
    ]


@pytest.fixture
def restated(marts: Scenario):
    def find(mart: str, item: str, month: str, area: str, figure: str = "referrals"):
        return [
            (row["old_value"], row["new_value"], row["change"], row["why"], row["facts"])
            for row in marts.rows(
                """select * from rpt_restatements where mart = $mart and item = $item and figure = $figure
                and period_start = $month::date and area_code = $area""",
                mart=mart,
                item=item,
                month=month,
                area=area,
                figure=figure,
            )
        ]

    return find


@pytest.mark.parametrize(
    ("case", "mart", "item", "month", "area", "row"),
    [
        ("came late", "rpt_referral_reasons", "any all", "2025-03-01", "Z90971", (1, 2, 1, "late", 1)),
        ("moved away", "rpt_referral_reasons", "any all", "2025-03-01", "Z90972", (1, 0, -1, "corrected", 1)),
        ("moved here", "rpt_referral_reasons", "any all", "2025-04-01", "Z90972", (0, 1, 1, "corrected", 1)),
        ("withdrawn", "rpt_referral_reasons", "any all", "2025-05-01", "Z90973", (1, 0, -1, "retracted", 1)),
        ("nobody knows", "rpt_referral_reasons", "any all", "2025-10-01", "Z90975", (3, 0, -3, "other", 0)),
        ("answer came late", "rpt_uptake", "accepted", "2025-07-01", "Z90971", (0, 1, 1, "late", 1)),
        ("no more open", "rpt_uptake", "open", "2025-07-01", "Z90971", (1, 0, -1, "late", 1)),
        ("followed on", "rpt_uptake", "contacted", "2025-06-01", "Z90971", (0, 1, 1, "followed", 1)),
        ("mapped otherwise", "rpt_referral_reasons", "any uncoded", "2025-06-01", "Z90971", (2, 1, -1, "mapping", 0)),
        ("both", "rpt_referral_reasons", "any uncoded", "2025-03-01", "Z90971", (1, 2, 1, "late+mapping", 1)),
        ("network too", "rpt_referral_reasons", "any all", "2025-03-01", "U99971", (0, 2, 2, "late", 1)),
    ],
)
def test_e19_a_figure_that_is_not_what_it_was_says_why(marts, restated, case, mart, item, month, area, row):
    old, new, change, why, facts = row
    if marts.row("select permissions_since from fct_earlier_release")["permissions_since"]:
        # People of other scenarios opted out: that bears on every figure on which no fact does.
        why = {"other": "permissions", "followed": "permissions+followed"}.get(why, why)
    assert restated(mart, item, month, area) == [(old, new, change, why, facts)], case


@pytest.mark.parametrize(
    ("case", "mart", "item", "month", "area"),
    [
        ("the same figure", "rpt_referral_reasons", "any all", "2025-06-01", "Z90971"),
        ("the same stage", "rpt_uptake", "accepted", "2025-06-01", "Z90971"),
        ("a month that was not closed", "rpt_referral_reasons", "any all", "2026-01-01", "Z90971"),
        ("one came, one left", "rpt_referral_reasons", "any all", "2025-08-01", "Z90974"),
    ],
)
def test_what_is_the_same_or_was_not_closed_has_no_row(restated, case, mart, item, month, area):
    assert restated(mart, item, month, area) == [], case
