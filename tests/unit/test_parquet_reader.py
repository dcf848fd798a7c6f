"""Parquet columns as the text a contract expects: exactly, or the record or file is refused."""

import datetime as dt
import os
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.readers import parquet
from ingestion.readers.base import FileRefused
from ingestion.readers.parquet import ParquetReading
from tests.support.gate import contract, read_all

UTC = dt.UTC


def at(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=UTC)


def reading(folder, table: pa.Table, *properties: str, file: str = "{format: parquet}", **options) -> ParquetReading:
    path = folder / "file.parquet"
    pq.write_table(table, path, **options)
    return ParquetReading(path, contract(*properties, file=file))


def texts(folder, values: pa.Array, prop: str) -> list[str | None]:
    """The text of each value of one column under one property; None for a record that could not be told."""
    n = len(values)
    one = reading(folder, pa.table({"id": [str(i) for i in range(n)], "v": values}), "{name: id}", prop)
    told = {row["line_no"]: row["v"] for row in read_all(one)}
    assert one.records == n
    assert {u.line for u in one.unreadable} == set(range(1, n + 1)) - set(told)
    return [told.get(line) for line in range(1, n + 1)]


STAMP = '{name: v, logicalType: timestamp, format: "%Y-%m-%d %H:%M:%S", timezone: Europe/London}'
DATE = '{name: v, logicalType: date, format: "%d/%m/%Y"}'
FLAG = '{name: v, logicalType: boolean, values: {"Y": true, "Yes": true, "N": false}}'
AWARE, NAIVE = pa.timestamp("us", "UTC"), pa.timestamp("ms")


@pytest.mark.parametrize(
    ("values", "prop", "expected"),
    [
        (pa.array(["a", "", None, "  Zoë "]), "{name: v}", ["a", "", "", "  Zoë "]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), "{name: v}", ["a", "b", "a"]),
        (pa.nulls(2), "{name: v, logicalType: integer}", ["", ""]),
        (pa.array([0, -7, None], pa.int8()), "{name: v, logicalType: integer}", ["0", "-7", ""]),
        (pa.array([2**63], pa.uint64()), "{name: v, logicalType: decimal}", [str(2**63)]),
        (pa.array(["007", "1.7"]), "{name: v, logicalType: integer}", ["007", "1.7"]),  # judged by the gate, as ever
        (
            pa.array([Decimal("1.500"), Decimal("-0.050"), Decimal("100.000"), Decimal("0.000")], pa.decimal128(9, 3)),
            "{name: v, logicalType: decimal}",
            ["1.5", "-0.05", "100", "0"],
        ),
        (pa.array([True, False, None]), FLAG, ["Y", "N", ""]),
        (pa.array([dt.date(2025, 1, 2), None]), DATE, ["02/01/2025", ""]),
        (pa.array([dt.date(2025, 1, 2)], pa.date64()), DATE, ["02/01/2025"]),
        (
            pa.array([at(2025, 6, 1, 2), at(2025, 1, 1, 2)], AWARE),
            STAMP,
            ["2025-06-01 03:00:00", "2025-01-01 02:00:00"],
        ),
        (pa.array([dt.datetime(2025, 6, 1, 2)], NAIVE), STAMP, ["2025-06-01 02:00:00"]),
        (pa.array([at(2025, 6, 1, 2)], pa.timestamp("ns", "+02:00")), STAMP, ["2025-06-01 03:00:00"]),
        (
            pa.array([at(2025, 10, 26, 0, 30), at(2025, 10, 26, 1, 30)], AWARE),
            '{name: v, logicalType: timestamp, format: "%Y-%m-%dT%H:%M%z"}',
            ["2025-10-26T00:30Z", "2025-10-26T01:30Z"],
        ),
        (
            pa.array([at(2025, 6, 1, 2), at(2025, 6, 1, 2, 0, 5)], AWARE),
            '{name: v, logicalType: timestamp, format: ["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"], timezone: UTC}',
            ["01/06/2025 02:00", "01/06/2025 02:00:05"],
        ),
        (pa.array([["a", "b"], [], None]), "{name: v, logicalType: list}", ["a;b", "", ""]),
        (pa.array([[1, 22]]), '{name: v, logicalType: list, separator: "|"}', ["1|22"]),
    ],
)
def test_a_value_becomes_the_text_of_its_contract(tmp_path, values, prop, expected):
    assert texts(tmp_path, values, prop) == expected


@pytest.mark.parametrize(
    ("values", "prop"),
    [
        # 01:30 on the clocks of the day they go back is two moments; the contract reads it as the second.
        (pa.array([at(2025, 10, 26, 0, 30), at(2025, 10, 26, 1, 30)], AWARE), STAMP),
        (
            pa.array([at(2025, 10, 26, 1, 30), at(2025, 10, 26, 0, 30)], AWARE),
            STAMP.replace("}", ", ambiguousTime: earlier}"),
        ),
        (pa.array([at(2025, 6, 1, 2, 0, 0, 1), at(2025, 6, 1, 2)], AWARE), STAMP),
        (pa.array([1_750_000_000_000_000_001, 1_750_000_000_000_000_000], pa.timestamp("ns", "UTC")), STAMP),
        (pa.array([["a;b"], ["a"]]), "{name: v, logicalType: list}"),
        (pa.array([["a", None], ["a"]]), "{name: v, logicalType: list}"),
    ],
)
def test_a_value_that_its_text_would_change_is_an_unreadable_record(tmp_path, values, prop):
    first, second = texts(tmp_path, values, prop)
    assert first is None
    assert second is not None


def test_text_that_is_not_utf_8_is_an_unreadable_record(tmp_path):
    broken = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xfe", b"ok"]).buffers())
    one = reading(tmp_path, pa.table({"id": ["a", "b"], "v": broken}), "{name: id}", "{name: v}")
    assert [row["v"] for row in read_all(one)] == ["ok"]
    assert [(u.line, u.rule) for u in one.unreadable] == [(1, "encoding")]


PROPERTIES = ("{name: id}", "{name: n, logicalType: integer}", DATE.replace("name: v", "name: d"))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"id": pa.array([1], pa.int32()), "n": pa.array([1.5]), "d": pa.array([at(2025, 1, 1)], AWARE)},
            "The types of 3 column(s) differ from the contract: id is int32, expected text; n is double, expected "
            "whole numbers or text; d is timestamp[us, tz=UTC], expected dates or text.",
        ),
        ({"id": pa.array([b"x"]), "n": [1], "d": ["x"]}, "id is binary, expected text"),
        ({"id": pa.array([{"a": 1}]), "n": [1], "d": ["x"]}, "id is struct<a: int64>, expected text"),
        ({"id": ["x"], "n": [1]}, "The file lacks the columns d; expected id, n, d."),
        ({"id": ["x"], "n": [1], "d": ["x"], "more": [1]}, "The file has 1 column(s) the contract does not know"),
    ],
)
def test_f56_columns_that_do_not_fit_refuse_the_file_with_every_difference(tmp_path, columns, sentence):
    with pytest.raises(FileRefused) as refused:
        reading(tmp_path, pa.table(columns), *PROPERTIES)
    assert sentence in str(refused.value)


def test_f56_a_column_named_twice_is_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["id", "id"])
    with pytest.raises(FileRefused, match=r"names a column twice \(columns 1, 2\)"):
        reading(tmp_path, table, "{name: id}")


def test_columns_are_found_by_name_and_alias_in_any_order(tmp_path):
    table = pa.table({"when": ["x"], "Ref": ["a"], "more": [1]})
    one = reading(
        tmp_path, table, "{name: id, source: Ref}", "{name: v, aliases: [when]}", "{name: late, optionalColumn: true}",
        file="{format: parquet, unknownColumns: ignore}",
    )  # fmt: skip
    assert read_all(one) == [{"line_no": 1, "line_end": 1, "id": "a", "v": "x", "late": ""}]


def test_records_are_numbered_over_row_groups_and_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "BATCH_ROWS", 7)
    table = pa.table({"id": [str(n) for n in range(50)]})
    one = reading(tmp_path, table, "{name: id}", row_group_size=11)
    assert [(row["line_no"], row["id"]) for row in read_all(one)] == [(n + 1, str(n)) for n in range(50)]
    assert dict(parquet.rows(tmp_path / "file.parquet", {1, 12, 50, 51})) == {
        1: {"id": "0"}, 12: {"id": "11"}, 50: {"id": "49"},
    }  # fmt: skip


# --- broken files ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "f.parquet"
    table = pa.table({"id": [f"r{n}" for n in range(200)], "n": list(range(200))})
    pq.write_table(table, path, row_group_size=100, write_page_checksum=True)
    return path.read_bytes()


def read(folder, content: bytes) -> list[dict] | str:
    path = folder / "f.parquet"
    path.write_bytes(content)
    try:
        return read_all(ParquetReading(path, contract(*PROPERTIES[:2], file="{format: parquet}")))
    except FileRefused as refused:
        return str(refused)


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 100, 500])
def test_f55_a_cut_file_is_refused(tmp_path, sound, cut):
    assert str(read(tmp_path, sound[:-cut])).startswith("The Parquet file is cut off")
    assert str(read(tmp_path, sound[:cut])).startswith("The Parquet file is ")


def test_f55_a_fake_footer_is_refused(tmp_path):
    for length in (0, 100, 2**31, 2**32 - 1):
        fake = b"PAR1" + os.urandom(200) + length.to_bytes(4, "little") + b"PAR1"
        assert str(read(tmp_path, fake)).startswith("The Parquet file is "), length


def test_f55_a_flipped_bit_is_noticed_or_changes_nothing(tmp_path, sound):
    """With the checksums that a writer may put into the pages; the footer has none in any Parquet file."""
    expected = read(tmp_path, sound)
    footer = len(sound) - 8 - int.from_bytes(sound[-8:-4], "little")
    for at_byte in range(4, footer, 11):
        flipped = bytearray(sound)
        flipped[at_byte] ^= 0x10
        found = read(tmp_path, bytes(flipped))
        assert isinstance(found, str) or found == expected, at_byte


def test_f57_too_many_columns_or_row_groups_are_refused(tmp_path, monkeypatch):
    wide = pa.table({f"c{n}": [1] for n in range(3000)})
    with pytest.raises(FileRefused, match="has 3,000 columns, the limit is 2,000"):
        reading(tmp_path, wide, "{name: c0, logicalType: integer}")
    monkeypatch.setattr(parquet, "MAX_ROW_GROUPS", 20)
    with pytest.raises(FileRefused, match=r"has 30 row groups, the limit is 20|footer cannot be read"):
        reading(tmp_path, pa.table({"id": ["x"] * 30}), "{name: id}", row_group_size=1)


def test_f57_a_footer_that_claims_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "MAX_UNPACKED", 1000)
    with pytest.raises(FileRefused, match="says it unpacks to more than 1,000 bytes"):
        reading(tmp_path, pa.table({"id": [str(n) for n in range(1000)]}), "{name: id}")
    monkeypatch.setattr(parquet, "MAX_FOOTER", 100)
    with pytest.raises(FileRefused, match="footer has more than 100 bytes"):
        reading(tmp_path, pa.table({"id": ["x"]}), "{name: id}")
