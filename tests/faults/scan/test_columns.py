"""F101: every type and layout of a column is read, and the parts of a table's file that are not rows."""

import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linkwork import engine
from linkwork.privacy.scan import Needles, scan
from tests.support.scan import (
    KEY,
    NEEDLES,
    NUMBER,
    ZONE1,
    found,
)


@pytest.mark.parametrize(
    "value",
    [
        pa.array([int(NUMBER)], pa.int64()),
        pa.array([int(NUMBER)], pa.uint64()),
        pa.array([float(NUMBER)], pa.float64()),
        pa.array([f"{NUMBER}.50"]).cast(pa.decimal128(20, 2)),
        pa.array([NUMBER], pa.large_string()),
        pa.array([NUMBER] * 3).dictionary_encode(),
        pa.array([KEY], pa.binary(16)),
        pa.array([[("k", NUMBER)]], pa.map_(pa.string(), pa.string())),
        pa.array([[KEY]], pa.list_(pa.binary(16), 1)),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([KEY], pa.binary(16))),
    ],
    ids=lambda v: str(v.type),
)
def test_every_type_of_column_is_read(home, value):
    path = home / "planted" / "rows.parquet"
    rows = pa.table({"c": pa.concat_arrays([value] * 2)})
    pq.write_table(rows, path, compression="zstd", write_statistics=False)
    hits = [hit.inside for hit in scan(home, NEEDLES, ZONE1).hits]
    assert any(inside.startswith("column c") for inside in hits)


@pytest.mark.parametrize(
    "value",
    [
        pa.array(["a", None, NUMBER]).cast(pa.string_view()),
        pa.array([[NUMBER]], pa.list_view(pa.string())),
        pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([NUMBER])),
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([NUMBER])]),
        pa.array(["x", NUMBER, "y"])[1:2],
        pa.array([5, int(NUMBER), 7])[1:2],
    ],
    ids=lambda v: str(v.type),
)
def test_every_layout_of_arrow_is_read(home, value):
    table = pa.table({"c": value, "nothing": pa.nulls(len(value)), "flag": pa.array([True] * len(value))})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(home / "planted" / "rows.arrow", table.schema, options=options) as out:
        out.write_table(table)
    result = scan(home, NEEDLES, ZONE1)
    assert result.complete
    assert any(hit.inside.startswith("column c") for hit in result.hits)


def test_a_small_unsigned_integer_is_read(home):
    needles = Needles.of(["4010232138"])  # fits into 32 bits, and fails its check digit: nobody's number
    path = home / "planted" / "rows.parquet"
    pq.write_table(pa.table({"c": pa.array([1, 4010232138], pa.uint32())}), path, write_statistics=False)
    assert found(home, needles) == {"planted/rows.parquet"}


def test_digits_of_two_values_are_not_one_number(home):
    path = home / "planted" / "rows.parquet"
    pq.write_table(pa.table({"c": ["99900", "00042"] * 10}), path, compression="zstd")
    assert found(home) == set()


@pytest.mark.parametrize("where", ["statistics", "metadata"])
def test_the_footer_of_a_parquet_file_is_searched(home, where):
    path = home / "planted" / "rows.parquet"
    table = pa.table({"c": pa.array([1, 2])})
    if where == "metadata":
        table = table.replace_schema_metadata({"made for": NUMBER})
        pq.write_table(table, path)
    else:  # a column that is erased in its pages but not in its statistics
        pq.write_table(pa.table({"c": [NUMBER]}), path, compression="none", use_dictionary=False)
        data = path.read_bytes()
        assert data.count(NUMBER.encode()) > 1
        path.write_bytes(data.replace(NUMBER.encode(), b"x" * 10, 1))
    assert found(home) == {"planted/rows.parquet"}


def test_duckdb_types_and_its_catalogue_are_read(home):
    for index, column in enumerate(
        [
            f"{NUMBER}::hugeint",
            f"{NUMBER}::decimal(12, 0)",
            f"'{NUMBER}'::json",
            f"'{uuid.UUID(bytes=KEY)}'::uuid",
            f"map {{'a': '{NUMBER}'}}",
            f"union_value(a := '{NUMBER}')",
            f"'{NUMBER}'::enum('{NUMBER}', 'b')",
        ]
    ):
        with engine.connect(home / "planted" / f"{index}.duckdb") as con:
            con.execute(f"create table t as select {column} as v, interval 1 day as i, '10:00:00+01'::timetz as z")
    with engine.connect(home / "planted" / "view.duckdb") as con:
        con.execute(f"create view v as select '{NUMBER}' as c")
    hits = scan(home, NEEDLES, ZONE1).hits
    rows = {hit.path for hit in hits if "table main.t, column v" in hit.inside}
    assert rows == {f"planted/{index}.duckdb" for index in range(7)}
    assert "planted/view.duckdb" in {hit.path for hit in hits if "catalogue of views" in hit.inside}
