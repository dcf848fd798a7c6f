"""`manifest.json`: what a release holds, so that a stranger can check every byte of it.

Two copies: the whole at the root of the release, and one in `open/` that lists the open files only, so that
the open folder can be handed on alone. Paths are relative to the manifest's own folder.
"""

import hashlib
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from linkwork.errors import BadDataError
from linkwork.release.definitions import Label
from linkwork.release.ladder import Withheld
from linkwork.release.marts import Tier

MANIFEST = "manifest.json"


class PolicyUsed(BaseModel):
    """The disclosure policy of the open tier: its name, version, and the SHA-256 of its file."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    sha256: str


class Column(BaseModel):
    """A column's name and DuckDB type."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str


class ReleasedTable(BaseModel):
    """One Parquet file, its columns in order.

    The file says in its metadata which release it is part of; `blank_sha256` is its SHA-256 with that place left blank,
    from which the id of the release follows. Releases of before that have none.
    """

    model_config = ConfigDict(frozen=True)

    table: str
    tier: Tier
    path: str
    rows: int
    sha256: str
    blank_sha256: str | None = None
    size: int
    key: list[str]
    columns: list[Column]


class OtherFile(BaseModel):
    """A file that goes with the tables, without being part of the release's content hash."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["catalog", "manifest"]
    path: str
    sha256: str
    size: int


class Content(BaseModel):
    """What a release says, and nothing about when or for whom it was made.

    `erasures` is how many there were: a release of before one and one of after it are never the same. `measures` says
    what the figures of its tables are.
    """

    model_config = ConfigDict(frozen=True)

    position: int
    cut_off: date | None
    code_version: str
    synthetic: bool
    erasures: int = 0
    policy: PolicyUsed
    tables: list[ReleasedTable]
    withheld: list[Withheld]
    measures: list[Label] = []

    def content_hash(self) -> str:
        """SHA-256 (hex) of the canonical JSON of these fields.

        The same position, code and permissions give the same hash. `marts.duckdb` stays out, because DuckDB
        does not write the same bytes twice.
        """
        fields = self.model_dump(mode="json", include=set(Content.model_fields))
        if not self.erasures:  # as in releases of before there were any
            del fields["erasures"]
        if not self.measures:
            del fields["measures"]
        for table in fields["tables"]:
            if (blank := table.pop("blank_sha256")) is not None:
                table["sha256"] = blank
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


class Manifest(Content):
    """A release. `known_at`: the log was read up to then; `requested_known_at` is set if asked for.

    `permissions_as_of`: opt-outs and links are those known then, which is never earlier. `permissions_differ`: somebody
    is left out who was not yet left out as the log stood at `known_at`. `compared_with` is the release whose open tier
    was compared, and `held_back` in how many rows of a table of the open tier a small change is held back; the open
    copy does not say, since even one is a hint.
    """

    manifest_version: Literal[1] = 1
    scope: Literal["release", "open"] = "release"
    release_id: str
    content_sha256: str
    known_at: datetime | None
    requested_known_at: datetime | None
    permissions_as_of: datetime | None
    permissions_differ: bool = False
    compared_with: str | None = None
    held_back: dict[str, int] = {}
    created_at: datetime
    other_files: list[OtherFile] = []

    def open_only(self) -> Self:
        """The copy for `open/`: open files only, with paths as seen from that folder."""
        open_tables = [table for table in self.tables if table.tier == "open"]
        shown = {(table.table, column.name) for table in open_tables for column in table.columns}
        return self.model_copy(
            update={
                "scope": "open",
                "compared_with": None,
                "held_back": {},
                "measures": [one for one in self.measures if (one.mart, one.measure) in shown],
                "tables": [
                    table.model_copy(update={"path": table.path.removeprefix("open/")}) for table in open_tables
                ],
                "other_files": [
                    other.model_copy(update={"path": other.path.removeprefix("open/")})
                    for other in self.other_files
                    if other.path.startswith("open/") and other.kind != "manifest"
                ],
            }
        )

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def release_id(position: int, content_sha256: str) -> str:
    """The name of a release: its log position and the first 8 hex digits of its content hash."""
    return f"{position}-{content_sha256[:8]}"


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a release or of an open folder; BadDataError if there is none that can be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise BadDataError(
            "a release has no manifest that can be read",
            where=str(folder / MANIFEST),
            why=str(error),
            do="remove the folder and publish again",
        ) from error
