"""Values as careless or hostile sources write them, under contracts that say what is allowed."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ingestion.contract import Contract
from linkwork.errors import BadDataError
from linkwork.files import spreadsheet_safe
from tests.support.faults import NUMBER, add_feed, at, day, good, lines, put, taken
from tests.support.gate import contract, stage
from tests.support.log import CONTRACT, SENDER, deliver, ingest, make_home, rows, standing


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path)


AMOUNT = "{name: cost, logicalType: decimal%s}"


def refused(tmp_path, prop: str, *values: str, file: str = "{format: csv, refusedThreshold: 1}"):
    """The rules that quarantine each value, by its place; None where it is taken."""
    header = yaml.safe_load(prop)["name"]
    content = f"id,{header}\n" + "".join(f'{n},"{value}"\n' for n, value in enumerate(values))
    made = stage(tmp_path, contract("{name: id}", prop, file=file), content)
    by_line = {line: rule for line, rule, _ in made.refused_lines}
    return [by_line.get(n) for n in range(2, len(values) + 2)]


def test_f41_separators_and_signs_are_numbers_only_where_the_contract_converts_them(tmp_path):
    values = ("12.50", "1,234", "£12.50", "£1,234.50", "1,23")
    assert refused(tmp_path, AMOUNT % "", *values) == [None, "decimal", "decimal", "decimal", "decimal"]
    declared = AMOUNT % ", convert: [pound, thousands]"
    assert refused(tmp_path, declared, *values) == [None, None, None, None, "decimal"]


def test_f42_codes_and_dates_that_a_spreadsheet_spoilt_are_quarantined_with_what_to_ask_for(tmp_path):
    described = contract(
        "{name: id}",
        '{name: code, grammar: "[0-9]{6,18}"}',
        '{name: practice, grammar: "[0-9]{5}"}',
        '{name: on_day, logicalType: date, format: "%Y-%m-%d"}',
        file="{format: csv, refusedThreshold: 1}",
    )
    content = "id,code,practice,on_day\na,8.7171E+14,01234,2025-01-01\nb,871711000000103,1234,2025-01-01\n"
    content += "c,871711000000103,01234,45292\nd,871711000000103,01234,2025-01-01\n"
    made = stage(tmp_path, described, content)
    assert made.refused_lines == [
        (2, "scientific_notation", "code"),
        (3, "grammar", "practice"),
        (4, "spreadsheet_date", "on_day"),
    ]
    (sentence,) = made.read("quarantine/*.parquet", "sentence", "where source_line = 2")[0]
    assert sentence.startswith("The code is in scientific notation: precision lost at source.")
    assert "8.7171" not in str(made.read("quarantine/*.parquet", "*"))


def test_f43_words_for_nothing_are_the_contracts_own_and_never_guessed(tmp_path):
    whole = "{name: n, logicalType: integer%s}"
    values = ("", "NULL", "N/A", "-", "0")
    assert refused(tmp_path, whole % "", *values) == [None, "integer", "integer", "integer", None]
    of_field = whole % ", nullTokens: [N/A, '-']"
    assert refused(tmp_path, of_field, *values) == [None, "integer", None, None, None]
    of_file = '{format: csv, refusedThreshold: 1, nullTokens: ["", "NULL"]}'
    assert refused(tmp_path, whole % "", *values, file=of_file) == [None, None, "integer", "integer", None]


def test_f62_a_contract_cannot_take_paths_or_sql_for_names(home):
    for hostile in ("../../x", 'a";DROP', "a b", "é", "x" * 64):
        path = home.contracts_dir / "test_state.yaml"
        path.write_text(CONTRACT.replace("name: test_state\nversion", f"name: {json.dumps(hostile)}\nversion"))
        deliver(home, "f.csv", lines(good("a")))
        with pytest.raises(BadDataError, match="name: String should match pattern") as raised:
            ingest(home)
        assert raised.value.where == str(path)
    assert not [p for p in home.home.rglob("*") if "DROP" in p.name]


@pytest.mark.parametrize("evil", ["(a+)+$", "(.*a){25}", "([a-zA-Z]+)*!", "(a|aa)+b"])
def test_f64_a_pattern_that_would_hang_another_engine_is_harmless(tmp_path, evil):
    prop = f"{{name: f, maxLength: 100000, grammar: {json.dumps(evil)}}}"
    # Elsewhere this would not end: RE2 looks at each character once.
    assert refused(tmp_path, prop, "a" * 50_000 + "?", "x") == ["grammar", "grammar"]


def test_f64_metacharacters_in_listed_values_are_only_characters(tmp_path):
    prop = '{name: f, values: {"50%": a, "a_b": b, "[x].*": c}}'
    assert refused(tmp_path, prop, "50%", "500", "a_b", "axb", "[x].*", "x") == [
        None, "domain", None, "domain", None, "domain",
    ]  # fmt: skip


CELLS = ['=HYPERLINK("http://x")', "@SUM(A1)", "\t=1+1", "\r=1", "\x00=1", "+cmd|' /C calc'!A0", "-2+3", "=1"]


@pytest.mark.parametrize("cell", CELLS)
def test_f66_a_cell_that_a_spreadsheet_would_run_is_led_by_an_apostrophe(tmp_path, cell):
    out = io.StringIO()
    csv.writer(out).writerow([spreadsheet_safe(cell), spreadsheet_safe(-5), spreadsheet_safe("-5.25")])
    if "\x00" not in cell:
        (row,) = csv.reader(io.StringIO(out.getvalue(), newline=""))
        assert row == ["'" + cell, "-5", "-5.25"]
    assert spreadsheet_safe(spreadsheet_safe(cell)) == "'" + cell
    pq.write_table(pa.table({"cell": [cell]}), tmp_path / "p.parquet")
    assert pq.read_table(tmp_path / "p.parquet")["cell"].to_pylist() == [cell]


def test_f66_what_is_no_formula_stays_as_it_is():
    plain = ["Attended", "", None, 7, -7, 1.5, "-7", "+44", "1e-3", "a=b", "O'Brien"]
    assert [spreadsheet_safe(value) for value in plain] == plain


@pytest.mark.parametrize(
    "condition",
    [
        "{sql: \"select 1; copy x to 'y'\"}",
        '{present: "id) or 1=1 --"}',
        '{in: {"id\\"": [a]}}',
        "{not_before_date: {id: \"2020-01-01'; attach 'x'\"}}",
        '{all: [{expression: "pragma version"}]}',
    ],
)
def test_f69_a_contract_holds_no_sql(condition):
    text = CONTRACT.replace("occurred: closed}", f"occurred: closed, when: {condition}}}")
    with pytest.raises(ValueError, match=r"condition|not a field name|takes a date"):
        Contract.model_validate(yaml.safe_load(text))


def test_f69_listed_values_that_look_like_sql_are_literals(tmp_path):
    hostile = "x'); install httpfs; --"
    quoted = json.dumps(hostile)
    described = contract(
        "{name: id}",
        '{name: on_day, logicalType: date, format: "%Y-%m-%d"}',
        f"{{name: f, values: {{{quoted}: {quoted}}}}}",
        events=f"[{{slot: a, type: registration.started, occurred: on_day, when: {{in: {{f: [{quoted}]}}}}}}]",
    )
    made = stage(tmp_path, described, f'id,on_day,f\n1,2025-01-01,"{hostile}"\n')
    assert made.read("facts/registration/*.parquet", "count(*)") == [(1,)]


def test_f82_an_offset_moves_the_time_and_never_disappears(tmp_path):
    described = contract(
        "{name: id}",
        '{name: seen, logicalType: timestamp, format: "%Y-%m-%dT%H:%M:%S%z"}',
        events="[{slot: a, type: registration.started, occurred: seen}]",
        file="{format: csv, refusedThreshold: 1}",
    )
    content = "id,seen\na,2025-07-01T00:30:00+01:00\nb,2025-07-01T00:30:00Z\nc,2025-07-01T00:30:00\n"
    made = stage(tmp_path, described, content)
    found = made.read(
        "facts/registration/*.parquet", "occurred_at::varchar, occurred_on::varchar", "order by record_no"
    )
    assert found == [("2025-06-30 23:30:00+00", "2025-07-01"), ("2025-07-01 00:30:00+00", "2025-07-01")]
    assert made.refused_lines == [(4, "timestamp", "seen")]


def test_f83_a_time_for_a_day_is_quarantined_unless_the_contract_declares_it(tmp_path):
    strict = '{name: d, logicalType: date, format: "%Y-%m-%d"}'
    assert refused(tmp_path, strict, "2025-01-01", "2025-01-01 10:00:00") == [None, "date"]
    declared = '{name: d, logicalType: date, format: ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"]}'
    assert refused(tmp_path, declared, "2025-01-01", "2025-01-01 10:00:00") == [None, None]


def test_f84_e35_a_default_date_can_be_counted_instead_of_refused(tmp_path):
    described = contract(
        "{name: id}",
        '{name: d, logicalType: date, format: "%Y-%m-%d"}',
        more="rules: [{name: default, require: {not_before_date: {d: 1900-01-02}}, field: d, sentence: s, "
        "severity: warning}]",
    )
    made = stage(tmp_path, described, "id,d\na,1900-01-01\nb,2025-01-01\n")
    assert (made.profile["valid"], made.profile["warnings"]) == (2, {"default": 1})


def test_f85_a_scottish_number_is_recognised_and_taken_for_nobody(tmp_path):
    # The 31st of February: the form of a CHI number, and nobody's.
    chi = next(f"310290{n:04d}" for n in range(10_000) if _holds(f"310290{n:04d}"))
    number = "{name: nhs, logicalType: nhs_number, zone: 1}"
    assert refused(tmp_path, number, chi, f"{chi[:6]} {chi[6:]}", NUMBER) == ["chi_number", "chi_number", None]


def _holds(digits: str) -> bool:
    check = (11 - sum(int(d) * (10 - i) for i, d in enumerate(digits[:9])) % 11) % 11
    return check == int(digits[9])


def test_f86_an_unknown_code_is_kept_as_it_came_where_the_contract_says_so(tmp_path):
    described = contract(
        "{name: id}",
        '{name: on_day, logicalType: date, format: "%Y-%m-%d"}',
        '{name: code, grammar: "[0-9]{6,18}", values: {"105529008": "105529008"}, unmapped: keep}',
        events="[{slot: a, type: need.recorded, occurred: on_day, payload: {code: code}}]",
    )
    made = stage(tmp_path, described, "id,on_day,code\na,2025-01-01,105529008\nb,2025-01-01,999999999999999999\n")
    found = made.read("facts/need/*.parquet", "need_code", "order by record_no")
    assert found == [("105529008",), ("999999999999999999",)]


def test_f89_e17_an_id_that_comes_again_for_another_person_is_quarantined(home):
    taken(home, lines(good("a", 1)), "one.csv")
    again = taken(home, lines(good("a", 2, nhs="9990000026"), good("b", 2)), "two.csv")
    assert (again.quarantined + again.conflict, again.accepted) == (1, 1)
    assert rows(home, "events", "count(distinct subject_key)", "where source_record_ref = 'a'") == [(1,)]


PROSE = "{name: role, maxLength: 200}"


def test_f91_text_that_identifies_somebody_does_not_leave_zone_1(tmp_path):
    number = f"{NUMBER[:3]} {NUMBER[3:6]} {NUMBER[6:]}"
    texts = {
        "Link worker": None,
        f"see {NUMBER}": "identifier_in_text",
        f"see {number}, and 1234567890": "identifier_in_text",
        "order 1234567890": None,  # ten digits that are no number of a person
        "write to jo.bloggs@example.org": "identifier_in_text",
        "ring 07700 900123": "identifier_in_text",
        "ring +44 7700 900123": "identifier_in_text",
        "020 7946 0018 after five": "identifier_in_text",
        "room 12, 2025-01-01 10:00": None,
    }
    assert dict(zip(texts, refused(tmp_path, PROSE, *texts), strict=True)) == texts


def test_f91_e24_a_free_text_column_is_dropped_whatever_it_holds(tmp_path):
    described = contract(
        "{name: id}",
        "{name: note, logicalType: free_text, zone: 1}",
        '{name: on_day, logicalType: date, format: "%Y-%m-%d"}',
        events="[{slot: a, type: registration.started, occurred: on_day}]",
    )
    made = stage(tmp_path, described, f"id,note,on_day\na,{NUMBER} jo@example.org,2025-01-01\n")
    assert (made.profile["valid"], made.profile["dropped"]) == (1, {"note": 1})
    written = b"".join(p.read_bytes() for p in made.folder.rglob("*") if p.is_file())
    assert NUMBER.encode() not in written
    assert b"jo@example" not in written


NUMBERED = (
    CONTRACT.replace("name: test_state", "name: numbered")
    .replace("  assertedAt: at", "  assertedAt: at\n  treatAsRevision: version")
    .replace(
        "      - {name: closed",
        "      - {name: version, logicalType: integer, minimum: 0, maximum: 9999}\n      - {name: closed",
    )
)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_f94_where_a_number_orders_what_is_said_at_one_time_it_is_a_revision(home, order):
    add_feed(home, "numbered", NUMBERED)
    header = "id,nhs_number,received,version,closed,at"
    for version in order:
        put(home, f"{version}.csv", lines(f"a,{NUMBER},{day(version)},{version},,{at(1)}", header=header),
            feed="numbered", sender="S2")  # fmt: skip
        ingest(home)
    assert standing(home, "a") == [("numbered", "S2", "a", "referral.received", day(3))]
    assert rows(home, "events", "count(*)", "where revision_kind = 'contest'") == [(0,)]
    assert rows(home, "loads", "sum(conflict)") == [(0,)]


def test_f96_corrections_are_ordered_by_time_so_that_none_can_go_in_a_circle(home):
    for name, (when, received) in {"a": (1, 2), "b": (2, 3), "c": (3, 2), "d": (1, 2)}.items():
        taken(home, lines(good("x", when, received=day(received))) + "\n" * when, f"{name}.csv")
    assert standing(home, "x") == [("test_state", SENDER, "x", "referral.received", day(2))]


CHANGED = {
    "a column more": ("id,nhs_number,received,closed,at,unit", f"a,{NUMBER},{day(2)},,{at(1)},kg",
                      "1 column(s) the contract does not know"),
    "a column renamed": ("id,nhs_number,received_on,closed,at", f"a,{NUMBER},{day(2)},,{at(1)}",
                         "The header lacks received; expected id,nhs_number,received,closed,at"),
    "a column less": ("id,nhs_number,received,at", f"a,{NUMBER},{day(2)},{at(1)}", "The header lacks closed"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGED)
def test_f100_a_source_that_changes_its_columns_is_refused_and_says_which(home, what):
    assert taken(home, lines(good("z")), "before.csv").status == "committed"
    header, line, says = CHANGED[what]
    fate = taken(home, lines(line, header=header), "after.csv")
    assert fate.status == "refused"
    assert says in (fate.detail or "")


def test_f100_a_unit_that_changed_is_caught_by_the_range_of_the_old_one(tmp_path):
    weight = "{name: weight, logicalType: decimal, unit: kg, minimum: 20, maximum: 300}"
    assert refused(tmp_path, weight, "70.5", "11.1", "705") == [None, "range", "range"]


def test_f100_with_the_next_version_of_the_contract_both_kinds_of_file_are_taken(home):
    assert taken(home, lines(good("z")), "before.csv").status == "committed"
    path = home.contracts_dir / "test_state.yaml"
    later = CONTRACT.replace("version: 1.0.0", "version: 1.1.0").replace(
        "      - {name: closed",
        "      - {name: role, optionalColumn: true, maxLength: 20, addedIn: 1.1.0}\n      - {name: closed",
    )
    path.write_text(later.replace("occurred: received}", "occurred: received, payload: {referrer_role: role}}"))
    again = taken(home, lines(good("z")) + "\n", "again.csv")
    assert (again.duplicate, again.events) == (1, 0)
    header = "id,nhs_number,received,role,closed,at"
    assert taken(home, lines(f"y,{NUMBER},{day(2)},nurse,,{at(1)}", header=header), "new.csv").accepted == 1
    assert sorted(rows(home, "loads", "file_name, contract_version")) == [
        ("again.csv", "1.1.0"), ("before.csv", "1.0.0"), ("new.csv", "1.1.0"),
    ]  # fmt: skip
