"""Reference data: small tables that are kept in every version, and never edited.

A kind is described in `kinds/<kind>.yaml`. Each load that differs from the newest version is a new Parquet file, named
by the time it was loaded. A build for an earlier day reads the version that was newest then.
"""

from linkwork.reference.kind import CODE, KINDS, Kind
from linkwork.reference.loading import claimed, load, load_missing
from linkwork.reference.store import add_rows, relation, rows, version_used, versions

__all__ = [
    "CODE",
    "KINDS",
    "Kind",
    "add_rows",
    "claimed",
    "load",
    "load_missing",
    "relation",
    "rows",
    "version_used",
    "versions",
]
