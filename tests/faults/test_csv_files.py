"""CSV files as they really come, through every step of the pipeline: F20 to F45 of the list of faults.

The files of `FILES` are delivered together and taken in one batch: what is wrong with one must not touch another.
"""

import json
import sys

import pytest

from ingestion.readers.base import FileRefused
from ingestion.readers.csv import CsvReading
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy import vault
from linkwork.privacy.keys import load_keys
from linkwork.processes import run
from linkwork.settings import PROJECT_ROOT
from tests.support.faults import HEADER, NUMBER, fates, good, lines, put
from tests.support.gate import contract, read_all, stage
from tests.support.log import at, day, effective, ingest, make_home, rows

D = f"{NUMBER},{day(2)},,{at(1)}"  # a right record without its id

FILES: dict[str, str | bytes] = {
    "f20": f"at,closed,id,received,nhs_number\n{at(1)},,20a,{day(2)},{NUMBER}\n",
    "f21": good("21a") + "\n" + good("21b") + "\n",
    "f22_missing": lines(f"22a,{NUMBER},,x", header="id,nhs_number,received,at"),
    "f22_extra": lines(good("22b") + ",x", header=f"{HEADER},more"),
    "f22_renamed": lines(good("22c"), header="id,number,received,closed,at"),
    "f23": lines(good("23a"), header="id,nhs_number,received,received,at"),
    "f24": lines(good("24a"), f'"24b,{D}', good("24c"), good("24d")),
    "f24_at_the_end": lines(good("24e"), f'"24f,{D}'),
    "f24_several": lines(f'"24g,{D}', good("24h"), f'"24i,{D}', f'24j,"{D}', good("24k")),
    "f25": lines(good("25a"), good("25b") + ",x", good("25c")),
    "f26": lines(good("26a"), "26b", good("26c")),
    "f27": lines(good("27a"), good("27b"))[:-25],
    "f28": lines(good("28a") + ",x,y", good("28b", received=day(9)), "28c,,", good("28d", received=day(8))),
    "f29": lines(good("29a")).replace("\n", "\r\n") + good("29b") + "\n",
    "f31": lines(f'"31a\n",{D}', good("31c"), good("!")),
    "f32": b"\xef\xbb\xbf" + lines(good("32a")).encode(),
    "f33": lines(good("33a")).encode("utf-16"),
    "f34": lines(good("34a"), "@", good("34c")).encode().replace(b"@", b"b\xe9,,,,"),
    "f35": lines(good("35a"), good("35b\x00"), good("35c")),
    "f36": lines(good("36a"), good("b" * 3_000_000), good("36c")),
    "f37_empty": "",
    "f37_header_only": lines(),
    "f38": lines(good("38a"), "", ",,,,", good("38b")),
    "f39": lines(good("39a"), "Total,1,,,"),
    "f40": lines(good("40a")).replace(",", ";"),
    "f117": "<!DOCTYPE html>\n<html><body>Service, id, unavailable</body></html>\n",
    "f41_f42_f43": lines(
        good("43a", received="NULL"),
        good("43b", received="N/A"),
        good("43c", received="45292"),
        good("43d", nhs="9.99E+09"),
        good("43e", nhs='"9,990,000,018"'),
        good("43f", received=""),
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = make_home(tmp_path_factory.mktemp("csv"))
    for name, content in FILES.items():
        put(settings, f"{name}.csv", content)
    ingest(settings)
    return settings


@pytest.fixture(scope="module")
def taken(home):
    """Assert that a file was committed with these refused lines and these records taken, and nothing is missing."""
    found = fates(home)

    def check(name: str, ids: list[str], refused: list[tuple[int, str]], skipped: int = 0, accepted: int | None = None):
        fate = found[f"{name}.csv"]
        assert (fate.status, fate.refused, fate.ids, fate.skipped) == ("committed", refused, ids, skipped)
        assert fate.accepted == (len(ids) if accepted is None else accepted)
        assert fate.records == fate.accepted + fate.quarantined + fate.skipped
        assert not (home.landing_dir / "test_state" / "S1" / f"{name}.csv").exists()

    return check


@pytest.fixture(scope="module")
def refused(home):
    """What is said of a file that was refused as a whole; it must be where it was, and have left nothing in the log."""
    found = fates(home)

    def said(name: str) -> str:
        fate = found[f"{name}.csv"]
        assert (fate.status, fate.ids, fate.refused) == ("refused", [], [])
        assert (home.landing_dir / "test_state" / "S1" / f"{name}.csv").exists()
        return str(fate.detail)

    return said


def read(tmp_path, content: str | bytes, file: str = "{format: csv}"):
    """Records and the reading of a small table `id,name,day`; nothing is lost on the way."""
    path = tmp_path / "f.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reading = CsvReading(path, contract("{name: id}", "{name: name, aliases: [label]}", "{name: day}", file=file))
    found = read_all(reading)
    assert reading.records == len(found) + len(reading.unreadable) + reading.blank + sum(reading.skipped.values())
    return [(r["line_no"], r["id"], r["name"], r["day"]) for r in found], reading


def refusal(tmp_path, content: str | bytes, file: str = "{format: csv}") -> str:
    with pytest.raises(FileRefused) as raised:
        read(tmp_path, content, file)
    return str(raised.value)


SMALL = "id,name,day\na,x,d\nb,y,e\n"
READ = [(2, "a", "x", "d"), (3, "b", "y", "e")]


# --- the header -----------------------------------------------------------------------------------------
def test_f20_a_reordered_header_is_matched_by_name(taken):
    taken("f20", ["20a"], [])


def test_f20_a_reordered_header_is_noted(tmp_path):
    found, reading = read(tmp_path, "day,id,name\nd,a,x\n")
    assert found == [(2, "a", "x", "d")]
    assert any("order" in note for note in reading.notes)


def test_f20_a_reordered_header_is_refused_where_the_contract_is_strict(tmp_path):
    assert "order" in refusal(tmp_path, "day,id,name\nd,a,x\n", "{format: csv, strictOrder: true}")


def test_f21_a_missing_header_is_said_and_no_record_is_eaten_as_one(refused):
    assert refused("f21") == "Line 1 is not the header; expected id,nhs_number,received,closed,at."


def test_f22_missing_and_renamed_columns_are_named(refused):
    assert "The header lacks closed" in refused("f22_missing")
    assert "The header lacks nhs_number" in refused("f22_renamed")


def test_f22_an_extra_column_refuses_the_file_unless_the_contract_ignores_it(refused, tmp_path):
    assert "1 column(s) the contract does not know" in refused("f22_extra")
    found, _ = read(tmp_path, "id,more,name,day\na,SECRET,x,d\n", "{format: csv, unknownColumns: ignore}")
    assert found == [(2, "a", "x", "d")]


def test_f22_a_column_is_found_by_its_alias(tmp_path):
    assert read(tmp_path, "id,label,day\na,x,d\n")[0] == [(2, "a", "x", "d")]


def test_f22_the_places_of_unknown_columns_are_said_as_candidates(refused):
    assert "column 6" in refused("f22_extra")
    assert "column 2" in refused("f22_renamed")


def test_f23_a_column_named_twice_is_said_with_both_places(refused):
    assert "(columns 3, 4)" in refused("f23")


# --- quotes and fields ----------------------------------------------------------------------------------
def test_f24_an_unclosed_quote_costs_its_record_and_reading_goes_on_at_the_next(taken):
    taken("f24", ["24a", "24c", "24d"], [(3, "quote")])
    taken("f24_at_the_end", ["24e"], [(3, "quote")])
    taken("f24_several", ["24h", "24k"], [(2, "quote"), (4, "quote"), (5, "quote")])


def test_f24_an_unclosed_quote_over_lines_that_are_no_records_loses_none_of_them(tmp_path):
    content = 'id,name,day\na,x,d\nb,"open\nmore text\nand more\nc,z,f\n'
    found, reading = read(tmp_path, content)
    assert found == [(2, "a", "x", "d"), (6, "c", "z", "f")]
    covered = [n for u in reading.unreadable for n in range(u.line, u.line_end + 1)]
    assert covered == [3, 4, 5]
    assert (reading.unreadable[0].line, reading.unreadable[0].rule) == (3, "quote")


def test_f24_quotes_that_pair_up_over_lines_are_one_record_by_the_standard_and_ragged_ones_none(tmp_path):
    """Two stray quotes cannot be told from a field with a line end in it. Where the fields do not add up, both lines
    are refused, and nothing of them is taken."""
    found, reading = read(tmp_path, 'id,name,day\na,"x,d\nb,y",e\nc,z,f\n')
    assert found == [(2, "a", "x,d\nb,y", "e"), (4, "c", "z", "f")]
    found, reading = read(tmp_path, 'id,name,day\na,"x,d\nb,y",e,more\nc,z,f\n')
    assert found == [(4, "c", "z", "f")]
    assert sorted(n for u in reading.unreadable for n in range(u.line, u.line_end + 1)) == [2, 3]


def test_f25_an_extra_field_costs_its_record(taken, tmp_path):
    taken("f25", ["25a", "25c"], [(3, "field_count")])
    _, reading = read(tmp_path, SMALL + "c,z,f,more\n")
    assert [u.sentence for u in reading.unreadable] == ["The record has 4 fields, expected 3."]


def test_f26_missing_fields_cost_their_record_once(taken):
    taken("f26", ["26a", "26c"], [(3, "field_count")])


def test_f27_a_cut_last_line_is_refused(taken):
    taken("f27", ["27a"], [(3, "field_count")])


def test_f27_a_file_that_does_not_end_with_a_line_end_is_noted(tmp_path):
    found, reading = read(tmp_path, SMALL[:-1])
    assert found == READ
    assert any("does not end" in note for note in reading.notes)


@pytest.mark.parametrize("cut", [SMALL + "TRAILER,3\n", SMALL], ids=["wrong_count", "no_trailer"])
def test_f27_a_trailer_that_disagrees_refuses_the_file(tmp_path, cut):
    form = '{format: csv, footer: {pattern: "TRAILER,([0-9]+)", count: true}}'
    assert read(tmp_path, SMALL + "TRAILER,2\n", form)[0] == READ
    assert refusal(tmp_path, cut, form)


def test_f28_the_record_after_a_fault_is_taken(taken):
    taken("f28", ["28b", "28d"], [(2, "field_count"), (4, "field_count")])


def test_f28_the_record_after_a_fault_has_its_own_values(home):
    facts = {key: value for key, value in effective(home).items() if key[0].startswith("28")}
    assert facts == {("28b", "received"): day(9), ("28d", "received"): day(8)}


# --- line ends and encodings ----------------------------------------------------------------------------
def test_f29_line_ends_may_be_mixed(taken):
    taken("f29", ["29a", "29b"], [])


def test_f29_mixed_line_ends_are_noted(tmp_path):
    found, reading = read(tmp_path, "id,name,day\r\na,x,d\nb,y,e\r\n")
    assert found == READ
    assert any("line ends" in note for note in reading.notes)


def test_f30_lines_may_end_with_a_lone_carriage_return(tmp_path):
    assert read(tmp_path, SMALL.replace("\n", "\r"))[0] == READ


def test_f31_lines_are_physical_where_a_field_holds_a_line_end(taken, tmp_path):
    taken("f31", ["31c"], [(2, "grammar"), (5, "grammar")])
    found, reading = read(tmp_path, 'id,name,day\na,"one\ntwo\n\nfour",d\nb,x,e\n')
    assert found == [(2, "a", "one\ntwo\n\nfour", "d"), (6, "b", "x", "e")]
    assert reading.records == 2


def test_f32_a_byte_order_mark_is_no_part_of_the_first_name(taken):
    taken("f32", ["32a"], [])


def test_f33_utf_16_is_named_and_refused(refused):
    assert refused("f33") == "The file is UTF-16, expected UTF-8."


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_f33_utf_16_without_its_mark_is_named_too(tmp_path, encoding):
    assert "UTF-16" in refusal(tmp_path, SMALL.encode(encoding))


def test_f33_utf_16_is_decoded_where_the_contract_states_it(tmp_path):
    assert read(tmp_path, SMALL.encode("utf-16"), "{format: csv, encoding: utf-16}")[0] == READ


def test_f34_a_byte_of_another_encoding_costs_its_record_and_is_placed(taken, tmp_path):
    taken("f34", ["34a", "34c"], [(3, "encoding")])
    _, reading = read(tmp_path, SMALL.encode() + b"c,Zo\xe9,f\n")
    assert [(u.line, u.sentence) for u in reading.unreadable] == [(4, "The line is not UTF-8 at byte 5.")]


def test_f34_windows_1252_is_decoded_where_the_contract_states_it(tmp_path):
    found, _ = read(tmp_path, SMALL.encode() + b"c,Zo\xeb \x80,f\n", "{format: csv, encoding: cp1252}")
    assert found == [*READ, (4, "c", "Zoë €", "f")]


def test_f35_a_nul_byte_costs_its_record(taken):
    taken("f35", ["35a", "35c"], [(3, "control_character")])


def test_f36_a_field_of_3_mb_costs_its_record(taken):
    taken("f36", ["36a", "36c"], [(3, "encoding")])


def test_f36_of_an_overlong_record_the_beginning_is_kept(home):
    key = load_keys(home).zone1
    kept = [json.loads(line) for p in home.quarantine_raw_dir.iterdir() for line in vault.unseal(p, key).splitlines()]
    huge = [record for record in kept if "b" * 1000 in record["raw"]]
    assert huge
    assert all(len(record["raw"]) < 2_000_000 for record in huge)


# --- what is no record ----------------------------------------------------------------------------------
def test_f37_a_file_without_records_is_refused(refused):
    assert refused("f37_empty") == "The file is empty: not even a header."
    assert refused("f37_header_only") == "The file has a header and no record."


def empty_stage(tmp_path, content: str):
    return stage(tmp_path, contract("{name: id}", "{name: name}", file="{format: csv, emptyOk: true}"), content)


def test_f37_a_header_alone_is_no_fault_where_the_contract_says_so(tmp_path):
    profile = empty_stage(tmp_path, "id,name\n").profile
    assert (profile["refused"], profile["records"], profile["valid"]) == (None, 0, 0)


def test_f37_a_file_of_no_bytes_is_no_fault_where_the_contract_says_so(tmp_path):
    profile = empty_stage(tmp_path, "").profile
    assert (profile["refused"], profile["records"]) == (None, 0)


def test_f38_blank_lines_and_lines_of_commas_are_counted_as_blank(taken, tmp_path):
    taken("f38", ["38a", "38b"], [], skipped=2)
    _, reading = read(tmp_path, SMALL + "\n,,\n\r\n,,,,,\n\n")
    assert (reading.records, reading.blank) == (7, 5)


def test_f39_a_line_of_totals_is_refused_as_a_record(taken):
    taken("f39", ["39a"], [(3, "grammar")])


def test_f39_a_footer_the_contract_states_is_no_record(tmp_path):
    found, reading = read(tmp_path, SMALL + "Total,2,\n", '{format: csv, footer: {pattern: "Total,.*"}}')
    assert found == READ
    assert sum(reading.skipped.values()) == 1


def test_f40_another_delimiter_is_named(refused):
    assert "Found ';' 4 times and no ','" in refused("f40")


@pytest.mark.parametrize(("other", "shown"), [("\t", r"'\t' 2 times"), ("|", "'|' 2 times")])
def test_f40_tabs_and_bars_are_named_too(tmp_path, other, shown):
    assert f"Found {shown} and no ','" in refusal(tmp_path, SMALL.replace(",", other))


def test_f40_the_delimiter_is_the_contracts(tmp_path):
    assert read(tmp_path, SMALL.replace(",", ";"), "{format: csv, delimiter: ';'}")[0] == READ


def test_f117_a_page_of_html_is_no_file_of_the_feed(refused):
    assert refused("f117") == "The file is an HTML page, expected CSV."


def test_f41_f42_f43_numbers_codes_and_words_as_spreadsheets_leave_them_are_refused(taken):
    wrong = [(2, "date"), (3, "date"), (4, "spreadsheet_date"), (5, "nhs_number"), (6, "nhs_number")]
    taken("f41_f42_f43", [], wrong, accepted=1)  # an empty date is a missing fact, not a wrong one


def test_f43_only_the_contracts_words_stand_for_nothing(tmp_path):
    """An empty field and an empty text in quotes are the same; NULL is a word unless the contract says otherwise."""
    content = 'id,name,day\na,NULL,d\nb,"",e\nc,,f\nd,N/A,g\ne,-,h\n'

    def empty(tokens: str) -> float:
        folder = tmp_path / f"{len(tokens)}"
        folder.mkdir()
        one = contract("{name: id}", "{name: name}", "{name: day}", file=f"{{format: csv, nullTokens: {tokens}}}")
        return stage(folder, one, content).profile["empty_share"]["name"]

    assert empty("['']") == 0.4
    assert empty("['', 'NULL', 'N/A']") == 0.8


# --- size -----------------------------------------------------------------------------------------------
PEAK = """
import resource, sys
from pathlib import Path
from ingestion.readers.csv import CsvReading
from tests.support.gate import contract
reading = CsvReading(Path(sys.argv[1]), contract("{name: id}", "{name: name}"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(batch.num_rows for _, batch in reading.batches())
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_f44_memory_does_not_grow_with_the_file(tmp_path):
    """One reading of 25 MB and one of 200 MB: the second may not take 60 MB more."""
    peaks = []
    for rows_written in (50_000, 400_000):
        path = tmp_path / f"{rows_written}.csv"
        with path.open("w") as handle:
            handle.write("id,name\n")
            handle.writelines(f"r{n},{'x' * 490}\n" for n in range(rows_written))
        done = run([sys.executable, "-c", PEAK, str(path)], log=tmp_path / "log.txt", cwd=PROJECT_ROOT)
        assert done.returncode == 0, done.output
        count, peak = done.output.split()[-2:]
        assert int(count) == rows_written
        peaks.append(int(peak))
    assert peaks[1] - peaks[0] < 60_000


def test_f45_many_small_files_are_each_accounted_for(tmp_path):
    settings = make_home(tmp_path)
    for n in range(60):
        put(settings, f"{n}.csv", lines(good(f"r{n}"), "wrong"))
    ingest(settings)
    assert rows(
        settings, "loads", "count(*), sum(records), sum(accepted), sum(quarantined)", "where status = 'committed'"
    ) == [(60, 120, 60, 60)]
    assert verify(Store(settings.log_dir)).problems == []


# --- all together ---------------------------------------------------------------------------------------
def test_the_log_is_whole_and_every_file_is_in_the_ledger_once(home):
    assert verify(Store(home.log_dir)).problems == []
    assert rows(home, "loads", "count(*), count(distinct file_name)") == [(len(FILES), len(FILES))]


def test_the_refused_text_is_kept_in_zone_1_and_nowhere_else(home):
    key = load_keys(home).zone1
    kept = b"".join(vault.unseal(p, key) for p in home.quarantine_raw_dir.iterdir())
    for text in (b"9.99E+09", b"Total,1", b"25b,"):
        assert text in kept
    said = str(rows(home, "quarantine", "*"))
    for text in ("9.99E+09", "Total,1", "45292"):
        assert text not in said
