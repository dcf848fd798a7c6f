"""Planting one person in a home: every encoding and every container, written by hand apart from the scanner."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import sqlite3
import struct
import tarfile
import uuid
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from linkwork import engine
from linkwork.privacy import vault
from linkwork.privacy.scan import Needles, scan

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


def found(home: Path, needles: Needles = NEEDLES, **options) -> set[str]:
    """Files with a hit. Whatever is found, nothing may be unreadable and no needle may be shown."""
    result = scan(home, needles, ZONE1, **options)
    assert result.unreadable == []
    shown = repr(result)
    assert NUMBER not in shown
    assert KEY.hex() not in shown
    return {hit.path for hit in result.hits}


def unreadable(home: Path, key: bytes | None = ZONE1, **options) -> dict[str, str]:
    result = scan(home, NEEDLES, key, **options)
    assert not result.complete
    assert not result.clean
    assert NUMBER not in repr(result)
    return {each.path: each.reason for each in result.unreadable}
