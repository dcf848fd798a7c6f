"""F101: the scan behind `erase --verify` finds one person wherever a file of the home may hold it.

A number or a pseudonym is planted in a copy of a real home, in one encoding and one kind of container at a time, and
exactly that file must be named. The encoders here are written out by hand, apart from the scanner's own tables.
"""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tarfile
import uuid
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork import engine
from linkwork.errors import UsageError
from linkwork.privacy import vault
from linkwork.privacy.keys import load_keys
from linkwork.privacy.scan import Limits, Needles, scan
from linkwork.privacy.scan.needles import LONGEST_MATCH
from linkwork.privacy.scan.search import CHUNK
from tests.support.log import at, csv_text, deliver, ingest, make_home

NUMBER = "9990000042"
KEY = bytes.fromhex("b7225c0afb93e1d40f2b3f9c6d2fffe8")
NEEDLES = Needles.of([NUMBER], [KEY])
ZONE1 = b"z" * 32
OTHERS = "9990000050"  # somebody who stays


def utf16(text: str, order: str) -> bytes:
    return text.encode(f"utf-16-{order}")


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in text)


NUMBER_FORMS = {
    "digits": NUMBER.encode(),
    "in a longer run": b"1" + NUMBER.encode() + b"7",
    "spaced": b"999 000 0042",
    "hyphened": b"999-000-0042",
    "grouped otherwise": b"99 900 - 000 42",
    "no-break spaces": "999\u00a0000\u00a00042".encode(),
    "UTF-16 LE": utf16(NUMBER, "le"),
    "UTF-16 BE": utf16(NUMBER, "be"),
    "UTF-16 spaced": utf16("999 000 0042", "le"),
    "base64": base64.b64encode(NUMBER.encode()),
    "base64, one byte before": base64.b64encode(b"x" + NUMBER.encode()),
    "base64, two bytes before": base64.b64encode(b"xy" + NUMBER.encode() + b"z"),
    "base64 in lines": base64.encodebytes(b"-" * 51 + NUMBER.encode()),
    "hexadecimal": NUMBER.encode().hex().encode(),
    "64-bit integer": struct.pack("<q", int(NUMBER)),
    "64-bit integer, big-endian": struct.pack(">q", int(NUMBER)),
    "floating point": struct.pack("<d", int(NUMBER)),
    "JSON escapes": escaped(NUMBER).encode(),
    "one JSON escape": b"99900000\\u00342",
    "JSON in JSON in JSON": json.dumps(json.dumps(escaped(NUMBER))).encode(),
    "XML references": "".join(f"&#{ord(c)};" for c in NUMBER).encode(),
    "XML references, hexadecimal": "".join(f"&#x{ord(c):X};" for c in NUMBER).encode(),
    "an address": b"/people?nhs=999%20000%20004%32",
}
KEY_FORMS = {
    "bytes": KEY,
    "hexadecimal": KEY.hex().encode(),
    "hexadecimal, upper case": KEY.hex().upper().encode(),
    "hexadecimal, mixed case": KEY.hex().capitalize().encode().replace(b"fb", b"Fb"),
    "hexadecimal, UTF-16 LE": utf16(KEY.hex(), "le"),
    "hexadecimal, UTF-16 BE": utf16(KEY.hex().upper(), "be"),
    "UUID": str(uuid.UUID(bytes=KEY)).encode(),
    "UUID, upper case": str(uuid.UUID(bytes=KEY)).upper().encode(),
    "UUID, UTF-16": utf16(str(uuid.UUID(bytes=KEY)), "le"),
    "base64": base64.b64encode(KEY),
    "base64, one byte before": base64.b64encode(b"x" + KEY),
    "base64, two bytes before": base64.b64encode(b"xy" + KEY + b"zz"),
    "base64 for addresses": base64.urlsafe_b64encode(KEY),
    "base64 in JSON": base64.b64encode(KEY).replace(b"/", rb"\/"),
    "JSON of Latin-1": json.dumps(KEY.decode("latin-1")).encode(),
    "UTF-8 of Latin-1": json.dumps(KEY.decode("latin-1"), ensure_ascii=False).encode(),
    "JSON of JSON of Latin-1": json.dumps(json.dumps(KEY.decode("latin-1"))).encode(),
    "a Python literal": repr(KEY).encode(),
    "a DuckDB literal": "".join(f"\\x{b:02X}" if b > 126 or b < 32 else chr(b) for b in KEY).encode(),
}
FORMS = {f"number, {k}": v for k, v in NUMBER_FORMS.items()} | {f"key, {k}": v for k, v in KEY_FORMS.items()}


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - content for files, not a secret


# --- containers: each writes the bytes `content` into a file of its kind ------------------------------------


def write_plain(path: Path, content: bytes) -> None:
    path.write_bytes(noise(1, 5000) + content + noise(2, 5000))


def write_zip(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("empty/", b"")
        archive.writestr("first.txt", b"nothing here")
        archive.writestr("folder/second.bin", b"-" * 3000 + content)


def write_tar_gz(path: Path, content: bytes) -> None:
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("inside.bin")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


def write_arrow_codec(path: Path, content: bytes, codec: str) -> None:
    with pa.CompressedOutputStream(str(path), codec) as out:
        out.write(b"-" * 3000 + content + b"-" * 3000)


def table_of(content: bytes) -> pa.Table:
    others = [b"a" * 20, None, b"b" * 20]
    values = pa.array([*others * 50, content, *others * 50], pa.binary())
    nested = pa.StructArray.from_arrays([pa.ListArray.from_arrays(list(range(len(values) + 1)), values)], ["of"])
    return pa.table({"n": list(range(len(values))), "nested": nested})


def write_parquet(path: Path, content: bytes) -> None:
    pq.write_table(table_of(content), path, compression="zstd", write_statistics=False)


def write_arrow_file(path: Path, content: bytes) -> None:
    table = table_of(content)
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as out:
        out.write_table(table)


def write_arrow_stream(path: Path, content: bytes) -> None:
    table = table_of(content)
    with (
        path.open("wb") as sink,
        pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as out,
    ):
        out.write_table(table)


def write_duckdb(path: Path, content: bytes) -> None:
    with engine.connect(path) as con:
        con.execute("create schema other; create table other.facts (id bigint, v struct(list blob[]))")
        con.execute("insert into other.facts select i, {'list': [encode('x' || i)]} from range(3000) r(i)")
        con.execute("insert into other.facts values (-1, {'list': [?::blob]})", [content])


def write_sqlite(path: Path, content: bytes) -> None:
    with sqlite3.connect(path) as con:
        con.execute("create table xcom (id integer, value blob)")
        # Longer than a page: the value is split over overflow pages, here in its middle.
        con.executemany("insert into xcom values (?, ?)", [(1, b"x"), (2, b"-" * 8000 + content + b"-" * 8000)])
    con.close()


def write_sealed(path: Path, content: bytes) -> None:
    vault.seal_bytes(b"id,nhs_number\n" + content, path, ZONE1)


def write_sealed_xlsx(path: Path, content: bytes) -> None:
    inner = path.with_name("inner.xlsx")
    write_zip(inner, content)
    vault.seal(inner, path, ZONE1)
    inner.unlink()


def write_sealed_parquet_in_zip(path: Path, content: bytes) -> None:
    inner, packed = path.with_name("inner.parquet"), path.with_name("inner.zip")
    write_parquet(inner, content)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(inner, "extract.parquet")
    vault.seal(packed, path, ZONE1)
    inner.unlink()
    packed.unlink()


def write_databases_in_zip(path: Path, content: bytes) -> None:
    inner = path.with_name("inner.duckdb")
    write_duckdb(inner, content)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(inner, "marts.duckdb")
    inner.unlink()


def write_gzip_in_sqlite(path: Path, content: bytes) -> None:
    write_sqlite(path, b"")
    with sqlite3.connect(path) as con:
        con.execute("insert into xcom values (3, ?)", [gzip.compress(b"-" * 100 + content)])
    con.close()


CONTAINERS = {
    "plain.bin": write_plain,
    "packed.csv.gz": lambda p, c: p.write_bytes(gzip.compress(b"head\n") + gzip.compress(b"-" * 3000 + c)),
    "packed.bz2": lambda p, c: p.write_bytes(bz2.compress(b"-" * 3000 + c)),
    "packed.xz": lambda p, c: p.write_bytes(lzma.compress(b"-" * 3000 + c)),
    "packed.zst": lambda p, c: write_arrow_codec(p, c, "zstd"),
    "packed.lz4": lambda p, c: write_arrow_codec(p, c, "lz4"),
    "packed.zip": write_zip,
    "book.xlsx": write_zip,
    "packed.tar.gz": write_tar_gz,
    "rows.parquet": write_parquet,
    "rows.arrow": write_arrow_file,
    "rows.arrows": write_arrow_stream,
    "marts.duckdb": write_duckdb,
    "airflow.db": write_sqlite,
    "sealed": write_sealed,
    "sealed-book": write_sealed_xlsx,
    "sealed-rows": write_sealed_parquet_in_zip,
    "databases.zip": write_databases_in_zip,
    "packed-values.db": write_gzip_in_sqlite,
}


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Path:
    """A home with a committed file of people who stay, its zone 1 under the key `ZONE1`."""
    settings = make_home(tmp_path_factory.mktemp("scan"))
    (settings.keys_dir / "zone1.key").write_text(ZONE1.hex())
    assert load_keys(settings).zone1 == ZONE1
    people = [{"id": f"r{i}", "nhs_number": OTHERS, "received": "2025-01-01", "at": at(1)} for i in range(20)]
    deliver(settings, "a.csv", csv_text(people))
    ingest(settings)
    return settings.home


@pytest.fixture
def home(real, tmp_path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(real, copy, symlinks=True)
    (copy / "planted").mkdir()
    return copy


def found(home: Path, needles: Needles = NEEDLES, **options) -> set[str]:
    """Files with a hit. Whatever is found, nothing may be unreadable and no needle may be shown."""
    result = scan(home, needles, ZONE1, **options)
    assert result.unreadable == []
    shown = repr(result)
    assert NUMBER not in shown
    assert KEY.hex() not in shown
    return {hit.path for hit in result.hits}


def test_a_home_without_the_person_is_proven_clean_and_left_as_it_was(home):
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in home.rglob("*")}
    result = scan(home, NEEDLES, ZONE1)
    assert result.clean, (result.hits, result.unreadable)
    files = [p for p in home.rglob("*") if p.is_file()]
    assert (result.files, result.bytes) == (len(files), sum(p.stat().st_size for p in files))
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in home.rglob("*")} == before


def test_a_person_of_a_real_home_is_found_in_the_sealed_file_and_in_the_log(home):
    with engine.connect() as con:
        segment = next(home.glob("log/events/*/*.parquet"))
        ((key,),) = con.execute(f"select distinct subject_key from read_parquet({engine.text(segment)})").fetchall()
    hits = scan(home, Needles.of([OTHERS], [key]), ZONE1).hits
    kinds = {(hit.kind, Path(hit.path).parts[0], "sealed content" in hit.inside) for hit in hits}
    assert kinds == {("NHS number", "restricted", True), ("pseudonym", "log", False)}
    columns = {hit.inside for hit in hits if hit.path == str(segment.relative_to(home))}
    assert "column subject_key" in columns


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_in_a_plain_file_and_in_a_compressed_column(home, form):
    write_plain(home / "planted" / "plain.bin", FORMS[form])
    write_parquet(home / "planted" / "rows.parquet", FORMS[form])
    result = scan(home, NEEDLES, ZONE1)
    assert {hit.path for hit in result.hits} == {"planted/plain.bin", "planted/rows.parquet"}
    assert {hit.kind for hit in result.hits} == {"NHS number" if form.startswith("number") else "pseudonym"}
    assert any(hit.inside == "column nested.of" for hit in result.hits)


@pytest.mark.parametrize("content", [NUMBER.encode(), KEY], ids=["number", "key"])
@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_opened_and_exactly_that_file_named(home, name, content):
    CONTAINERS[name](home / "planted" / name, content)
    assert found(home) == {f"planted/{name}"}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_without_the_person_gives_no_hit(home, name):
    CONTAINERS[name](home / "planted" / name, OTHERS.encode())
    assert found(home) == set()


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
    needles = Needles.of(["4010232137"])
    path = home / "planted" / "rows.parquet"
    pq.write_table(pa.table({"c": pa.array([1, 4010232137], pa.uint32())}), path, write_statistics=False)
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


# --- names, links, borders ----------------------------------------------------------------------------------


def test_names_and_targets_of_links_are_searched_and_masked(home):
    (home / "planted" / f"letter-{NUMBER}.txt").write_text("nothing")
    (home / "planted" / KEY.hex().upper()).mkdir()
    (home / "planted" / KEY.hex().upper() / "inner.txt").write_text("999 000 0042")
    (home / "planted" / "link").symlink_to(f"nowhere/{NUMBER}")
    result = scan(home, NEEDLES, ZONE1)
    assert {(hit.path, hit.inside) for hit in result.hits} == {
        ("planted/letter-….txt", "name"),
        ("planted/…", "name"),
        ("planted/…/inner.txt", "byte 0"),
        ("planted/link", "target of the link"),
    }
    assert NUMBER not in repr(result)
    assert KEY.hex() not in repr(result).lower()


def test_entry_and_column_names_are_searched_and_masked(home):
    with zipfile.ZipFile(home / "planted" / "a.zip", "w") as archive:
        archive.writestr(f"{NUMBER}.txt", f"{NUMBER} again")
    pq.write_table(pa.table({NUMBER: [NUMBER]}), home / "planted" / "a.parquet")
    assert found(home) == {"planted/a.zip", "planted/a.parquet"}


def test_no_link_is_followed(home, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.txt").write_text(NUMBER)
    (home / "planted" / "folder").symlink_to(tmp_path / "outside")
    (home / "planted" / "file").symlink_to(tmp_path / "outside" / "a.txt")
    (home / "planted" / "loop").symlink_to(home)
    assert found(home) == set()


@pytest.mark.parametrize("shift", [-40, -9, -1, 0, 1, -LONGEST_MATCH, LONGEST_MATCH])
def test_a_needle_on_the_border_of_two_chunks_is_found(home, shift):
    for number, form in enumerate(
        (NUMBER_FORMS["digits"], NUMBER_FORMS["JSON in JSON in JSON"], KEY, KEY_FORMS["UUID"])
    ):
        path = home / "planted" / f"{number}.bin"
        path.write_bytes(b"." * (CHUNK + shift) + form + b"." * 100)
    assert found(home) == {f"planted/{number}.bin" for number in range(4)}


def test_a_sparse_file_is_read_to_its_end(home):
    path = home / "planted" / "sparse"
    with path.open("wb") as handle:
        handle.seek(200 << 20)
        handle.write(struct.pack("<q", int(NUMBER))[:5])  # its three zero bytes lie in the next hole
        handle.truncate(201 << 20)
    result = scan(home, NEEDLES, ZONE1)
    assert [(hit.path, hit.inside) for hit in result.hits] == [("planted/sparse", f"byte {200 << 20}")]


# --- what cannot be read is named ---------------------------------------------------------------------------


def unreadable(home: Path, key: bytes | None = ZONE1, **options) -> dict[str, str]:
    result = scan(home, NEEDLES, key, **options)
    assert not result.complete
    assert not result.clean
    assert NUMBER not in repr(result)
    return {each.path: each.reason for each in result.unreadable}


@pytest.mark.parametrize("name", [n for n in CONTAINERS if n != "plain.bin"])
def test_a_container_that_was_cut_off_is_named(home, name):
    path = home / "planted" / name
    CONTAINERS[name](path, noise(5, 60_000))
    os.truncate(path, path.stat().st_size * 2 // 3)
    assert set(unreadable(home)) == {f"planted/{name}"}


@pytest.mark.parametrize("name", ["a.parquet", "a.duckdb", "a.xlsx", "a.csv.gz", "a.sqlite", "A.PARQUET"])
def test_a_name_that_promises_a_container_is_held_to_it(home, name):
    (home / "planted" / name).write_bytes(b"these are not the bytes of such a file" * 50)
    assert set(unreadable(home)) == {f"planted/{name}"}


def test_an_empty_file_hides_nothing_whatever_its_name(home):
    (home / "planted" / "a.parquet").touch()
    assert found(home) == set()


@pytest.mark.parametrize("text", ["PARENT GROUP, Tuesdays at the library", "THE OLD DUCK and other places to meet"])
def test_words_that_begin_like_a_container_are_not_taken_for_one(home, text):
    (home / "planted" / "a.txt").write_text(text)
    pq.write_table(pa.table({"c": [text.encode()]}), home / "planted" / "a.parquet")
    assert found(home) == set()


@pytest.mark.parametrize("magic", [b"7z\xbc\xaf\x27\x1c", b"%PDF-1.7", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_format_without_a_reader_is_named(home, magic):
    (home / "planted" / "a.bin").write_bytes(magic + noise(3, 500))
    assert unreadable(home) == {"planted/a.bin": "no reader for this format"}


@pytest.mark.parametrize("key", [None, b"x" * 32])
def test_sealed_files_need_their_key(home, key):
    write_sealed(home / "planted" / "sealed", NUMBER.encode())
    named = set(unreadable(home, key))
    assert "planted/sealed" in named
    assert all(name.startswith(("planted/", "restricted/")) for name in named)


def test_a_sealed_file_that_was_tampered_with_is_named(home):
    path = home / "planted" / "sealed"
    write_sealed(path, b"nobody")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert set(unreadable(home)) == {"planted/sealed"}


def test_a_database_that_another_process_holds_is_named(home):
    path = home / "planted" / "warehouse.duckdb"
    write_duckdb(path, b"x")
    holder = (
        "import sys; from pathlib import Path; from linkwork import engine\n"
        "con = engine.connect(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        assert "in use" in unreadable(home)["planted/warehouse.duckdb"]
        process.stdin.close()
    assert found(home) == set()


def test_deleted_rows_of_a_database_make_the_proof_incomplete(home):
    path = home / "planted" / "warehouse.duckdb"
    write_duckdb(path, KEY)
    with engine.connect(path) as con:
        con.execute("delete from other.facts where id = -1")
    assert "make the file anew" in unreadable(home)["planted/warehouse.duckdb"]


def test_dropped_tables_of_a_database_make_the_proof_incomplete(home):
    path = home / "planted" / "warehouse.duckdb"
    with engine.connect(path) as con:
        con.execute("create table t as select md5(i::varchar) as c from range(200000) r(i)")
    with engine.connect(path) as con:
        con.execute("drop table t")
    assert "make the file anew" in unreadable(home)["planted/warehouse.duckdb"]


def test_rows_that_a_database_keeps_in_its_write_ahead_log_are_found(home):
    path = home / "planted" / "airflow.db"
    con = sqlite3.connect(path)
    con.execute("pragma journal_mode = wal")
    con.execute("create table xcom (value text)")
    con.execute("insert into xcom values (?)", ["-" * 5000 + NUMBER + "-" * 5000])
    con.commit()
    hits = scan(home, NEEDLES, ZONE1)
    con.close()
    assert hits.complete
    assert ("planted/airflow.db", "table xcom, column value") in {(h.path, h.inside) for h in hits.hits}


def test_rows_that_a_killed_process_left_in_the_log_of_duckdb_are_found(home):
    path = home / "planted" / "warehouse.duckdb"
    killed = (
        "import os, sys; from pathlib import Path; from linkwork import engine\n"
        "con = engine.connect(Path(sys.argv[1])); con.execute('create table t as select 1 as a'); con.execute('checkpoint')\n"
        "con.execute('create table u (b bigint)'); con.execute('insert into u values (' + sys.argv[2] + ')'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", killed, str(path), NUMBER], check=True)
    log = path.with_name("warehouse.duckdb.wal")
    before = log.read_bytes(), path.read_bytes()
    result = scan(home, NEEDLES, ZONE1)
    assert result.complete
    assert ("planted/warehouse.duckdb", "table main.u, column b") in {(h.path, h.inside) for h in result.hits}
    assert (log.read_bytes(), path.read_bytes()) == before


def test_a_locked_sqlite_is_named(home):
    path = home / "planted" / "airflow.db"
    write_sqlite(path, b"x")
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("begin exclusive")
    assert set(unreadable(home)) == {"planted/airflow.db"}
    con.close()


def test_a_file_that_may_not_be_read_is_named(home, monkeypatch):
    path = home / "planted" / "closed.txt"
    path.write_text("x")
    real_open = os.open

    def refusing(name, *rest, **options):  # root, who runs the tests in a container, may read everything
        if Path(os.fsdecode(name)) == path:
            raise PermissionError
        return real_open(name, *rest, **options)

    monkeypatch.setattr(os, "open", refusing)
    assert unreadable(home) == {"planted/closed.txt": "permission denied"}


def test_a_folder_that_may_not_be_read_is_named(home, monkeypatch):
    real_scandir = os.scandir

    def refusing(folder):
        if Path(folder).name == "planted":
            raise PermissionError
        return real_scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    assert unreadable(home) == {"planted": "permission denied"}


def test_a_file_that_vanishes_during_the_scan_is_named(home):
    path = home / "planted" / "z.txt"
    path.write_text("x")
    (home / "planted" / "a.txt").write_text("x")

    def remove(files, size):
        path.unlink(missing_ok=True)

    assert unreadable(home, progress=remove) == {"planted/z.txt": "it vanished while the home was being read"}


def test_an_entry_with_a_password_is_named(home):
    path = home / "planted" / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "password" in unreadable(home)["planted/a.zip"]


def test_limits_are_reported(home):
    content = noise(4, 100_000)
    for _ in range(5):
        content = gzip.compress(content)
    path = home / "planted" / "deep.gz"
    path.write_bytes(content)
    assert found(home) == set()
    assert "deeper" in unreadable(home, limits=Limits(depth=3))["planted/deep.gz"]
    assert "larger" in unreadable(home, limits=Limits(memory=50_000))["planted/deep.gz"]
    path.write_bytes(gzip.compress(bytes(50 << 20)))
    assert "more than the limit" in unreadable(home, limits=Limits(unpacked=10 << 20))["planted/deep.gz"]


# --- the interface ------------------------------------------------------------------------------------------


def test_progress_counts_files_and_bytes(home):
    seen = []
    result = scan(home, NEEDLES, ZONE1, progress=lambda files, size: seen.append((files, size)))
    assert seen == sorted(seen)
    assert seen[-1] == (result.files, result.bytes)


@pytest.mark.parametrize("wrong", [{"numbers": ["999 000 0042"]}, {"subject_keys": [b"short"]}, {}])
def test_needles_of_another_form_are_refused_without_being_shown(wrong):
    with pytest.raises(UsageError) as raised:
        Needles.of(**wrong)
    assert "0042" not in str(raised.value)


def test_needles_and_results_do_not_show_what_is_searched_for():
    assert NUMBER not in repr(NEEDLES)
    assert KEY.hex() not in repr(NEEDLES)
    assert repr(KEY)[2:8] not in repr(NEEDLES)


def test_a_home_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(UsageError):
        scan(tmp_path / "nowhere", NEEDLES)


@given(
    number=st.from_regex(r"999[0-9]{7}", fullmatch=True),
    key=st.binary(min_size=16, max_size=16),
    name=st.sampled_from(sorted(CONTAINERS)),
    of_key=st.booleans(),
    before=st.integers(0, 40),
    after=st.integers(0, 40),
    seed=st.integers(0, 1 << 30),
)
def test_a_random_needle_at_a_random_place_of_a_random_container_is_found(
    tmp_path_factory, number, key, name, of_key, before, after, seed
):
    home = tmp_path_factory.mktemp("random")
    pick = random.Random(seed)  # noqa: S311
    plain = key if of_key else number.encode()
    form = pick.choice([plain, plain.hex().encode(), base64.b64encode(noise(seed, before % 3) + plain)])
    content = noise(seed, before) + form + noise(seed + 1, after)
    CONTAINERS[name](home / name, content)
    result = scan(home, Needles.of([number], [key]), ZONE1)
    kinds = {hit.kind for hit in result.hits}
    assert ("pseudonym" if of_key else "NHS number") in kinds, (name, result.unreadable)
    assert {hit.path for hit in result.hits} == {name}
