"""CSV files as they really come, through every step of the pipeline. Each case names the row of the fault list it is.

All files are delivered together and taken in one batch: what is wrong with one must not touch another.
"""

from dataclasses import dataclass, field

import pytest

from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.faults import NUMBER, fates, good, lines, put
from tests.support.log import at, day, effective, ingest, make_home, rows

D = f"{NUMBER},{day(2)},,{at(1)}"  # a right record without its id


@dataclass(frozen=True)
class Case:
    """A file and what must become of it: refused with a sentence, or its refused lines and the records taken."""

    name: str
    content: str | bytes
    refusal: str | None = None
    refused: list[tuple[int, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    skipped: int = 0
    accepted: int | None = None


CASES = [
    Case("f20_reordered_header", f"at,closed,id,received,nhs_number\n{at(1)},,20a,{day(2)},{NUMBER}\n", ids=["20a"]),
    Case(
        "f21_missing_header",
        good("21a") + "\n" + good("21b") + "\n",
        "Line 1 is not the header; expected id,nhs_number,received,closed,at.",
    ),
    Case(
        "f22_missing_column", lines(f"22a,{NUMBER},,x", header="id,nhs_number,received,at"), "The header lacks closed"
    ),
    Case(
        "f22_extra_column",
        lines(good("22b") + ",x", header="id,nhs_number,received,closed,at,more"),
        "1 column(s) the contract does not know",
    ),
    Case(
        "f22_renamed_column", lines(good("22c"), header="id,number,received,closed,at"), "The header lacks nhs_number"
    ),
    Case("f23_duplicate_header", lines(good("23a"), header="id,nhs_number,received,received,at"), "(columns 3, 4)"),
    Case(
        "f24_unclosed_quote",
        lines(good("24a"), f'"24b,{D}', good("24c"), good("24d")),
        refused=[(3, "quote")],
        ids=["24a", "24c", "24d"],
    ),
    Case(
        "f25_extra_field",
        lines(good("25a"), good("25b") + ",x", good("25c")),
        refused=[(3, "field_count")],
        ids=["25a", "25c"],
    ),
    Case(
        "f26_missing_fields", lines(good("26a"), "26b", good("26c")), refused=[(3, "field_count")], ids=["26a", "26c"]
    ),
    Case("f27_cut_last_line", lines(good("27a"), good("27b"))[:-25], refused=[(3, "field_count")], ids=["27a"]),
    Case(
        "f28_record_after_a_fault",
        lines(good("28a") + ",x,y", good("28b", received=day(9)), "28c,,", good("28d", received=day(8))),
        refused=[(2, "field_count"), (4, "field_count")],
        ids=["28b", "28d"],
    ),
    Case("f29_mixed_line_ends", lines(good("29a")).replace("\n", "\r\n") + good("29b") + "\n", ids=["29a", "29b"]),
    Case(
        "f31_embedded_line_end",
        lines(f'"31a\n",{D}', good("31c"), good("!")),
        refused=[(2, "grammar"), (5, "grammar")],
        ids=["31c"],
    ),
    Case("f32_byte_order_mark", b"\xef\xbb\xbf" + lines(good("32a")).encode(), ids=["32a"]),
    Case("f33_utf_16", lines(good("33a")).encode("utf-16"), "The file is UTF-16, expected UTF-8."),
    Case(
        "f34_byte_of_another_encoding",
        lines(good("34a"), "@", good("34c")).encode().replace(b"@", b"b\xe9,,,,"),
        refused=[(3, "encoding")],
        ids=["34a", "34c"],
    ),
    Case(
        "f35_nul_byte",
        lines(good("35a"), good("35b\x00"), good("35c")),
        refused=[(3, "control_character")],
        ids=["35a", "35c"],
    ),
    Case(
        "f36_huge_line",
        lines(good("36a"), good("b" * 3_000_000), good("36c")),
        refused=[(3, "encoding")],
        ids=["36a", "36c"],
    ),
    Case("f37_empty_file", "", "The file is empty: not even a header."),
    Case("f37_header_only", lines(), "The file has a header and no record."),
    Case("f38_blank_and_comma_only_lines", lines(good("38a"), "", ",,,,", good("38b")), ids=["38a", "38b"], skipped=2),
    Case("f39_footer", lines(good("39a"), "Total,1,,,"), refused=[(3, "grammar")], ids=["39a"]),
    Case("f40_another_delimiter", lines(good("40a")).replace(",", ";"), "Found ';' 4 times and no ','"),
    Case(
        "f41_f42_f43_numbers_codes_and_words_as_spreadsheets_leave_them",
        lines(
            good("43a", received="NULL"),
            good("43b", received="N/A"),
            good("43c", received="45292"),
            good("43d", nhs="9.99E+09"),
            good("43e", nhs='"9,990,000,018"'),
            good("43f", received=""),
        ),
        refused=[(2, "date"), (3, "date"), (4, "spreadsheet_date"), (5, "nhs_number"), (6, "nhs_number")],
        accepted=1,  # an empty date is a missing fact, not a wrong one
    ),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = make_home(tmp_path_factory.mktemp("csv"))
    for case in CASES:
        put(settings, f"{case.name}.csv", case.content)
    ingest(settings)
    return settings


@pytest.fixture(scope="module")
def found(home):
    return fates(home)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_file_meets_its_fate(home, found, case):
    fate = found[f"{case.name}.csv"]
    still_there = (home.landing_dir / "test_state" / "S1" / f"{case.name}.csv").exists()
    if case.refusal is not None:
        assert (fate.status, fate.ids, still_there) == ("refused", [], True)
        assert case.refusal in (fate.detail or "")
    else:
        assert (fate.status, still_there) == ("committed", False)
        assert (fate.refused, fate.ids, fate.skipped) == (case.refused, case.ids, case.skipped)
        assert fate.accepted == (len(case.ids) if case.accepted is None else case.accepted)
        assert fate.records == fate.accepted + fate.quarantined + fate.skipped


def test_f28_the_record_after_a_fault_has_its_own_values(home):
    facts = {key: value for key, value in effective(home).items() if key[0].startswith("28")}
    assert facts == {("28b", "received"): day(9), ("28d", "received"): day(8)}


def test_the_log_is_whole_and_every_file_is_in_the_ledger_once(home):
    assert verify(Store(home.log_dir)).problems == []
    assert rows(home, "loads", "count(*), count(distinct file_name)") == [(len(CASES), len(CASES))]


def test_the_refused_text_is_kept_in_zone_1_and_nowhere_else(home):
    from linkwork.privacy import vault
    from linkwork.privacy.keys import load_keys

    key = load_keys(home).zone1
    kept = b"".join(vault.unseal(p, key) for p in home.quarantine_raw_dir.iterdir())
    for text in (b"9.99E+09", b"Total,1", b"25b,"):
        assert text in kept
    said = str(rows(home, "quarantine", "*"))
    for text in ("9.99E+09", "Total,1", "45292"):
        assert text not in said
