"""The feeds about people themselves: who is whom, and who opted out. No number leaves the gate, only pseudonyms."""

from datetime import date

import duckdb
import pytest

from ingestion.contract import load_contract
from linkwork import engine
from linkwork.privacy import hmac_sql
from linkwork.settings import Settings
from tests.support.gate import CATALOGUE, KEYS, stage

CONTRACTS = Settings.model_fields["contracts_dir"].default
LINKS = load_contract(CONTRACTS / "person_links_csv.yaml", CATALOGUE)
OPT_OUTS = load_contract(CONTRACTS / "opt_outs_csv.yaml", CATALOGUE)
REGISTRATIONS = load_contract(CONTRACTS / "registrations_csv.yaml", CATALOGUE)
LINK_HEADER = "link_id,retired_nhs_number,kept_nhs_number,status,effective_on,recorded_at\n"
OPT_OUT_HEADER = "record_id,nhs_number,opt_out,status,effective_on,recorded_at\n"
ANN, OLD_ANN = "9990000018", "9990000026"
SAID = "2025-05-02T02:00:00Z"
PAYLOAD = "event_type, person_merged_into, person_opt_out, occurred_on"


@pytest.fixture
def pseudonyms() -> duckdb.DuckDBPyConnection:
    con = engine.connect()
    hmac_sql.install(con, KEYS)
    return con


def pseudonym(con: duckdb.DuckDBPyConnection, number: str) -> bytes:
    found = con.execute("select subject_hmac(encode(?))", [number]).fetchone()
    assert found is not None
    key: bytes = found[0]
    return key


def test_a_link_holds_the_pseudonyms_of_both_numbers(tmp_path, pseudonyms):
    rows = [f"L1,{OLD_ANN},999 000 0018,merged,2025-05-01,{SAID}", f"L2,{OLD_ANN},{ANN},unmerged,2025-06-01,{SAID}"]
    made = stage(tmp_path, LINKS, LINK_HEADER + "\n".join(rows) + "\n")
    into = pseudonym(pseudonyms, ANN)
    assert made.read("facts/person/*.parquet", PAYLOAD, "order by record_no") == [
        ("person.merged", into, None, date(2025, 5, 1)),
        ("person.unmerged", into, None, date(2025, 6, 1)),
    ]
    assert made.read("records/*.parquet", "distinct subject_key") == [(pseudonym(pseudonyms, OLD_ANN),)]


def test_neither_number_is_in_any_staged_file(tmp_path):
    stage(tmp_path, LINKS, LINK_HEADER + f"L1,{OLD_ANN},{ANN},merged,2025-05-01,{SAID}\n")
    staged = [p.read_bytes() for p in (tmp_path / "staging").rglob("*") if p.is_file()]
    assert staged
    assert not any(number.encode() in content for content in staged for number in (ANN, OLD_ANN))


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (f"L1,{OLD_ANN},9990000019,merged,2025-05-01,{SAID}", ("nhs_number", "kept_nhs_number")),
        (f"L1,9990000019,{ANN},merged,2025-05-01,{SAID}", ("nhs_number", "retired_nhs_number")),
        (f"L1,{OLD_ANN},,merged,2025-05-01,{SAID}", ("required", "kept_nhs_number")),
        (f"L1,{OLD_ANN},{ANN},joined,2025-05-01,{SAID}", ("domain", "status")),
        (f"L1,{OLD_ANN},{ANN},merged,1901-05-01,{SAID}", ("plausible_date", "effective_on")),
    ],
)
def test_the_second_number_keeps_the_rules_of_the_first(tmp_path, row, rule):
    made = stage(tmp_path, LINKS, LINK_HEADER + row + "\n")
    assert [(r, f) for _, r, f in made.refused_lines] == [rule]


def test_the_second_number_keeps_out_the_test_range_where_it_is_not_accepted(tmp_path):
    made = stage(
        tmp_path, LINKS, LINK_HEADER + f"L1,{OLD_ANN},{ANN},merged,2025-05-01,{SAID}\n", test_numbers_allowed=False
    )
    assert made.read("quarantine/*.parquet", "violations") == [
        (["test_number:retired_nhs_number", "test_number:kept_nhs_number"],)
    ]


def test_an_opt_out_says_which_and_from_when(tmp_path):
    rows = [f"O1,{ANN},ndoo,out,2025-05-01,{SAID}", f"O2,{ANN},type1,in,2025-06-01,{SAID}"]
    made = stage(tmp_path, OPT_OUTS, OPT_OUT_HEADER + "\n".join(rows) + "\n")
    assert made.read("facts/person/*.parquet", PAYLOAD, "order by record_no") == [
        ("person.opted_out", None, "ndoo", date(2025, 5, 1)),
        ("person.opted_in", None, "type1", date(2025, 6, 1)),
    ]


def registrations(*types: str | None) -> str:
    """A file with a row for each type; without the column if there is none."""
    header = [p.header for p in REGISTRATIONS.properties if types != (None,) or p.header != "registration_type"]
    fixed = {"practice_code": "Z97861", "patient_id": "p1", "nhs_number": ANN, "date_of_birth": "1980-01-01"}
    fixed |= {"registration_start": "2020-01-01", "extract_at": SAID}
    rows = [fixed | {"registration_id": f"G{n}", "registration_type": kind or ""} for n, kind in enumerate(types)]
    return "\n".join([",".join(header), *(",".join(row.get(column, "") for column in header) for row in rows)]) + "\n"


def test_e43_a_registration_says_of_which_type_it_is(tmp_path):
    made = stage(tmp_path, REGISTRATIONS, registrations("registered", "temporary_resident", "other", "", "visitor"))
    assert made.read("facts/registration/*.parquet", "record_no, registration_type", "order by 1") == [
        (1, "registered"),
        (2, "temporary_resident"),
        (3, "other"),
        (4, None),
    ]
    assert [(line, field) for line, _, field in made.refused_lines] == [(6, "registration_type")]


def test_e43_a_file_without_the_column_says_what_it_said_before(tmp_path):
    """An empty cell and no column are one statement, so that a record that comes again is a duplicate."""
    said = []
    for name, content in (("with", registrations("")), ("without", registrations(None))):
        (tmp_path / name).mkdir()
        made = stage(tmp_path / name, REGISTRATIONS, content)
        said.append(made.read("records/*.parquet", "row_hash"))
    assert said[0] == said[1]
