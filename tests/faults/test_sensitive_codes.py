"""Codes that a region holds to be sensitive: no record that has one comes in, and how many there were is counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion import sensitive
from ingestion.contract import load_contract
from ingestion.gate import Gate
from linkwork import engine, warehouse
from linkwork.privacy.keys import load_keys
from linkwork.settings import Settings
from tests.support.fhir import coded, ndjson, request
from tests.support.gate import CATALOGUE, Staged, stage
from tests.support.installation import Installation, install

CONTRACTS = Settings.model_fields["contracts_dir"].default
# An invented list: what is on the real ones is not for us to say.
LISTED = frozenset({"86041002", " local:hidden "})
ANN = "9990000018"
LINE = {"route": "gp", "received_on": "2025-05-01", "extract_at": "2025-06-01T02:00:00Z", "nhs_number": ANN}


def referrals(*rows: dict[str, str]) -> str:
    contract = load_contract(CONTRACTS / "referrals_csv.yaml", CATALOGUE)
    header = [p.header for p in contract.properties if not p.optionalColumn]
    lines = [",".join(LINE.get(c, "") if c not in row else row[c] for c in header) for row in rows]
    return "\n".join([",".join(header), *lines]) + "\n"


def under(feed: str, folder: Path, content: str | bytes, listed: frozenset[str] = LISTED) -> Staged:
    folder.mkdir(parents=True, exist_ok=True)
    return stage(folder, load_contract(CONTRACTS / f"{feed}.yaml", CATALOGUE), content, sensitive=listed)


def texts(folder: Path, text: str) -> list[Path]:
    """Files that have the text, outside what was handed over."""
    return [p for p in folder.rglob("*") if p.is_file() and p.name != "file" and text.encode() in p.read_bytes()]


REASONS = [
    {"referral_id": "R-1", "reason_codes": "LOCAL:ARTS"},
    {"referral_id": "R-2", "reason_codes": "LOCAL:ARTS;86041002"},
    {"referral_id": "R-3", "reason_codes": "Local:Hidden"},
    {"referral_id": "R-4", "reason_codes": "860410021"},
    {"referral_id": "R-5"},
]


def test_e24_a_record_with_a_listed_code_is_left_out_and_counted(tmp_path):
    """As one of several, in another case and without the blanks of the list; not where it is a part of another code."""
    made = under("referrals_csv", tmp_path, referrals(*REASONS))
    assert made.profile["skipped_as"] == {"sensitive_code": 2}
    assert (made.profile["records"], made.profile["valid"], made.profile["quarantined"]) == (5, 3, 0)
    named = "where source_record_ref is not null order by 1"
    assert made.read("records/*.parquet", "source_record_ref", named) == [("R-1",), ("R-4",), ("R-5",)]
    assert texts(tmp_path, "R-2") == texts(tmp_path, "Local:Hidden") == []


def test_e24_without_a_list_nothing_changes(tmp_path):
    made = under("referrals_csv", tmp_path, referrals(*REASONS), frozenset())
    assert (made.profile["skipped_as"], made.profile["valid"]) == ({}, 5)


def test_e24_it_is_left_out_whatever_else_is_wrong_with_it(tmp_path):
    """So that no refused text of it is kept: for a fault of another field, nor for one of its codes."""
    wrong = [
        {"referral_id": "R-1", "reason_codes": "86041002", "received_on": "2025-13-01"},
        {"referral_id": "R-2", "reason_codes": "86041002;#?"},
        {"referral_id": "R-3", "reason_codes": "#?"},
    ]
    made = under("referrals_csv", tmp_path, referrals(*wrong))
    assert made.profile["skipped_as"] == {"sensitive_code": 2}
    assert [line for line, _, _ in made.refused_lines] == [4]


def test_e24_codes_are_found_in_feeds_of_any_form(tmp_path):
    lines = ndjson(request("a", reasonCode=[coded("86041002")]), request("b", reasonCode=[coded("160751000000109")]))
    fhir = under("fhir_r4_ndjson", tmp_path / "fhir", lines)
    assert (fhir.profile["skipped_as"], fhir.profile["valid"]) == ({"sensitive_code": 1}, 1)
    activity = load_contract(CONTRACTS / "activity_csv.yaml", CATALOGUE)
    known = {
        "event_id": "E-1", "nhs_number": ANN, "category": "local:hidden", "event": "attended", "asset_id": "walks",
        "session_date": "2025-05-01", "recorded_at": "2025-06-01T02:00:00Z",
    }  # fmt: skip
    header = [p.header for p in activity.properties if not p.optionalColumn]
    row = ",".join(known.get(c, "") for c in header)
    groups = under("activity_csv", tmp_path / "activity", ",".join(header) + "\n" + row + "\n")
    assert groups.profile["skipped_as"] == {"sensitive_code": 1}


@pytest.mark.parametrize("feed", ["registrations_csv", "gp_appointments_csv", "opt_outs_csv"])
def test_e24_a_feed_without_codes_has_nothing_to_leave_out(feed):
    contract = load_contract(CONTRACTS / f"{feed}.yaml", CATALOGUE)
    assert not {c for event in contract.events for c in event.payload} & sensitive.CODED


class BuildEndsHere(Exception):
    """A build that stops before dbt."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    yield install(tmp_path_factory.mktemp("sensitive"))


def test_e24_a_region_loads_its_list_and_the_load_shows_what_was_left_out(installed: Installation) -> None:
    (installed.folder / "sensitive_codes.csv").write_text("code\n86041002\nLOCAL:HIDDEN\n")
    installed.run("reference", "load", "sensitive_codes", "sensitive_codes.csv")
    registered = ["--name", "Service", "--kind", "service", "--source-system", "joy", "--feed", "referrals_csv"]
    installed.run("sender", "add", "ZSP01", *registered)
    landing = installed.home / "landing" / "referrals_csv" / "ZSP01"
    landing.mkdir(parents=True)
    (landing / "a.csv").write_text(referrals(*REASONS))
    installed.run("ingest")
    (load,) = installed.json("load", "list")
    assert (load["status"], load["records"], load["accepted"], load["skipped"]) == ("committed", 5, 3, 2)
    with engine.connect() as con:
        events = engine.text(installed.home / "log" / "events" / "**" / "*.parquet")
        query = f"select distinct unnest(referral_reasons) from read_parquet({events}, union_by_name=true) order by 1"
        assert con.execute(query).fetchall() == [("860410021",), ("LOCAL:ARTS",)]


def test_e24_the_list_is_for_the_gate_alone(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reference data, and no build takes it along."""
    settings = Settings(home=installed.home, keys_dir=installed.folder / "keys")
    assert Gate.of(settings, load_keys(settings)).sensitive == {"86041002", "LOCAL:HIDDEN"}
    tables: set[str] = set()

    def look(_: Settings, database: Path, *__: object) -> None:
        with engine.connect(database, read_only=True) as con:
            tables.update(name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall())
        raise BuildEndsHere

    monkeypatch.setattr(warehouse, "run_dbt", look)
    with pytest.raises(BuildEndsHere):
        warehouse.build(settings)
    assert "senders" in tables
    assert "sensitive_codes" not in tables
