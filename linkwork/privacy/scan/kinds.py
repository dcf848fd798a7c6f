"""Which files are containers, and what opens them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from linkwork.privacy.scan import archives, tables
from linkwork.privacy.scan.content import Content, Part

HEAD = 512  # bytes of a file that say its kind: tar has its mark at 257


@dataclass(frozen=True)
class Kind:
    """A kind of container: how its first bytes look, and names that promise it even where the bytes do not."""

    name: str
    magic: str
    opener: Callable[[Content], Iterator[Part]]
    suffixes: tuple[str, ...] = ()


KINDS = (
    Kind("sealed", r"LWV1", archives.open_sealed),
    Kind("Parquet", r"PAR1", tables.open_parquet, (".parquet",)),
    Kind("DuckDB", r".{8}DUCK.\x00{7}", tables.open_duckdb, (".duckdb",)),
    Kind("SQLite", r"SQLite format 3\x00", tables.open_sqlite, (".sqlite", ".sqlite3")),
    Kind("Arrow file", r"ARROW1\x00\x00", tables.open_arrow_file, (".arrow", ".feather")),
    Kind("Arrow stream", r"\xff\xff\xff\xff.{3}\x00[\x08-\x20]\x00\x00\x00", tables.open_arrow_stream, (".arrows",)),
    Kind("gzip", r"\x1f\x8b\x08", archives.open_gzip, (".gz", ".tgz")),
    Kind("zip", r"PK(?:\x03\x04|\x05\x06|\x07\x08)", archives.open_zip, (".zip", ".xlsx", ".xlsm")),
    Kind("bzip2", r"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", archives.open_bz2, (".bz2",)),
    Kind("xz", r"\xfd7zXZ\x00", archives.open_xz, (".xz",)),
    Kind("Zstandard", r"\x28\xb5\x2f\xfd", archives.arrow_opener("zstd"), (".zst",)),
    Kind("LZ4", r"\x04\x22\x4d\x18", archives.arrow_opener("lz4"), (".lz4",)),
    Kind("tar", r".{257}ustar", archives.open_tar, (".tar",)),
    Kind("7-Zip", r"7z\xbc\xaf\x27\x1c", archives.refuse, (".7z",)),
    Kind("RAR", r"Rar!\x1a\x07", archives.refuse, (".rar",)),
    Kind("OLE (XLS, or XLSX with a password)", r"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", archives.refuse, (".xls",)),
    Kind("PDF", r"%PDF-", archives.refuse, (".pdf",)),
    Kind("Avro", r"Obj\x01", archives.refuse, (".avro",)),
    Kind("ORC", r"ORC[\x00-\x1f]", archives.refuse, (".orc",)),
)
# A value of a column is a container only by these first bytes: long enough not to be met by chance among many hashes.
EMBEDDED = "^(?s:" + "|".join(kind.magic for kind in KINDS if kind.opener is not archives.refuse) + ")"


def kind_of(head: bytes, name: str) -> Kind | None:
    """The kind by the first bytes (`HEAD` of them), else by the name; None for what is no container, or is empty."""
    if not head:
        return None
    for kind in KINDS:
        if re.match(kind.magic.encode("ascii"), head, re.DOTALL):
            return kind
    return next((kind for kind in KINDS if name.lower().endswith(kind.suffixes)), None)
