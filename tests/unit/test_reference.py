"""Reference data: versions that are never edited, and faults named by file, line and column."""

from datetime import UTC, date, datetime, timedelta

import pytest

from linkwork import engine, reference
from linkwork.errors import BadDataError, UsageError

HEADER = "practice_code,practice_name,pcn_code,pcn_name,icb_code,icb_name,valid_from,valid_to"
ROW = "Z90001,One,U99001,North,QZZ,Invented,2020-04-01,"


@pytest.fixture
def load(tmp_path):
    def loaded(*lines: str, kind: str = "organisations", header: str = HEADER, encoding: str = "utf-8"):
        path = tmp_path / f"{kind}.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
        return reference.load(tmp_path / "reference", kind, path)

    return loaded


def test_a_load_makes_a_version_and_the_same_content_none(tmp_path, load):
    done = load(ROW)
    assert (done["kind"], done["rows"], done["new_version"]) == ("organisations", 1, True)
    assert load(ROW)["new_version"] is False
    said_twice = load(ROW, ROW)
    assert (said_twice["read"], said_twice["repeated"], said_twice["new_version"]) == (2, 1, False)
    assert load(ROW.replace("One", "Two"))["new_version"] is True
    assert load(ROW)["new_version"] is True  # back to the first is a change again
    assert len(reference.versions(tmp_path / "reference", "organisations")) == 3
    assert reference.rows(tmp_path / "reference", "organisations")[0]["practice_name"] == "One"


def test_values_are_typed_and_columns_found_by_name(tmp_path, load):
    names = HEADER.split(",")
    values = dict(zip(names, ROW.split(","), strict=True))
    load(",".join(values[n] for n in reversed(names)), header=",".join(reversed(names)))
    (row,) = reference.rows(tmp_path / "reference", "organisations")
    assert (row["valid_from"], row["valid_to"], row["pcn_code"]) == (date(2020, 4, 1), None, "U99001")


def test_a_byte_order_mark_and_quotes_are_read(tmp_path, load):
    load('Z90001,"Surgery, The ""Old"" One",,,,,,', encoding="utf-8-sig")
    assert reference.rows(tmp_path / "reference", "organisations")[0]["practice_name"] == 'Surgery, The "Old" One'


def test_earlier_versions_are_read_as_they_were_known(tmp_path, load):
    folder = tmp_path / "reference"
    for name in ("One", "Two", "Three"):
        load(ROW.replace("One", name))
    times = [loaded for loaded, _ in reference.versions(folder, "organisations")]

    def known_at(when):
        with engine.connect() as con:
            return con.execute(
                f"select practice_name from {reference.relation(folder, 'organisations', when)}"
            ).fetchone()[0]

    assert [known_at(t) for t in times] == ["One", "Two", "Three"]
    assert known_at(times[1] - timedelta(microseconds=1)) == "One"
    assert known_at(None) == "Three"
    assert known_at(datetime(2000, 1, 1, tzinfo=UTC)) == "One"  # nothing older exists


def test_without_a_version_there_is_no_row_but_every_column(tmp_path):
    with engine.connect() as con:
        cursor = con.execute(f"select * from {reference.relation(tmp_path, 'senders')}")
        assert [d[0] for d in cursor.description] == list(reference.KINDS["senders"].types)
        assert cursor.fetchall() == []


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (ROW.replace("Z90001", "z9/1"), "practice_code"),
        (ROW.replace("Z90001", ""), "practice_code"),
        (ROW.replace("One", ""), "practice_name"),
        (ROW.replace("2020-04-01", "01/04/2020"), "valid_from"),
        (ROW.replace("2020-04-01", "2020-02-30"), "valid_from"),
        (ROW + "never", "valid_to"),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_file_line_and_column(tmp_path, load, line, column):
    with pytest.raises(BadDataError, match="a value does not fit") as raised:
        load(ROW, ROW.replace("Z90001", "Z90002"), line)
    assert raised.value.where == f"{tmp_path / 'organisations.csv'}, line 4, column {column}"
    assert reference.versions(tmp_path / "reference", "organisations") == []


@pytest.mark.parametrize("line", ["Z90001,One", ROW + ",more"])
def test_a_line_of_another_width_is_named(tmp_path, load, line):
    with pytest.raises(BadDataError) as raised:
        load(ROW, line)
    assert raised.value.where == f"{tmp_path / 'organisations.csv'}, line 3"
    assert "Z90001" not in str(raised.value)


def test_a_header_without_a_column_or_with_one_twice_is_refused(load):
    with pytest.raises(BadDataError, match=r"a column is missing.*pcn_code"):
        load(ROW, header=HEADER.replace("pcn_code", "pcn"))
    with pytest.raises(BadDataError, match=r"a column is named twice.*pcn_code"):
        load(ROW, header=HEADER + ",pcn_code")


def test_another_encoding_is_refused(load):
    with pytest.raises(BadDataError, match="a file is not UTF-8"):
        load(ROW, header=HEADER + ",\u00e9", encoding="latin-1")


def test_an_unknown_kind_and_a_missing_file_are_wrong_use(tmp_path):
    with pytest.raises(UsageError, match="unknown kind"):
        reference.load(tmp_path, "../../senders", tmp_path / "x.csv")
    with pytest.raises(UsageError, match="no such file"):
        reference.load(tmp_path, "senders", tmp_path / "x.csv")


def sender(code: str = "S1", **other):
    return {"code": code, "name": "N", "kind": "service", "feeds": ["a_csv"], "source_system": "x", **other}


def test_added_rows_replace_those_of_the_same_key_only(tmp_path):
    reference.add_rows(tmp_path, "senders", "code", [sender("S1"), sender("S2")])
    assert reference.add_rows(tmp_path, "senders", "code", [sender("S2", name="New")])["rows"] == 2
    assert [(r["code"], r["name"]) for r in reference.rows(tmp_path, "senders")] == [("S1", "N"), ("S2", "New")]
    assert reference.add_rows(tmp_path, "senders", "code", [sender("S1")])["new_version"] is False


@pytest.mark.parametrize(
    "row",
    [sender("../../x"), sender('a";DROP'), sender(""), sender(feeds=["../x"]), sender(kind="spy"), sender(name=None)],
)
def test_an_added_row_keeps_the_same_grammar(tmp_path, row):
    with pytest.raises(UsageError, match="does not fit"):
        reference.add_rows(tmp_path, "senders", "code", [row])
    assert reference.versions(tmp_path, "senders") == []
