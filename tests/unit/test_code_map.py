"""The mapping of codes that is shipped: its codes are right by their own check digits, and its categories are those."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from jinja2 import Environment

from ingestion.contract import load_contract
from linkwork import engine, reference
from linkwork.errors import BadDataError
from linkwork.log.catalogue import Catalogue
from linkwork.reference.kind import KINDS
from linkwork.settings import PROJECT_ROOT

DBT = PROJECT_ROOT / "dbt_project"
PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "codes"
SNOMED = "http://snomed.info/sct"
needs_published = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published code lists are not beside this checkout"
)


def seed(name: str) -> list[dict[str, str]]:
    with (DBT / "seeds" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


CODES = [row["code"] for row in seed("code_map") if row["code_system"] == SNOMED]


def checked(codes: list[str]) -> dict[str, tuple[bool, bool, str | None]]:
    """Of each text: whether it has the form of an identifier, the right check digit, and what it names."""
    source = (DBT / "macros" / "codes.sql").read_text()
    macros = Environment(autoescape=False).from_string(source).module  # noqa: S701, it makes SQL
    form, names = macros.is_sctid("code"), macros.sctid_names("code")
    with engine.connect() as con:
        con.execute("create table codes (code varchar)")
        con.executemany("insert into codes values (?)", [[code] for code in codes])
        con.execute(f"create view identifiers as select code from codes where {form}")
        check = macros.verhoeff_checks("identifiers", "code")
        found = con.execute(
            f"select code, {form}, coalesce(is_right, false), {names} from codes left join ({check}) using (code)"
        ).fetchall()
    return {code: (is_id, holds, named) for code, is_id, holds, named in found}


def verhoeff(code: str) -> bool:
    """The check by the group's definition, without the table that the macro has: turns, and flips of the pentagon."""

    def product(a: int, b: int) -> int:
        if a < 5:
            return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
        return 5 + (a - b) % 5 if b < 5 else (a - b) % 5

    turned = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    total = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(place % 8):
            value = turned[value]
        total = product(total, value)
    return total == 0


def test_every_snomed_code_of_the_seed_is_a_concept_with_the_right_check_digit():
    assert CODES
    assert set(checked(CODES).values()) == {(True, True, "concept")}


def test_the_check_is_verhoeffs():
    codes = [f"{stem}{digit}" for stem in ("26707600", "87173100000010", "99900009100000010") for digit in range(10)]
    assert {code: holds for code, (_, holds, _) in checked(codes).items()} == {code: verhoeff(code) for code in codes}
    assert Counter(map(verhoeff, codes)) == {True: 3, False: 27}


@pytest.mark.parametrize(
    ("text", "is_id"), [("12345", False), ("123456", True), ("1" * 18, True), ("1" * 19, False), ("EMISNQRE582", False)]
)
def test_an_identifier_has_6_to_18_digits(text, is_id):
    assert checked([text])[text][0] is is_id


def test_there_are_twelve_categories_and_every_one_is_used_by_needs_or_activities():
    categories = {row["category"] for row in seed("roll_up_categories")} - {"uncoded"}
    assert len(categories) == 12
    for use in ("need", "activity"):
        used = {row["category"] for row in seed("code_map") if row["code_use"] == use}
        assert used - categories <= {"uncoded"}
    assert {row["category"] for row in seed("code_map") if row["code_use"] == "activity"} == categories


def test_a_region_maps_to_the_same_categories():
    grammar = KINDS["code_maps"].columns["category"].grammar
    assert grammar is not None
    assert grammar.split("|") == [row["category"] for row in seed("roll_up_categories")]


def test_the_shipped_list_is_short_and_holds_no_members_of_a_reference_set():
    """A few codes as examples; the national lists are loaded by those who have the licence."""
    assert len(CODES) < 25


@needs_published
def test_shipped_codes_are_needs_of_the_published_subset_or_named_as_such():
    with (PUBLISHED / "snomed_social_needs_subset.csv").open() as file:
        published = {row["snomed_code"]: row for row in csv.DictReader(file)}
    assert {code for code in CODES if code not in published} == {"74506000", "224484003", "160726006"}
    assert {published[code]["role"] for code in CODES if code in published} == {"need"}


@needs_published
def test_every_published_code_has_the_right_check_digit():
    found: list[str] = []
    for path in (PUBLISHED / "snomed_social_needs_subset.csv", *(PUBLISHED / "opensafely").glob("*.csv")):
        with path.open() as file:
            found += [row.get("snomed_code") or row["code"] for row in csv.DictReader(file)]
    assert len(found) > 200
    results = checked(sorted(set(found)))
    assert {code for code, (is_id, holds, _) in results.items() if not (is_id and holds)} == set()


@needs_published
def test_the_codes_of_an_offer_are_the_published_ones():
    contract = load_contract(PROJECT_ROOT / "ingestion" / "contracts" / "gp_codes_csv.yaml", Catalogue.current())
    with (PUBLISHED / "snomed_social_needs_subset.csv").open() as file:
        published = {row["snomed_code"]: row["term"].lower() for row in csv.DictReader(file)}
    words = {"offered": "offered", "accepted": "referral to", "declined": "declined"}
    for code, meaning in (contract.field("meaning").values or {}).items():
        assert words[str(meaning)] in published[code]


HEADER = "code_use,code_system,code,source_system,source_term,category,status,mapping_version,valid_from,valid_to"


def loaded(tmp_path: Path, *lines: str) -> dict[str, object]:
    path = tmp_path / "code_maps.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return reference.load(tmp_path / "reference", "code_maps", path)


def test_a_region_loads_codes_as_text(tmp_path):
    loaded(tmp_path, "need,http://snomed.info/sct,999000091000000107,,A term,housing,,QZZ-1,,")
    (row,) = reference.rows(tmp_path / "reference", "code_maps")
    assert (row["code"], row["status"], row["valid_from"]) == ("999000091000000107", "current", None)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("reason,LOCAL,A,,,housing,,1,,", "code_use"),
        ("need,LOCAL,A,,,hoovering,,1,,", "category"),
        ("need,LOCAL,A,,,housing,gone,1,,", "status"),
        ("need,LOCAL,A,,,housing,,1,2026-02-30,", "valid_from"),
        ("need,LOCAL,,,,housing,,1,,", "code"),
    ],
)
def test_an_entry_that_does_not_fit_is_named_by_its_line_and_column(tmp_path, line, column):
    with pytest.raises(BadDataError) as caught:
        loaded(tmp_path, "need,LOCAL,GOOD,,,housing,,1,,", line)
    assert re.search(rf"line 3\b.*\b{column}$", caught.value.where)


def test_entries_that_overlap_are_counted_by_the_check(tmp_path):
    from linkwork.reference.check import run

    loaded(
        tmp_path,
        "need,LOCAL,A,,,housing,,1,2020-01-01,2024-12-31",
        "need,LOCAL,a ,,,money_benefits,,2,2024-06-01,",
        "need,LOCAL,B,,,housing,,1,2020-01-01,2024-12-31",
        "need,LOCAL,B,,,money_benefits,,2,2025-01-01,",
    )
    (found,) = [row for row in run(tmp_path / "reference") if row["check_name"] == "overlapping_code_entries"]
    assert (found["hits"], found["examples"]) == (1, ["A"])
